"""The container's side of CONTRACT.md: what a workload is told, how it reports, and how it fails."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXIT_BAD_SPEC = 64
EXIT_BAD_DATA = 65
EXIT_NOT_VERIFIED = 66
EXIT_UNAVAILABLE = 75
"""What the run needs is not there, and may be later: EX_TEMPFAIL of sysexits.h."""

EXIT_GROUP_LOST = 76
"""The group of workers came together, and was lost more often than the run may start again."""

EXIT_INTERRUPTED = 143

NEVER_RETRIED = (EXIT_BAD_SPEC, EXIT_BAD_DATA, EXIT_NOT_VERIFIED)

LOG_FILE = "log.txt"
RESULT_COPY = "result.json"

MODEL_FOLDER = "model"
"""Below a run's output: what a server loads, and the run's artifact."""

NETWORK_FOLDER = "network"
"""Beside it: the network itself, for whoever goes on with it."""


class WorkloadFailure(Exception):
    """A failure a user can act on. `code` is the process's exit code, which decides whether the Job tries again."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Stopped(Exception):
    """SIGTERM came, and everything worth keeping is kept; the container ends with EXIT_INTERRUPTED."""


def bad_spec(message: str) -> WorkloadFailure:
    return WorkloadFailure(EXIT_BAD_SPEC, message)


def bad_data(message: str) -> WorkloadFailure:
    return WorkloadFailure(EXIT_BAD_DATA, message)


def not_verified(message: str) -> WorkloadFailure:
    return WorkloadFailure(EXIT_NOT_VERIFIED, message)


@dataclass(frozen=True)
class Surroundings:
    """The folders, files and names of one run, from the environment."""

    stage: str
    model: str
    run: str
    spec: Path
    source: Path
    captured: Path
    input: Path
    base: Path
    output: Path
    checkpoint: Path
    result: Path
    progress: Path
    workers: int
    worker: int
    rendezvous: str

    @staticmethod
    def of(environment: Mapping[str, str]) -> Surroundings:
        """Raises a bad-spec failure that names every variable that is missing or malformed."""
        problems: list[str] = []

        def text(name: str, default: str | None = None) -> str:
            value = environment.get(name, default)
            if not value:
                problems.append(f"{name} is not set")
                return ""
            return value

        def count(name: str, default: str, least: int) -> int:
            value = environment.get(name) or default
            if not value.isdecimal() or int(value) < least:
                problems.append(f'{name} is "{value}", must be a whole number of at least {least}')
                return least
            return int(value)

        workers = count("MILLWRIGHT_WORKERS", "1", 1)
        worker = count("MILLWRIGHT_WORKER_INDEX", environment.get("JOB_COMPLETION_INDEX") or "0", 0)
        rendezvous = text("MILLWRIGHT_RENDEZVOUS", "127.0.0.1:29500")
        host, _, port = rendezvous.rpartition(":")
        if not host or not port.isdecimal():
            problems.append(f'MILLWRIGHT_RENDEZVOUS is "{rendezvous}", must be host:port')
        if worker >= workers:
            problems.append(f"MILLWRIGHT_WORKER_INDEX is {worker}, must be below MILLWRIGHT_WORKERS ({workers})")
        surroundings = Surroundings(
            stage=text("MILLWRIGHT_STAGE"),
            model=text("MILLWRIGHT_MODEL"),
            run=text("MILLWRIGHT_RUN"),
            spec=Path(text("MILLWRIGHT_SPEC", "/millwright/spec/spec.json")),
            source=Path(text("MILLWRIGHT_SOURCE", "/source")),
            captured=Path(text("MILLWRIGHT_CAPTURED", "/millwright/captured")),
            input=Path(text("MILLWRIGHT_INPUT", "/millwright/input")),
            base=Path(text("MILLWRIGHT_BASE", "/millwright/base")),
            output=Path(text("MILLWRIGHT_OUTPUT", "/millwright/output")),
            checkpoint=Path(text("MILLWRIGHT_CHECKPOINT", "/millwright/checkpoint")),
            result=Path(text("MILLWRIGHT_RESULT", "/millwright/result/result.json")),
            progress=Path(text("MILLWRIGHT_PROGRESS", "/millwright/result/progress.json")),
            workers=workers,
            worker=worker,
            rendezvous=rendezvous,
        )
        if problems:
            raise bad_spec(f"the environment breaks the workload contract: {'; '.join(problems)}")
        return surroundings


def read_spec(path: Path) -> dict[str, Any]:
    """The run's spec, a JSON object."""
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise bad_spec(f"{path}: there is no spec; mount the run's spec.json there") from None
    except ValueError as error:
        raise bad_spec(f"{path}: not JSON ({error})") from None
    if not isinstance(spec, dict):
        raise bad_spec(f"{path}: must be a JSON object, is {type(spec).__name__}")
    return spec


def field(spec: Mapping[str, Any], path: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
    """The member at a dotted path, checked for its type. Without a default, a missing one is a bad spec."""
    value: Any = spec
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        if default is ...:
            raise bad_spec(f"spec.{path}: missing")
        return default
    wanted = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kind) or (isinstance(value, bool) and bool not in wanted):
        names = " or ".join(each.__name__ for each in wanted)
        raise bad_spec(f"spec.{path}: is {json.dumps(value)}, must be {names}")
    return value


def write_atomically(path: Path, data: bytes | str) -> None:
    """The file is either the old or the whole new one at any moment, also after a crash of the machine."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_progress(place: Surroundings, step: int, steps: int, epoch: int, epochs: int, message: str) -> None:
    write_json(
        place.progress,
        {"step": step, "steps": steps, "epoch": epoch, "epochs": epochs, "message": message},
    )


def digest(folder: Path) -> dict[str, Any]:
    """`{sha256, bytes}` of a folder: SHA-256 over the lines `<sha256>  <relative path>` of its files in order of path.

    The log and the copy of the result lie in the folder without being part of it.
    """
    lines: list[str] = []
    size = 0
    for path in sorted(folder.rglob("*"), key=lambda each: each.relative_to(folder).as_posix()):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name in (LOG_FILE, RESULT_COPY) or path.name.endswith(".partial"):
            continue
        lines.append(f"{file_sha256(path)}  {name}\n")
        size += path.stat().st_size
    return {"sha256": hashlib.sha256("".join(lines).encode("utf-8")).hexdigest(), "bytes": size}


def file_sha256(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            whole.update(chunk)
    return whole.hexdigest()


def finish(place: Surroundings, artifact: Path, result: Mapping[str, Any]) -> None:
    """Reports the result, last of all, and keeps a copy beside the artifact for `earlier_result`."""
    complete = {**result, "artifact": digest(artifact)}
    write_json(place.output / RESULT_COPY, {"run": place.run, "result": complete})
    write_json(place.result, complete)


def earlier_result(place: Surroundings, artifact: Path) -> dict[str, Any] | None:
    """The result of this run when its artifact is already there and still has its digest; nothing is computed twice."""
    try:
        kept = json.loads((place.output / RESULT_COPY).read_text(encoding="utf-8"))
        result = kept["result"]
        known = kept["run"] == place.run and result["artifact"] == digest(artifact)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return result if known else None


class Log:
    """Lines on standard output and, from the worker that owns the artifact, in its `log.txt`."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, message: str) -> None:
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {message}"
        print(line, flush=True)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def explain(message: str) -> None:
    """Says why the container fails: on standard error, and where Kubernetes shows it with the pod's status."""
    print(f"millwright: {message}", file=sys.stderr, flush=True)
    place = os.environ.get("MILLWRIGHT_TERMINATION_LOG", "/dev/termination-log")
    if os.path.isfile(place) and os.access(place, os.W_OK):
        with open(place, "w", encoding="utf-8") as file:
            file.write(message[:4096])
