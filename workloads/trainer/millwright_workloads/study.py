"""One Optuna study in PostgreSQL that several workers fill, without a trial too many or too few.

Optuna keeps the trials; what it leaves open is here. Its own counting lets parallel workers start more trials than were
asked for, a worker that dies between creating a trial and its first heartbeat leaves it running for ever, and samplers
with one seed draw the same point in every worker. So a trial is claimed under a lock of the database, one at a time:
the lock is held for the count, the first heartbeat and the choice of the point, never while a trial trains.
"""

from __future__ import annotations

import hashlib
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Engine, text

from .contract import not_verified
from .database import ENGINE_SETTINGS, Database, locked
from .search_spec import SearchSpec
from .space import Categorical, Float, Integer, Point, Space

MOST_RETRIES = 10
"""A trial that was interrupted so often takes its workers down, and counts as failed."""

LEAST_FAILURES = 10
"""So many failed trials end a search, or as many as it should have had: the space is at fault, not chance."""

FAILURE = "failure"
WORKER = "worker"
"""Attributes of a trial: why it failed for good, and which worker trained it."""

_UNNOTICED = text(
    "SELECT t.number FROM trials t JOIN studies s ON s.study_id = t.study_id "
    "LEFT JOIN trial_heartbeats h ON h.trial_id = t.trial_id "
    "WHERE s.study_name = :study AND t.state = 'RUNNING' AND h.trial_id IS NULL"
)


@dataclass(frozen=True)
class Tally:
    completed: int
    pruned: int
    failed: int
    """For good: a trial that was interrupted and is tried again is not among them."""
    running: int
    waiting: int

    @property
    def done(self) -> int:
        """What counts against the trials asked for."""
        return self.completed + self.pruned

    @staticmethod
    def of(trials: Sequence[FrozenTrial]) -> Tally:
        def count(state: TrialState) -> int:
            return sum(trial.state == state for trial in trials)

        return Tally(
            completed=count(TrialState.COMPLETE),
            pruned=count(TrialState.PRUNED),
            failed=sum(is_failed(trial) for trial in trials),
            running=count(TrialState.RUNNING),
            waiting=count(TrialState.WAITING),
        )


@dataclass(frozen=True)
class Claim:
    """`trial` to train at a `point`; or none, because the search is `over`, or because others have the trials left."""

    trial: optuna.Trial | None = None
    point: Point = field(default_factory=dict)
    over: bool = False


class SharedStudy:
    """The study, as one worker of one run sees it."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        name: str,
        spec: SearchSpec,
        heartbeat_seconds: int,
        pause: Callable[[float], None],
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.spec = spec
        self.name = name
        self._lock = f"millwright: {name}"
        self._engine = engine
        self._pause = pause
        self._grid = spec.space.grid() if spec.algorithm == "grid" else None
        # What whoever wrote the stack knows about the training: the first trial, and what a search must beat.
        self._written = None if self._grid is not None else spec.space.written(spec.training)
        self._heartbeat_seconds = heartbeat_seconds
        with warnings.catch_warnings():
            # Heartbeats have been called experimental since Optuna 2.9.
            warnings.simplefilter("ignore", ExperimentalWarning)
            self._retry = optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=MOST_RETRIES)
            # Under a lock, because two processes that create the tables at once fail.
            with locked(engine, "millwright: tables", pause):
                self._storage = optuna.storages.RDBStorage(
                    database.url(),
                    engine_kwargs=ENGINE_SETTINGS,
                    heartbeat_interval=heartbeat_seconds,
                    grace_period=heartbeat_seconds * 6,
                    heartbeat_stale_trial_callback=self._retry,
                )
                self._study = optuna.create_study(
                    study_name=name,
                    storage=self._storage,
                    pruner=pruner_of(spec),
                    directions=spec.directions,
                    load_if_exists=True,
                )

    def close(self) -> None:
        """Lets go of the database's connections."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def begin(self, run: str) -> float:
        """When a run began, in seconds since 1970: the first of its workers says so, over all restarts."""
        key = f"began:{run}"
        with self._locked():
            began = self._study.user_attrs.get(key)
            if began is None:
                began = time.time()
                self._study.set_user_attr(key, began)
        return float(began)

    def trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def tally(self) -> Tally:
        return Tally.of(self.trials())

    def recover(self) -> None:
        """Gives trials of workers that died to whoever comes next."""
        with self._locked():
            self._recover()

    def claim(self, worker: int) -> Claim:
        """The next trial for a worker. Raises a not-verified failure when trials fail again and again."""
        with self._locked():
            self._recover()
            trials = self.trials()
            tally = Tally.of(trials)
            if tally.done >= self.spec.trials:
                return Claim(over=True)
            self._require_sense(trials, tally)
            if tally.done + tally.running >= self.spec.trials:
                return Claim()
            if self._grid is not None and not tally.waiting:
                point = next_point(self._grid, trials)
                if point is None:
                    return Claim(over=not tally.running)
                self._study.enqueue_trial(point)
            elif self._written is not None and next_point([self._written], trials) is not None:
                self._study.enqueue_trial(self._written)
            self._study.sampler = sampler_of(self.spec, len(trials))
            with warnings.catch_warnings():
                # That nobody records heartbeats but Study.optimize: here `kept_alive` does.
                warnings.filterwarnings("ignore", message="Heartbeat of storage", category=UserWarning)
                trial = self._study.ask()
            self._storage.record_heartbeat(trial._trial_id)
            # Drawn before anybody else draws, since samplers look at the points of trials that run.
            point = suggest(trial, self.spec.space)
            trial.set_user_attr(WORKER, worker)
        return Claim(trial, point)

    @contextmanager
    def kept_alive(self, trial: optuna.Trial) -> Iterator[None]:
        """While it is entered, the others see that the trial's worker lives."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self._heartbeat_seconds):
                try:
                    self._storage.record_heartbeat(trial._trial_id)
                except Exception as error:
                    # One that does not arrive is made up for by the next; the training notices a lost database itself.
                    print(f"a heartbeat of trial {trial.number} did not arrive: {error}", flush=True)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def is_mine(self, trial: optuna.Trial) -> bool:
        """False when it was given to another worker, because this one seemed dead."""
        return bool(self._storage.get_trial(trial._trial_id).state == TrialState.RUNNING)

    def complete(self, trial: optuna.Trial, values: Sequence[float]) -> None:
        self._tell(trial, TrialState.COMPLETE, values)

    def prune(self, trial: optuna.Trial) -> None:
        self._tell(trial, TrialState.PRUNED)

    def fail(self, trial: optuna.Trial, reason: str) -> None:
        """For good: another try would end the same."""
        if self.is_mine(trial):
            trial.set_user_attr(FAILURE, reason[:1000])
        self._tell(trial, TrialState.FAIL)

    def give_back(self, trial: optuna.Trial) -> None:
        """For whoever comes next, at the same point. Waits for the lock also when this worker is to stop."""
        with locked(self._engine, self._lock, time.sleep):
            if self.is_mine(trial):
                self._requeue(trial.number)

    def _tell(self, trial: optuna.Trial, state: TrialState, values: Sequence[float] | None = None) -> None:
        # Skipped when it was given to another worker, whose result will count.
        self._study.tell(trial, list(values) if values is not None else None, state, skip_if_finished=True)

    def _recover(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna.storages.fail_stale_trials(self._study)
        with self._engine.connect() as connection:
            # Every trial gets its first heartbeat under the lock held here, so one without has lost its worker before.
            numbers = connection.execute(_UNNOTICED, {"study": self.name}).scalars().all()
        for number in numbers:
            self._requeue(number)

    def _requeue(self, number: int) -> None:
        lost = self._study.tell(number, state=TrialState.FAIL)
        self._retry(self._study, lost)

    def _require_sense(self, trials: Sequence[FrozenTrial], tally: Tally) -> None:
        most = max(LEAST_FAILURES, self.spec.trials)
        if self._grid is None and tally.failed >= most:
            last = [trial.user_attrs.get(FAILURE) for trial in trials if is_failed(trial)][-1]
            raise not_verified(
                f"{tally.failed} trials failed and {tally.done} did not, the last one: {last or 'its workers died'}; "
                "narrow spec.search.space"
            )

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self._engine, self._lock, self._pause)


def is_failed(trial: FrozenTrial) -> bool:
    """Whether it failed for good; one that was interrupted lives on in the trial that took its place."""
    retries = optuna.storages.RetryHeartbeatStaleTrialCallback
    if trial.state != TrialState.FAIL:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return FAILURE in trial.user_attrs or len(retries.retry_history(trial)) >= MOST_RETRIES


def next_point(grid: Sequence[Point], trials: Sequence[FrozenTrial]) -> Point | None:
    """The first point of a grid that no trial has, had, or is to have; None when all are taken.

    A point whose trial was interrupted before it could be queued again is free.
    """
    taken = {
        key(trial.system_attrs.get("fixed_params", trial.params))
        for trial in trials
        if trial.state != TrialState.FAIL or is_failed(trial)
    }
    return next((point for point in grid if key(point) not in taken), None)


def key(point: Point) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(point.items()))


def suggest(trial: optuna.Trial, space: Space) -> Point:
    """The trial's point: every parameter whose condition holds, in the space's order."""
    point: Point = {}
    for path, parameter in space.parameters.items():
        if not space.is_active(path, point):
            continue
        match parameter:
            case Categorical(choices):
                chosen = trial.suggest_categorical(path, choices)
                assert chosen is not None, "no choice is null"
                point[path] = chosen
            case Integer(low, high, step, log):
                # Optuna wants the upper end to be one of the values.
                end = high - (high - low) % (step or 1)
                point[path] = trial.suggest_int(path, low, end, step=step or 1, log=log)
            case Float(low, high, step, log):
                values = parameter.values()
                point[path] = trial.suggest_float(path, low, float(values[-1]) if values else high, step=step, log=log)
    return point


def sampler_of(spec: SearchSpec, number: int) -> optuna.samplers.BaseSampler:
    """The sampler for one trial, seeded by the search's seed and the trial's number.

    Every sampler here reads the study for what it knows, so a fresh one for each trial loses nothing; and neither a
    restart nor a second worker draws the same point again.
    """
    drawn = hashlib.sha256(f"{spec.seed}:{number}".encode()).digest()
    seed = int.from_bytes(drawn[:4], "big") >> 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        match spec.algorithm:
            case "tpe":
                # Trials that still run count as bad ones, so that parallel workers spread out.
                return optuna.samplers.TPESampler(
                    seed=seed, constant_liar=True, n_startup_trials=random_trials(spec.trials)
                )
            case "nsga2":
                return optuna.samplers.NSGAIISampler(seed=seed)
            case "cmaes":
                return optuna.samplers.CmaEsSampler(
                    seed=seed,
                    warn_independent_sampling=False,
                    # As the sampler's own documentation advises for the two pruners.
                    consider_pruned_trials=spec.pruner == "hyperband",
                )
            case "gp":
                from .gp_sampler import gp_sampler

                return gp_sampler(seed)
            case _:
                # Of a grid the point is queued; nothing is left to draw.
                return optuna.samplers.RandomSampler(seed=seed)


def random_trials(trials: int) -> int:
    """How many trials TPE draws at random before it learns from them: a sixth, from 3 to Optuna's own 10.

    With 10 of 10, a search that has no more trials than that would be a random one.
    """
    return max(3, min(10, trials // 6))


def pruner_of(spec: SearchSpec) -> optuna.pruners.BasePruner:
    """Median: after five trials, from a trial's second epoch on. Hyperband: over the epochs of the longest trial."""
    match spec.pruner:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        case "hyperband":
            return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=spec.most_epochs, reduction_factor=3)
        case _:
            return optuna.pruners.NopPruner()
