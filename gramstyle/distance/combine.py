"""Distances at several taps -> one number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum

from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.numerics import safe_sqrt


class Combine(Enum):
    """How distances d_l at taps l with weights w_l become one.

    * ``mean``: ``sum w_l d_l / sum w_l``.
    * ``sum``: ``sum w_l d_l``; Gatys et al. 2016, eq. 5.
    * ``root-sum-squares``: ``sqrt(sum w_l d_l^2)``, the distance of all taps laid end to end.
    """

    MEAN = "mean"
    SUM = "sum"
    ROOT_SUM_SQUARES = "root-sum-squares"


RULES = {one.value: one for one in Combine}
"""Name -> rule."""


def combine(distances: Mapping[str, Tensor], weights: Mapping[str, float], rule: Combine | str) -> Tensor:
    """One distance from those at each tap.

    Args:
        distances: tap -> distances, all of one shape.
        weights: tap -> weight, 0 or more; for exactly the taps of `distances`.
        rule: a `Combine`, or its name.

    Raises:
        UnknownNameError: for a rule that does not exist.
        StyleError: if the taps of the two differ, a weight is negative or not finite, or all are 0.
    """
    rule = check.member(RULES, "rule", rule)
    check_weights(tuple(distances), weights)
    if rule is Combine.ROOT_SUM_SQUARES:
        squares = [weights[tap] * one.square() for tap, one in distances.items()]
        return safe_sqrt(_total(squares))
    total = _total([weights[tap] * one for tap, one in distances.items()])
    return total / sum(weights.values()) if rule is Combine.MEAN else total


def check_weights(taps: tuple[str, ...], weights: Mapping[str, float]) -> None:
    """Raise `StyleError` unless `weights` fits `taps`."""
    if set(weights) != set(taps):
        raise StyleError(
            f"tap weights must be given for exactly the taps {', '.join(taps)}; got {', '.join(weights)}"
        )
    wrong = {tap: weight for tap, weight in weights.items() if not 0 <= weight < math.inf}
    if wrong:
        raise StyleError(f"tap weights must be 0 or more and finite, got {wrong}")
    if sum(weights.values()) == 0:
        raise StyleError("at least one tap weight must be greater than 0, got only zeros")


def _total(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
