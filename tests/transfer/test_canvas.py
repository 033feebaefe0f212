"""What stands for an image, and what becomes of it at another size."""

import math

import pytest
import torch
from conftest import assert_close

from gramstyle.transfer import PARAMETERIZATIONS, Parameterization
from gramstyle.transfer.canvas import COLOURS, Fourier, Pixels, canvas_of

SIZES = [(8, 8), (7, 9), (6, 5), (1, 4)]


@pytest.mark.parametrize("kind", PARAMETERIZATIONS.values())
@pytest.mark.parametrize("size", SIZES)
def test_a_canvas_shows_the_image_that_it_was_made_of(kind, size, generator):
    image = 0.05 + 0.9 * torch.rand(1, 3, *size, generator=generator, dtype=torch.float64)
    canvas = canvas_of(image, kind, clamp=True)
    assert canvas.size == size
    assert_close(canvas.image(), image, tolerance=1e-9)  # a sigmoid and its inverse


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_gradient_of_a_spectrum(size, generator):
    canvas = Fourier(0.2 + 0.6 * torch.rand(1, 3, *size, generator=generator, dtype=torch.float64))

    def image(numbers):
        canvas.numbers = numbers
        return canvas.image()

    assert torch.autograd.gradcheck(image, canvas.numbers.detach().clone().requires_grad_())


def test_a_spectrum_shows_frequencies_by_the_inverse_of_their_size():
    """One number of the spectrum is a wave whose height falls as its frequency grows."""
    canvas = Fourier(torch.full((1, 3, 16, 16), 0.5, dtype=torch.float64))
    heights = []
    for frequency in (1, 2, 4):
        with torch.no_grad():
            canvas.numbers.zero_()
            canvas.numbers[0, 0, 0, frequency, 0] = 0.01
        heights.append(float(canvas.image().detach().logit()[0, 0].abs().max()))
    assert math.isclose(heights[0] / heights[1], 2, rel_tol=1e-9)
    assert math.isclose(heights[0] / heights[2], 4, rel_tol=1e-9)


def test_colours_of_a_spectrum_are_those_of_photographs():
    """A change of one decorrelated colour alone moves the image along one column of the table."""
    canvas = Fourier(torch.full((1, 3, 4, 4), 0.5, dtype=torch.float64))
    columns = torch.tensor(COLOURS, dtype=torch.float64)
    for direction in range(3):
        with torch.no_grad():
            canvas.numbers.zero_()
            canvas.numbers[0, direction, 0, 0, 0] = 1e-3
        moved = canvas.image().logit()[0, :, 0, 0]
        expected = columns[:, direction]
        assert_close(moved / moved.norm(), expected / expected.norm(), tolerance=1e-6)


@pytest.mark.parametrize(("old", "new"), [((8, 8), (16, 16)), ((7, 9), (12, 13)), ((8, 6), (5, 4))])
def test_a_wave_that_both_sizes_have_is_kept(old, new):
    canvas = Fourier(torch.full((1, 3, *old), 0.5))
    moment = torch.zeros_like(canvas.numbers)
    moment[0, 0, 1, 1, 0], moment[0, 1, -1, 2, 1], moment[0, 2, 0, 0, 0] = 1.0, 2.0, 3.0
    highest = (min(old[0], new[0]) - 1) // 2
    moment[0, 0, highest, 0, 1] = 4.0
    made = canvas.resized(moment, new, positive=False)
    assert made.shape == (1, 3, new[0], new[1] // 2 + 1, 2)
    assert (made[0, 0, 1, 1, 0], made[0, 1, -1, 2, 1], made[0, 2, 0, 0, 0]) == (1, 2, 3)
    assert float(made[0, 0, highest, 0, 1]) == 4
    assert float(made.sum()) == 10


def test_moments_of_pixels_are_interpolated(generator):
    canvas = Pixels(torch.rand(1, 3, 6, 6, generator=generator))
    ramp = torch.linspace(0, 1, 6).expand(1, 3, 6, 6).contiguous()
    made = canvas.resized(ramp, (12, 12), positive=True)
    assert made.shape == (1, 3, 12, 12)
    inside = made[0, 0, 5, 1:-1]
    assert_close(inside.diff(), torch.full((9,), 0.1), tolerance=1e-5)  # half of the old step
    assert (canvas.resized(-ramp, (12, 12), positive=True) == 0).all()


def test_pixels_stay_an_image_where_they_are_told_to():
    for clamp, highest in ((True, 1.0), (False, 2.0)):
        canvas = Pixels(torch.full((1, 3, 2, 2), 0.5), clamp=clamp)
        with torch.no_grad():
            canvas.numbers.fill_(2.0)
        canvas.constrain()
        assert float(canvas.image().detach().max()) == highest


def test_a_spectrum_is_an_image_whatever_its_numbers(generator):
    canvas = canvas_of(torch.rand(1, 3, 5, 6, generator=generator), Parameterization.FOURIER, clamp=True)
    with torch.no_grad():
        canvas.numbers.mul_(50)
    canvas.constrain()
    assert float(canvas.image().detach().min()) >= 0
    assert float(canvas.image().detach().max()) <= 1
