"""Waits for the workload beside it to end, and writes the record of what it did.

Exit codes: 0 the record is there, or is not this container's to write; 64 the environment or the spec breaks the
contract; 65 the workload ended well without a result that can be recorded; 1 the cluster refused; 143 SIGTERM.
"""

from __future__ import annotations

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

from .api import Api, ApiError
from .record import ResultError, config_map, record_of

WORKLOAD = "workload"
POLL_SECONDS = 2.0
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

EXIT_REFUSED = 1
EXIT_BAD_ENVIRONMENT = 64
EXIT_NO_RESULT = 65
EXIT_INTERRUPTED = 143


class Stopped(Exception):
    """SIGTERM came."""


def record_run(environment: Mapping[str, str], api: Api, pause: Callable[[float], None] = time.sleep) -> int:
    """Follows the pod's workload to its end; the exit code."""
    namespace, pod, run = (environment[f"MILLWRIGHT_{name}"] for name in ("NAMESPACE", "POD", "RUN"))
    ended = _wait_for_workload(api, namespace, pod, pause)
    if ended["exitCode"] != 0:
        print(f"recorder: the workload ended with {ended['exitCode']}; there is nothing to record", flush=True)
        return 0
    if environment["MILLWRIGHT_WORKER_INDEX"] != "0":
        print("recorder: the record is worker 0's to write", flush=True)
        return 0
    spec = _read_spec(Path(environment["MILLWRIGHT_SPEC"]))
    path = Path(environment["MILLWRIGHT_RESULT"])
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        record = record_of(
            result,
            kind=environment["MILLWRIGHT_STAGE"],
            model=environment["MILLWRIGHT_MODEL"],
            run=run,
            spec=spec,
            artifact_path=environment["MILLWRIGHT_ARTIFACT_PATH"],
            completed_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
    except FileNotFoundError:
        return _explain(EXIT_NO_RESULT, f"the workload ended with 0 but left no result at {path}")
    except ValueError as error:
        return _explain(EXIT_NO_RESULT, f"{path}: not JSON ({error})")
    except ResultError as error:
        return _explain(EXIT_NO_RESULT, f"{path}: {error}")
    return _write(api, namespace, config_map(record, namespace))


class BadSpec(Exception):
    """What should be the run's spec is none."""


def _read_spec(path: Path) -> dict[str, Any]:
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSpec(f"{path}: cannot be read as the run's spec ({error})") from None
    if not isinstance(spec, dict):
        raise BadSpec(f"{path}: the run's spec must be a JSON object, is {type(spec).__name__}")
    return spec


def _wait_for_workload(api: Api, namespace: str, pod: str, pause: Callable[[float], None]) -> dict[str, Any]:
    while True:
        status = api.call("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}").get("status", {})
        for container in status.get("containerStatuses", []):
            if container["name"] == WORKLOAD and "terminated" in container.get("state", {}):
                ended: dict[str, Any] = container["state"]["terminated"]
                return ended
        pause(POLL_SECONDS)


def _write(api: Api, namespace: str, record: dict[str, Any]) -> int:
    name = record["metadata"]["name"]
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    try:
        api.call("POST", path, record)
    except ApiError as error:
        if error.status != 409:
            raise
        # An earlier try of this run wrote it: runs are content-addressed, so the first record is as good as this one.
        print(f"recorder: {name} is already there", flush=True)
        return 0
    print(f"recorder: wrote {name}", flush=True)
    return 0


_NEEDED = ("STAGE", "MODEL", "RUN", "SPEC", "RESULT", "WORKER_INDEX", "POD", "NAMESPACE", "ARTIFACT_PATH")


def _missing(environment: Mapping[str, str]) -> list[str]:
    names = [f"MILLWRIGHT_{name}" for name in _NEEDED] + ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"]
    return [name for name in names if not environment.get(name)]


def _explain(code: int, message: str) -> int:
    print(f"recorder: {message}", file=sys.stderr, flush=True)
    place = os.environ.get("MILLWRIGHT_TERMINATION_LOG", "/dev/termination-log")
    if os.path.isfile(place) and os.access(place, os.W_OK):
        with open(place, "w", encoding="utf-8") as file:
            file.write(message[:4096])
    return code


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    missing = _missing(os.environ)
    if missing:
        return _explain(EXIT_BAD_ENVIRONMENT, f"not set: {', '.join(missing)}")
    account = Path(os.environ.get("MILLWRIGHT_SERVICE_ACCOUNT", ACCOUNT))
    try:
        api = Api(os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"]), account)
        return record_run(os.environ, api)
    except Stopped:
        return _explain(EXIT_INTERRUPTED, "interrupted by SIGTERM before the workload ended")
    except BadSpec as error:
        return _explain(EXIT_BAD_ENVIRONMENT, str(error))
    except ApiError as error:
        return _explain(EXIT_REFUSED, f"the cluster refused: {error}")


if __name__ == "__main__":
    sys.exit(main())
