"""The table of backbones and their taps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gramstyle.extract.filterbank import COLOURS, GABOR_1, Bank
from gramstyle.types import BackboneSpec, TapKind, TapSpec

VGG16_BLOCKS = (2, 2, 3, 3, 3)
VGG19_BLOCKS = (2, 2, 4, 4, 4)
VGG_CHANNELS = (64, 128, 256, 512, 512)

# (expansion, channels, repeats, stride) per stage: table 2 of Sandler et al. 2018 (MobileNetV2)
MOBILENET_V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# the same columns: table 1 of Tan and Le 2019 (EfficientNet-B0; Lite0 keeps these widths)
EFFICIENTNET_B0_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 40, 2, 2),
    (6, 80, 3, 2),
    (6, 112, 3, 1),
    (6, 192, 4, 2),
    (6, 320, 1, 1),
)


def _tap(name: str, module: str, channels: int, reduction: int, kind: TapKind) -> TapSpec:
    return TapSpec(name=name, module=module, channels=channels, reduction=reduction, kind=kind)


def _vgg(blocks: tuple[int, ...], *, batch_norm: bool) -> Iterator[TapSpec]:
    index = 0
    for block, (repeats, channels) in enumerate(zip(blocks, VGG_CHANNELS, strict=True), start=1):
        reduction = 2 ** (block - 1)
        for number in range(1, repeats + 1):
            yield _tap(f"conv{block}_{number}", f"features.{index}", channels, reduction, "conv")
            index += 2 if batch_norm else 1
            yield _tap(f"relu{block}_{number}", f"features.{index}", channels, reduction, "relu")
            index += 1
        yield _tap(f"pool{block}", f"features.{index}", channels, 2 * reduction, "pool")
        index += 1


Modules = Callable[[int, int, int], tuple[str, str, str]]
"""(block, stage, place in stage), from (1, 0, 0) -> modules of expansion, depthwise, output."""


def _inverted_bottlenecks(
    stages: tuple[tuple[int, int, int, int], ...], modules: Modules, stem: str, head: str
) -> Iterator[TapSpec]:
    yield _tap("stem", stem, 32, 2, "stem")
    block, width, reduction = 0, 32, 2
    for stage, (expansion, channels, repeats, stride) in enumerate(stages):
        for place in range(repeats):
            block += 1
            expand, depthwise, output = modules(block, stage, place)
            wide = width * expansion
            if expansion != 1:
                yield _tap(f"block{block}_expand", expand, wide, reduction, "expand")
            reduction *= stride if place == 0 else 1
            yield _tap(f"block{block}_depthwise", depthwise, wide, reduction, "depthwise")
            yield _tap(f"block{block}", output, channels, reduction, "block")
            width = channels
    yield _tap("head", head, 1280, 32, "head")


def _mobilenet_v2_modules(block: int, stage: int, place: int) -> tuple[str, str, str]:
    layers = f"features.{block}.conv"
    return f"{layers}.0", f"{layers}.{0 if stage == 0 else 1}", f"features.{block}"


def _efficientnet_modules(block: int, stage: int, place: int) -> tuple[str, str, str]:
    output = f"features.{stage + 1}.{place}"
    return f"{output}.block.0", f"{output}.block.{0 if stage == 0 else 1}", output


def _timm_efficientnet_modules(block: int, stage: int, place: int) -> tuple[str, str, str]:
    output = f"blocks.{stage}.{place}"
    return f"{output}.bn1", f"{output}.{'bn1' if stage == 0 else 'bn2'}", output


def _resnet(blocks: tuple[int, ...], *, bottleneck: bool) -> Iterator[TapSpec]:
    yield _tap("stem", "relu", 64, 2, "stem")
    yield _tap("pool1", "maxpool", 64, 4, "pool")
    for layer, repeats in enumerate(blocks, start=1):
        width, after = 64 * 2 ** (layer - 1), 2 ** (layer + 1)
        for place in range(repeats):
            module, name = f"layer{layer}.{place}", f"layer{layer}_{place}"
            before = after // 2 if place == 0 and layer > 1 else after
            if bottleneck:
                yield _tap(f"{name}_reduce", f"{module}.relu", width, before, "relu")
                yield _tap(f"{name}_spatial", f"{module}.relu_1", width, after, "relu")
            else:
                yield _tap(f"{name}_inner", f"{module}.relu", width, after, "relu")
            yield _tap(name, module, width * (4 if bottleneck else 1), after, "block")


def _filterbank(bank: Bank) -> Iterator[TapSpec]:
    for scale in range(1, bank.scales + 1):
        yield _tap(f"scale{scale}", f"scales.{scale - 1}", bank.channels(scale), 2 ** (scale - 1), "scale")
    yield _tap("residual", "residual", COLOURS, 2 ** (bank.scales - 1), "residual")


VGG_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""Style layers of Gatys et al. 2016, one per resolution."""

BACKBONES: dict[str, BackboneSpec] = {
    spec.name: spec
    for spec in (
        BackboneSpec(
            name="vgg16",
            source="torchvision",
            factory="vgg16",
            taps=tuple(_vgg(VGG16_BLOCKS, batch_norm=False)),
            scale_taps=VGG_STYLE,
            default_weights="IMAGENET1K_V1",
            summary="VGG-16: 3x3 convolutions, ReLU, no batch normalisation",
        ),
        BackboneSpec(
            name="vgg16_bn",
            source="torchvision",
            factory="vgg16_bn",
            taps=tuple(_vgg(VGG16_BLOCKS, batch_norm=True)),
            scale_taps=VGG_STYLE,
            default_weights="IMAGENET1K_V1",
            summary="VGG-16 with batch normalisation",
        ),
        BackboneSpec(
            name="vgg19",
            source="torchvision",
            factory="vgg19",
            taps=tuple(_vgg(VGG19_BLOCKS, batch_norm=False)),
            scale_taps=VGG_STYLE,
            default_weights="CAFFE",
            summary="VGG-19, the network of Gatys et al. 2016",
        ),
        BackboneSpec(
            name="mobilenet_v2",
            source="torchvision",
            factory="mobilenet_v2",
            taps=tuple(
                _inverted_bottlenecks(MOBILENET_V2_STAGES, _mobilenet_v2_modules, "features.0", "features.18")
            ),
            scale_taps=("block1", "block3", "block6", "block13"),
            default_weights="IMAGENET1K_V1",
            summary="MobileNetV2: inverted residuals, ReLU6, linear bottlenecks",
        ),
        BackboneSpec(
            name="efficientnet_b0",
            source="torchvision",
            factory="efficientnet_b0",
            taps=tuple(
                _inverted_bottlenecks(
                    EFFICIENTNET_B0_STAGES, _efficientnet_modules, "features.0", "features.8"
                )
            ),
            scale_taps=("block1", "block3", "block5", "block11"),
            default_weights="IMAGENET1K_V1",
            summary="EfficientNet-B0: inverted residuals, SiLU, squeeze-and-excite",
        ),
        BackboneSpec(
            name="efficientnet_lite0",
            source="timm",
            factory="tf_efficientnet_lite0",
            taps=tuple(
                _inverted_bottlenecks(EFFICIENTNET_B0_STAGES, _timm_efficientnet_modules, "bn1", "bn2")
            ),
            scale_taps=("block1", "block3", "block5", "block11"),
            default_weights="GOOGLE",
            summary="EfficientNet-Lite0: as B0 with ReLU6 and without squeeze-and-excite",
        ),
        BackboneSpec(
            name="resnet18",
            source="torchvision",
            factory="resnet18",
            taps=tuple(_resnet((2, 2, 2, 2), bottleneck=False)),
            scale_taps=("stem", "layer1_1", "layer2_1", "layer3_1"),
            default_weights="IMAGENET1K_V1",
            summary="ResNet-18: residual blocks, ReLU, batch normalisation",
        ),
        BackboneSpec(
            name="resnet50",
            source="torchvision",
            factory="resnet50",
            taps=tuple(_resnet((3, 4, 6, 3), bottleneck=True)),
            scale_taps=("stem", "layer1_2", "layer2_3", "layer3_5"),
            default_weights="IMAGENET1K_V1",
            summary="ResNet-50: bottleneck residual blocks, ReLU, batch normalisation",
        ),
        BackboneSpec(
            name="filterbank",
            source="filterbank",
            factory="FilterBank",
            taps=tuple(_filterbank(GABOR_1)),
            scale_taps=tuple(f"scale{scale}" for scale in range(1, GABOR_1.scales + 1)),
            default_weights="gabor-1",
            summary="complex Gabor filters, 5 octaves x 4 orientations: the classical baseline, no weights",
            first_reduction=1,
        ),
    )
}
"""Name -> backbone. Taps are in order of depth; `scale_taps` sit at one per resolution."""
