"""Transforms of minimal filtering, in exact rationals (Winograd 1980)."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import NamedTuple, TypeAlias

from gramstyle.kernels.compiling import constant_result

Matrix: TypeAlias = list[list[Fraction]]
Rounded: TypeAlias = tuple[tuple[float, ...], ...]

POINTS = (0, 1, -1, Fraction(1, 2), -2, 2, Fraction(-1, 2))
"""Where polynomials are evaluated, besides infinity. The first five and all seven are those with the least
rounding, as Barabasz et al. 2020 (arXiv 1803.10986) found."""


class Transforms(NamedTuple):
    """F(m, r): m outputs ``y = output ((kernel g) * (input d))`` of r taps g on n = m + r - 1 values d.

    Attributes:
        output: A', (m, n).
        kernel: G, (n, r).
        input: B', (n, n).
    """

    output: Matrix
    kernel: Matrix
    input: Matrix


@lru_cache(maxsize=32)
def transforms(outputs: int, taps: int) -> Transforms:
    """The transforms of F(`outputs`, `taps`), by n products where the definition has m r.

    A product of two polynomials is known from its values at as many points as it has coefficients (Toom
    1963, Cook 1966). The transpose of that algorithm, with its inner matrix on the side of the data, is a
    correlation.

    Raises:
        ValueError: if n is more than there are points.
    """
    size = outputs + taps - 1
    if min(outputs, taps) < 1 or size > len(POINTS) + 1:
        raise ValueError(
            f"outputs and taps must be 1 or more, and outputs + taps - 1 at most {len(POINTS) + 1}; "
            f"got {outputs} and {taps}"
        )
    if taps == 1:
        one = _identity(outputs)
        return Transforms(one, [[Fraction(1)]] * outputs, one)
    points = [Fraction(point) for point in POINTS[: size - 1]]
    scales = [prod(point - other for other in points if other != point) for point in points] + [Fraction(1)]
    kernel = [
        [value / scale for value in row] for row, scale in zip(_powers(points, taps), scales, strict=True)
    ]
    inverse = _inverse(_powers(points, size))
    turned = [[scale * row[at] for row in inverse] for at, scale in enumerate(scales)]
    output = [list(column) for column in zip(*_powers(points, outputs), strict=True)]
    return Transforms(output, kernel, turned)


@constant_result
def rounded(outputs: int, taps: int) -> tuple[Rounded, Rounded, Rounded]:
    """`transforms` in floating point."""
    return _rounded(outputs, taps)


@lru_cache(maxsize=32)
def _rounded(outputs: int, taps: int) -> tuple[Rounded, Rounded, Rounded]:
    output, kernel, input = (
        tuple(tuple(float(value) for value in row) for row in matrix) for matrix in transforms(outputs, taps)
    )
    return output, kernel, input


def _powers(points: list[Fraction], count: int) -> Matrix:
    """(points and infinity, count): powers from 0 on; infinity sees the highest only."""
    rows = [[point**power for power in range(count)] for point in points]
    return [*rows, [Fraction(int(power == count - 1)) for power in range(count)]]


def _identity(size: int) -> Matrix:
    return [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]


def _inverse(matrix: Matrix) -> Matrix:
    """By Gauss and Jordan: rationals need no pivots but those that are not zero."""
    rows = [row + unit for row, unit in zip(matrix, _identity(len(matrix)), strict=True)]
    for at in range(len(rows)):
        pivot = next(index for index in range(at, len(rows)) if rows[index][at])
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for index, row in enumerate(rows):
            if index != at and row[at]:
                rows[index] = [value - row[at] * lead for value, lead in zip(row, rows[at], strict=True)]
    return [row[len(matrix) :] for row in rows]
