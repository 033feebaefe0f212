"""Names of the same layer in different libraries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gramstyle.errors import WeightsError

_LITE0_REPEATS = (1, 2, 2, 3, 3, 4, 1)  # blocks of each stage of EfficientNet-B0 and -Lite0
_TIMM_TOPS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_TIMM_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_TIMM_OTHERS = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def timm_name(name: str) -> str:
    """The name in timm of a tensor of the efficientnet_pytorch family, EfficientNet-Lite0.

    The first block has no expansion, and timm numbers what is left from one: its projection is
    ``conv_pw`` where that of every other block is ``conv_pwl``.

    Raises:
        WeightsError: if the network has no such tensor.
    """
    stages = [f"blocks.{stage}.{block}" for stage, block in numbered(_LITE0_REPEATS, start=0)]
    parts = re.fullmatch(r"(?:_blocks\.(\d+)\.)?(_\w+)\.(\w+)", name)
    if parts is not None:
        block, module, leaf = parts.groups()
        if block is None and module in _TIMM_TOPS:
            return f"{_TIMM_TOPS[module]}.{leaf}"
        modules = _TIMM_FIRST if block == "0" else _TIMM_OTHERS
        if block is not None and int(block) < len(stages) and module in modules:
            return f"{stages[int(block)]}.{modules[module]}.{leaf}"
    raise WeightsError(f"tensor {name!r} has no place in EfficientNet-Lite0")


def keras_convs() -> Iterator[tuple[str, str]]:
    """(torchvision's module, Keras's layer) of every convolution whose weights are ImageNet's.

    Keras's block N is torchvision's ``features[N + 1]``.
    """
    yield "features.0.0", "Conv1"
    yield "features.1.conv.0.0", "expanded_conv_depthwise"
    yield "features.1.conv.1", "expanded_conv_project"
    for block in range(1, 14):
        yield f"features.{block + 1}.conv.0.0", f"block_{block}_expand"
        yield f"features.{block + 1}.conv.1.0", f"block_{block}_depthwise"
        if block < 13:
            yield f"features.{block + 1}.conv.2", f"block_{block}_project"


def keras_norms() -> Iterator[tuple[str, str]]:
    """The same for the batch normalisation that follows each of those convolutions."""
    for place, layer in keras_convs():
        head, _, last = place.rpartition(".")
        yield f"{head}.{int(last) + 1}", "bn_Conv1" if layer == "Conv1" else f"{layer}_BN"


def numbered(repeats: tuple[int, ...], start: int) -> Iterator[tuple[int, int]]:
    """(group, member) in order, both counted from `start`."""
    for group, count in enumerate(repeats, start):
        for member in range(start, start + count):
            yield group, member
