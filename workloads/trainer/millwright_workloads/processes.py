"""What the launcher and the worker below torchrun tell each other past it: torchrun's own exit code is always 1."""

from __future__ import annotations

import ctypes
import json
import os
import signal
from pathlib import Path

from .contract import WorkloadFailure, write_json

NOTES_VARIABLE = "MILLWRIGHT_NOTES"
"""A folder of the container for one start of torchrun."""

_STARTED = "started"
_DONE = "done"
_FAILURE = "failure.json"
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """This process is killed when its parent dies, so that no worker outlives a torchrun that was killed."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def report_started() -> None:
    folder = _notes()
    if folder is not None:
        write_json(folder / _STARTED, os.getpid())


def report_done() -> None:
    folder = _notes()
    if folder is not None:
        (folder / _DONE).touch()


def is_done(folder: Path) -> bool:
    return (folder / _DONE).exists()


def has_started(folder: Path) -> bool:
    return (folder / _STARTED).exists()


def has_ended(folder: Path) -> bool:
    """Whether there was a worker and is none any more, however it ended."""
    if not has_started(folder):
        return False
    try:
        os.kill(int(json.loads((folder / _STARTED).read_text(encoding="utf-8"))), 0)
    except ProcessLookupError:
        return True
    return False


def report_failure(failure: WorkloadFailure) -> None:
    folder = _notes()
    if folder is not None:
        write_json(folder / _FAILURE, {"code": failure.code, "message": str(failure)})


def reported_failure(folder: Path) -> WorkloadFailure | None:
    path = folder / _FAILURE
    if not path.exists():
        return None
    note = json.loads(path.read_text(encoding="utf-8"))
    return WorkloadFailure(int(note["code"]), str(note["message"]))


def _notes() -> Path | None:
    value = os.environ.get(NOTES_VARIABLE)
    return Path(value) if value else None
