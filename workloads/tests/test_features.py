"""What is watched of items, the reference it is compared with, and the index that tells how far apart they are.

The index itself is computed by Prometheus, from the same formula; see tests/components/monitoring.
"""

import json
import random
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy

from . import support
from millwright_workloads import pixels, text
from millwright_workloads.export import export_model
from millwright_workloads.features import LABEL, PRIOR, Reference, features_of
from millwright_workloads.modelling import Prepared, build_network, prepare
from millwright_workloads.training_spec import TrainingSpec


def index_of(reference: Reference, values: dict[str, numpy.ndarray]) -> dict[str, float]:
    """The population stability index of each feature, as components/monitoring/rules.ts has it."""
    found = {}
    for name, buckets in reference.features.items():
        counts = numpy.bincount(buckets.of(values[name]), minlength=len(buckets.names)) + PRIOR
        served, expected = counts / counts.sum(), numpy.array(buckets.fractions)
        found[name] = float(((served - expected) * numpy.log(served / expected)).sum())
    return found


def drawn(seed: int, count: int, shift: float = 0.0) -> dict[str, numpy.ndarray]:
    draw = numpy.random.default_rng(seed)
    return {
        "size": draw.normal(shift, 1, count),
        "score": numpy.round(draw.beta(20, 1 + 5 * shift, count), 3),
        LABEL: (draw.random(count) < 0.3 + 0.4 * shift).astype(float),
    }


class Index(unittest.TestCase):
    def setUp(self) -> None:
        self.reference = Reference.measured(drawn(1, 300), ["ham", "spam"])

    def test_is_nothing_for_the_same_items(self) -> None:
        for name, value in index_of(self.reference, drawn(1, 300)).items():
            self.assertLess(value, 1e-9, name)

    def test_is_small_for_other_items_of_the_same_kind(self) -> None:
        for seed in range(2, 40):
            for name, value in index_of(self.reference, drawn(seed, 300)).items():
                self.assertLess(value, 0.25, f"{name}, seed {seed}")

    def test_is_on_average_what_theory_says(self) -> None:
        found = [index_of(Reference.measured(drawn(seed, 300), "ab"), drawn(1000 + seed, 300)) for seed in range(100)]
        buckets = len(self.reference.features["size"].names)
        expected = (buckets - 1) * (1 / 300 + 1 / 300)
        self.assertAlmostEqual(float(numpy.mean([each["size"] for each in found])), expected, delta=0.5 * expected)

    def test_is_large_for_shifted_items(self) -> None:
        for name, value in index_of(self.reference, drawn(2, 300, shift=1.0)).items():
            self.assertGreater(value, 0.25, name)

    def test_tells_of_values_there_were_none_of(self) -> None:
        """Below, above, and anything but the one value a feature always had."""
        always = {"size": numpy.zeros(300), LABEL: numpy.zeros(300)}
        reference = Reference.measured(always, ["ham", "spam"])
        self.assertLess(index_of(reference, always)["size"], 0.01)
        for other in (-0.001, 0.001):
            some = {"size": numpy.where(numpy.arange(300) < 100, other, 0), LABEL: numpy.zeros(300)}
            self.assertGreater(index_of(reference, some)["size"], 0.25)


class Measured(unittest.TestCase):
    def test_has_buckets_equally_full_and_none_empty(self) -> None:
        reference = Reference.measured(drawn(1, 4000), ["ham", "spam"])
        size = reference.features["size"]
        self.assertEqual(len(size.names), 12)
        self.assertAlmostEqual(sum(size.fractions), 1)
        for fraction in size.fractions[1:-1]:
            self.assertAlmostEqual(fraction, 0.1, delta=0.005)
        self.assertGreater(min(size.fractions), 0)

    def test_has_few_buckets_of_few_items(self) -> None:
        for items, inner in ((1, 1), (79, 1), (80, 2), (200, 5), (400, 10), (9000, 10)):
            found = Reference.measured(drawn(1, items), ["ham", "spam"]).features["size"]
            self.assertEqual(len(found.names), inner + 2, items)

    def test_comes_back_from_its_document(self) -> None:
        reference = Reference.measured(drawn(1, 300), ["ham", "spam"])
        self.assertEqual(Reference.read(json.loads(json.dumps(reference.document()))), reference)

    def test_of_another_shape_is_refused_by_name(self) -> None:
        def changed(**changes: Any) -> Any:
            document = Reference.measured(drawn(1, 300), ["ham", "spam"]).document()
            document["features"]["size"].update(changes)
            return document

        size = changed()["features"]["size"]
        for why, document in {
            'format "millwright-reference/9"': {**changed(), "format": "millwright-reference/9"},
            "feature size: 9 buckets need as many fractions": changed(fractions=size["fractions"][1:]),
            "one edge less": changed(edges=size["edges"][1:]),
            "must be above 0": changed(fractions=[0.0, *size["fractions"][1:]]),
        }.items():
            with self.subTest(why), self.assertRaisesRegex(ValueError, why):
                Reference.read(document)


class Features(unittest.TestCase):
    probabilities = numpy.array([[0.25, 0.75], [0.9, 0.1]], dtype=numpy.float32)

    def test_of_texts(self) -> None:
        reader = text.Reader(text.READING, 8, ["hello", "there"])
        given = ["Hello THERE strange", "\ud800"]
        found = features_of(text.FORMAT, given, reader.encode(given), self.probabilities)
        self.assertEqual({name: each.tolist() for name, each in found.items()}, {
            "tokens": [4, 0],
            "unknownFraction": [0.5, 0],
            "capitals": [6 / 17, 0],
            "score": [0.75, 0.9],
            LABEL: [1, 0],
        })

    def test_of_images(self) -> None:
        reader = pixels.Reader({"format": pixels.FORMAT, "height": 1, "width": 2, "low": 0, "high": 4})
        encoded = reader.encode([[[0, 4]], [[2, 2]]])
        found = features_of(pixels.FORMAT, [], encoded, self.probabilities)
        self.assertEqual((found["mean"].tolist(), found["contrast"].tolist()), ([0.5, 0.5], [0.5, 0]))

    def test_of_an_unknown_kind_are_those_of_the_answers(self) -> None:
        found = features_of("sound/1", [], numpy.zeros((2, 4)), self.probabilities)
        self.assertEqual(set(found), {"score", LABEL})

    def test_are_the_same_in_every_image(self) -> None:
        self.assertEqual(len(support.copies("features.py")), 1)


class Exported(unittest.TestCase):
    def exported(self, training: dict[str, Any], write: Any) -> tuple[Any, Prepared]:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        place = Path(folder.name)
        write(place / "dataset")
        spec = TrainingSpec.of(training, "t", 1)
        prepared = prepare(spec, place / "dataset")
        export_model(place / "model", build_network(spec, prepared), prepared, "run-1")
        return json.loads((place / "model" / "reference.json").read_text()), prepared

    def test_texts_have_their_reference_beside_the_network(self) -> None:
        document, prepared = self.exported(support.TRAINING, support.write_texts)
        reference = Reference.read(document)
        self.assertEqual(reference.items, len(prepared.items["validation"]))
        self.assertEqual(set(reference.features), {"tokens", "unknownFraction", "capitals", "score", LABEL})
        self.assertEqual(reference.features[LABEL].names, ("ham", "spam"))

    def test_images_too(self) -> None:
        document, _ = self.exported(support.IMAGE_TRAINING, support.write_images)
        self.assertEqual(set(Reference.read(document).features), {"mean", "contrast", "score", LABEL})

    def test_shouted_mails_are_told_from_the_validation_split(self) -> None:
        document, prepared = self.exported(support.TRAINING, support.write_texts)
        reference = Reference.read(document)
        draw = random.Random(7)
        usual = [support.mail(draw.choice(["ham", "spam"]), draw).decode() for _ in range(200)]
        shouted = [each.upper() for each in usual]
        # Only what is asked changed; the answers stay as they are expected.
        answers = numpy.tile(numpy.array([[0.4, 0.6]], dtype=numpy.float32), (200, 1))
        found = [
            index_of(reference, dict(features_of(text.FORMAT, given, prepared.reader.encode(given), answers)))
            for given in (usual, shouted)
        ]
        self.assertLess(found[0]["capitals"], 0.25)
        self.assertGreater(found[1]["capitals"], 0.25)


if __name__ == "__main__":
    unittest.main()
