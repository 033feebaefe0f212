"""Contents and variation, against sums written as loops."""

import math

import pytest
import torch
from conftest import assert_close

from gramstyle.transfer.losses import VARIATIONS, content_loss

SIZE = (5, 7)


def loops(name, image):
    """The definitions, pixel by pixel."""
    _, colours, height, width = image.shape
    value = image[0].tolist()

    def at(c, y, x):  # edges replicated
        return value[c][min(max(y, 0), height - 1)][min(max(x, 0), width - 1)]

    total = 0.0
    for c in range(colours):
        for y in range(height):
            for x in range(width):
                here = at(c, y, x)
                if name == "nine-point":
                    count = colours * height * width
                    steps = [((0, 1), 1 / 3), ((1, 0), 1 / 3), ((1, 1), 1 / 12), ((1, -1), 1 / 12)]
                    total += sum(
                        2 * share * (at(c, y + dy, x + dx) - here) ** 2 / count for (dy, dx), share in steps
                    )
                    continue
                for dy, dx in ((1, 0), (0, 1)):
                    if y + dy >= height or x + dx >= width:
                        continue
                    step = at(c, y + dy, x + dx) - here
                    pairs = colours * (height - dy) * (width - dx)
                    total += {"squared": step**2 / pairs, "half-sum": step**2 / 2, "absolute": abs(step)}[
                        name
                    ]
    return total


@pytest.mark.parametrize("name", VARIATIONS)
def test_variation_is_the_sum_over_neighbours(name, generator):
    image = torch.rand(1, 3, *SIZE, generator=generator, dtype=torch.float64)
    assert_close(VARIATIONS[name](image), loops(name, image))


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_flat_image_does_not_vary(name):
    assert float(VARIATIONS[name](torch.full((1, 3, *SIZE), 0.3))) == 0


def test_the_variation_of_a_checkerboard_is_two():
    board = torch.tensor([[(x + y) % 2 for x in range(8)] for y in range(8)], dtype=torch.float64)
    assert float(VARIATIONS["squared"](board.expand(1, 3, 8, 8))) == 2


@pytest.mark.parametrize("name", VARIATIONS)
def test_gradient_of_variation(name, generator):
    image = torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(VARIATIONS[name], image)


def test_content_is_a_squared_difference(generator):
    a, b = torch.rand(2, 1, 4, 3, 5, generator=generator)
    squares = sum((p - q) ** 2 for p, q in zip(a.flatten().tolist(), b.flatten().tolist(), strict=True))
    assert math.isclose(float(content_loss(a, b, "half-sum")), squares / 2, rel_tol=1e-5)
    assert math.isclose(float(content_loss(a, b, "mean")), squares / 60, rel_tol=1e-5)
