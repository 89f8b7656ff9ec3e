"""Follows the records of a namespace and keeps MLflow in step with them, until it is told to end.

Exit codes: 64 the environment is wrong; 1 a fault of the program; 143 SIGTERM. MLflow or a cluster that is away, or
refuses, is asked again: nothing waits for the mirror, and what it missed it makes up for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from .cluster import Cluster, follow
from .mirror import Mirror
from .mlflow_edge import MlflowEdge
from .records import Holdings, Snapshot
from .rest import Rest, RestError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

GATHER_SECONDS = 1.0
"""After a change, for those that come with it: a record, and the removal of its spec."""

RESYNC_SECONDS = 300.0
"""Between two looks at MLflow while nothing changes in the cluster: so long something lost in MLflow stays lost."""

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0

EXIT_FAULT = 1
EXIT_BAD_ENVIRONMENT = 64
EXIT_INTERRUPTED = 143


class Stopped(Exception):
    """SIGTERM came."""


class Followed:
    """The cluster's side: a thread that keeps the holdings, and tells when they changed."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._holdings = Holdings()
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._listed = False
        self._failure: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Until something changed; whether anything did. Raises what the thread failed with."""
        changed = self._changed.wait(seconds)
        self._changed.clear()
        if self._failure is not None:
            raise self._failure
        return changed

    def snapshot(self) -> Snapshot | None:
        """None until the cluster was listed: what is not known is not absent."""
        with self._lock:
            return self._holdings.snapshot() if self._listed else None

    def _run(self) -> None:
        try:
            follow(self._cluster, self._replace, self._put, self._remove)
        except BaseException as error:
            self._failure = error
            self._changed.set()

    def _replace(self, items: list[dict[str, Any]]) -> None:
        with self._lock:
            self._holdings.replace(items)
            self._listed = True
        self._changed.set()

    def _put(self, config_map: dict[str, Any]) -> None:
        with self._lock:
            self._holdings.put(config_map)
        self._changed.set()

    def _remove(self, name: str) -> None:
        with self._lock:
            self._holdings.remove(name)
        self._changed.set()


class Signs:
    """Files for the pod's probes: `alive` is touched while it goes on; `ready` is there while MLflow is in step."""

    def __init__(self, folder: Path) -> None:
        self._alive = folder / "alive"
        self._ready = folder / "ready"
        # Of an earlier start of this container.
        self.ready(False)

    def alive(self) -> None:
        self._alive.touch()

    def ready(self, is_ready: bool) -> None:
        if is_ready:
            self._ready.touch()
        else:
            self._ready.unlink(missing_ok=True)


def run(followed: Followed, mirror: Mirror, signs: Signs) -> None:
    wait = FIRST_PAUSE_SECONDS
    patience = RESYNC_SECONDS
    while True:
        signs.alive()
        if followed.wait(patience):
            time.sleep(GATHER_SECONDS)
        snapshot = followed.snapshot()
        if snapshot is None:
            continue
        try:
            mirror.bring_in_step(snapshot, signs.alive)
            signs.ready(True)
            wait, patience = FIRST_PAUSE_SECONDS, RESYNC_SECONDS
        except RestError as error:
            signs.ready(False)
            print(f"mirror: MLflow: {error}; trying again in {wait:.0f} s", flush=True)
            patience = wait
            wait = min(2 * wait, LONGEST_PAUSE_SECONDS)


_NEEDED = ("MILLWRIGHT_NAMESPACE", "MILLWRIGHT_TRACKING_URL", "MILLWRIGHT_ARTIFACTS", "MILLWRIGHT_SIGNS")
_CLUSTER = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")


def start(environment: Mapping[str, str]) -> None:
    """Raises ValueError for an environment that is wrong."""
    missing = [name for name in (*_NEEDED, *_CLUSTER) if not environment.get(name)]
    if missing:
        raise ValueError(f"not set: {', '.join(missing)}")
    rest = Rest(environment["MILLWRIGHT_TRACKING_URL"])
    mirror = Mirror(MlflowEdge(rest, Path(environment["MILLWRIGHT_ARTIFACTS"])))
    account = Path(environment.get("MILLWRIGHT_SERVICE_ACCOUNT", str(ACCOUNT)))
    host, port = (environment[name] for name in _CLUSTER)
    followed = Followed(Cluster(host, int(port), account, environment["MILLWRIGHT_NAMESPACE"]))
    run(followed, mirror, Signs(Path(environment["MILLWRIGHT_SIGNS"])))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    try:
        start(os.environ)
        return EXIT_FAULT
    except Stopped:
        return EXIT_INTERRUPTED
    except ValueError as error:
        print(f"mirror: the environment is wrong: {error}", file=sys.stderr, flush=True)
        return EXIT_BAD_ENVIRONMENT


if __name__ == "__main__":
    sys.exit(main())
