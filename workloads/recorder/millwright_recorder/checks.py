"""What single values of a result must be. A check answers None when the value is right, else what it must be."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Optional

Check = Callable[[Any], Optional[str]]

_MISSING = object()
"""Right for no check, not even for one that takes null: a reader must not have to guess which of the two is meant."""


def members(of: Mapping[str, Any], prefix: str, checks: Mapping[str, Check]) -> list[str]:
    """A sentence for each member that fails its check or is missing."""
    faults = []
    for name, check in checks.items():
        wanted = check(of.get(name, _MISSING))
        if wanted is not None:
            found = json.dumps(of[name])[:80] if name in of else "missing"
            faults.append(f"{prefix}{name}: is {found}, must be {wanted}")
    return faults


def number(value: Any) -> str | None:
    return None if _is_number(value) else "a finite number"


def amount(value: Any) -> str | None:
    return None if _is_number(value) and value >= 0 else "a number of at least 0"


def fraction(value: Any) -> str | None:
    return None if _is_number(value) and 0 <= value <= 1 else "a number from 0 to 1"


def percent(value: Any) -> str | None:
    return None if _is_number(value) and 0 <= value <= 100 else "a number from 0 to 100"


def count(value: Any) -> str | None:
    return None if _is_count(value) else "a whole number of at least 0"


def zero(value: Any) -> str | None:
    return None if _is_count(value) and value == 0 else "0"


def counts(value: Any) -> str | None:
    right = isinstance(value, dict) and all(_is_count(each) for each in value.values())
    return None if right else "an object of whole numbers"


def name(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "a name"


def names(value: Any) -> str | None:
    right = isinstance(value, list) and len(value) > 1 and all(isinstance(each, str) and each for each in value)
    return None if right else "a list of at least two names"


def null(value: Any) -> str | None:
    return None if value is None else "null"


def sentences(value: Any) -> str | None:
    right = isinstance(value, list) and all(isinstance(each, str) and each for each in value)
    return None if right else "a list of sentences"


def numbers(value: Any) -> str | None:
    right = isinstance(value, list) and value and all(_is_number(each) for each in value)
    return None if right else "a list of at least one finite number"


def parameters(value: Any) -> str | None:
    right = isinstance(value, dict) and all(
        key and (isinstance(each, (str, bool)) or _is_number(each)) for key, each in value.items()
    )
    return None if right else "an object of numbers, texts and booleans"


def sha256(value: Any) -> str | None:
    right = isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value)
    return None if right else "a SHA-256 in lower-case hexadecimal"


def one_of(choices: Collection[str]) -> Check:
    return lambda value: None if isinstance(value, str) and value in choices else f"one of {', '.join(choices)}"


def or_null(check: Check) -> Check:
    def either(value: Any) -> str | None:
        wanted = None if value is None else check(value)
        return None if wanted is None else f"{wanted}, or null"

    return either


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
