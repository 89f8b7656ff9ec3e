"""The verdict as a pure function of counts. That the counts are right is test_rollout's to prove."""

import unittest
from dataclasses import replace

from . import support
from millwright_workloads.verdict import Evidence, Limits, Side, reasons, verdict, wilson

LIMITS = Limits(
    min_requests=50, max_error_rate=0.01, max_latency_increase=0.5, min_latency_increase_ms=5, max_accuracy_drop=0.02, min_agreement=0.9
)

CALM = tuple(10.0 + at / 100 for at in range(100))
GOOD = Side(requests=100, right=95, latencies_ms=CALM, live_requests=1000)
EQUAL = Evidence(candidate=GOOD, stable=GOOD, both=100, agreed=100, majority=0.6)
FIRST = Evidence(candidate=GOOD, majority=0.6)


def candidate(**changes: object) -> Evidence:
    return replace(EQUAL, candidate=replace(GOOD, **changes))  # type: ignore[arg-type]


BETTER_AND_OTHER = Evidence(
    replace(GOOD, right=95), replace(GOOD, right=67), both=100, agreed=68, won=30, lost=2, majority=0.6
)


class Reasons(unittest.TestCase):
    def test_table(self) -> None:
        slow = tuple(each + 20 for each in CALM)
        failing = replace(GOOD, requests=100, errors=30, right=66, latencies_ms=CALM[:70])
        for name, evidence, why in (
            ("equals", EQUAL, []),
            ("a first version that is healthy and better than a guess", FIRST, []),
            (
                "errors",
                candidate(errors=30),
                [r"30 of 100 requests failed \(30 %\), at most 1 % may: 1 % more than of"],
            ),
            ("one error of many is no reason", candidate(errors=1), []),
            (
                "live errors",
                candidate(live_errors=100),
                [r"100 of 1000 live requests failed \(10 %\), at most 1 % may"],
            ),
            ("a few live errors", candidate(live_errors=11), []),
            ("the stable version's own errors are allowed", replace(EQUAL, stable=failing, both=70, agreed=70), []),
            ("both fail alike", replace(EQUAL, candidate=failing, stable=failing, both=70, agreed=70), []),
            (
                "it fails more than one that fails",
                replace(EQUAL, candidate=replace(failing, errors=60), stable=failing, both=40, agreed=40),
                [r"60 of 100 requests failed \(60 %\), at most 31 % may"],
            ),
            (
                "both fail live alike",
                replace(candidate(live_errors=100), stable=replace(GOOD, live_errors=100)),
                [],
            ),
            (
                "wrong answers",
                replace(candidate(right=45), lost=50, agreed=50),
                [
                    r"of 100 labelled items 45 % were answered right, at most 2 % less than the stable version's 95 %",
                    r"50 % of 100 items were answered as the stable version does, at least 90 % must be",
                ],
            ),
            ("two wrong answers more", replace(candidate(right=92), lost=3, agreed=97), []),
            ("as many won as lost", replace(EQUAL, won=4, lost=4, agreed=92), []),
            (
                "other answers, as often right",
                replace(EQUAL, won=10, lost=10, agreed=80),
                [r"80 % of 100 items were answered as the stable"],
            ),
            (
                "another answer to every third item, and a better one",
                BETTER_AND_OTHER,
                [r"68 % of 100 items were answered as the stable"],
            ),
            ("agreement just below its limit", replace(EQUAL, won=6, lost=6, agreed=88), []),
            (
                "slow",
                candidate(latencies_ms=slow),
                [r"the p99 latency is 31\.0 ms, at most 16\.5 ms may it be: 50 % or 5 ms"],
            ),
            ("slow once", candidate(latencies_ms=(*CALM[:-1], 500.0)), []),
            (
                "slow throughout, beside a stable version that hiccupped once",
                replace(
                    candidate(latencies_ms=tuple(each + 20 for each in CALM)),
                    stable=replace(GOOD, latencies_ms=(*CALM[:-2], 400.0, 500.0)),
                ),
                [r"the median latency is [\d.]+ ms, at most [\d.]+ ms may it be: 50 % or 5 ms"],
            ),
            ("slower by less than the machine's noise", candidate(latencies_ms=tuple(each + 4 for each in CALM)), []),
            (
                "half as slow again, but under the floor of 5 ms",
                replace(
                    EQUAL,
                    candidate=replace(GOOD, latencies_ms=tuple(each / 10 + 3 for each in CALM)),
                    stable=replace(GOOD, latencies_ms=tuple(each / 10 for each in CALM)),
                ),
                [],
            ),
            ("a slow first version", replace(FIRST, candidate=replace(GOOD, latencies_ms=slow)), []),
            (
                "a first version no better than a guess",
                replace(FIRST, candidate=replace(GOOD, right=60)),
                [r"60 % of 100 labelled items were answered right, no more than the 60 % of always answering the most"],
            ),
            (
                "a first version that fails",
                replace(FIRST, candidate=failing),
                [r"30 of 100 requests failed \(30 %\), at most 1 % may$"],
            ),
            (
                "a stable version that answers nothing leaves the candidate to itself",
                Evidence(GOOD, Side(requests=100, errors=100), majority=0.6),
                [],
            ),
            (
                "too few requests",
                replace(
                    EQUAL, candidate=replace(GOOD, requests=49, right=47, latencies_ms=CALM[:49]), both=49, agreed=49
                ),
                [r"only 49 requests could be sent in time, at least 50 are needed"],
            ),
            (
                "nothing answered",
                Evidence(Side(requests=100, errors=100), GOOD, majority=0.6),
                [r"100 of 100 requests failed \(100 %\)"],
            ),
        ):
            with self.subTest(name):
                found = reasons(evidence, LIMITS)
                self.assertEqual(len(found), len(why), found)
                for one, pattern in zip(found, why, strict=True):
                    self.assertRegex(one, pattern)

    def test_before_the_end_only_what_is_certain_counts(self) -> None:
        few = Side(requests=10, right=10, latencies_ms=CALM[:10])
        start = Evidence(few, few, both=10, agreed=10, majority=0.6)
        for name, evidence, certain in (
            ("so far so good", start, False),
            ("one error", replace(start, candidate=replace(few, errors=1)), False),
            ("three errors", replace(start, candidate=replace(few, errors=3)), True),
            ("one wrong answer", replace(start, candidate=replace(few, right=9), lost=1, agreed=9), False),
            ("all wrong", replace(start, candidate=replace(few, right=0), lost=10, agreed=0), True),
            ("slow", replace(start, candidate=replace(few, latencies_ms=(500.0,) * 10)), False),
            ("a live error", replace(start, candidate=replace(few, live_requests=20, live_errors=1)), False),
            ("live requests all fail", replace(start, candidate=replace(few, live_requests=20, live_errors=20)), True),
        ):
            with self.subTest(name):
                self.assertEqual(bool(reasons(evidence, LIMITS, 90)), certain)

    def test_certain_is_what_no_rest_could_mend(self) -> None:
        """If all that is still to come goes well, the verdict at the end has the same reasons."""
        for wrong in range(0, 60):
            for errors in range(0, 20):
                done = 60
                one = Side(requests=done, errors=errors, right=done - errors - min(wrong, done - errors))
                both = done - errors
                lost = min(wrong, both)
                evidence = Evidence(one, Side(requests=done, right=done), both, both - lost, 0, lost, 0.6)
                early = reasons(evidence, LIMITS, 40)
                end = replace(
                    evidence,
                    candidate=replace(one, requests=100, right=one.right + 40),
                    stable=Side(requests=100, right=100),
                    both=both + 40,
                    agreed=evidence.agreed + 40,
                )
                self.assertEqual(len(early), len(reasons(end, LIMITS)), (wrong, errors))


class Verdict(unittest.TestCase):
    def test_the_last_step_promotes(self) -> None:
        self.assertEqual([verdict([], step, 3) for step in range(3)], ["advance", "advance", "promote"])
        self.assertEqual([verdict(["slow"], step, 3) for step in range(3)], ["rollback"] * 3)


class Statistics(unittest.TestCase):
    def test_wilson_is_the_published_interval(self) -> None:
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
        for hits, of, low, high in (
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ):
            found = wilson(hits, of, 1.959964)
            self.assertAlmostEqual(found[0], low, 4)
            self.assertAlmostEqual(found[1], high, 4)
        self.assertEqual(wilson(0, 0, 1), (0.0, 1.0))

    def test_a_version_trained_because_requests_changed_may_answer_otherwise_where_it_is_right(self) -> None:
        triggered = replace(LIMITS, better_may_differ=True)
        self.assertEqual(reasons(BETTER_AND_OTHER, triggered), [])
        worse = replace(BETTER_AND_OTHER, won=2, lost=30)
        self.assertTrue(any("answered as the stable" in why for why in reasons(worse, triggered)))

    def test_quantiles_are_nearest_ranks(self) -> None:
        side = Side(latencies_ms=(5.0, 1.0, 4.0, 2.0, 3.0))
        self.assertEqual([side.latency_ms(at) for at in (0.0, 0.5, 0.8, 0.99)], [1.0, 3.0, 4.0, 5.0])
        self.assertEqual(Side().latency_ms(0.5), 0.0)


if __name__ == "__main__":
    unittest.main()
