"""What Prometheus measured, over its HTTP API. The series are those of components/monitoring/rules.ts."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from .decision import Measured, Sample, Watch

REQUEST_SECONDS = 10
MOST_SAMPLES = 30
LEAST_STEP_SECONDS = 5.0


class PrometheusError(Exception):
    """It does not answer, or not as its API does."""


class Prometheus:
    def __init__(self, url: str) -> None:
        """`url` is `http://host:port`."""
        self._url = url.rstrip("/")

    def measured(self, model: str, version: str, watch: Watch, now: float) -> Measured:
        """Of one version, at a moment in Unix time. Raises PrometheusError."""
        labels = f"{{model={json.dumps(model)},version={json.dumps(version)}}}"
        samples: list[Sample] = []
        if watch.drift is not None:
            moments = moments_of(watch.drift.sustain_seconds, now)
            psi = self._range(f"millwright:psi{labels}", moments)
            items = self._range(f"millwright:served_items{labels}", moments)
            samples = samples_of(moments, items, psi)
        right = labelled = 0.0
        if watch.quality is not None:
            counts = {
                labels_["outcome"]: values[-1][1]
                for labels_, values in self._range(f"millwright:labelled_items{labels}", [now])
                if "outcome" in labels_
            }
            right, labelled = counts.get("right", 0.0), sum(counts.values())
        return Measured(samples, right, labelled)

    def _range(self, query: str, moments: list[float]) -> list[Series]:
        step = moments[1] - moments[0] if len(moments) > 1 else 1.0
        start, end, width = (f"{each:.3f}" for each in (moments[0], moments[-1], step))
        asked = {"query": query, "start": start, "end": end, "step": width}
        url = f"{self._url}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(url, timeout=REQUEST_SECONDS) as response:
                answer = json.loads(response.read())
            return [
                (each["metric"], [(float(at), float(value)) for at, value in each["values"]])
                for each in answer["data"]["result"]
            ]
        except urllib.error.HTTPError as error:
            said = error.read()[:200].decode("utf-8", "replace")
            raise PrometheusError(f"{self._url}: {error.code} {said}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PrometheusError(f"{self._url}: {error!r}") from None


Series = tuple[Mapping[str, str], list[tuple[float, float]]]
"""Labels, and pairs of Unix time and value."""


def moments_of(sustain_seconds: float, now: float) -> list[float]:
    """The moments at which drift must be seen: both ends, and evenly in between."""
    steps = min(MOST_SAMPLES - 1, int(sustain_seconds // LEAST_STEP_SECONDS))
    if steps == 0:
        return [now]
    # Whole milliseconds, as Prometheus counts.
    step = math.floor(1000 * sustain_seconds / steps) / 1000
    return [round(now - step * (steps - at), 3) for at in range(steps + 1)]


def samples_of(moments: list[float], items: list[Series], psi: list[Series]) -> list[Sample]:
    """One sample a moment, the nearest; without items where there was none."""
    tolerance = 0.5 * (moments[1] - moments[0]) if len(moments) > 1 else 0.5

    def at(moment: float, values: list[tuple[float, float]]) -> float | None:
        near = [value for when, value in values if abs(when - moment) <= tolerance and not math.isnan(value)]
        return near[0] if near else None

    def sample(moment: float) -> Sample:
        counts = [found for _, values in items if (found := at(moment, values)) is not None]
        features: dict[str, Any] = {
            labels["feature"]: found for labels, values in psi if (found := at(moment, values)) is not None
        }
        return Sample(sum(counts), features)

    return [sample(moment) for moment in moments]
