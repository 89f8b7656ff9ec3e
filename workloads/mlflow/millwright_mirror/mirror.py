"""One look at both sides, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable

from .desired import DesiredModel, desired
from .difference import Action, StoreArtifact, difference
from .mlflow_edge import MlflowEdge
from .records import Snapshot
from .rest import RestError


class Mirror:
    def __init__(self, edge: MlflowEdge) -> None:
        self._edge = edge
        self._said: set[str] = set()
        """Faults that were told of: each is told once, and again when it was gone in between."""

    def bring_in_step(self, snapshot: Snapshot, at_work: Callable[[], None] = lambda: None) -> int:
        """Puts MLflow in step with the records; returns how much was to be done.

        `at_work` is called after each step. A model that MLflow refuses keeps no other from its turn: the first
        RestError there was is raised when all had theirs.
        """
        done = 0
        faults = set(snapshot.faults)
        failure: RestError | None = None
        for model in desired(snapshot.records, snapshot.specs).values():
            try:
                done += self._model(model, faults, at_work)
            except RestError as error:
                failure = failure or error
        for fault in sorted(faults - self._said):
            print(f"mirror: {fault}", flush=True)
        self._said = faults
        if failure is not None:
            raise failure
        return done

    def _model(self, model: DesiredModel, faults: set[str], at_work: Callable[[], None]) -> int:
        held = self._edge.read(model.name)
        at_work()
        found = difference(model, held)
        faults.update(f"model {model.name}: {fault}" for fault in found.faults)
        done = 0
        for action, fault in zip(found.actions, self._edge.apply(model, held, found.actions)):
            at_work()
            if fault is None:
                done += 1
            else:
                faults.add(f"model {model.name}: {_of(action)}{fault}")
        if done > 0:
            print(f"mirror: model {model.name}: {done} steps brought MLflow in step with its records", flush=True)
        return done


def _of(action: Action) -> str:
    return f"run {action.run.name}: " if isinstance(action, StoreArtifact) else ""
