"""Style distances by name: this project's own, by version, and those that others published."""

from __future__ import annotations

from gramstyle import check
from gramstyle.distance import Combine
from gramstyle.gram import GramSettings, Norm, Statistic
from gramstyle.recipe import Recipe
from gramstyle.types import Normalization

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CHANNELS = (64, 128, 256, 512, 512)
PER_ENTRY = tuple(1.0 / channels**2 for channels in CHANNELS)
RAW = GramSettings(norm=Norm.NONE)
PER_POSITION = GramSettings(norm=Norm.POSITIONS)
PER_CHANNEL = GramSettings(norm=Norm.CHANNELS)
PER_ELEMENT = GramSettings(norm=Norm.ELEMENTS)
CROWSONKB_WEIGHTS = (256 / 341, 64 / 341, 16 / 341, 4 / 341, 1 / 341)

DEFAULT = "gramstyle-1"
"""What is computed where nothing is asked for. Another default would be another name.

Other backbones have the same default but for their taps, which are theirs at the same resolutions.
"""

PRESETS: dict[str, Recipe] = {
    DEFAULT: Recipe(
        backbone="vgg16@IMAGENET1K_V1",
        taps=("relu4_1", "relu5_1"),
        tap_weights=(1.0, 1.0),
        gram=PER_POSITION,
        metric="cosine",
        combine=Combine.MEAN,
        resize="long:512:down",
        source="this project: cosine of second moments, averaged over a tap at 1/8 and one at 1/16",
    ),
    # E_l = sum (G - A)^2 / (4 C^2 P^2) is the mean square of F F' / P, divided by 4. Written so,
    # it also holds for two images of different sizes, which the paper does not treat.
    "gatys2016": Recipe(
        backbone="vgg19@CAFFE",
        taps=STYLE,
        tap_weights=(0.25 / 5,) * 5,
        gram=PER_POSITION,
        metric="mse",
        combine=Combine.SUM,
        source="Gatys, Ecker, Bethge 2016 (CVPR), eq. 3-5, w_l = 1/5, maximum pooling",
    ),
    "gatys-pytorch": Recipe(
        backbone="vgg19@CAFFE",
        taps=STYLE,
        tap_weights=tuple(1e3 * weight for weight in PER_ENTRY),
        gram=PER_POSITION,
        metric="mse",
        combine=Combine.SUM,
        source="leongatys/PytorchNeuralStyleTransfer: G / (HW), MSE, weights 1e3 / C^2. Its own "
        "weights are a rescaled VGG-19; these are the original ones",
    ),
    "johnson2016": Recipe(
        backbone="vgg16@IMAGENET1K_V1",
        taps=("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
        gram=PER_ELEMENT,
        metric="squared-frobenius",
        combine=Combine.SUM,
        source="Johnson, Alahi, Fei-Fei 2016 (ECCV), section 3.2: G / (CHW), squared Frobenius norm",
    ),
    "neural-style": Recipe(
        backbone="vgg19@CAFFE",
        taps=STYLE,
        tap_weights=(100.0,) * 5,
        gram=PER_ELEMENT,
        metric="mse",
        combine=Combine.SUM,
        source="jcjohnson/neural-style: G / (CHW), MSE, style weight 1e2",
    ),
    "cysmith": Recipe(
        backbone="vgg19@CAFFE",
        taps=STYLE,
        tap_weights=(0.25 * 0.2 / 5 * 1e4,) * 5,
        gram=PER_POSITION,
        metric="mse",
        combine=Combine.SUM,
        source="cysmith/neural-style-tf: sum / (4 C^2 P^2), layer weights 0.2, mean over layers, 1e4",
    ),
    "pastiche": Recipe(
        backbone="vgg19@CAFFE",
        taps=STYLE,
        tap_weights=tuple(10 * weight for weight in PER_ENTRY),
        gram=PER_POSITION,
        metric="mse",
        combine=Combine.SUM,
        source="dstein64/pastiche 1.6.0: G / (HW), MSE, weights 10 / C^2",
    ),
    "pystiche": Recipe(
        backbone="vgg19@IMAGENET1K_V1",
        taps=STYLE,
        tap_weights=(1e3 / 5,) * 5,
        gram=PER_POSITION,
        metric="mse",
        combine=Combine.SUM,
        source="pystiche 1.0.1 GramLoss: G / (HW), MSE, mean over layers, score weight 1e3",
    ),
    "gordicaleksa": Recipe(
        backbone="vgg19@IMAGENET1K_V1",
        taps=STYLE,
        tap_weights=(3e4 / 5,) * 5,
        gram=PER_ELEMENT,
        metric="squared-frobenius",
        combine=Combine.SUM,
        normalization=Normalization(mean=(123.675, 116.28, 103.53), std=(1.0, 1.0, 1.0), scale=255.0),
        source="gordicaleksa/pytorch-neural-style-transfer: G / (CHW), summed squares, mean over "
        "layers, style weight 3e4, RGB in 0..255 minus the mean",
    ),
    "piq": Recipe(
        backbone="vgg16@IMAGENET1K_V1",
        taps=("relu3_3",),
        gram=RAW,
        metric="mse",
        combine=Combine.SUM,
        source="piq 0.8.0 StyleLoss: F F' without normalisation, MSE, relu3_3",
    ),
    # Sizes differ more here than anywhere: F F' / C grows with the number of positions, which the
    # cosine removes. The PCA to 1024 numbers and float16 of the original are left out.
    "csd-vgg-gram": Recipe(
        backbone="vgg16@IMAGENET1K_V1",
        taps=("pool5",),
        gram=PER_CHANNEL,
        metric="cosine",
        combine=Combine.SUM,
        resize="short:256",
        crop=224,
        source="Somepalli et al. 2024 (CSD), VGG Gram baseline: last feature map, G / C, cosine",
    ),
    # Without its ridge of 1e-4, which keeps Newton-Schulz iterations stable: eigenvalues need none.
    "crowsonkb-2023": Recipe(
        backbone="vgg19@IMAGENET1K_V1",
        taps=STYLE,
        tap_weights=tuple(w / c for w, c in zip(CROWSONKB_WEIGHTS, CHANNELS, strict=True)),
        gram=GramSettings(statistic=Statistic.GAUSSIAN),
        metric="squared-wasserstein",
        combine=Combine.SUM,
        first_padding="replicate",
        source="crowsonkb/style-transfer-pytorch: squared 2-Wasserstein distance over C, "
        "weights 256:64:16:4:1, replicate padding",
    ),
}
"""Name -> recipe. Losses are of the style term alone, with the weights their code gives it."""


def preset(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UnknownNameError: if there is none; the message lists those that exist, nearest first.
    """
    return PRESETS[check.name_in("preset", name, PRESETS)]
