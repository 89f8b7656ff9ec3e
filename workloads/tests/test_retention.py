import tempfile
import unittest
from pathlib import Path

from . import support  # noqa: F401
from millwright_workloads.contract import EXIT_BAD_SPEC, WorkloadFailure
from millwright_workloads.retention import Retention, checkpoints, contents, is_done, keep, remove_all


class OfAFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="millwright-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def keep(self, *places: tuple[int, int], last: int = 3) -> None:
        for epoch, step in places:
            keep(self.folder, epoch, step, self.content(epoch, step), last, "pt")

    @staticmethod
    def content(epoch: int, step: int) -> bytes:
        return f"state after {epoch} epochs and {step} steps".encode()

    def kept(self) -> list[tuple[int, int]]:
        return [(each.epoch, each.step) for each in checkpoints(self.folder)]

    def test_keeps_the_newest_and_no_more(self) -> None:
        self.keep((0, 5))
        self.assertEqual(self.kept(), [(0, 5)])
        self.keep((0, 10), (1, 0), (1, 5))
        self.assertEqual(self.kept(), [(1, 5), (1, 0), (0, 10)])
        self.keep((10, 0), (11, 0), last=2)
        self.assertEqual(self.kept(), [(11, 0), (10, 0)])
        self.keep((12, 0), last=1)
        self.assertEqual(self.kept(), [(12, 0)])

    def test_the_one_before_is_there_until_the_next_is_complete(self) -> None:
        self.keep((1, 0), last=1)
        with self.assertRaises(TypeError):
            keep(self.folder, 2, 0, [], 1, "pt")  # type: ignore[arg-type]
        self.assertEqual(self.kept(), [(1, 0)])

    def test_passes_over_what_is_damaged_and_says_so(self) -> None:
        self.keep((1, 0), (2, 0), (3, 0))
        newest, second, third = checkpoints(self.folder)
        newest.path.write_bytes(newest.path.read_bytes()[:-1])
        second.path.write_bytes(second.path.read_bytes().replace(b"epochs", b"Epochs"))
        told: list[str] = []
        self.assertEqual(list(contents(self.folder, told.append)), [self.content(1, 0)])
        self.assertEqual([line.partition(" ")[0] for line in told], [newest.path.name, second.path.name])
        third.path.unlink()
        self.assertEqual(list(contents(self.folder)), [])

    def test_one_that_goes_on_from_before_a_damaged_one_replaces_it(self) -> None:
        self.keep((1, 0), (2, 0), (3, 0))
        checkpoints(self.folder)[0].path.write_bytes(b"")
        self.keep((2, 7))
        self.assertEqual(self.kept(), [(2, 7), (2, 0), (1, 0)])
        self.assertEqual(next(contents(self.folder)), self.content(2, 7))

    def test_is_done_only_by_a_whole_checkpoint_after_the_last_epoch(self) -> None:
        self.assertFalse(is_done(self.folder, 3))
        self.keep((2, 9))
        self.assertFalse(is_done(self.folder, 3))
        self.keep((3, 0))
        self.assertTrue(is_done(self.folder, 3))
        checkpoints(self.folder)[0].path.write_bytes(b"")
        self.assertFalse(is_done(self.folder, 3))

    def test_removes_its_own_alone(self) -> None:
        begun = self.folder / ".checkpoint-000001-000000000-0123456789abcdef.pt.7.partial"
        other = self.folder / "story.json"
        begun.touch()
        other.touch()
        self.keep((1, 0))
        self.assertFalse(begun.exists(), "whoever began it was killed")
        remove_all(self.folder)
        self.assertEqual(list(self.folder.iterdir()), [other])


class OfASpec(unittest.TestCase):
    def test_keeps_three_and_none_in_the_end_unless_it_says_otherwise(self) -> None:
        self.assertEqual(Retention.of({}), Retention(3, True))
        self.assertEqual(Retention.of({"checkpointRetention": {"last": 1, "whenDone": "keep"}}), Retention(1, False))
        for given, message in (
            ({"last": 0}, "spec.checkpointRetention.last: is 0, must be at least 1"),
            ({"whenDone": "burn"}, 'spec.checkpointRetention.whenDone: is "burn", must be "remove" or "keep"'),
        ):
            with self.subTest(given=given), self.assertRaises(WorkloadFailure) as caught:
                Retention.of({"checkpointRetention": given})
            self.assertEqual((str(caught.exception), caught.exception.code), (message, EXIT_BAD_SPEC))


if __name__ == "__main__":
    unittest.main()
