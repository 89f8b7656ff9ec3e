"""`millwright-run`, the container's command: does the training stage, and ends with the contract's codes."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType

from .contract import (
    EXIT_INTERRUPTED,
    LOG_FILE,
    MODEL_FOLDER,
    Log,
    Stopped,
    Surroundings,
    WorkloadFailure,
    bad_spec,
    earlier_result,
    explain,
    finish,
    read_spec,
)
from .spec import Spec
from .story import forget


class _Signal:
    came = False

    def take(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True


def run_stage(place: Surroundings) -> None:
    if place.stage != "training":
        raise bad_spec(f'MILLWRIGHT_STAGE is "{place.stage}", this image does "training"')
    # Heeded between steps: a step, and loading TensorFlow, take far less than the grace period.
    stop = _Signal()
    signal.signal(signal.SIGTERM, stop.take)
    spec = Spec.of(read_spec(place.spec), place.run, place.workers)
    model = place.output / MODEL_FOLDER
    known = earlier_result(place, model)
    if known is not None:
        Log(place.output / LOG_FILE)(f"{place.run} was trained before and is intact: reporting that result")
        finish(place, model, known)
        if spec.retention.removes_when_done:
            forget(place.checkpoint)
        return
    from .train import Training

    Training(place, spec, lambda: stop.came).run()


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
