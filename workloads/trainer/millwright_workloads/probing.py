"""Labelled test items sent to two versions alternately, and what came back."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .contract import bad_spec
from .items import Item
from .protocols import Dialect
from .verdict import Evidence, Side

REQUEST_SECONDS = 10.0
"""A request that takes longer counts as an error."""


@dataclass(frozen=True)
class Answer:
    milliseconds: float
    label: str | None = None
    problem: str = ""
    """Why there is no label."""


class Version:
    """One version behind an endpoint of its own."""

    def __init__(self, variable: str, url: str, dialect: Dialect) -> None:
        """Raises a bad-spec failure that names the variable when its value is no http URL."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise bad_spec(f'{variable} is "{url}", must be http://host:port')
        self.url = url
        self._host = parts.hostname
        self._port = parts.port or 80
        self._path = parts.path.rstrip("/")
        self._dialect = dialect

    def ready(self) -> bool:
        try:
            return self._exchange("GET", self._dialect.ready_path, None)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, item: Item) -> Answer:
        """On a connection of its own: a Service spreads connections over its pods, not requests."""
        body = json.dumps(self._dialect.request_of(item)).encode("utf-8")
        started = time.monotonic()
        try:
            status, answer = self._exchange("POST", self._dialect.ask_path, body)
        except (OSError, http.client.HTTPException) as error:
            return Answer(_since(started), problem=f"{type(error).__name__}: {error}")
        spent = _since(started)
        if status != 200:
            return Answer(spent, problem=f"status {status}")
        try:
            return Answer(spent, label=self._dialect.label_in(json.loads(answer)))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            return Answer(spent, problem=f"not an answer of the protocol ({error!r})")

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=REQUEST_SECONDS)
        try:
            connection.request(method, self._path + path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@dataclass
class SideCount:
    requests: int = 0
    right: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer, item: Item) -> None:
        self.requests += 1
        if answer.label is None:
            self.problems[answer.problem] += 1
        else:
            self.right += answer.label == item.label
            self.latencies_ms.append(answer.milliseconds)


class Comparison:
    """Sends items to the candidate and, where there is one, to the stable version, and counts."""

    def __init__(self, candidate: Version, stable: Version | None, items: Sequence[Item]) -> None:
        """`items` are all there are to send."""
        self._versions = {"candidate": candidate, **({"stable": stable} if stable is not None else {})}
        self.counts = {name: SideCount() for name in self._versions}
        self._majority = max(Counter(item.label for item in items).values()) / len(items)
        self._sent = 0
        self._both = self._agreed = self._won = self._lost = 0

    def warm_up(self, item: Item) -> None:
        """What only a first request costs is not the version's latency."""
        for version in self._versions.values():
            version.ask(item)

    def send(self, item: Item) -> None:
        """One item to each, at once after another, so that whatever slows the machine down slows both."""
        names = list(self._versions)
        if self._sent % 2:
            names.reverse()
        self._sent += 1
        answers = {name: self._versions[name].ask(item) for name in names}
        for name, answer in answers.items():
            self.counts[name].add(answer, item)
        one, other = answers["candidate"].label, answers["stable"].label if "stable" in answers else None
        if one is not None and other is not None:
            self._both += 1
            self._agreed += one == other
            self._won += one == item.label != other
            self._lost += other == item.label != one

    def problems(self) -> dict[str, dict[str, int]]:
        """What went wrong with requests, and how often, by version."""
        return {name: dict(count.problems) for name, count in self.counts.items()}

    def evidence(self, live: dict[str, tuple[int, int]]) -> Evidence:
        """With the live requests and errors by version."""

        def side(name: str) -> Side:
            count = self.counts[name]
            return Side(
                requests=count.requests,
                errors=sum(count.problems.values()),
                right=count.right,
                latencies_ms=tuple(count.latencies_ms),
                live_requests=live[name][0],
                live_errors=live[name][1],
            )

        return Evidence(
            candidate=side("candidate"),
            stable=side("stable") if "stable" in self._versions else None,
            both=self._both,
            agreed=self._agreed,
            won=self._won,
            lost=self._lost,
            majority=self._majority,
        )


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
