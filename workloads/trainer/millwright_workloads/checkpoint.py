"""The state of training after a step, kept so that a run can go on after an interruption.

Randomness needs no state: it is drawn anew for each step from the seed.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from .retention import contents, keep


def read_state(folder: Path, determinant: str, log: Callable[[str], None] = lambda _: None) -> dict[str, Any] | None:
    """The last intact state of training, or None when there is none of this determinant; tells of damaged ones."""
    for content in contents(folder, log):
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if state.get("determinant") == determinant:
            return state
    return None


def write_state(folder: Path, determinant: str, state: dict[str, Any], last: int = 1) -> None:
    """`last` of them stay. The state says how far it is by `epoch` and `step`."""
    buffer = io.BytesIO()
    torch.save({"determinant": determinant, **state}, buffer)
    keep(folder, state["epoch"], state["step"], buffer.getvalue(), last, "pt")
