"""Moments of features of pixels, by bands of rows."""

import pytest
import torch
from conftest import assert_close

from gramstyle.transfer.bands import ELSEWHERE, ON_CPU, moments_in_bands, pixels_of_band
from gramstyle.transfer.rehearsal import Watch

SIZE = (9, 7)


def features(image):
    """Four of each pixel: not linear, and one a constant."""
    ones = torch.ones_like(image[:, :1])
    return torch.cat([image**2, image.prod(1, keepdim=True), ones], 1)


def written_out(image, weights):
    flat = features(image)[0].flatten(1)
    share = torch.ones_like(flat[0]) if weights is None else weights.flatten()
    mean = (flat * share).sum(1) / share.sum()
    about = flat - mean[:, None]
    return torch.einsum("cp,dp,p->cd", about, about, share), mean, share.sum()


@pytest.mark.parametrize("pixels", [1, 7, 20, 62, 63, 10**6])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_and_gradient_are_those_of_the_whole(pixels, weighted, generator):
    image = torch.rand(1, 3, *SIZE, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(SIZE, generator=generator, dtype=torch.float64) if weighted else None
    if weighted:
        weights[4:6] = 0
    by_second, by_mean = (torch.randn(n, generator=generator, dtype=torch.float64) for n in ((5, 5), (5,)))
    gradients = []
    for second, mean, positions in (
        (one[0] for one in moments_in_bands(image, features, weights, "auto", pixels)),
        written_out(image, weights),
    ):
        gradients.append(torch.autograd.grad((second * by_second).sum() + (mean * by_mean).sum(), image)[0])
        found = second, mean, positions
    assert_close(gradients[0], gradients[1], tolerance=1e-12)
    for one, other in zip(moments_in_bands(image, features, weights, "auto", pixels), found, strict=True):
        assert_close(one[0], other, tolerance=1e-12)


@pytest.mark.parametrize("which", [0, 1])
def test_a_function_of_one_moment_alone(which, generator):
    image = torch.rand(1, 3, *SIZE, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda image: moments_in_bands(image, features, None, "auto", 20)[which].square().sum(), image
    )


def test_no_features_are_kept(generator):
    image = torch.rand(1, 3, 64, 32, generator=generator, requires_grad=True)
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), Watch() as seen:
        second = moments_in_bands(image, features, None, "auto", 64).second
        torch.autograd.grad(second.sum(), image)
    assert sum(kept.values()) < 2 * image.untyped_storage().nbytes()
    assert seen.most < 2 * image.untyped_storage().nbytes()


def test_bands_are_larger_where_there_are_more_cores():
    assert [pixels_of_band(torch.device(one)) for one in ("cpu", "cuda", "mps")] == [
        ON_CPU,
        ELSEWHERE,
        ELSEWHERE,
    ]
