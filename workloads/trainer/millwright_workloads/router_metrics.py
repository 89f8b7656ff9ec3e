"""What the router counted for each version: HAProxy's own Prometheus exporter, read and added up over all routers.

Names and meanings of the series: HAProxy, addons/promex/README.
"""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from .contract import bad_spec

RESPONSES = "haproxy_server_http_responses_total"
UNANSWERED = (
    "haproxy_server_connection_errors_total",
    "haproxy_server_response_errors_total",
    "haproxy_server_redispatch_warnings_total",
)
"""Requests that a server did not answer: the router did with 502 or 503, or gave them to the other version. No response
of the server's."""

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}\s+(\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Counts:
    requests: int = 0
    errors: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.requests + other.requests, self.errors + other.errors)

    def since(self, earlier: Counts) -> Counts:
        """What was added; all of it where the counters began anew because the router was started again."""
        if self.requests < earlier.requests or self.errors < earlier.errors:
            return self
        return Counts(self.requests - earlier.requests, self.errors - earlier.errors)


class RouterSilent(Exception):
    """No router could be read."""


class LiveTraffic:
    """Requests and errors a server since the first reading, over all routers behind one name."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        """Raises a bad-spec failure when it is no http URL."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise bad_spec(f'MILLWRIGHT_ROUTER_METRICS is "{url}", must be http://host:port/path')
        self._host = parts.hostname
        self._port = parts.port or 80
        self._path = parts.path or "/"
        self._timeout = timeout_seconds
        self._seen: dict[str, dict[str, Counts]] = {}
        self._sums: dict[str, Counts] = {}

    def read(self) -> None:
        """Takes in what was counted since the last reading. Raises RouterSilent when not one router answers."""
        problem = "it has no address"
        answered = False
        for address in self._addresses():
            try:
                found = counts_in(self._fetch(address))
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = str(error) or type(error).__name__
                continue
            answered = True
            self._add(address, found)
        if not answered:
            raise RouterSilent(f"http://{self._host}:{self._port}{self._path}: {problem}")

    def of(self, server: str) -> Counts:
        return self._sums.get(server, Counts())

    def _add(self, address: str, found: dict[str, Counts]) -> None:
        """A router seen for the first time adds nothing: what it counted before may be of another version."""
        earlier = self._seen.get(address)
        if earlier is not None:
            for server, counts in found.items():
                added = counts.since(earlier.get(server, Counts()))
                self._sums[server] = self._sums.get(server, Counts()) + added
        self._seen[address] = found

    def _addresses(self) -> Iterable[str]:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise RouterSilent(f"{self._host} does not resolve ({error})") from None
        return sorted({str(address[0]) for *_, address in found})

    def _fetch(self, address: str) -> str:
        connection = http.client.HTTPConnection(address, self._port, timeout=self._timeout)
        try:
            connection.request("GET", self._path, headers={"Host": f"{self._host}:{self._port}"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(f"it answers {response.status}")
        return body.decode("utf-8")


def counts_in(exposition: str) -> dict[str, Counts]:
    """By server, over all its backends: requests, and those answered with 5xx or not at all."""
    found: dict[str, Counts] = {}
    for line in exposition.splitlines():
        sample = _SAMPLE.match(line)
        if sample is None or sample[1] not in (RESPONSES, *UNANSWERED):
            continue
        labels = dict(_LABEL.findall(sample[2]))
        server = labels.get("server")
        if server is None:
            continue
        count = int(float(sample[3]))
        failed = sample[1] != RESPONSES or labels.get("code") == "5xx"
        found[server] = found.get(server, Counts()) + Counts(count, count if failed else 0)
    return found
