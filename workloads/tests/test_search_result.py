import unittest

from . import support
from millwright_workloads.search_result import MOST_TRACE_POINTS, Finished, front, knee, summary, trace
from millwright_workloads.search_spec import Objective

LOSS = Objective("validationLoss", "minimize")
ACCURACY = Objective("validationAccuracy", "maximize")
SIZE = Objective("parameters", "minimize")


def finished(*values: tuple[float, ...]) -> list[Finished]:
    return [Finished(number, {"p": number}, each, float(number)) for number, each in enumerate(values)]


class OneObjective(unittest.TestCase):
    def test_takes_the_best_in_its_direction_and_of_equals_the_first(self) -> None:
        trials = finished((0.5,), (0.2,), (0.9,), (0.2,), (0.9,))
        self.assertEqual(summary(trials, [LOSS])["best"], {"parameters": {"p": 1}, "values": [0.2]})
        self.assertEqual(summary(trials, [ACCURACY])["best"], {"parameters": {"p": 2}, "values": [0.9]})
        self.assertNotIn("front", summary(trials, [LOSS]))

    def test_the_trace_follows_completion_and_its_best_never_gets_worse(self) -> None:
        late = Finished(0, {}, (0.1,), 9.0)
        trials = [late, *finished((9.0,), (0.5,), (0.2,), (0.7,))[1:]]
        self.assertEqual([point["trial"] for point in trace(trials, LOSS)], [1, 2, 3, 0])
        self.assertEqual([point["best"] for point in trace(trials, LOSS)], [0.5, 0.2, 0.2, 0.1])
        self.assertEqual([point["best"] for point in trace(trials, ACCURACY)], [0.5, 0.5, 0.7, 0.7])

    def test_a_long_trace_is_thinned_to_what_a_record_may_hold_and_ends_with_the_end(self) -> None:
        for count in (1, MOST_TRACE_POINTS, MOST_TRACE_POINTS + 1, 1999):
            with self.subTest(count=count):
                points = trace(finished(*((1 / (1 + at),) for at in range(count))), LOSS)
                self.assertLessEqual(len(points), MOST_TRACE_POINTS)
                self.assertEqual((points[-1]["trial"], points[-1]["best"]), (count - 1, 1 / count))


class SeveralObjectives(unittest.TestCase):
    def test_the_front_is_what_nothing_beats(self) -> None:
        trials = finished((0.9, 100), (0.8, 50), (0.8, 60), (0.5, 10), (0.4, 10), (0.9, 100))
        self.assertEqual([each.number for each in front(trials, [ACCURACY, SIZE])], [0, 1, 3])

    def test_the_knee_is_nearest_to_the_ideal_when_all_are_scaled_alike(self) -> None:
        # Ideal (1, 0) of the scaled front: distances 1, 0.32, 1; without scaling the smallest network would win.
        trials = finished((0.99, 1000.0), (0.96, 200.0), (0.84, 0.0))
        self.assertEqual(knee(trials, [ACCURACY, SIZE]).number, 1)
        found = summary(trials, [ACCURACY, SIZE])
        self.assertEqual(found["best"], {"parameters": {"p": 1}, "values": [0.96, 200.0]})
        self.assertEqual([point["parameters"]["p"] for point in found["front"]], [0, 1, 2])
        self.assertNotIn("trace", found)

    def test_a_front_of_one_point_or_of_one_value_has_a_knee(self) -> None:
        self.assertEqual(knee(finished((0.5, 7.0)), [ACCURACY, SIZE]).number, 0)
        self.assertEqual(knee(front(finished((0.5, 7.0), (0.5, 7.0)), [ACCURACY, SIZE]), [ACCURACY, SIZE]).number, 0)


if __name__ == "__main__":
    unittest.main()
