"""A bank of filters without weights: against scipy, and against what is known of gratings."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import assert_close
from scipy import ndimage

from gramstyle.errors import StyleError, WeightsError
from gramstyle.extract import Extractor, Segments, backbone, choose_weights
from gramstyle.extract.filterbank import GABOR_1, ONE, Bank, FilterBank, gabor
from gramstyle.gram import gram
from gramstyle.weights import entry, pull, resolve

K, WAVE = GABOR_1.orientations, GABOR_1.wavelength
BANDS = 3 * K


@pytest.fixture(scope="module")
def bank():
    """The whole bank in float64, every tap."""
    return Extractor("filterbank", every_tap(), device="cpu", dtype=torch.float64)


def every_tap():
    return [tap.name for tap in backbone("filterbank").taps]


def grating(orientation, wave, size=(96, 96), amplitude=0.2, phase=0.0):
    """A grey grating (1, 3, H, W); its waves run at `orientation` / K of half a turn from x to y."""
    angle = math.pi * orientation / K
    y, x = np.mgrid[: size[0], : size[1]]
    turns = 2 * math.pi / wave * (x * math.cos(angle) + y * math.sin(angle)) + phase
    return torch.from_numpy(0.5 + amplitude * np.cos(turns)).expand(1, 3, -1, -1)


def noise(height=65, width=65, seed=0):
    return torch.rand(1, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def parts(features):
    """Complex bands and amplitudes of a tap's own scale, (B, 3, K, H, W)."""
    real, imaginary, amplitude = (
        one.unflatten(1, (3, K)) for one in features[:, : 3 * BANDS].split(BANDS, 1)
    )
    return torch.complex(real, imaginary), amplitude


def middle(x, margin):
    return x[..., margin:-margin, margin:-margin]


def filtered(x, kernel):
    return ndimage.correlate(x, kernel, mode="nearest")


def by_scipy(image, scales):
    """Features of an image (3, H, W) at each scale, written from the formulas in docs/formulas.md."""
    colours = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
    x, finer, found = np.tensordot(colours, image, 1), [], []
    ramp = np.arange(-5, 6)
    sigma = 3 * math.sqrt(2 * math.log(2)) / (2 * math.pi) * 3  # (2^1 + 1) / (2^1 - 1) = 3
    window = np.outer(*[np.exp(-0.5 * (ramp / sigma) ** 2)] * 2)
    window /= window.sum()
    low = np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2)
    for _ in range(scales):
        real, imaginary, amplitude = [], [], []
        for channel in x:
            for orientation in range(4):
                angle = orientation * math.pi / 4
                along = ramp[None, :] * math.cos(angle) + ramp[:, None] * math.sin(angle)
                wave = window * np.exp(-2j * math.pi * along / 3)
                wave = 2 * (wave - window * wave.sum())
                z = filtered(channel, wave.real) + 1j * filtered(channel, wave.imag)
                y = z / (abs(z) ** 2 + (1 / 255) ** 2 / 12) ** 0.25
                real.append(y.real)
                imaginary.append(y.imag)
                amplitude.append(abs(y))
        found.append(np.stack([*real, *imaginary, *amplitude, *finer]))
        finer, x = ([filtered(one, low)[::2, ::2] for one in maps] for maps in ([*amplitude, *finer], x))
    return found


def test_features_are_those_of_direct_correlation_by_scipy(bank):
    """Kernels are rounded to 2^-24, so amplitudes to about 1e-6 where the square root is steep."""
    image = noise(37, 50)
    found = bank(image)
    for scale, expected in enumerate(by_scipy(image[0].numpy(), 3), 1):
        assert_close(found[f"scale{scale}"][0], expected, tolerance=1e-5)


def test_kernels_sum_to_zero_and_are_whole_numbers():
    kernels = gabor(GABOR_1)
    for part in (kernels.real, kernels.imag):
        assert not part.sum((1, 2)).any()
        assert torch.equal(part, part.round())
        assert part.abs().max() < 2**24, "float32 holds every one of them"


@pytest.mark.parametrize("bandwidth", [0.8, 1.0])
def test_half_height_is_where_the_bandwidth_says(bandwidth):
    kernel = gabor(Bank(wavelength=6.0, bandwidth=bandwidth, reach=30))[0] / ONE
    x = torch.arange(-30, 31, dtype=torch.float64)

    def transfer(frequency):
        return float((kernel.sum(0) * torch.exp(2j * math.pi * frequency * x)).sum().abs()) / 2

    low = 2 / (2**bandwidth + 1) / 6
    assert transfer(1 / 6) == pytest.approx(1, abs=0.01)
    assert transfer(low) == pytest.approx(0.5, abs=0.02)
    assert transfer(low * 2**bandwidth) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("orientation", range(K))
def test_a_grating_is_answered_by_its_scale_and_orientation(scale, orientation, bank):
    features = bank(grating(orientation, WAVE * 2 ** (scale - 1)))
    energy = torch.stack([parts(features[f"scale{one}"])[1][0, 0].mean((1, 2)) for one in range(1, 5)])
    assert divmod(int(energy.argmax()), K) == (scale - 1, orientation)
    bands = parts(features[f"scale{scale}"])[0]
    assert middle(bands[:, 1:], 6).abs().max() < 1e-3, "grey has no opponent colours"


def test_the_band_of_a_grating_has_its_amplitude_and_its_phase():
    bands = FilterBank().double().scales[0].bands
    for orientation in range(K):
        z = bands.bands(grating(orientation, WAVE, (24, 30), phase=0.7)[:, :1])[0, orientation]
        angle = math.pi * orientation / K
        y, x = torch.meshgrid(torch.arange(5, 19), torch.arange(5, 25), indexing="ij")
        turns = 2 * math.pi / WAVE * (x * math.cos(angle) + y * math.sin(angle)) + 0.7
        assert_close(torch.view_as_real(z), torch.view_as_real(0.2 * torch.exp(1j * turns)), tolerance=0.02)


@pytest.mark.parametrize("shift", [1, 2])
def test_moving_a_grating_turns_the_phase_and_keeps_the_amplitude(shift, bank):
    turn = -2 * math.pi / WAVE * shift
    here, moved = (bank(grating(0, WAVE, phase=phase))["scale1"] for phase in (0.0, turn))
    (z, amplitude), (after, kept) = parts(here), parts(moved)
    assert_close(middle(kept, 8)[0, 0, 0], middle(amplitude, 8)[0, 0, 0], tolerance=5e-3)
    turned = middle(after / z, 8)[0, 0, 0].angle()
    assert_close((turned - turn + math.pi) % (2 * math.pi), torch.full_like(turned, math.pi), tolerance=5e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_constant_image_gives_nothing_but_its_colour(dtype):
    extractor = Extractor("filterbank", every_tap(), device="cpu", dtype=dtype)
    found = extractor(torch.tensor([0.75, 0.5, 0.125])[None, :, None, None].expand(1, 3, 40, 33))
    exact = torch.finfo(torch.promote_types(dtype, torch.float32)).eps
    for tap, one in found.items():
        if tap != "residual":
            assert float(one.abs().max()) <= 200 * exact, tap
    brightness, red_green, yellow_blue = found["residual"].double().mean((0, 2, 3)).tolist()
    near = pytest.approx
    rounding = 10 * max(torch.finfo(dtype).eps, torch.finfo(torch.float32).eps)  # of the matrix of colours
    assert brightness == near(1.375 / 3**0.5, rel=rounding)
    assert red_green == near(0.25 / 2**0.5, rel=rounding)
    assert yellow_blue == near(1.0 / 6**0.5, rel=rounding)


def test_a_quarter_turn_of_the_image_exchanges_orientations(bank):
    """Odd sides all the way down: the pyramid then takes the same positions from either end."""
    image = noise()
    found, turned = bank(image), bank(image.rot90(-1, (2, 3)))  # clockwise: x becomes y
    for scale in range(1, 5):
        (z, amplitude), (after, kept) = parts(found[f"scale{scale}"]), parts(turned[f"scale{scale}"])
        z, amplitude = z.rot90(-1, (3, 4)), amplitude.rot90(-1, (3, 4))
        half = K // 2
        expected = torch.cat((z[:, :, half:].conj(), z[:, :, :half]), 2)
        assert_close(torch.view_as_real(after), torch.view_as_real(expected), tolerance=1e-5)
        assert_close(kept, amplitude.roll(half, 2), tolerance=1e-5)


def test_red_and_green_exchanged_turn_one_colour_round(bank):
    image = noise()
    (z, amplitude), (after, kept) = (parts(bank(one)["scale2"]) for one in (image, image[:, [1, 0, 2]]))
    turned = z * torch.tensor([1.0, -1.0, 1.0])[:, None, None, None]
    assert_close(torch.view_as_real(after), torch.view_as_real(turned), tolerance=1e-10)
    assert_close(kept, amplitude, tolerance=1e-10)


def test_an_image_and_its_negative_differ_in_the_products_of_phase_and_finer_amplitude(bank):
    """Bright lines on black and dark ones on white have the same bands but for their sign."""
    lines = torch.full((1, 3, 65, 65), 0.2, dtype=torch.float64)
    lines[..., ::8, :] = 0.9
    one, other = (gram(bank(image)["scale2"])[0] for image in (lines, 1 - lines))
    odd = torch.arange(len(one)) < 2 * BANDS  # real and imaginary parts change their sign, amplitudes do not
    sign = torch.where(odd[:, None] == odd, 1.0, -1.0)
    assert_close(other, one * sign, tolerance=1e-10)
    assert one[: 2 * BANDS, 3 * BANDS :].abs().max() > 0.05 * one.abs().max()


def test_textures_of_one_power_per_scale_are_told_apart_by_orientation(bank):
    """Filtered noise, steep or flat: the spectrum of one is that of the other, transposed."""
    stretched = [
        ndimage.gaussian_filter(noise(96, 96, seed)[0, 0], (3, 0.5), mode="wrap") for seed in (1, 2, 3)
    ]
    steep = [
        torch.from_numpy(0.5 + 0.15 * one / one.std() - 0.15 * one.mean() / one.std()) for one in stretched
    ]
    images = torch.stack([*steep, *(one.T for one in steep)]).clamp(0, 1)[:, None].expand(-1, 3, -1, -1)
    for tap, features in bank(images).items():
        if tap not in ("scale1", "scale2"):
            continue
        matrices = gram(features).flatten(1)
        apart = torch.cdist(matrices, matrices) / matrices.norm(dim=1).mean()
        within = [apart[a, b] for a, b in ((0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5))]
        between = apart[:3, 3:]
        assert between.min() > 2 * max(within), tap
        power = matrices.unflatten(1, (features.shape[1], -1)).diagonal(dim1=1, dim2=2)[
            :, 2 * BANDS : 2 * BANDS + K
        ]
        assert power[:3].sum(1).mean() == pytest.approx(float(power[3:].sum(1).mean()), rel=0.02)


def test_gradients_are_those_of_finite_differences_and_finite_where_bands_vanish():
    small = FilterBank(Bank(scales=2, orientations=2, reach=2)).double()
    image = noise(7, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(small(x).values()), image)
    flat = torch.full((1, 3, 7, 6), 0.5, dtype=torch.float64, requires_grad=True)
    sum(one.sum() for one in small(flat).values()).backward()
    assert flat.grad.isfinite().all()
    assert flat.grad.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened_for_the_spectra(dtype, bank):
    found = Extractor("filterbank", device="cpu", dtype=dtype)(noise())
    for tap, one in found.items():
        assert one.dtype == dtype
        expected = bank(noise())[tap]
        assert (one.double() - expected).norm() < 20 * torch.finfo(dtype).eps * expected.norm()


@pytest.mark.parametrize("size", [(16, 16), (17, 40), (1, 90)])
def test_any_size_down_to_the_deepest_tap(size, bank):
    if min(size) < 16:
        with pytest.raises(ValueError, match="at least 16 x 16 pixels for tap scale5 of filterbank"):
            bank(noise(*size))
        assert Extractor("filterbank", ["scale1"], device="cpu")(noise(*size))["scale1"].shape[2:] == size
    else:
        for tap in bank.taps:
            height, width = (-(-side // tap.reduction) for side in size)
            assert bank(noise(*size))[tap.name].shape == (1, tap.channels, height, width)


def test_each_image_of_a_batch_is_alone(bank):
    both = torch.cat((noise(40, 48, 1), noise(40, 48, 2)))
    for tap, one in bank(both).items():
        assert_close(one[1:], bank(both[1:])[tap], tolerance=1e-12)


def test_segments_give_the_same_gradient(bank):
    segments = Segments(bank.active_trunk, "filterbank")
    gradients = []
    for network in (bank.active_trunk, segments):
        x = noise(32, 32).requires_grad_()
        sum(one.square().sum() for one in network(x).values()).backward()
        gradients.append(x.grad)
    assert_close(gradients[0], gradients[1], tolerance=1e-12)


def test_other_banks_have_the_channels_that_they_say():
    bank = Bank(scales=3, orientations=6, wavelength=4.0, reach=7)
    found = FilterBank(bank)(torch.rand(2, 3, 20, 26))
    assert [one.shape[1] for one in found.values()] == [*(bank.channels(scale) for scale in (1, 2, 3)), 3]
    assert found["scale3"].shape == (2, 90, 5, 7)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"wavelength": 2.0}, "wavelength must be more than 2 positions, got 2.0"),
        ({"bandwidth": 0.0}, "bandwidth must be more than 0 octaves"),
        ({"scales": 0}, "scales must be"),
        ({"orientations": 0}, "orientations must be"),
    ],
)
def test_banks_that_cannot_be(numbers, message):
    with pytest.raises(ValueError, match=message):
        Bank(**numbers)


SHA256 = "c428f5c717537e8fec2cbede48e88e578eaae7eda3a3794e77211dd5c34924bf"
"""Of the kernels of gabor-1: if this changes, the bank needs another name."""


def test_the_bank_is_known_by_name_and_sha256_whatever_the_taps(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAMSTYLE_OFFLINE", "1")
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path / "cache"))
    for name, taps in (("filterbank", ["scale2"]), ("filterbank@gabor-1", None)):
        identity = Extractor(name, taps, device="cpu", dtype=torch.float64).identity
        assert (identity.backbone, identity.name, identity.sha256) == ("filterbank", "gabor-1", SHA256)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("weights", ["random", "random:3", "IMAGENET1K_V1", "mine.safetensors"])
def test_other_weights_are_refused(weights):
    with pytest.raises(
        StyleError, match=f"computed, not loaded or drawn: weights must be gabor-1.*'{weights}'"
    ):
        choose_weights(backbone("filterbank"), weights)


def test_there_is_nothing_to_fetch(tmp_path):
    for act in (pull, resolve):
        with pytest.raises(WeightsError, match=r"filterbank@gabor-1 is computed.*nothing to fetch"):
            act(entry("filterbank", "gabor-1"), cache_dir=tmp_path)


@pytest.mark.parametrize("options", [{"first_padding": "reflect"}, {"pooling": "average"}])
def test_what_is_for_networks_is_refused(options):
    with pytest.raises(StyleError, match=f"{next(iter(options))} must be .* for filterbank"):
        Extractor("filterbank", device="cpu", **options)
