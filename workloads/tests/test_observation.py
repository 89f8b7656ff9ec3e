"""What a server tells Prometheus of the items it answers, alone and as MLServer serves it.

Needs server/requirements.txt.

Not proven: that Prometheus makes the right index of it; see tests/components/monitoring.
"""

import random
import tempfile
import unittest
import urllib.request
from pathlib import Path
from typing import Any

import numpy
import torch
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from . import support, test_server
from millwright_runtime.capture import ANSWERS, FEEDBACK, Follower
from millwright_runtime.features import LABEL, Reference
from millwright_runtime.feedback import Feedback
from millwright_runtime.observation import Observation
from millwright_workloads.export import export_model
from millwright_workloads.items import Item
from millwright_workloads.prepared import Prepared


def features(count: int, shift: float = 0.0) -> dict[str, numpy.ndarray]:
    draw = numpy.random.default_rng(5)
    return {
        "size": draw.normal(shift, 1, count),
        "score": numpy.round(draw.random(count), 3),
        LABEL: (numpy.arange(count) % 3 == 0).astype(float),
    }


class Counted(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.registry = CollectorRegistry()
        self.reference = Reference.measured(features(300), ["ham", "spam"])

    def observation(self, version: str = "v1", registry: CollectorRegistry | None = None) -> Observation:
        registry = registry or self.registry
        return Observation("triage", version, "text", ["ham", "spam"], self.reference, self.folder, 0.97, registry)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"model": "triage", "version": "v1", **labels})

    def test_every_series_is_there_before_the_first_request(self) -> None:
        self.observation()
        self.assertEqual(self.sample("millwright_recorded_accuracy"), 0.97)
        for feature, buckets in self.reference.features.items():
            for bucket, fraction in zip(buckets.names, buckets.fractions, strict=True):
                labels = {"feature": feature, "bucket": bucket}
                self.assertEqual(self.sample("millwright_served_items_total", **labels), 0)
                self.assertEqual(self.sample("millwright_reference_fraction", **labels), fraction)
        for outcome in ("right", "wrong"):
            self.assertEqual(self.sample("millwright_labelled_items_total", outcome=outcome), 0)

    def test_each_item_falls_into_one_bucket_of_each_feature(self) -> None:
        self.observation().answered("r", ["x"] * 30, features(30))
        for feature, buckets in self.reference.features.items():
            name = "millwright_served_items_total"
            counts = [self.sample(name, feature=feature, bucket=each) for each in buckets.names]
            self.assertEqual(sum(each or 0 for each in counts), 30, feature)
        self.assertEqual(self.sample("millwright_served_items_total", feature=LABEL, bucket="spam"), 10)

    def test_items_are_kept_with_what_they_were_answered(self) -> None:
        self.observation().answered("r", ["one", "two"], features(2))
        lines = list(Follower(self.folder, ANSWERS).read())
        kept = {"id": "r", "version": "v1"}
        self.assertEqual([{**line, "time": 0} for line in lines], [
            {**kept, "at": 0, "time": 0, "label": "spam", "text": "one"},
            {**kept, "at": 1, "time": 0, "label": "ham", "text": "two"},
        ])
        self.assertEqual(self.sample("millwright_captured_items_total", outcome="kept"), 2)

    def test_images_are_kept_as_rows_of_numbers(self) -> None:
        one = Observation("triage", "v1", "pixels", ["ham", "spam"], None, self.folder, None, self.registry)
        one.answered("r", numpy.ones((1, 2, 2), dtype=numpy.float32), features(1))
        (line,) = Follower(self.folder, ANSWERS).read()
        self.assertEqual(line["pixels"], [[1, 1], [1, 1]])

    def test_labels_count_for_the_version_that_answered_whoever_gets_them(self) -> None:
        other = self.observation("v2", CollectorRegistry())
        other.answered("r", ["one", "two", "three"], features(3))
        mine = self.observation()
        mine.labelled([Feedback("r", ("spam", "spam", None)), Feedback("nobody", ("ham",))])
        mine.join()
        value = self.registry.get_sample_value
        for outcome, expected in (("right", 1), ("wrong", 1)):
            labels = {"model": "triage", "version": "v2", "outcome": outcome}
            self.assertEqual(value("millwright_labelled_items_total", labels), expected)
        kept = list(Follower(self.folder, FEEDBACK).read())
        self.assertEqual([line["labels"] for line in kept], [["spam", "spam", None], ["ham"]])

    def test_without_a_reference_or_a_folder_nothing_is_counted_or_kept(self) -> None:
        none = Observation("triage", "v1", "text", ["ham", "spam"], None, None, None, self.registry)
        none.answered("r", ["one"], features(1))
        none.labelled([Feedback("r", ("ham",))])
        none.join()
        self.assertFalse(none.keeps)
        self.assertEqual(list(self.folder.iterdir()), [])


class ServedAndWatched(test_server.Served):
    """The same server with a reference and a folder to keep things in."""

    def setUp(self) -> None:
        super().setUp()
        reader, given = self.prepared.reader, test_server.texts()[:100]
        inputs = torch.from_numpy(reader.encode(given))
        items = [Item(str(at), "ham", value) for at, value in enumerate(given)]
        labels, task = self.prepared.labels, self.prepared.task
        whole = Prepared(labels, task, reader, {"validation": inputs}, {}, {"validation": items})
        export_model(self.folder, self.network, whole, "run-1")
        self.captured = self.folder.parent / "captured"

    def environment(self) -> dict[str, str]:
        return {"MILLWRIGHT_CAPTURE": str(self.captured), "MILLWRIGHT_ACCURACY": "0.97"}

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of a name with these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=30) as response:
            families = text_string_to_metric_families(response.read().decode())
        own = {"model": "triage", "version": "run-1", **labels}.items()
        samples = [each for family in families for each in family.samples if each.name == name]
        return sum(each.value for each in samples if own <= each.labels.items())

    def feedback(self, body: Any, model: str = "triage") -> tuple[int, Any]:
        return self.call(f"/v2/models/{model}/feedback", body)

    def infer(self, request: str, data: list[str], **more: Any) -> list[str]:
        given = {"name": "text", "shape": [len(data)], "datatype": "BYTES", "data": data}
        status, answer = self.call("/v2/models/triage/infer", {"id": request, "inputs": [given], **more})
        self.assertEqual((status, answer["id"]), (200, request), answer)
        (labels,) = (output["data"] for output in answer["outputs"] if output["name"] == "label")
        return list(labels)

    def test_counts_keeps_and_takes_labels(self) -> None:
        self.becomes_ready()
        self.assertEqual(self.metric("millwright_recorded_accuracy"), 0.97)
        draw = random.Random(8)
        given = [support.mail("ham", draw).decode() for _ in range(20)]
        labels = self.infer("r1", given)
        self.infer("judge", given[:1], parameters={"observe": False})

        for feature in ("tokens", "unknownFraction", "capitals", "score", "label"):
            self.assertEqual(self.metric("millwright_served_items_total", feature=feature), 20, feature)
        kept = list(Follower(self.captured, ANSWERS).read())
        self.assertEqual([(line["id"], line["text"]) for line in kept], [("r1", text) for text in given])

        right = [labels[0], None, *({"ham": "spam", "spam": "ham"}[each] for each in labels[2:5])]
        self.assertEqual(self.feedback({"feedback": [{"id": "r1", "labels": right}]}), (200, {"taken": 1}))

        def counted(outcome: str) -> float:
            return self.metric("millwright_labelled_items_total", outcome=outcome)

        support.wait_for(lambda: counted("wrong") == 3, "the labels to be joined", 20)
        self.assertEqual(counted("right"), 1)

        self.refuses({
            "feedback[0].labels[0] is 'eggs', must be null or one of ham, spam": self.feedback(
                {"feedback": [{"id": "r1", "labels": ["eggs"]}]}
            ),
            "feedback must be a list": self.feedback({}),
        })
        self.assertEqual(self.feedback({"feedback": []}, "other")[0], 404)


if __name__ == "__main__":
    unittest.main()
