"""What MLflow holds of one model, as far as it is the mirror's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from .measures import Metric


@dataclass(frozen=True)
class HeldRun:
    run_id: str
    deleted: bool
    """Moved to MLflow's bin."""
    artifact_uri: str
    finished: bool
    parameters: Mapping[str, str]
    metrics: Mapping[str, Metric]
    """Of each name the latest."""
    tags: Mapping[str, str]
    files: Mapping[str, int]
    """Bytes of each artifact, by its path below the run's artifacts."""


@dataclass(frozen=True)
class HeldVersion:
    number: str
    """MLflow's own, counted from 1."""
    tags: Mapping[str, str]


@dataclass(frozen=True)
class HeldModel:
    experiment_id: str | None = None
    experiment_deleted: bool = False
    registered: bool = False
    runs: Mapping[str, HeldRun] = field(default_factory=dict)
    """By the name of the run whose record they mirror."""
    versions: Mapping[str, HeldVersion] = field(default_factory=dict)
    """By the name of the run that made them."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The number of the version that has each alias."""
