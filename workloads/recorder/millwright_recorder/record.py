"""From a workload's result to the record of its run."""

from __future__ import annotations

import json
from typing import Any

from .results import faults_of

MAX_BYTES = 256 * 1024
"""A record is read on every `up`; a ConfigMap could take four times as much."""


class ResultError(Exception):
    """The workload's result is not what CONTRACT.md asks for."""


def record_of(
    result: Any, kind: str, model: str, run: str, spec: dict[str, Any], artifact_path: str, completed_at: str
) -> dict[str, Any]:
    """The record, with what the run was asked to do. Raises ResultError that names every fault of the result.

    The spec's own object goes with the run's Job; a record that holds it can be told apart from others, and shown, by
    whoever comes later.
    """
    faults = faults_of(result, kind)
    if faults:
        raise ResultError("; ".join(faults))
    record = {
        **result,
        "kind": kind,
        "model": model,
        "run": run,
        "spec": spec,
        "completedAt": completed_at,
        "artifact": {**result["artifact"], "path": artifact_path},
    }
    size = len(json.dumps(record).encode("utf-8"))
    if size > MAX_BYTES:
        raise ResultError(
            f"the record takes {size} bytes, {len(json.dumps(spec))} of them its spec; at most {MAX_BYTES} are allowed; "
            "leave detail in the artifact"
        )
    return record


def config_map(record: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The immutable ConfigMap that holds a record."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"record-{record['run']}",
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": record["model"],
                "app.kubernetes.io/component": record["kind"],
                "app.kubernetes.io/part-of": "millwright",
                "app.kubernetes.io/managed-by": "millwright-recorder",
                "millwright.dev/model": record["model"],
                "millwright.dev/run": record["run"],
                "millwright.dev/record": record["kind"],
            },
        },
        "immutable": True,
        "data": {"record.json": json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False)},
    }
