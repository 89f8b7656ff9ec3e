"""The search stage on a real PostgreSQL of its own: in this process, and as the processes of two pods.

The training of most trials is a formula (search_worker.py), so this does not prove that a search finds good parameters
for a real model; that a real trial runs, without the test split, is shown once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import unittest
import warnings
from collections import Counter
from typing import Any
from unittest import mock

import optuna

from . import support
from .postgres import PASSWORD, Postgres
from .search_worker import DIVERGING_BATCH, FakeTrainer
from millwright_recorder.results import faults_of
from millwright_workloads import dataset, search
from millwright_workloads.contract import (
    EXIT_BAD_SPEC,
    EXIT_UNAVAILABLE,
    EXIT_INTERRUPTED,
    EXIT_NOT_VERIFIED,
    WorkloadFailure,
)
from millwright_workloads.database import Database, connect
from millwright_workloads.search_spec import SearchSpec
from millwright_workloads.study import MOST_RETRIES, SharedStudy, Tally, random_trials

HEARTBEAT_SECONDS = 1

LOSS = {"metric": "validationLoss", "direction": "minimize"}
SIZE = {"metric": "parameters", "direction": "minimize"}

SPACE: dict[str, Any] = {
    "learningRate": {"kind": "float", "low": 0.0001, "high": 1, "log": True},
    "batchSize": {"kind": "categorical", "choices": [8, 16]},
    "network.channels": {"kind": "integer", "low": 2, "high": 16},
    "network.dropout": {"kind": "float", "low": 0, "high": 0.5, "when": {"parameter": "batchSize", "equals": 16}},
}

GRID: dict[str, Any] = {
    "batchSize": {"kind": "categorical", "choices": [8, 16]},
    "network.channels": {"kind": "integer", "low": 2, "high": 4},
    "network.dropout": {
        "kind": "float",
        "low": 0,
        "high": 0.4,
        "step": 0.2,
        "when": {"parameter": "batchSize", "equals": 16},
    },
}
GRID_POINTS = 3 + 3 * 3

postgres: Postgres


def setUpModule() -> None:
    global postgres
    postgres = Postgres()


def tearDownModule() -> None:
    postgres.close()


def spec(**changes: Any) -> dict[str, Any]:
    drawing = {"algorithm": "random", "pruner": "none", "trials": 6, "seed": 3, "objectives": [LOSS], "space": SPACE}
    training = {name: value for name, value in support.TRAINING.items() if name not in ("task", "labels")}
    return {
        "search": {**drawing, **changes},
        "training": {**training, "epochs": 2},
        "task": "text-classification",
        "labels": ["ham", "spam"],
    }


class Searching(support.PlaceTest):
    def setUp(self) -> None:
        super().setUp()
        (self.place.root / "dataset").mkdir()
        (self.place.root / "dataset/dataset.json").write_text('{"run": "d"}')
        self.study = f"study-{self.id().rpartition('.')[2]}"

    def environment(self, run: str, given: dict[str, Any], workers: int = 1, worker: int = 0) -> dict[str, str]:
        return {
            **self.place.environment("search", run, given, workers, worker),
            **postgres.environment(),
            "MILLWRIGHT_STUDY": self.study,
            "MILLWRIGHT_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
            "MILLWRIGHT_DATABASE_SECONDS": "30",
            "FAKE_JOURNAL": str(self.place.root / "journal"),
        }

    def search(self, run: str, given: dict[str, Any], study: str = "") -> dict[str, Any]:
        """The result of a search by one worker in this process."""
        environment = {**self.environment(run, given), **({"MILLWRIGHT_STUDY": study} if study else {})}
        with mock.patch.dict(os.environ, environment):
            place = self.place.surroundings("search", run, given)
            search.Search(place, FakeTrainer(place.input, run)).run()
        result = self.place.result(run)
        self.assertEqual(faults_of(result, "search"), [])
        return result

    def open_study(self, given: dict[str, Any]) -> SharedStudy:
        database = Database.of(postgres.environment())
        engine = connect(database, 10, lambda _: None)
        self.addCleanup(engine.dispose)
        study = SharedStudy(database, engine, self.study, SearchSpec.of(given), HEARTBEAT_SECONDS, lambda _: None)
        self.addCleanup(study.close)
        return study

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        return self.open_study(spec()).trials()

    def points(self, run: str, state: str = "completed") -> list[dict[str, Any]]:
        described = json.loads((self.place.root / run / "trials.json").read_text())
        return [trial["parameters"] for trial in described["trials"] if trial["state"] == state]

    def trained(self) -> int:
        journal = self.place.root / "journal"
        return len(journal.read_text().splitlines()) if journal.exists() else 0


class Algorithms(Searching):
    def test_each_fills_a_study_and_respects_conditions(self) -> None:
        # Enough that each leaves its random start behind: nsga2 after a population of 50, gp after 10.
        for algorithm, trials in (("tpe", 14), ("random", 8), ("nsga2", 56), ("cmaes", 14), ("gp", 13)):
            with self.subTest(algorithm=algorithm):
                run = f"run-{algorithm}"
                result = self.search(run, spec(algorithm=algorithm, trials=trials), f"{self.study}-{algorithm}")
                self.assertEqual(result["trials"], {"completed": trials, "pruned": 0, "failed": 0})
                self.assertEqual(len(result["trace"]), trials)
                points = self.points(run)
                for point in points:
                    self.assertEqual("network.dropout" in point, point["batchSize"] == 16, point)
                    self.assertTrue(
                        0.0001 <= point["learningRate"] <= 1 and 2 <= point["network.channels"] <= 16, point
                    )
                # An algorithm may try a point again, but not draw the same few for ever.
                self.assertGreater(len({tuple(sorted(point.items())) for point in points}), trials * 0.9)
                self.assertIn(result["best"]["parameters"], points)
                self.assertEqual(result["best"]["values"], [min(point["value"] for point in result["trace"])])

    def test_each_pruner_ends_what_is_worse_and_counts_it(self) -> None:
        for pruner in ("median", "hyperband"):
            with self.subTest(pruner=pruner):
                given = spec(pruner=pruner, trials=24, epochs=9)
                result = self.search(f"run-{pruner}", given, f"{self.study}-{pruner}")
                counts = result["trials"]
                self.assertEqual(counts["completed"] + counts["pruned"], 24)
                self.assertGreater(counts["pruned"], 0)
                self.assertEqual(len(result["trace"]), counts["completed"])

    def test_several_objectives_leave_a_front_and_its_knee(self) -> None:
        for algorithm, trials in (("tpe", 14), ("nsga2", 8), ("gp", 12)):
            with self.subTest(algorithm=algorithm):
                given = spec(algorithm=algorithm, trials=trials, objectives=[LOSS, SIZE])
                result = self.search(f"run-{algorithm}", given, f"{self.study}-{algorithm}")
                self.assertIn(result["best"], result["front"])
                self.assertNotIn("trace", result)

    def test_a_grid_is_covered_exactly_and_ends_by_itself(self) -> None:
        result = self.search("few", spec(algorithm="grid", space=GRID, trials=5))
        self.assertEqual(result["trials"]["completed"], 5)
        result = self.search("all", spec(algorithm="grid", space=GRID, trials=100))
        self.assertEqual(result["trials"], {"completed": GRID_POINTS, "pruned": 0, "failed": 0})
        self.assertEqual(self.trained(), GRID_POINTS, "the five of before were reused")
        found = Counter(tuple(sorted(point.items())) for point in self.points("all"))
        wanted = SearchSpec.of(spec(space=GRID)).space.grid()
        self.assertEqual(found, Counter(tuple(sorted(point.items())) for point in wanted))

    def test_random_trials_depend_on_seed_and_number_alone(self) -> None:
        drawn = {}
        for name, seed in (("one", 3), ("same", 3), ("other", 4)):
            self.search(f"run-{name}", spec(seed=seed), f"{self.study}-{name}")
            drawn[name] = self.points(f"run-{name}")
        self.assertEqual(drawn["one"], drawn["same"])
        self.assertNotEqual(drawn["one"], drawn["other"])

    def test_all_but_a_grid_begin_with_the_training_as_it_is_written(self) -> None:
        given = spec()
        training = given["training"]
        written = {
            "learningRate": training["learningRate"],
            "batchSize": training["batchSize"],
            "network.channels": training["network"]["channels"],
        }
        self.assertEqual(written["batchSize"], 8, "where the space has no dropout")
        for algorithm in ("tpe", "random", "nsga2", "cmaes", "gp"):
            with self.subTest(algorithm=algorithm):
                self.search(f"run-{algorithm}", spec(algorithm=algorithm, trials=3), f"{self.study}-{algorithm}")
                points = self.points(f"run-{algorithm}")
                self.assertEqual(points[0], written)
                self.assertNotIn(written, points[1:])
        self.search("more", spec(algorithm="tpe", trials=5), f"{self.study}-tpe")
        self.assertEqual(self.points("more").count(written), 1)

    def test_tpe_learns_from_its_first_trials_also_where_there_are_few(self) -> None:
        self.assertEqual([random_trials(trials) for trials in (1, 8, 48, 60, 1000)], [3, 3, 8, 10, 10])
        drawn = {}
        for algorithm in ("tpe", "random"):
            self.search(f"run-{algorithm}", spec(algorithm=algorithm, trials=8), f"{self.study}-{algorithm}")
            drawn[algorithm] = self.points(f"run-{algorithm}")
        self.assertEqual(drawn["tpe"][:3], drawn["random"][:3])
        self.assertTrue(all(tpe != random for tpe, random in zip(drawn["tpe"][3:], drawn["random"][3:], strict=True)))

    def test_begins_anywhere_where_what_is_written_is_outside_the_space(self) -> None:
        given = spec(trials=2)
        given["training"]["learningRate"] = 2
        self.search("run", given)
        self.assertTrue(all(point["learningRate"] <= 1 for point in self.points("run")))


class GoingOn(Searching):
    def test_more_trials_reuse_the_finished_ones_and_a_known_result_is_reported(self) -> None:
        first = self.search("first", spec(trials=4))
        self.assertEqual(self.trained(), 4)
        self.place.result_path("first").unlink()
        self.assertEqual(self.search("first", spec(trials=4)), first)
        second = self.search("second", spec(trials=7))
        self.assertEqual((self.trained(), second["trials"]["completed"]), (7, 7))
        self.assertEqual(self.points("second")[:4], self.points("first"))

    def test_trials_that_diverge_fail_are_not_counted_and_end_a_hopeless_search(self) -> None:
        some = {**SPACE, "batchSize": {"kind": "categorical", "choices": [8, DIVERGING_BATCH]}}
        del some["network.dropout"]
        result = self.search("some", spec(space=some), f"{self.study}-some")
        self.assertEqual(result["trials"]["completed"], 6)
        self.assertGreater(result["trials"]["failed"], 0)
        self.assertEqual(len(self.points("some", "failed")), result["trials"]["failed"])
        given = spec(space={"learningRate": SPACE["learningRate"]})
        given["training"]["batchSize"] = DIVERGING_BATCH
        with self.assertRaisesRegex(WorkloadFailure, "10 trials failed and 0 did not.*the gradient is nan") as caught:
            self.search("none", given, f"{self.study}-none")
        self.assertEqual(caught.exception.code, EXIT_NOT_VERIFIED)

    def test_a_trial_whose_worker_died_before_its_first_heartbeat_is_tried_again(self) -> None:
        study = self.open_study(spec(trials=3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study._study.ask()
        self.search("run", spec(trials=3))
        self.assertEqual(Tally.of(self.trials()), Tally(completed=3, pruned=0, failed=0, running=0, waiting=0))
        self.assertEqual(self.trained(), 3)

    def test_a_trial_that_takes_its_workers_down_counts_as_failed_in_the_end(self) -> None:
        study = self.open_study(spec(trials=2))
        for _ in range(MOST_RETRIES + 1):
            claim = study.claim(0)
            assert claim.trial is not None
            lost = claim.point
            study.give_back(claim.trial)
        self.assertEqual(Tally.of(study.trials()), Tally(completed=0, pruned=0, failed=1, running=0, waiting=0))
        self.assertNotEqual(study.claim(0).point, lost)

    def test_a_trial_given_to_another_worker_does_not_count_twice(self) -> None:
        study = self.open_study(spec(trials=1))
        slow = study.claim(0).trial
        assert slow is not None
        study.give_back(slow)
        quick = study.claim(1).trial
        assert quick is not None
        self.assertFalse(study.is_mine(slow))
        study.complete(slow, [1.0])
        study.fail(slow, "late")
        study.complete(quick, [2.0])
        self.assertEqual([trial.values for trial in study.trials() if trial.values], [[2.0]])
        self.assertTrue(study.claim(0).over)

    def test_no_more_trials_are_given_out_than_were_asked_for(self) -> None:
        study = self.open_study(spec(trials=3))
        claims = [study.claim(worker) for worker in range(5)]
        self.assertEqual([claim.trial is not None for claim in claims], [True, True, True, False, False])
        self.assertFalse(claims[-1].over, "they may yet fail")


class Processes(Searching):
    def start_worker(
        self,
        run: str,
        given: dict[str, Any],
        workers: int = 2,
        worker: int = 0,
        step_seconds: float = 0.01,
        **more: str,
    ) -> subprocess.Popen[str]:
        environment = self.environment(run, given, workers, worker)
        path = self.place.root / f"{run}-{worker}.out"
        with path.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.search_worker"],
                env={
                    **os.environ,
                    **environment,
                    "PYTHONPATH": os.pathsep.join((str(support.WORKLOADS), str(support.WORKLOADS / "trainer"))),
                    "FAKE_STEP_SECONDS": str(step_seconds),
                    **more,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

        def end() -> None:
            if process.poll() is None:
                process.kill()
            process.wait()

        self.addCleanup(end)
        return process

    def ends(self, run: str, processes: list[subprocess.Popen[str]], codes: list[int]) -> None:
        found = [process.wait(60) for process in processes]
        self.assertEqual(found, codes, "\n".join(self.place.output(run, worker) for worker in (0, 1)))

    def is_training(self, run: str, worker: int, trials: int = 1) -> bool:
        journal = self.place.root / "journal"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return sum(json.loads(line)["worker"] == str(worker) for line in lines) >= trials

    def test_two_workers_finish_exactly_the_trials_asked_for_and_share_them(self) -> None:
        given = spec(algorithm="tpe", trials=9)
        pair = [self.start_worker("run", given, worker=worker, step_seconds=0.02) for worker in (0, 1)]
        self.ends("run", pair, [0, 0])
        self.assertEqual(self.place.result("run")["trials"], {"completed": 9, "pruned": 0, "failed": 0})
        self.assertEqual(self.trained(), 9)
        self.assertEqual({trial.user_attrs["worker"] for trial in self.trials()}, {0, 1})
        self.assertFalse(self.place.result_path("run", 1).exists(), "only worker 0 reports")
        self.assertNotIn(PASSWORD, self.place.output("run", 0) + self.place.output("run", 1))

    def test_a_worker_killed_in_the_middle_of_a_trial_loses_none_and_counts_none_twice(self) -> None:
        given = spec(trials=5)
        victim = self.start_worker("run", given, worker=1, step_seconds=0.1)
        support.wait_for(lambda: self.is_training("run", 1), "worker 1 to train")
        victim.kill()
        victim.wait()
        lost = next(trial for trial in self.trials() if trial.state == optuna.trial.TrialState.RUNNING)
        self.ends("run", [self.start_worker("run", given, worker=0)], [0])
        self.assertEqual(self.place.result("run")["trials"], {"completed": 5, "pruned": 0, "failed": 0})
        done = [trial for trial in self.trials() if trial.state == optuna.trial.TrialState.COMPLETE]
        self.assertEqual(len(done), 5)
        self.assertIn(lost.params, [trial.params for trial in done], "the point of the lost trial was tried again")
        self.assertEqual(len({tuple(sorted(trial.params.items())) for trial in done}), 5)

    def test_sigterm_gives_the_trial_back_at_once_and_the_next_try_goes_on(self) -> None:
        given = spec(trials=4)
        first = self.start_worker("run", given, workers=1, step_seconds=0.05)
        support.wait_for(lambda: self.is_training("run", 0, 2), "the second trial")
        first.send_signal(signal.SIGTERM)
        self.ends("run", [first], [EXIT_INTERRUPTED])
        tally = Tally.of(self.trials())
        self.assertEqual((tally.completed, tally.running, tally.waiting), (1, 0, 1))
        waiting = next(trial for trial in self.trials() if trial.state == optuna.trial.TrialState.WAITING)
        self.ends("run", [self.start_worker("run", given, workers=1)], [0])
        self.assertIn(waiting.params, self.points("run"))
        self.assertEqual(self.place.result("run")["trials"], {"completed": 4, "pruned": 0, "failed": 0})

    def test_its_time_ends_it_with_what_it_has(self) -> None:
        given = spec(trials=1000, timeoutSeconds=4)
        pair = [self.start_worker("run", given, worker=worker, step_seconds=0.02) for worker in (0, 1)]
        self.ends("run", pair, [0, 0])
        result = self.place.result("run")
        self.assertTrue(0 < result["trials"]["completed"] < 1000)
        self.assertTrue(4 <= result["seconds"] < 10, result["seconds"])
        self.assertEqual(Tally.of(self.trials()).running, 0)

    def test_its_time_over_without_one_complete_trial_is_a_failure(self) -> None:
        given = spec(timeoutSeconds=0.5)
        self.ends("run", [self.start_worker("run", given, workers=1, step_seconds=1)], [EXIT_NOT_VERIFIED])
        self.assertIn("no trial was completed", self.place.termination().read_text())
        self.assertIn("raise spec.search.timeoutSeconds", self.place.termination().read_text())

    def test_a_database_that_goes_away_ends_a_worker_for_another_try_that_goes_on(self) -> None:
        given = spec(trials=4)
        worker = self.start_worker("run", given, workers=1, step_seconds=0.05)
        support.wait_for(lambda: self.is_training("run", 0, 2), "the second trial")
        postgres.stop()
        try:
            self.ends("run", [worker], [EXIT_UNAVAILABLE])
            self.assertIn("the database search at 127.0.0.1", self.place.termination().read_text())
            early = self.start_worker("run", given, workers=1, MILLWRIGHT_DATABASE_SECONDS="0.5")
            self.ends("run", [early], [EXIT_UNAVAILABLE])
            waits = self.start_worker("run", given, workers=1)
        finally:
            postgres.start()
        self.ends("run", [waits], [0])
        self.assertEqual(self.place.result("run")["trials"], {"completed": 4, "pruned": 0, "failed": 0})

    def test_what_another_try_would_not_change_ends_with_its_code(self) -> None:
        process = self.start_worker("run", spec(algorithm="anneal"), workers=1)
        self.ends("run", [process], [EXIT_BAD_SPEC])
        process = self.start_worker("run", spec(), workers=1, MILLWRIGHT_DATABASE_PASSWORD_FILE="/nowhere")
        self.ends("run", [process], [EXIT_BAD_SPEC])
        self.assertIn("MILLWRIGHT_DATABASE_PASSWORD_FILE /nowhere", self.place.termination().read_text())


class RealTrials(support.PlaceTest):
    def test_a_trial_trains_as_training_does_and_never_opens_the_test_split(self) -> None:
        support.write_corpus(self.place.root / "source")
        dataset.run(self.place.surroundings("dataset", "d", support.SPLIT))
        (self.place.root / "dataset/test.jsonl").unlink()
        space = {"learningRate": SPACE["learningRate"], "network.channels": SPACE["network.channels"]}
        given = spec(
            trials=2, space=space, objectives=[{"metric": "validationAccuracy", "direction": "maximize"}, SIZE]
        )
        environment = {
            **self.place.environment("search", "run", given),
            **postgres.environment(),
            "MILLWRIGHT_STUDY": "real",
        }
        with mock.patch.dict(os.environ, environment):
            search.run(self.place.surroundings("search", "run", given))
        result = self.place.result("run")
        self.assertEqual(faults_of(result, "search"), [])
        self.assertEqual(result["dataset"], "d")
        for point in result["front"]:
            self.assertTrue(0 <= point["values"][0] <= 1)
            self.assertGreater(point["values"][1], 0)


if __name__ == "__main__":
    unittest.main()
