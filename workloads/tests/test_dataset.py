import json
import random
import shutil
import signal
import unittest
from unittest import mock

from . import support
from millwright_workloads import dataset
from millwright_workloads.contract import EXIT_BAD_DATA, EXIT_BAD_SPEC, EXIT_NOT_VERIFIED, WorkloadFailure, digest
from millwright_workloads.items import SPLITS, read_split


class Items(support.PlaceTest):
    def test_a_line_that_is_no_item_is_named(self) -> None:
        path = self.place.root / "train.jsonl"
        good = '{"id": "a", "label": "x", "pixels": [[1, 2], [3, 4]]}'
        for line in (
            "{",
            "[]",
            '{"id": "a", "label": "x"}',
            '{"id": "a", "label": "x", "pixels": []}',
            '{"id": "a", "label": "x", "pixels": [[1, 2], [3]]}',
            '{"id": "a", "label": "x", "pixels": [["1", 2], [3, 4]]}',
        ):
            with (
                self.subTest(line=line),
                self.assertRaisesRegex(WorkloadFailure, "train.jsonl:2: not an item") as caught,
            ):
                path.write_text(f"{good}\n{line}\n")
                read_split(self.place.root, "train")
            self.assertEqual(caught.exception.code, EXIT_BAD_DATA)


class Dataset(support.PlaceTest):
    def setUp(self) -> None:
        super().setUp()
        support.write_corpus(self.place.root / "source")

    def prepare(self, run: str = "d", spec: object = support.SPLIT) -> None:
        dataset.run(self.place.surroundings("dataset", run, spec))

    def fails(self, code: int, message: str, spec: object = support.SPLIT) -> None:
        with self.assertRaisesRegex(WorkloadFailure, message) as caught:
            self.prepare(spec=spec)
        self.assertEqual(caught.exception.code, code)
        self.assertFalse(self.place.result_path("d").exists())

    def test_leaves_three_splits_and_a_result_that_describes_them(self) -> None:
        draw = random.Random(9)
        repeated = support.mail("spam", draw)
        for number in range(5):
            (self.place.root / "source" / "spam-1" / f"copy{number}.txt").write_bytes(repeated)
        self.prepare()
        result, folder = self.place.result("d"), self.place.root / "dataset"
        self.assertEqual(result["labels"], ["ham", "spam"])
        self.assertEqual((result["duplicatesDropped"], result["leakedItems"]), (4, 0))
        self.assertEqual(sum(result["splits"][name]["items"] for name in SPLITS), 161)
        self.assertEqual(result["artifact"], digest(folder))
        for name in SPLITS:
            items = read_split(folder, name)
            for label, count in result["splits"][name]["labels"].items():
                self.assertEqual(sum(item.label == label for item in items), count)
            self.assertTrue(all("X-Spam" not in item.value for item in items))
        self.assertEqual(json.loads((folder / "dataset.json").read_text())["run"], "d")
        self.assertEqual(json.loads(self.place.result_path("d").with_name("progress.json").read_text())["step"], 5)

    def test_digits_come_with_the_image_and_need_no_source(self) -> None:
        shutil.rmtree(self.place.root / "source")
        self.prepare(spec=support.DIGITS)
        result, folder = self.place.result("d"), self.place.root / "dataset"
        self.assertEqual(result["labels"], [str(digit) for digit in range(10)])
        self.assertEqual(sum(result["splits"][name]["items"] for name in SPLITS) + result["duplicatesDropped"], 1797)
        for name in SPLITS:
            for item in read_split(folder, name):
                self.assertEqual([len(row) for row in item.value], [8] * 8)
                self.assertTrue(all(0 <= pixel <= 16 for row in item.value for pixel in row))
            shares = [count / result["splits"][name]["items"] for count in result["splits"][name]["labels"].values()]
            self.assertTrue(all(0.07 < share < 0.13 for share in shares), shares)

    def test_the_same_input_gives_the_same_bytes(self) -> None:
        self.prepare()
        first = self.place.result("d")["artifact"]
        shutil.rmtree(self.place.root / "dataset")
        self.prepare()
        self.assertEqual(self.place.result("d")["artifact"], first)

    def test_is_not_computed_twice_unless_it_was_changed(self) -> None:
        self.prepare()
        first = self.place.result("d")
        self.place.result_path("d").unlink()
        with mock.patch.object(dataset, "read_items", side_effect=AssertionError("computed again")):
            self.prepare()
        self.assertEqual(self.place.result("d"), first)
        (self.place.root / "dataset" / "test.jsonl").write_text("")
        self.prepare()
        self.assertEqual(self.place.result("d")["artifact"], first["artifact"])

    def test_a_leak_leaves_no_result(self) -> None:
        def careless(items: list, *_: object) -> dict:
            return {name: list(items) for name in SPLITS}

        with mock.patch.object(dataset, "split", careless):
            self.fails(EXIT_NOT_VERIFIED, "items of one split are in another, the first easy-ham-1/.* and ")

    def test_refuses_a_spec_it_cannot_follow(self) -> None:
        split = support.SPLIT["split"]
        self.fails(EXIT_BAD_SPEC, 'spec.format: is "mbox"', {**support.SPLIT, "format": "mbox"})
        self.fails(EXIT_BAD_SPEC, "add up to 1", {**support.SPLIT, "split": {**split, "test": 0.5}})
        self.fails(EXIT_BAD_SPEC, "spec.split.seed: missing", {**support.SPLIT, "split": {**split, "seed": None}})

    def test_refuses_data_it_cannot_use(self) -> None:
        source = self.place.root / "source"
        shutil.rmtree(source / "spam-1")
        self.fails(EXIT_BAD_DATA, "only the label ham")
        shutil.rmtree(source / "easy-ham-1")
        self.fails(EXIT_BAD_DATA, "no mails found")
        shutil.rmtree(source)
        self.fails(EXIT_BAD_DATA, "there is no such folder")
        support.write_corpus(source, each=5)
        self.fails(EXIT_BAD_DATA, "5 distinct items of ham; at least 10")

    def test_the_container_ends_with_the_contracts_codes_and_says_why(self) -> None:
        for spec, code, why in (
            ("{", EXIT_BAD_SPEC, "not JSON"),
            ({**support.SPLIT, "format": "mbox"}, EXIT_BAD_SPEC, "spec.format"),
            (support.SPLIT, 0, ""),
        ):
            with self.subTest(code=code):
                process = self.start(self.place.environment("dataset", "d", spec))
                self.assertEqual(process.wait(120), code, self.place.output("d"))
                self.assertIn(why, self.place.termination().read_text())
        environment = self.place.environment("nothing", "d", support.SPLIT)
        self.assertEqual(self.start(environment).wait(120), EXIT_BAD_SPEC)

    def test_sigterm_ends_it_with_143_and_the_next_try_succeeds(self) -> None:
        support.write_corpus(self.place.root / "more", each=3000)
        environment = {
            **self.place.environment("dataset", "d", support.SPLIT),
            "MILLWRIGHT_SOURCE": str(self.place.root / "more"),
        }
        process = self.start(environment)
        support.wait_for(lambda: "reading" in self.place.output("d"), "the stage to begin")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 143)
        self.assertFalse(self.place.result_path("d").exists())
        self.prepare()


if __name__ == "__main__":
    unittest.main()
