"""How long a worker waits for its group, and a pool in which that matters.

The pool is made up, as far as it matters here: not proved is that the scheduler and the Job controller are as it has them.
"""

import heapq
import random
import unittest
from collections.abc import Callable
from itertools import count

from . import support  # noqa: F401
from millwright_workloads.gang import SHORT, patience

SECONDS = 300.0
Wait = Callable[[str, float], float]
"""Of a group, from a moment in Unix time."""


class Patience(unittest.TestCase):
    def test_is_one_of_two_that_are_drawn_evenly(self) -> None:
        waits = [patience(SECONDS, f"run-{at}", 1e9 + 977 * at) for at in range(1000)]
        self.assertEqual(set(waits), {SECONDS, SHORT * SECONDS})
        self.assertAlmostEqual(waits.count(SECONDS) / len(waits), 0.5, delta=0.05)

    def test_is_a_groups_own_and_drawn_anew_with_time(self) -> None:
        placed = SECONDS * 4_000_000
        moments = [placed + at * SECONDS / 2 for at in range(64)]
        for moment in moments:
            self.assertEqual(patience(SECONDS, "a", moment), patience(SECONDS, "a", moment + 30))
        one, other = ([patience(SECONDS, run, moment) for moment in moments] for run in "ab")
        self.assertNotEqual(one, other)
        self.assertEqual(len(set(one)), 2)


class Pool:
    """Two groups of workers on too few places for both, until one of them is whole.

    A free place goes to a pod that waits for one: to who waits longest, or to any. A pod that gave its place back is made
    again after 10 s, and after twice that each further time up to 600 s, as the Job controller does it.
    """

    def __init__(self, draw: random.Random, places: int, size: int, first_come: bool) -> None:
        self._draw, self._places, self._size, self._first_come = draw, places, size, first_come
        self._waiting = [(name, index) for name in "ab" for index in range(size)]
        draw.shuffle(self._waiting)
        self._held: dict[tuple[str, int], int] = {}
        self._times = dict.fromkeys(self._waiting, 0)

    def seconds_until_whole(self, wait: Wait, most: float) -> float:
        """Infinite beyond `most`."""
        order = count()
        now = began = 1e9 + self._draw.random() * 1e6
        events: list[tuple[float, int, bool, tuple[str, int]]] = []
        while now - began < most:
            while self._waiting and len(self._held) < self._places:
                pod = self._waiting.pop(0 if self._first_come else self._draw.randrange(len(self._waiting)))
                self._held[pod] = next(order)
                heapq.heappush(events, (now + wait(pod[0], now), self._held[pod], True, pod))
            if any(sum(held[0] == name for held in self._held) == self._size for name in "ab"):
                return now - began
            now, _, leaves, pod = heapq.heappop(events)
            if leaves:
                del self._held[pod]
                pause = min(600.0, 10.0 * 2 ** self._times[pod])
                self._times[pod] += 1
                heapq.heappush(events, (now + pause, next(order), False, pod))
            else:
                self._waiting.append(pod)
        return float("inf")


class TwoGroups(unittest.TestCase):
    def took(self, places: int, size: int, first_come: bool, waits: Callable[[int], Wait]) -> list[float]:
        draw = random.Random(5)
        return [
            Pool(draw, places, size, first_come).seconds_until_whole(waits(at), 100 * SECONDS) for at in range(200)
        ]

    def test_do_not_hold_each_others_places_for_ever(self) -> None:
        for places, size, mean in ((2, 2, 1), (3, 2, 0.1), (4, 4, 4), (5, 4, 1), (7, 4, 0.1)):
            for first_come in (True, False):
                with self.subTest(places=places, size=size, first_come=first_come):
                    took = self.took(
                        places, size, first_come, lambda at: lambda name, now: patience(SECONDS, f"{name}-{at}", now)
                    )
                    self.assertLess(sum(took) / len(took), mean * SECONDS)

    def test_would_if_they_all_waited_about_as_long(self) -> None:
        def jitter(at: int) -> Wait:
            draw = random.Random(at)
            return lambda _name, _now: SECONDS * draw.uniform(1, 1.5)

        for waits in (lambda _at: lambda _name, _now: SECONDS, jitter):
            took = self.took(4, 4, True, waits)
            self.assertGreater(took.count(float("inf")), 5)


if __name__ == "__main__":
    unittest.main()
