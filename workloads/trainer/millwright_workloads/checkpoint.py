"""The state of training after a step, kept so that a run can go on after an interruption.

Randomness needs no state: it is drawn anew for each step from the seed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from .contract import write_atomically

STATE_FILE = "checkpoint.pt"


def read_state(folder: Path, determinant: str) -> dict[str, Any] | None:
    """The last state of training, or None when there is none of this determinant."""
    path = folder / STATE_FILE
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state if state.get("determinant") == determinant else None


def write_state(folder: Path, determinant: str, state: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save({"determinant": determinant, **state}, buffer)
    write_atomically(folder / STATE_FILE, buffer.getvalue())
