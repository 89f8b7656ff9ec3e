"""What a training run keeps to go on after an interruption.

Two files. `checkpoint.pt` is the state of training after a step. `progress.json` is the run's own story: when it began, how
often it went on from a checkpoint, and whether training is complete and only the evaluation is left; it is small, so that
it can be written at once when a run goes on. Randomness needs no state: it is drawn anew for each step from the seed.
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from .contract import write_atomically, write_json

STATE_FILE = "checkpoint.pt"
STORY_FILE = "progress.json"


@dataclass
class Story:
    """`determinant` identifies what the state depends on; another one's state is of no use."""

    determinant: str
    began: float
    restarts: int = 0
    complete: bool = False


def read_story(folder: Path, determinant: str) -> Story | None:
    try:
        story = Story(**json.loads((folder / STORY_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        # Written atomically, so a file that cannot be read is not half of ours: start over.
        return None
    return story if story.determinant == determinant else None


def begin_story(determinant: str) -> Story:
    return Story(determinant=determinant, began=time.time())


def write_story(folder: Path, story: Story) -> None:
    write_json(folder / STORY_FILE, asdict(story))


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
