"""A training run's own story, beside its checkpoint: small, so that it can be written at once when a run goes on."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .contract import write_json
from .retention import remove_all

STORY_FILE = "story.json"


@dataclass
class Story:
    determinant: str
    """Identifies what the state depends on; another one's state is of no use."""
    began: float
    """Seconds since 1970."""
    restarts: int = 0
    """Times the run went on from a checkpoint."""
    complete: bool = False
    """Training is done and only the evaluation is left."""


def read_story(folder: Path, determinant: str) -> Story | None:
    try:
        story = Story(**json.loads((folder / STORY_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        # Written atomically, so a file that cannot be read is not half of ours: start over.
        return None
    return story if story.determinant == determinant else None


def begin_story(determinant: str) -> Story:
    return Story(determinant=determinant, began=time.time())


def forget(folder: Path) -> None:
    """Removes the story and then the checkpoints: no story tells of one that is gone.

    For a run whose result is there: what starts it again finds that first.
    """
    (folder / STORY_FILE).unlink(missing_ok=True)
    remove_all(folder)


def write_story(folder: Path, story: Story) -> None:
    write_json(folder / STORY_FILE, asdict(story))
