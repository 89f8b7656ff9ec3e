import json
import tempfile
import unittest
from hashlib import sha256
from pathlib import Path

from . import support
from millwright_workloads.contract import (
    EXIT_BAD_SPEC,
    Surroundings,
    WorkloadFailure,
    digest,
    earlier_result,
    field,
    finish,
    read_spec,
    write_atomically,
    write_json,
)


class OtherImages(unittest.TestCase):
    def test_keep_the_contract_by_the_same_files(self) -> None:
        for name in ("contract.py", "items.py", "retention.py", "story.py"):
            with self.subTest(name=name):
                self.assertEqual(len(support.copies(name, "trainer", "keras")), 1)


class TheEnvironment(unittest.TestCase):
    def test_says_everything_that_is_wrong_at_once(self) -> None:
        with self.assertRaises(WorkloadFailure) as caught:
            Surroundings.of({"MILLWRIGHT_STAGE": "training", "MILLWRIGHT_WORKERS": "two", "MILLWRIGHT_RENDEZVOUS": "host"})
        self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)
        for part in ("MILLWRIGHT_MODEL is not set", "MILLWRIGHT_RUN is not set", '"two"', 'RENDEZVOUS is "host"'):
            self.assertIn(part, str(caught.exception))

    def test_takes_the_index_a_job_gives(self) -> None:
        names = {"MILLWRIGHT_STAGE": "training", "MILLWRIGHT_MODEL": "m", "MILLWRIGHT_RUN": "r", "MILLWRIGHT_WORKERS": "3"}
        self.assertEqual(Surroundings.of({**names, "JOB_COMPLETION_INDEX": "2"}).worker, 2)
        self.assertEqual(Surroundings.of({**names, "MILLWRIGHT_WORKER_INDEX": "1", "JOB_COMPLETION_INDEX": "2"}).worker, 1)
        with self.assertRaisesRegex(WorkloadFailure, "INDEX is 3, must be below"):
            Surroundings.of({**names, "JOB_COMPLETION_INDEX": "3"})


class Spec(unittest.TestCase):
    def test_names_the_field_the_value_and_what_is_wanted(self) -> None:
        spec = {"network": {"channels": "8", "dropout": True}, "epochs": 1.5}
        for path, kind, message in (
            ("network.channels", int, r'spec\.network\.channels: is "8", must be int'),
            ("network.dropout", (int, float), r"spec\.network\.dropout: is true, must be int or float"),
            ("epochs", int, r"spec\.epochs: is 1\.5, must be int"),
            ("network.kind", str, r"spec\.network\.kind: missing"),
            ("task.name", str, r"spec\.task\.name: missing"),
        ):
            with self.subTest(path=path), self.assertRaisesRegex(WorkloadFailure, message):
                field(spec, path, kind)
        self.assertEqual(field(spec, "seed", int, 17), 17)

    def test_must_be_a_json_object(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "spec.json"
            for content in (None, "{", "[]"):
                if content is not None:
                    path.write_text(content)
                with self.subTest(content=content), self.assertRaises(WorkloadFailure) as caught:
                    read_spec(path)
                self.assertEqual(caught.exception.code, EXIT_BAD_SPEC)
                self.assertIn(str(path), str(caught.exception))


class Files(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self) -> None:
        path = self.folder / "a.json"
        write_json(path, {"old": 1})
        with self.assertRaises(ValueError):
            write_json(path, {"not a number": float("nan")})
        with self.assertRaises(TypeError):
            write_atomically(path, 5)  # type: ignore[arg-type]
        self.assertEqual(json.loads(path.read_text()), {"old": 1})
        self.assertEqual([each.name for each in self.folder.iterdir()], ["a.json"])

    def test_the_digest_is_over_names_and_contents_but_not_log_and_result(self) -> None:
        def of(**files: str) -> dict[str, object]:
            place = Path(tempfile.mkdtemp(dir=self.folder))
            for name, content in files.items():
                write_atomically(place / name.replace("__", "/"), content)
            return digest(place)

        one = of(a="x", b__c="yz")
        self.assertEqual(one, of(b__c="yz", a="x"))
        self.assertEqual(one["bytes"], 3)
        # As CONTRACT.md says: of the lines that sha256sum prints.
        line = f"{sha256(b'x').hexdigest()}  a\n"
        self.assertEqual(of(a="x")["sha256"], sha256(line.encode()).hexdigest())
        for other in (of(a="x", b__d="yz"), of(a="x", b__c="yy"), of(a="x")):
            self.assertNotEqual(one["sha256"], other["sha256"])
        place = Path(tempfile.mkdtemp(dir=self.folder))
        before = digest(place)
        (place / "log.txt").write_text("x")
        (place / "result.json").write_text("x")
        self.assertEqual(digest(place), before)


class EarlierResult(support.PlaceTest):
    def test_is_taken_only_for_this_run_and_an_intact_artifact(self) -> None:
        place = self.place.surroundings("dataset", "d", {})
        write_atomically(place.output / "train.jsonl", "{}")
        self.assertIsNone(earlier_result(place, place.output))
        finish(place, place.output, {"seconds": 1})
        self.assertEqual(earlier_result(place, place.output), self.place.result("d"))
        other = self.place.surroundings("dataset", "e", {})
        self.assertIsNone(earlier_result(other, other.output))
        write_atomically(place.output / "train.jsonl", "[]")
        self.assertIsNone(earlier_result(place, place.output))


if __name__ == "__main__":
    unittest.main()
