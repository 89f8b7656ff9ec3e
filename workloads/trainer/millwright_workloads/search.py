"""The search stage: one worker of a search for a training's best parameters.

Workers share nothing but the study in the database, which is where an interrupted search goes on. Worker 0 waits until
no trial is left, writes every trial to `trials.json` and leaves the result.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DBAPIError

from .contract import (
    EXIT_NOT_VERIFIED,
    LOG_FILE,
    Log,
    Stopped,
    Surroundings,
    WorkloadFailure,
    bad_spec,
    earlier_result,
    finish,
    not_verified,
    read_spec,
    write_json,
    write_progress,
)
from .database import Database, connect, lost
from .items import dataset_run
from .search_result import Finished, summary
from .search_spec import SearchSpec
from .space import Point
from .study import FAILURE, WORKER, SharedStudy, Tally, is_failed

if TYPE_CHECKING:
    from .search_trial import Metrics, Watch

TRIALS_FILE = "trials.json"

DATABASE_SECONDS = 300
"""How long a worker waits for the database, unless MILLWRIGHT_DATABASE_SECONDS says otherwise."""

HEARTBEAT_SECONDS = 10
"""Between two signs of life of a trial, unless MILLWRIGHT_HEARTBEAT_SECONDS says otherwise. Six that are missing make
it a trial of a dead worker."""

_POLL_SECONDS = 0.5
_STEP_SECONDS = 0.1

Train = Callable[[dict[str, Any], "Watch"], "Metrics"]
"""From the spec of a training, without its test split, to its metrics."""


class OutOfTime(Exception):
    """The search's time is up."""


class GivenAway(Exception):
    """The trial went to another worker, because this one seemed dead."""


def run(place: Surroundings) -> None:
    """Raises WorkloadFailure when spec, data or environment are not what they must be, or nothing was found."""
    # Brings PyTorch, which takes seconds to load and which nothing else here needs.
    from .search_trial import TrialTrainer

    Search(place, TrialTrainer(place.input, place.run)).run()


class Search:
    """One worker's part of a search; `train` is what a trial does."""

    def __init__(self, place: Surroundings, train: Train) -> None:
        self.place = place
        self.train = train
        self.writes = place.worker == 0
        self.log = Log(place.output / LOG_FILE if self.writes else None)
        self.stopped = False
        self._deadline: float | None = None

    def run(self) -> None:
        place = self.place
        spec = SearchSpec.of(read_spec(place.spec))
        database = Database.of(os.environ)
        name = os.environ.get("MILLWRIGHT_STUDY") or place.run
        known = earlier_result(place, place.output)
        if known is not None:
            if self.writes:
                self.log(f"{place.run} was searched before and is intact: reporting that result")
                finish(place, place.output, known)
            return
        before = signal.signal(signal.SIGTERM, self._on_signal)
        try:
            self._search(spec, database, name)
        except (DBAPIError, StorageInternalError) as error:
            # Optuna wraps the driver's errors; whichever it is, the trial's heartbeat stops and another try goes on.
            raise lost(database, error) from error
        finally:
            signal.signal(signal.SIGTERM, before)

    def _search(self, spec: SearchSpec, database: Database, name: str) -> None:
        engine = connect(database, seconds("MILLWRIGHT_DATABASE_SECONDS", DATABASE_SECONDS), self._pause)
        heartbeat = int(seconds("MILLWRIGHT_HEARTBEAT_SECONDS", HEARTBEAT_SECONDS))
        study = SharedStudy(database, engine, name, spec, heartbeat, self._pause)
        try:
            self._work(study, spec)
        finally:
            study.close()
            engine.dispose()

    def _work(self, study: SharedStudy, spec: SearchSpec) -> None:
        place = self.place
        began = study.begin(place.run)
        if spec.timeout_seconds is not None:
            self._deadline = began + spec.timeout_seconds
        tally = study.tally()
        self.log(
            f"worker {place.worker} of {place.workers}: study {study.name} has {tally.done} of {spec.trials} trials; "
            f"{spec.algorithm} over {', '.join(spec.space.parameters)}, Optuna {optuna.__version__}"
        )
        try:
            self._fill(study, spec)
        except OutOfTime:
            self.log(f"the {spec.timeout_seconds:g} s of spec.search.timeoutSeconds are over")
            if self.writes:
                self._wait_for_the_others(study)
        if self.writes:
            self._conclude(study, spec, began)

    def _fill(self, study: SharedStudy, spec: SearchSpec) -> None:
        """Trains trials until there are enough. Worker 0 stays until the last one of the others has ended."""
        while True:
            self._stop_or_go_on()
            claim = study.claim(self.place.worker)
            if claim.over:
                return
            if claim.trial is not None:
                self._trial(study, spec, claim.trial, claim.point)
            elif not self.writes:
                # Should a worker that has a trial die, worker 0 is still there, and the Job starts the dead one again.
                self.log("the trials that are left are all being trained")
                return
            else:
                self._say(study.tally(), spec, 0, 0, "waiting for the trials of other workers")
                self._pause(_POLL_SECONDS)

    def _trial(self, study: SharedStudy, spec: SearchSpec, trial: optuna.Trial, point: Point) -> None:
        self.log(f"trial {trial.number}: {point}")
        watch = TrialWatch(self, study, spec, trial)
        try:
            with study.kept_alive(trial):
                metrics = self.train(spec.training_of(point), watch)
        except optuna.TrialPruned as pruned:
            study.prune(trial)
            self.log(f"trial {trial.number}: pruned {pruned}")
        except (GivenAway, UpdateFinishedTrialError):
            self.log(f"trial {trial.number}: given to another worker, since its heartbeats did not arrive")
        except WorkloadFailure as failure:
            if failure.code != EXIT_NOT_VERIFIED:
                study.give_back(trial)
                raise
            study.fail(trial, str(failure))
            self.log(f"trial {trial.number}: failed, {failure}")
        except (OutOfTime, Stopped):
            study.give_back(trial)
            raise
        else:
            values = [metrics[objective.metric] for objective in spec.objectives]
            study.complete(trial, values)
            told = ", ".join(
                f"{objective.metric} {value:.6g}" for objective, value in zip(spec.objectives, values, strict=True)
            )
            self.log(f"trial {trial.number}: {told}")

    def _wait_for_the_others(self, study: SharedStudy) -> None:
        """Their time is up, too, so they end within a step, or their heartbeats do."""
        while True:
            if self.stopped:
                raise Stopped
            study.recover()
            if not study.tally().running:
                return
            time.sleep(_STEP_SECONDS)

    def _conclude(self, study: SharedStudy, spec: SearchSpec, began: float) -> None:
        place = self.place
        trials = study.trials()
        tally = Tally.of(trials)
        first = min((trial.datetime_start for trial in trials if trial.datetime_start), default=None)
        finished = [
            Finished(
                trial.number,
                {path: trial.params[path] for path in spec.space.parameters if path in trial.params},
                trial.values,
                (trial.datetime_complete - first).total_seconds(),
            )
            for trial in trials
            if trial.state == TrialState.COMPLETE and trial.values and trial.datetime_complete and first
        ]
        if not finished:
            raise not_verified(
                f"no trial was completed: {tally.pruned} were pruned, {tally.failed} failed"
                + ("; raise spec.search.timeoutSeconds" if self._deadline else "; widen spec.search.space")
            )
        write_json(
            place.output / TRIALS_FILE,
            {
                "study": study.name,
                "objectives": [vars(objective) for objective in spec.objectives],
                "trials": [described(trial) for trial in trials],
            },
        )
        found = summary(finished, spec.objectives)
        self.log(
            f"done: {tally.completed} trials completed, {tally.pruned} pruned, {tally.failed} failed; "
            f"best {found['best']['values']} with {found['best']['parameters']}"
        )
        self._say(tally, spec, 0, 0, "done")
        finish(
            place,
            place.output,
            {
                "seconds": round(time.time() - began, 3),
                "dataset": dataset_run(place.input),
                "trials": {"completed": tally.completed, "pruned": tally.pruned, "failed": tally.failed},
                **found,
            },
        )

    def _say(self, tally: Tally, spec: SearchSpec, epoch: int, epochs: int, message: str) -> None:
        write_progress(self.place, min(tally.done, spec.trials), spec.trials, epoch, epochs, message)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def _stop_or_go_on(self) -> None:
        if self.stopped:
            raise Stopped
        if self._deadline is not None and time.time() >= self._deadline:
            raise OutOfTime

    def _pause(self, length: float) -> None:
        until = time.monotonic() + length
        while time.monotonic() < until:
            if self.stopped:
                raise Stopped
            time.sleep(min(_STEP_SECONDS, length))


class TrialWatch:
    """Reports a trial's epochs to the study, and ends the trial where it should end."""

    def __init__(self, search: Search, study: SharedStudy, spec: SearchSpec, trial: optuna.Trial) -> None:
        self._search = search
        self._study = study
        self._spec = spec
        self._trial = trial

    def after_step(self) -> None:
        self._search._stop_or_go_on()

    def after_epoch(self, epoch: int, epochs: int, metrics: Metrics) -> None:
        search, trial = self._search, self._trial
        if not self._study.is_mine(trial):
            raise GivenAway
        search._say(self._study.tally(), self._spec, epoch, epochs, f"trial {trial.number}")
        if len(self._spec.objectives) > 1:
            # Optuna compares trials halfway only where there is one order among them.
            return
        value = metrics[self._spec.objectives[0].metric]
        trial.report(value, epoch)
        if epoch < epochs and trial.should_prune():
            raise optuna.TrialPruned(f"after epoch {epoch} of {epochs} at {value:.6g}")


def described(trial: FrozenTrial) -> dict[str, Any]:
    """A trial as `trials.json` has it; `epochs` has what it reported after each, counted from 1."""
    told: dict[str, Any] = {
        "trial": trial.number,
        "state": "failed" if is_failed(trial) else _STATES[trial.state],
        "parameters": dict(trial.params),
        "values": list(trial.values) if trial.values and trial.state == TrialState.COMPLETE else [],
        "epochs": {str(epoch): value for epoch, value in sorted(trial.intermediate_values.items())},
        "worker": trial.user_attrs.get(WORKER),
        "seconds": round(trial.duration.total_seconds(), 3) if trial.duration else None,
    }
    if FAILURE in trial.user_attrs:
        told["failure"] = trial.user_attrs[FAILURE]
    return told


_STATES = {
    TrialState.COMPLETE: "completed",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "interrupted",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def seconds(variable: str, default: float) -> float:
    value = os.environ.get(variable)
    if not value:
        return default
    if not value.replace(".", "", 1).isdigit() or float(value) <= 0:
        raise bad_spec(f'{variable} is "{value}", must be a number of seconds above 0')
    return float(value)
