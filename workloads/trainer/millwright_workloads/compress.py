"""The compression stage: one candidate made from a trained network, and measured beside it.

Leaves in the run's folder `model/`, which a server loads like any other.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from .candidate import Candidate
from .compression_spec import CompressionSpec
from .contract import (
    LOG_FILE,
    MODEL_FOLDER,
    NETWORK_FOLDER,
    Log,
    Surroundings,
    bad_spec,
    earlier_result,
    finish,
    read_spec,
)
from .measure import Served, measured
from .modelling import parameter_count
from .story import Story, begin_story, read_story, write_story

BASELINE_VARIABLE = "MILLWRIGHT_BASELINE"
BASELINE_FOLDER = "/millwright/baseline"
"""Where the folder of the training run is that is compressed, unless the variable says otherwise."""


def run(place: Surroundings) -> None:
    """Raises WorkloadFailure when spec, data or baseline are not what they must be, or training diverges."""
    spec = CompressionSpec.of(read_spec(place.spec), place.run)
    log = Log(place.output / LOG_FILE)
    folder = place.output / MODEL_FOLDER
    known = earlier_result(place, folder)
    if known is not None:
        log(f"{place.run} was made before and is intact: reporting that result")
        finish(place, folder, known)
        return
    baseline = _baseline()
    story = _story(place, spec)

    candidate = Candidate(place, spec, log)
    network, prepared = candidate.load(baseline / NETWORK_FOLDER)
    before = parameter_count(network)
    after = candidate.make(folder, network, prepared)

    candidate.say("measuring")
    served = Served(baseline / MODEL_FOLDER), Served(folder)
    found = measured(
        served, prepared.items["test"], spec.measurement_seconds, lambda part: candidate.say(f"measuring, {part:.0%}")
    )
    one, other = (
        {**each, "parameters": count, "sparsity": round(max(0.0, 1 - count / before), 6)}
        for each, count in zip(found, (before, after), strict=True)
    )
    log(f"baseline: {json.dumps(one)}")
    log(f"{spec.name}: {json.dumps(other)}")
    result: dict[str, Any] = {
        "seconds": round(time.time() - story.began, 3),
        "training": served[0].run,
        "candidate": spec.name,
        "baseline": one,
        "result": other,
        "restarts": story.restarts,
    }
    finish(place, folder, result)


def _story(place: Surroundings, spec: CompressionSpec) -> Story:
    story = read_story(place.checkpoint, spec.determinant)
    if story is None:
        story = begin_story(spec.determinant)
    else:
        story.restarts += 1
    write_story(place.checkpoint, story)
    return story


def _baseline() -> Path:
    folder = Path(os.environ.get(BASELINE_VARIABLE) or BASELINE_FOLDER)
    missing = [name for name in (MODEL_FOLDER, NETWORK_FOLDER) if not (folder / name).is_dir()]
    if missing:
        raise bad_spec(
            f"{BASELINE_VARIABLE} is {folder}, where there is no {' and no '.join(missing)}; "
            "it must be the folder of a training run"
        )
    return folder
