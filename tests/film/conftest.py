"""Short films of moving shapes."""

from fractions import Fraction

import numpy as np
import pytest

from gramstyle.film import Frame
from gramstyle.images import read_image


def drawn(number, height=48, width=64):
    """Soft waves that move, and three flat squares that stay, (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x + 3 * number) / 9), np.sin((y - 2 * number) / 7), np.sin((x + y) / 13)]
    values = np.stack([128 + 90 * wave for wave in waves], -1)
    for at, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255))):
        values[4:20, 4 + 20 * at : 20 + 20 * at] = colour
    return values.astype(np.uint8)


@pytest.fixture
def frames():
    """Frames of a film: count, how long each is shown, (H, W)."""

    def of(count=6, seconds=(Fraction(1, 25),), size=(48, 64)):
        return [
            Frame(picture=read_image(drawn(at, *size)), seconds=seconds[at % len(seconds)])
            for at in range(count)
        ]

    return of
