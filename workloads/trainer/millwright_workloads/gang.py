"""How long a worker holds its place for the rest of its group."""

from __future__ import annotations

import hashlib

SHORT = 0.25
"""The shorter wait, as a fraction of the longer."""


def patience(seconds: float, run: str, now: float) -> float:
    """Seconds a worker of `run` that has its place since `now` (Unix time) waits: `seconds`, or a quarter of that.

    Two groups that each hold a part of what the other lacks must not take turns for ever. The scheduler gives a free place
    to whoever waited longest for one, which is the rest of the very group that gave it back; so one of the two has to give
    back twice, and all it holds, while the other stays. Therefore the two waits are far apart, and which of them it is is
    drawn: from the run, so that workers of one group, who were placed together, leave together, and from the time, so that
    the next draw is another. A little jitter does not do it; tests/test_gang.py has the figures.
    """
    drawn = hashlib.sha256(f"{run}:{int(2 * now // seconds)}".encode()).digest()
    return seconds if drawn[0] & 1 else SHORT * seconds
