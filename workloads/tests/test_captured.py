"""Items labelled in service on their way into the next dataset."""

import json
import random
from pathlib import Path
from typing import Any

from . import support
from millwright_runtime.capture import ANSWERS, FEEDBACK, Journal
from millwright_workloads import dataset
from millwright_workloads.captured import Captured, read_captured
from millwright_workloads.items import SPLITS, Item, read_split


class Kept(support.PlaceTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.place.root / "captured"

    def write(self, kind: str, *lines: Any) -> None:
        """As a server does: its own code writes what the dataset stage reads."""
        kept, left_out = Journal(self.folder, kind, 1 << 30, 1e9).write(lines)
        self.assertEqual((kept, left_out), (len(lines), 0))

    def answer(self, request: str, at: int = 0, time: float = 1.0, **value: Any) -> dict[str, Any]:
        return {"id": request, "at": at, "time": time, "version": "v1", "label": "ham", **(value or {"text": request})}

    def label(self, request: str, *labels: str | None, time: float = 2.0) -> dict[str, Any]:
        return {"id": request, "labels": labels, "time": time}

    def read(self, like: Any = "text") -> Captured:
        return read_captured(self.folder, {"ham", "spam"}, like)


class Joined(Kept):
    def test_items_take_the_label_people_gave_not_the_answer(self) -> None:
        self.write(ANSWERS, self.answer("b", 0), self.answer("b", 1, text="two"), self.answer("a"))
        self.write(FEEDBACK, self.label("b", None, "spam"), self.label("a", "ham"), self.label("nobody", "ham"))
        expected = [Item("captured/a/0", "ham", "a"), Item("captured/b/1", "spam", "two")]
        self.assertEqual(self.read(), Captured(expected, unlabelled=1, strange=0))

    def test_the_last_word_counts_whichever_file_it_is_in(self) -> None:
        self.write(FEEDBACK, self.label("a", "spam", time=9))
        self.write(FEEDBACK, self.label("a", "ham", time=3))
        self.write(ANSWERS, self.answer("a", time=5, text="newer"))
        self.write(ANSWERS, self.answer("a", time=1, text="older"))
        self.assertEqual(self.read().items, [Item("captured/a/0", "spam", "newer")])

    def test_what_does_not_fit_the_dataset_is_left_out(self) -> None:
        image = [[1, 2], [3, 4]]
        self.write(ANSWERS, self.answer("a"), self.answer("b", pixels=image), self.answer("c", pixels=[[1, 2]]))
        self.write(ANSWERS, self.answer("d", pixels="x"), {"id": "e", "at": 0, "time": 1})
        self.write(FEEDBACK, *(self.label(each, "eggs" if each == "x" else "ham") for each in "abcde"))
        self.assertEqual(self.read("text"), Captured([Item("captured/a/0", "ham", "a")], 0, 4))
        self.assertEqual(self.read(image), Captured([Item("captured/b/0", "ham", image)], 0, 4))

    def test_a_label_the_dataset_does_not_have_is_left_out(self) -> None:
        self.write(ANSWERS, self.answer("a"))
        self.write(FEEDBACK, self.label("a", "eggs"))
        self.assertEqual(self.read(), Captured([], 0, 1))

    def test_a_damaged_or_missing_folder_has_what_can_be_read(self) -> None:
        self.assertEqual(self.read(), Captured([], 0, 0))
        self.write(ANSWERS, self.answer("a"))
        (self.folder / "feedback-x.1.jsonl").write_text(json.dumps(self.label("a", "ham")) + '\n[]\n{"id": "b", "lab')
        (self.folder / "other.txt").write_text("{}")
        self.assertEqual([item.id for item in self.read().items], ["captured/a/0"])


class Dataset(Kept):
    def prepare(self, run: str, **spec: Any) -> Path:
        environment = self.place.environment("dataset", run, {**support.SPLIT, **spec})
        environment["MILLWRIGHT_OUTPUT"] = str(self.place.root / run)
        dataset.run(support.Surroundings.of(environment))
        return self.place.root / run

    def test_captured_items_join_the_sources_before_the_split(self) -> None:
        support.write_corpus(self.place.root / "source")
        draw = random.Random(99)
        asked = [support.mail("spam", draw).decode() for _ in range(30)]
        # One of them is in the corpus already, and one was asked twice.
        known = read_split(self.prepare("before"), "train")[0]
        asked += [str(known.value), asked[0]]
        labels = ["spam"] * 30 + [known.label, "spam"]
        self.write(ANSWERS, *(self.answer(str(at), text=each) for at, each in enumerate(asked)))
        self.write(FEEDBACK, *(self.label(str(at), each) for at, each in enumerate(labels)))

        without, folder = self.prepare("without"), self.prepare("with", captured=True)
        counts = [sum(len(read_split(each, name)) for name in SPLITS) for each in (without, folder)]
        self.assertEqual(counts[1] - counts[0], 30)
        for name in SPLITS:
            ids = [item.id for item in read_split(folder, name)]
            self.assertTrue(any(each.startswith("captured/") for each in ids), f"none in {name}")
        self.assertEqual(json.loads((folder / "dataset.json").read_text())["captured"], 32)
        self.assertEqual(self.place.result("with")["duplicatesDropped"], 2)

    def test_nothing_captured_makes_the_same_dataset(self) -> None:
        support.write_corpus(self.place.root / "source")
        one, other = self.prepare("without"), self.prepare("with", captured=True)
        for name in SPLITS:
            self.assertEqual(read_split(one, name), read_split(other, name))


if __name__ == "__main__":
    import unittest

    unittest.main()
