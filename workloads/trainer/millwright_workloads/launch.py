"""`millwright-run`, the container's command: runs the stage the environment names, and ends with the contract's codes.

For training it starts torchrun and stays above it. When a worker of the group is lost, torchrun ends in every container;
each starts it again, meets the others at the rendezvous and goes on from the checkpoint. So a lost pod costs the Job one
restart, not one for each worker of the group.

Where the rest of the group does not come, the container ends, so that its place in the cluster is free for somebody who
can use it. The Job starts it again later, and counts that as no failure.
"""

from __future__ import annotations

import importlib
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType

from . import processes
from .contract import (
    EXIT_GROUP_LOST,
    EXIT_INTERRUPTED,
    EXIT_UNAVAILABLE,
    LOG_FILE,
    MODEL_FOLDER,
    NETWORK_FOLDER,
    Log,
    Stopped,
    Surroundings,
    WorkloadFailure,
    bad_spec,
    digest,
    earlier_result,
    explain,
    finish,
    read_spec,
    write_progress,
)
from .gang import patience
from .retention import is_done
from .story import forget, read_story
from .training_spec import TrainingSpec

ALONE_SECONDS = 600.0
"""How long torchrun may take to start a worker that has nobody to wait for."""

STOP_SECONDS = 45
"""From SIGTERM to SIGKILL for torchrun; below the pod's own grace period."""

PARTING_SECONDS = 20
"""torchrun's workers part together; a worker that is done waits no longer than this for one that was lost meanwhile."""

NOTHING_REDIRECTED = ("--redirects", "1:1", "--tee", "1:1")
"""Says so for a local rank that does not exist: PyTorch 1.13 on Python 3.11 fails on its own default, "0"."""

FAILING_SECONDS = 2
"""The same after a failure: torchrun would wait minutes for the other workers, which fail only when it is gone."""

REJOIN_SECONDS = FAILING_SECONDS + 3
"""Other workers give worker 0 this long to notice, too, and to open a new rendezvous. Who joins the old one instead is
told so only after COLLECTIVE_SECONDS."""

_POLL_SECONDS = 0.2


class Launcher:
    """Keeps torchrun going for one worker of a training group."""

    def __init__(self, place: Surroundings) -> None:
        self.place = place
        self._stopped = False

    def run(self) -> None:
        place = self.place
        signal.signal(signal.SIGTERM, self._on_signal)
        spec = TrainingSpec.of(read_spec(place.spec), place.run, place.workers)
        if self._reports_earlier_result(spec):
            return
        for attempt in range(spec.max_restarts + 1):
            alone = self._only_evaluation_is_left(spec)
            if alone and place.worker != 0:
                return
            failure = self._torchrun_once(spec, alone)
            if failure is None:
                return
            if failure.code != EXIT_GROUP_LOST or attempt == spec.max_restarts:
                raise failure
            explain(f"{failure}; starting again ({attempt + 1} of {spec.max_restarts})")
            if place.worker != 0:
                self._pause(REJOIN_SECONDS)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _reports_earlier_result(self, spec: TrainingSpec) -> bool:
        place = self.place
        model = place.output / MODEL_FOLDER
        known = earlier_result(place, model)
        if known is None or known.get("network") != digest(place.output / NETWORK_FOLDER):
            return False
        if place.worker == 0:
            Log(place.output / LOG_FILE)(f"{place.run} was trained before and is intact: reporting that result")
            finish(place, model, known)
            if spec.retention.removes_when_done:
                forget(place.checkpoint)
        return True

    def _only_evaluation_is_left(self, spec: TrainingSpec) -> bool:
        """Not where the last checkpoint was damaged since: then all train on from the one before."""
        story = read_story(self.place.checkpoint, spec.determinant)
        return story is not None and story.complete and is_done(self.place.checkpoint, spec.epochs)

    def _torchrun_once(self, spec: TrainingSpec, alone: bool) -> WorkloadFailure | None:
        """None when the worker is done. A failure nobody explained counts as a lost group: a process was killed.

        Raises a failure of the kind "unavailable" when the group does not come together in time.
        """
        is_group = self.place.workers > 1 and not alone
        seconds = patience(spec.gang_seconds, self.place.run, time.time()) if is_group else ALONE_SECONDS
        deadline = time.monotonic() + seconds
        host, _, port = ("127.0.0.1:29500" if alone else self.place.rendezvous).rpartition(":")
        if is_group:
            waits = f"waits {seconds:.0f} s for its group of {self.place.workers} workers"
            write_progress(self.place, 0, 0, 0, spec.epochs, waits)
            print(f"worker {self.place.worker} {waits}", flush=True)
        self._wait_for_name(host, deadline, seconds)
        with tempfile.TemporaryDirectory(prefix="millwright-") as folder:
            notes = Path(folder)
            left = max(1, math.ceil(deadline - time.monotonic()))
            command = [
                *(sys.executable, "-m", "torch.distributed.run"),
                *("--nnodes", "1" if alone else str(self.place.workers)),
                *("--node_rank", "0" if alone else str(self.place.worker)),
                *("--nproc_per_node", "1", "--max_restarts", "0"),
                *("--master_addr", host, "--master_port", port),
                *("--rdzv_conf", f"timeout={left}"),
                *NOTHING_REDIRECTED,
                *("-m", "millwright_workloads.train_worker"),
            ]
            environment = {
                **os.environ,
                processes.NOTES_VARIABLE: folder,
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(available_cores()),
            }
            self._stop_if_signalled()
            torchrun = subprocess.Popen(command, env=environment, preexec_fn=processes.die_with_parent)
            code = self._wait(torchrun, notes, deadline)
            reported = processes.reported_failure(notes)
            met = processes.has_started(notes)
        self._stop_if_signalled()
        if not met and time.monotonic() > deadline:
            raise self._given_up(seconds, "not all of them came to the rendezvous")
        if code == 0:
            return None
        return reported or WorkloadFailure(EXIT_GROUP_LOST, f"torchrun ended with code {code} and no reason")

    def _given_up(self, seconds: float, why: str) -> WorkloadFailure:
        place = self.place
        return WorkloadFailure(
            EXIT_UNAVAILABLE,
            f"worker {place.worker} waited {seconds:.0f} s for its group of {place.workers} workers ({why}) and gives its "
            "place back; it is started again later",
        )

    def _wait(self, torchrun: subprocess.Popen[bytes], notes: Path, deadline: float) -> int:
        ended_at: float | None = None
        while torchrun.poll() is None and not self._stopped:
            time.sleep(_POLL_SECONDS)
            if time.monotonic() > deadline and not processes.has_started(notes):
                torchrun.kill()
                return torchrun.wait()
            if processes.has_ended(notes):
                ended_at = ended_at or time.monotonic()
                done = processes.is_done(notes)
                if time.monotonic() - ended_at > (PARTING_SECONDS if done else FAILING_SECONDS):
                    torchrun.kill()
                    code = torchrun.wait()
                    return 0 if done else code
        if torchrun.poll() is None:
            if processes.has_started(notes):
                torchrun.terminate()
            else:
                # Still at the rendezvous, where it would not see the signal for minutes, and with nothing to keep.
                torchrun.kill()
            try:
                torchrun.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                torchrun.kill()
        return torchrun.wait()

    def _wait_for_name(self, host: str, deadline: float, seconds: float) -> None:
        """The name of worker 0 appears when its pod has an address."""
        while True:
            self._stop_if_signalled()
            try:
                socket.getaddrinfo(host, None)
                return
            except socket.gaierror as error:
                if time.monotonic() > deadline:
                    why = f"worker 0 has no place yet: {host} does not resolve, {error}"
                    raise self._given_up(seconds, why) from None
            time.sleep(_POLL_SECONDS)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._stop_if_signalled()
            time.sleep(_POLL_SECONDS)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True

    def _stop_if_signalled(self) -> None:
        if self._stopped:
            raise Stopped


def available_cores() -> int:
    """Cores this container may use: its CPU limit, rounded up, or what the machine has."""
    machine = len(os.sched_getaffinity(0))
    for quota_file, period_file in (
        ("/sys/fs/cgroup/cpu.max", None),
        ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
    ):
        try:
            quota, *period = Path(quota_file).read_text().split()
            if period_file is not None:
                period = [Path(period_file).read_text().strip()]
        except FileNotFoundError:
            continue
        if quota not in ("max", "-1"):
            return max(1, min(machine, math.ceil(int(quota) / int(period[0]))))
    return machine


IN_PROCESS_STAGES = {
    "dataset": "dataset",
    "search": "search",
    "compression": "compress",
    "rollout": "rollout",
}
"""The module of each stage that needs no torchrun; its `run(place)` does the stage."""


def run_stage(place: Surroundings) -> None:
    if place.stage == "training":
        Launcher(place).run()
        return
    module = IN_PROCESS_STAGES.get(place.stage)
    if module is None:
        known = ", ".join(f'"{name}"' for name in ("training", *IN_PROCESS_STAGES))
        raise bad_spec(f'MILLWRIGHT_STAGE is "{place.stage}", this image does {known}')
    # A stage that has something to keep takes the signal over.
    signal.signal(signal.SIGTERM, _raise_stopped)
    # Read when the libraries are loaded, which happens below; they would take the machine's cores for the container's.
    os.environ.setdefault("OMP_NUM_THREADS", str(available_cores()))
    importlib.import_module(f".{module}", __package__).run(place)


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def main() -> int:
    """The exit code of the contract."""
    try:
        run_stage(Surroundings.of(os.environ))
    except Stopped:
        explain("interrupted by SIGTERM")
        return EXIT_INTERRUPTED
    except WorkloadFailure as failure:
        explain(str(failure))
        return failure.code
    except Exception as error:
        traceback.print_exc()
        explain(f"{type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
