import unittest
from typing import Any

from . import support
from millwright_workloads.compression_spec import CompressionSpec, Distill, Prune, Quantize
from millwright_workloads.contract import EXIT_BAD_SPEC, WorkloadFailure

PRUNE = {"kind": "prune", "target": {"kind": "sparsity", "sparsity": 0.5}}
QUANTIZE = {"kind": "quantize", "method": "static"}
DISTILL = {"kind": "distill", "network": {"channels": 4}}


def spec(*steps: Any, **changed: Any) -> dict[str, Any]:
    training = {name: value for name, value in support.TRAINING.items() if name not in ("task", "labels")}
    return {
        "candidate": {"name": "small", "steps": list(steps)},
        "training": training,
        "task": support.TRAINING["task"],
        "labels": support.TRAINING["labels"],
        **changed,
    }


class Checking(unittest.TestCase):
    def test_steps_stay_in_order_and_have_the_defaults_of_the_stack_file(self) -> None:
        read = CompressionSpec.of(spec(DISTILL, PRUNE, QUANTIZE), "r")
        self.assertEqual(read.name, "small")
        self.assertEqual(
            read.steps,
            (
                Distill({"channels": 4}, epochs=3, rate=0.01, temperature=2.0, weight=0.5),
                Prune("taylor", 0.5, None, calibration_items=256, epochs=1, rate=0.001, penalty=0.0001),
                Quantize("static", calibration_items=256, epochs=1, rate=0.001),
            ),
        )
        threshold = {**PRUNE, "target": {"kind": "threshold", "threshold": 1.5}}
        (step,) = CompressionSpec.of(spec(threshold), "r").steps
        assert isinstance(step, Prune)
        self.assertEqual((step.sparsity, step.threshold), (None, 1.5))

    def test_names_the_place_and_the_value_of_what_is_wrong(self) -> None:
        for steps, why in (
            ([], r"spec.candidate.steps: is empty"),
            (["x"], r'spec.candidate.steps\[0\]: is "x", must be an object'),
            ([{"kind": "shrink"}], r'steps\[0\].kind: is "shrink", must be one of prune, quantize, distill'),
            ([DISTILL, {"kind": "prune"}], r"spec.candidate.steps\[1\].target.kind: missing"),
            ([{**PRUNE, "importance": "luck"}], r'steps\[0\].importance: is "luck", must be one of taylor'),
            ([{**PRUNE, "target": {"kind": "sparsity", "sparsity": 1}}], r"target.sparsity: is 1.0, must be below 1"),
            ([{**PRUNE, "target": {"kind": "threshold"}}], r"steps\[0\].target.threshold: missing"),
            ([{**PRUNE, "penalty": -1}], r"steps\[0\].penalty: is -1, must be at least 0"),
            ([QUANTIZE, PRUNE], r"steps\[0\]: quantize must be the last step"),
            ([{**QUANTIZE, "method": "int4"}], r'steps\[0\].method: is "int4"'),
            ([{**QUANTIZE, "calibrationItems": 0}], r"steps\[0\].calibrationItems: is 0"),
            ([{**DISTILL, "weight": 1.5}], r"steps\[0\].weight: is 1.5, must be at most 1"),
            ([{**DISTILL, "epochs": True}], r"steps\[0\].epochs: is true, must be int"),
        ):
            with self.subTest(why=why), self.assertRaisesRegex(WorkloadFailure, why) as caught:
                CompressionSpec.of(spec(*steps), "r")
            self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)

    def test_is_determined_by_steps_and_training_and_not_by_how_long_it_is_measured(self) -> None:
        first = CompressionSpec.of(spec(PRUNE), "r").determinant
        self.assertEqual(CompressionSpec.of(spec(PRUNE, measurement={"seconds": 3}), "r").determinant, first)
        seed = {**support.TRAINING, "seed": 6}
        for other in (spec(DISTILL), spec(PRUNE, training=seed), spec({**PRUNE, "epochs": 2})):
            self.assertNotEqual(CompressionSpec.of(other, "r").determinant, first)
        self.assertNotEqual(CompressionSpec.of(spec(PRUNE), "s").determinant, first)


if __name__ == "__main__":
    unittest.main()
