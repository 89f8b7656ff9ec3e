"""What a server keeps of what it was asked, and how labels find their answers. MLServer: see test_observation."""

import json
import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

from . import support  # noqa: F401
from millwright_runtime.capture import FILE_BYTES, MOST_LINE_BYTES, Follower, Journal
from millwright_runtime.feedback import MOST_ANSWERS, WAIT_SECONDS, Feedback, FeedbackError, Ledger, Outcome, parsed


class FolderTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "captured"
        self.now = 0.0

    def journal(self, most_bytes: int = 1 << 30, rate: float = 1e9) -> Journal:
        return Journal(self.folder, "answers", most_bytes, rate, lambda: self.now)

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*"), key=lambda path: path.stat().st_mtime_ns)


class Kept(FolderTest):
    def test_is_read_by_whoever_follows_each_line_once(self) -> None:
        one, other, follower = self.journal(), self.journal(), Follower(self.folder, "answers")
        self.assertEqual(list(follower.read()), [])
        self.assertEqual(one.write([{"id": "a"}, {"id": "\u00e9\ud800"}]), (2, 0))
        other.write([{"id": "c"}])
        self.assertEqual([line["id"] for line in follower.read()], ["a", "\u00e9?", "c"])
        self.assertEqual(list(follower.read()), [])
        one.write([{"id": "d"}])
        self.assertEqual([line["id"] for line in follower.read()], ["d"])

    def test_is_passed_over_where_it_is_half_written_or_damaged(self) -> None:
        self.folder.mkdir()
        path = self.folder / "answers-x.000001.jsonl"
        path.write_bytes(b'{"id": "a"}\n{nonsense\n[1]\n{"id": "b')
        follower = Follower(self.folder, "answers")
        self.assertEqual([line["id"] for line in follower.read()], ["a"])
        with path.open("ab") as file:
            file.write(b'"}\n')
        self.assertEqual([line["id"] for line in follower.read()], ["b"])

    def test_stays_below_its_size_whoever_wrote_it(self) -> None:
        line = {"id": "x" * 10_000}
        most = 3 * FILE_BYTES
        for _writer in range(3):
            journal = self.journal(most)
            for _ in range(250):
                journal.write([line])
            size = sum(path.stat().st_size for path in self.files())
            self.assertLessEqual(size, most)
            self.assertGreater(size, most - 2 * FILE_BYTES, "something is kept")
        # What is left is the newest: all of the last writer's.
        writers = [path.name.rsplit(".", 2)[0] for path in self.files()]
        self.assertEqual(set(writers[1:]), {writers[-1]})

    def test_leaves_out_what_is_too_long_or_too_much_at_a_time(self) -> None:
        journal = self.journal(rate=10)
        self.assertEqual(journal.write([{"id": "x" * MOST_LINE_BYTES}, {"id": "a"}]), (1, 1))
        self.assertEqual(journal.write([{"id": "a"}] * 50), (19, 31))
        self.now = 1.0
        self.assertEqual(journal.write([{"id": "a"}] * 50), (10, 40))
        self.now = 100.0
        self.assertEqual(journal.write([{"id": "a"}] * 50), (20, 30))

    def test_fails_no_request_where_it_cannot_be_written(self) -> None:
        self.folder.write_text("not a folder")
        self.assertEqual(self.journal().write([{"id": "a"}]), (0, 1))

    def test_goes_on_in_a_new_file_after_an_old_one_was_removed(self) -> None:
        journal, follower = self.journal(), Follower(self.folder, "answers")
        journal.write([{"id": "a"}])
        list(follower.read())
        os.unlink(self.files()[0])
        journal.write([{"id": "b"}])
        self.assertEqual(json.loads(self.files()[0].read_text()), {"id": "b"})


class Parsed(unittest.TestCase):
    def test_is_a_list_of_requests_and_their_labels(self) -> None:
        body = {"feedback": [{"id": "r1", "labels": ["spam", None]}, {"id": "r2", "labels": ["ham"]}]}
        self.assertEqual(parsed(body, ["ham", "spam"]), [Feedback("r1", ("spam", None)), Feedback("r2", ("ham",))])

    def test_says_what_is_wrong_and_where(self) -> None:
        for why, body in {
            "feedback must be a list of at least one": {},
            "of at least one": {"feedback": []},
            "feedback[0].id must be the id of an answer": {"feedback": [{"labels": ["ham"]}]},
            "feedback[0].labels must be a list": {"feedback": [{"id": "r", "labels": "ham"}]},
            "feedback[1].labels[1] is 'eggs', must be null or one of ham, spam": {
                "feedback": [{"id": "r", "labels": ["ham"]}, {"id": "r", "labels": ["ham", "eggs"]}]
            },
            "feedback[0].labels[0] is 3": {"feedback": [{"id": "r", "labels": [3]}]},
        }.items():
            with self.subTest(why), self.assertRaises(FeedbackError) as raised:
                parsed(body, ["ham", "spam"])
            self.assertIn(why, str(raised.exception))


class Joined(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.ledger = Ledger(lambda: self.now)

    def answer(self, request: str, at: int = 0, label: str = "spam", **changes: Any) -> dict[str, Any]:
        return {"id": request, "at": at, "version": "v1", "label": label, **changes}

    def test_labels_are_compared_with_the_version_that_answered(self) -> None:
        self.ledger.answered([self.answer("r", 0), self.answer("r", 1), self.answer("s", version="v2", label="ham")])
        self.ledger.labelled([Feedback("r", ("spam", "ham")), Feedback("s", ("ham",))])
        self.assertEqual(self.ledger.settled(), [Outcome("v1", 1, 0), Outcome("v1", 0, 1), Outcome("v2", 1, 0)])
        self.assertEqual(self.ledger.settled(), [])

    def test_labels_wait_for_answers_another_server_gave(self) -> None:
        self.ledger.labelled([Feedback("r", ("spam",))])
        self.assertEqual(self.ledger.settled(), [])
        self.ledger.answered([self.answer("r")])
        self.assertEqual(self.ledger.settled(), [Outcome("v1", 1, 0)])

    def test_labels_that_wait_in_vain_are_told(self) -> None:
        self.ledger.labelled([Feedback("r", ("spam", None, "ham"))])
        self.now = WAIT_SECONDS + 1
        self.assertEqual(self.ledger.settled(), [Outcome(None, unknown=2)])

    def test_a_label_that_is_sent_twice_counts_once(self) -> None:
        self.ledger.answered([self.answer("r")])
        for expected in ([Outcome("v1", 1, 0)], []):
            self.ledger.labelled([Feedback("r", ("spam",))])
            self.assertEqual(self.ledger.settled(), expected)

    def test_lines_of_another_shape_are_passed_over(self) -> None:
        self.ledger.answered([{}, {"id": 5}, {**self.answer("r"), "at": "0"}])
        self.ledger.labelled([Feedback("r", ("spam",))])
        self.assertEqual(self.ledger.settled(), [])

    def test_only_so_many_answers_are_remembered(self) -> None:
        self.ledger.answered(self.answer(str(at)) for at in range(MOST_ANSWERS + 1))
        self.ledger.labelled([Feedback("0", ("spam",)), Feedback("1", ("spam",))])
        self.assertEqual(self.ledger.settled(), [Outcome("v1", 1, 0)])


if __name__ == "__main__":
    unittest.main()
