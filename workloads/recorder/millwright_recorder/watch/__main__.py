"""The watcher of a stack: looks every few seconds, and writes the record of a trigger where one is due.

It keeps nothing: what there has been it reads from the records, so it can be started anew at any moment, and two of
them do no harm: a trigger's record is named by what it is about, and the second one finds it there.

Exit codes: 64 the environment is wrong; 1 the cluster refused; 0 SIGTERM.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from ..__main__ import ACCOUNT
from ..api import Api, ApiError
from ..record import config_map
from .decision import NOTHING, Held, Measured, Serving, Trigger, Watch, decide
from .history import KINDS, records_in, serving_of, triggers_of
from .prometheus import Prometheus, PrometheusError

LOOK_SECONDS = 15.0
PATIENCE_SECONDS = 120.0

EXIT_REFUSED = 1
EXIT_BAD_ENVIRONMENT = 64

NEEDED = (
    "MILLWRIGHT_NAMESPACE",
    "MILLWRIGHT_PROMETHEUS",
    "MILLWRIGHT_WATCH",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
)


class Stopped(Exception):
    """SIGTERM came."""


class Watcher:
    def __init__(
        self,
        watches: Mapping[str, Watch],
        namespace: str,
        api: Api,
        prometheus: Prometheus,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._watches = watches
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._api = api
        self._prometheus = prometheus
        self._clock = clock
        self._said: dict[str, str] = {}

    def look(self) -> None:
        """At every model once. Raises ApiError; a Prometheus that does not answer is only told of."""
        selector = quote(f"millwright.dev/record in ({','.join(KINDS)})")
        records = records_in(self._api.call("GET", f"{self._path}?labelSelector={selector}"))
        for model, watch in self._watches.items():
            serving, now = serving_of(model, records), self._clock()
            measured, problem = self._measured(model, watch, serving, now)
            decision = decide(watch, serving, triggers_of(model, records), measured, now)
            if isinstance(decision, Held):
                self._say(model, problem or decision.because)
            else:
                self._write(model, decision, now)

    def _measured(self, model: str, watch: Watch, serving: Serving | None, now: float) -> tuple[Measured, str | None]:
        """What was measured, and why nothing was: a schedule goes on without it."""
        if serving is None:
            return NOTHING, None
        try:
            return self._prometheus.measured(model, serving.version, watch, now), None
        except PrometheusError as error:
            return NOTHING, f"cannot be measured: {error}"

    def _write(self, model: str, trigger: Trigger, now: float) -> None:
        record = trigger_record(model, trigger, now)
        try:
            self._api.call("POST", self._path, config_map(record, self._namespace))
        except ApiError as error:
            if error.status != 409:
                raise
        self._say(model, f"{trigger.reason} of {trigger.version}: {json.dumps(trigger.details)}; wrote {record['run']}")

    def _say(self, model: str, message: str) -> None:
        """What has not changed is not said again."""
        if self._said.get(model) != message:
            self._said[model] = message
            print(f"watcher: {model}: {message}", flush=True)


def trigger_record(model: str, trigger: Trigger, now: float) -> dict[str, Any]:
    """It has no artifact; its members say so, for records of every kind have them."""
    identity = json.dumps(trigger.identity, sort_keys=True, separators=(",", ":"))
    return {
        "kind": "trigger",
        "model": model,
        "run": f"{model}-trigger-{hashlib.sha256(identity.encode('utf-8')).hexdigest()[:10]}",
        "completedAt": datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": trigger.reason,
        "version": trigger.version,
        "details": dict(trigger.details),
        "seconds": 0,
        "artifact": {"path": "-", "sha256": "0" * 64, "bytes": 0},
    }


def watches_in(path: Path) -> dict[str, Watch]:
    """From `{"models": [{"name", "watch"}]}`. Raises OSError, ValueError, KeyError or TypeError."""
    models = json.loads(path.read_text(encoding="utf-8"))["models"]
    return {model["name"]: Watch.of(model["watch"]) for model in models}


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        return _complain(EXIT_BAD_ENVIRONMENT, f"not set: {', '.join(missing)}")
    path = Path(os.environ["MILLWRIGHT_WATCH"])
    try:
        watches = watches_in(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _complain(EXIT_BAD_ENVIRONMENT, f"{path}: does not say what to watch ({error!r})")
    account = Path(os.environ.get("MILLWRIGHT_SERVICE_ACCOUNT", ACCOUNT))
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    api = Api(host, port, account, patience_seconds=PATIENCE_SECONDS)
    prometheus = Prometheus(os.environ["MILLWRIGHT_PROMETHEUS"])
    watcher = Watcher(watches, os.environ["MILLWRIGHT_NAMESPACE"], api, prometheus)
    seconds = float(os.environ.get("MILLWRIGHT_WATCH_SECONDS", LOOK_SECONDS))
    print(f"watcher: watches {', '.join(watches)}", flush=True)
    try:
        while True:
            watcher.look()
            time.sleep(seconds)
    except Stopped:
        return 0
    except ApiError as error:
        return _complain(EXIT_REFUSED, f"the cluster refused: {error}")


def _complain(code: int, message: str) -> int:
    print(f"watcher: {message}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
