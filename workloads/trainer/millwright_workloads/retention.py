"""Checkpoints as files of one folder, of which the newest stay. Free of what is in them, so that looking is cheap.

A file's name says how far training was and what the file must hold. It is complete or not there, and only then is an
older one removed; one that was damaged later is told by its digest, and the one before it is there to go on from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .contract import bad_spec, field, write_atomically

REMOVE, KEEP = "remove", "keep"

_NAME = re.compile(r"checkpoint-(\d{6})-(\d{9})-([0-9a-f]{16})\.\w+")


@dataclass(frozen=True)
class Retention:
    last: int
    """Checkpoints that stay while a run is under way."""
    removes_when_done: bool
    """Whether none stays once the result is there."""

    @staticmethod
    def of(spec: Mapping[str, Any]) -> Retention:
        """From a spec's `checkpointRetention`. Raises a bad-spec failure that names the field and its value."""
        last = field(spec, "checkpointRetention.last", int, 3)
        if last < 1:
            raise bad_spec(f"spec.checkpointRetention.last: is {last}, must be at least 1")
        when_done = field(spec, "checkpointRetention.whenDone", str, REMOVE)
        if when_done not in (REMOVE, KEEP):
            raise bad_spec(f'spec.checkpointRetention.whenDone: is "{when_done}", must be "{REMOVE}" or "{KEEP}"')
        return Retention(last, when_done == REMOVE)


@dataclass(frozen=True, order=True)
class Checkpoint:
    """In order of how far training was."""

    epoch: int
    """Epochs that are done."""
    step: int
    """Steps of the next one that are done."""
    sha256: str
    """The first 16 digits of the content's."""
    path: Path

    def content(self) -> bytes | None:
        """None where it is not what was written, or gone."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        return content if _short(content) == self.sha256 else None


def checkpoints(folder: Path) -> list[Checkpoint]:
    """The newest first, whatever their state."""
    found = [(match, path) for path in folder.glob("checkpoint-*") if (match := _NAME.fullmatch(path.name))]
    return sorted(
        (Checkpoint(int(match[1]), int(match[2]), match[3], path) for match, path in found),
        reverse=True,
    )


def contents(folder: Path, log: Callable[[str], None] = lambda _: None) -> Iterator[bytes]:
    """What can be gone on from, the newest first; tells of what is passed over."""
    for checkpoint in checkpoints(folder):
        content = checkpoint.content()
        if content is None:
            log(f"{checkpoint.path.name} is damaged: it is not what was written; trying the one before")
        else:
            yield content


def is_done(folder: Path, epochs: int) -> bool:
    """Whether there is an intact checkpoint after so many epochs."""
    return any(each.epoch >= epochs and each.content() is not None for each in checkpoints(folder))


def keep(folder: Path, epoch: int, step: int, content: bytes, last: int, suffix: str) -> None:
    """Writes a checkpoint, and removes what is too old then, and what a writer that was killed had begun.

    What lies before it in time and claims to be further is damaged: else this one would have gone on from there.
    """
    name = f"checkpoint-{epoch:06}-{step:09}-{_short(content)}.{suffix}"
    write_atomically(folder / name, content)
    older = [each for each in checkpoints(folder) if (each.epoch, each.step) < (epoch, step)]
    stay = {name, *(each.path.name for each in older[: last - 1])}
    _remove(folder, stay)


def remove_all(folder: Path) -> None:
    _remove(folder, set())


def _remove(folder: Path, but: set[str]) -> None:
    for path in (*folder.glob("checkpoint-*"), *folder.glob(".checkpoint-*.partial")):
        if path.name not in but:
            path.unlink(missing_ok=True)


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
