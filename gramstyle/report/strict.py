"""JSON that any parser reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def strict_json(value: Any) -> str:
    """Plain types as JSON, ending in a newline.

    Strict JSON has no infinite numbers and no NaN; they stand as the strings ``inf``, ``-inf`` and
    ``nan``, which `float` reads.
    """
    return json.dumps(_strict(value), indent=1, allow_nan=False) + "\n"


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _strict(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
