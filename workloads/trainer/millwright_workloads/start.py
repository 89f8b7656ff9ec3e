"""Where training starts: with fresh weights, or with those another training left."""

from __future__ import annotations

from collections.abc import Sequence

from .contract import MODEL_FOLDER, NETWORK_FOLDER, Surroundings, bad_data, bad_spec, digest
from .modelling import Classifier, Prepared, TrainedDescription, build_network, load_network, prepare
from .training_spec import Base, TrainingSpec


def start(spec: TrainingSpec, place: Surroundings, splits: Sequence[str]) -> tuple[Classifier, Prepared]:
    """The network before its first step, and the splits as it reads them.

    A network that goes on from another's weights reads as that one did: a word keeps its place in the vocabulary. How much
    is dropped in training is the spec's own. Raises a bad-spec failure where the two differ in their task, their labels or
    a size, and bad data where what is to be gone on from is not there or not what its record says.
    """
    if spec.base is None:
        data = prepare(spec, place.input, splits)
        return build_network(spec, data), data
    if digest(place.base / MODEL_FOLDER)["sha256"] != spec.base.sha256:
        raise bad_data(f"{place.base}: not what {spec.base.run} left, by its record; train from scratch or run it again")
    trained, description = load_network(place.base / NETWORK_FOLDER)
    _must_fit(spec, spec.base, description)
    data = prepare(spec, place.input, splits, reader=description.reader)
    network = build_network(spec, data)
    network.load_state_dict(trained.state_dict())
    return network, data


def _must_fit(spec: TrainingSpec, base: Base, description: TrainedDescription) -> None:
    differences = [
        f"{name} is {wanted}, and {there} there"
        for name, wanted, there in (
            ("task", spec.task, description.task.name),
            ("labels", ", ".join(spec.labels), ", ".join(description.labels)),
        )
        if wanted != there
    ]
    sizes, own = spec.shape.spec(), description.shape.spec()
    differences += [
        f"network.{name} is {value}, and {own.get(name, 'nothing')} there"
        for name, value in sizes.items()
        if name != "dropout" and own.get(name) != value
    ]
    if differences:
        raise bad_spec(
            f"spec.base: training cannot start from {base.run}, which is another network: {'; '.join(differences)}; make "
            "them equal, or train from scratch"
        )
