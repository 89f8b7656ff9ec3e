"""What was asked and answered, and the labels people gave for it, as JSON lines in a folder of the artifact store.

Every server of a model writes files of its own into one folder, and all of them together keep it below a size: whoever
begins a new file removes the oldest. Nothing here may fail or hold up a request.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

ANSWERS = "answers"
"""Lines `{id, at, time, version, label, text | pixels}`: item `at` of the request `id`, and the label it was
answered."""
FEEDBACK = "feedback"
"""Lines `{id, labels, time}`: the right labels of a request's items, null where nobody said."""

FILE_BYTES = 1 << 20
MOST_LINE_BYTES = 1 << 16
"""Longer items are left out: one must not push a thousand others out."""


class Journal:
    """The lines of one kind that this server writes."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        most_bytes: int,
        lines_a_second: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most_bytes` holds for all servers' files of the kind; at least two files are kept."""
        self._folder = folder
        self._kind = kind
        self._most_bytes = max(most_bytes, 2 * FILE_BYTES)
        self._rate = lines_a_second
        self._clock = clock
        self._credit, self._credit_at = 2 * lines_a_second, clock()
        # A pod's name alone would not do: its container may be started again.
        self._writer = f"{socket.gethostname()}.{time.time_ns():x}"
        self._number = 0
        self._written = FILE_BYTES
        self._lock = threading.Lock()
        self._complained_at = float("-inf")

    def write(self, lines: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
        """Appends lines; how many were kept, and how many left out: too long, too many at a time, or not writable."""
        given = [json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for line in lines]
        with self._lock:
            kept = self._affordable([line for line in given if len(line) <= MOST_LINE_BYTES])
            if kept:
                try:
                    self._append(b"".join(kept))
                except OSError as error:
                    self._complain(error)
                    kept = []
        return len(kept), len(given) - len(kept)

    def _affordable(self, lines: list[bytes]) -> list[bytes]:
        """As many as the rate allows: a burst of two seconds' worth, after a pause."""
        now = self._clock()
        self._credit = min(2 * self._rate, self._credit + (now - self._credit_at) * self._rate)
        self._credit_at = now
        kept = lines[: int(self._credit)]
        self._credit -= len(kept)
        return kept

    def _append(self, data: bytes) -> None:
        if self._written + len(data) > FILE_BYTES:
            self._make_room()
            self._number += 1
            self._written = 0
        # Closed each time: over a network file system others see what was written only then.
        with (self._folder / f"{self._kind}-{self._writer}.{self._number:06}.jsonl").open("ab") as file:
            file.write(data)
        self._written += len(data)

    def _make_room(self) -> None:
        """Removes the oldest files of the kind, whoever wrote them, until a full new one fits."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = []
        for path in self._folder.glob(f"{self._kind}-*.jsonl"):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # Another server was faster.
            files.append((found.st_mtime_ns, path, found.st_size))
        total = sum(size for _, _, size in files)
        for _, path, size in sorted(files):
            if total + FILE_BYTES <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _complain(self, error: OSError) -> None:
        if self._clock() - self._complained_at >= 60:
            self._complained_at = self._clock()
            print(f"millwright: nothing is kept of the {self._kind}: {error}", file=sys.stderr, flush=True)


class Follower:
    """Reads what is appended to the files of one kind, whoever writes them, each line once."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self._offsets: dict[str, int] = {}

    def read(self) -> Iterable[dict[str, Any]]:
        """The new whole lines; one that is no JSON object is passed over."""
        paths = sorted(self._folder.glob(f"{self._kind}-*.jsonl"))
        self._offsets = {path.name: self._offsets.get(path.name, 0) for path in paths}
        for path in paths:
            try:
                with path.open("rb") as file:
                    if os.fstat(file.fileno()).st_size == self._offsets[path.name]:
                        continue
                    file.seek(self._offsets[path.name])
                    whole, ending, _ = file.read().rpartition(b"\n")
            except FileNotFoundError:
                continue
            self._offsets[path.name] += len(whole) + len(ending)
            yield from _objects(whole)


def _objects(lines: bytes) -> Iterable[dict[str, Any]]:
    for line in lines.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
