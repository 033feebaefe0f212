"""Whole style descriptors: the Gram matrices of an image at every tap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from gramstyle.bench.gram import second_moment
from gramstyle.bench.layers import tuned
from gramstyle.bench.timing import Contender, Row, take_turns
from gramstyle.extract import Extractor
from gramstyle.images import normalize

TAPS: dict[str, tuple[str, ...]] = {"vgg16": ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")}
"""Where they are not the backbone's default: those of Gatys, Ecker and Bethge 2016."""


def time_descriptor(
    backbones: Iterable[str],
    images: Sequence[Tensor],
    repeat: int,
    *,
    compiled: bool = False,
    **options: Any,
) -> Iterator[Row]:
    """One row per backbone: Gram matrices at its taps, of the first image.

    ``eager`` is the network as its library builds it, channels-first, float32, with `torch.bmm` at each
    tap; ``unfused`` has channels-last maps, batch normalisation folded and activations in place;
    ``auto`` is `Extractor.sums`, ``auto, bfloat16`` the same in bfloat16, and ``compiled`` is ``eager``
    on channels-last maps under `torch.compile`. None looks whether pixels are in range.

    Facts of a row are errors beside float64: ``error`` of Gram matrices (largest over taps, of the norm),
    and of ``auto``, ``distance_error`` of L2 distances between all pairs of images (largest over taps and
    pairs), and the same two for bfloat16.

    Args:
        backbones: ``NAME[@WEIGHTS]``.
        images: (1, 3, H, W), sRGB in [0, 1], at least two.
        repeat: rounds.
        compiled: also time `torch.compile`; compilation takes minutes and is not counted.
        options: of `Extractor`.
    """
    for backbone in backbones:
        yield _timed(backbone, images, repeat, compiled, options)


def _timed(
    backbone: str, images: Sequence[Tensor], repeat: int, compiled: bool, options: dict[str, Any]
) -> Row:
    taps = TAPS.get(backbone.partition("@")[0])
    makes = {"taps": taps, "device": "cpu", "check_range": False, **options}
    eager = Extractor(backbone, kernel="reference", memory_format="contiguous", **makes)
    last = Extractor(backbone, kernel="reference", **makes)
    unfused = tuned(last)
    auto = Extractor(backbone, kernel="auto", **makes)
    narrow = Extractor(backbone, kernel="auto", dtype=torch.bfloat16, **makes)
    x = images[0]

    def without_fusion() -> dict[str, Tensor]:
        prepared = normalize(x, last.normalization).contiguous(memory_format=torch.channels_last)
        return _second(unfused(prepared))

    contenders = [
        Contender(name="eager", allocator="default", run=lambda: _grams(eager, x)),
        Contender(name="unfused", run=without_fusion),
        Contender(name="auto", run=lambda: auto.sums(x)),
        Contender(name="auto, default memory", allocator="default", run=lambda: auto.sums(x)),
        Contender(name="auto, bfloat16", run=lambda: narrow.sums(x)),
        Contender(name="auto, bfloat16, default memory", allocator="default", run=lambda: narrow.sums(x)),
    ]
    exact = Extractor(backbone, kernel="reference", dtype=torch.float64, **makes)
    with torch.inference_mode():
        if compiled:
            torch.compiler.reset()  # or the ninth job would run as it is, uncompiled
            program = torch.compile(lambda image: _grams(last, image))
            program(x)
            contenders.append(Contender(name="compiled", run=lambda: program(x)))
        truth = [_grams(exact, image) for image in images]
        facts: dict[str, Any] = {"backbone": auto.identity.backbone, "weights": auto.identity.name}
        facts["taps"] = [tap.name for tap in auto.taps]
        for prefix, extractor in (("", auto), ("bfloat16_", narrow)):
            found = [_by_sums(extractor, image) for image in images]
            facts[f"{prefix}error"] = _error(found, truth)
            facts[f"{prefix}distance_error"] = _distance_error(found, truth)
        seconds = take_turns(contenders, repeat)
    return Row(job=backbone, facts=facts, seconds=seconds)


def _grams(extractor: Extractor, image: Tensor) -> dict[str, Tensor]:
    return _second(extractor(image))


def _second(features: dict[str, Tensor]) -> dict[str, Tensor]:
    return {tap: second_moment(maps) / maps[0, 0].numel() for tap, maps in features.items()}


def _by_sums(extractor: Extractor, image: Tensor) -> dict[str, Tensor]:
    return {tap: one.second / one.positions for tap, one in extractor.sums(image).items()}


def _error(found: Sequence[dict[str, Tensor]], truth: Sequence[dict[str, Tensor]]) -> float:
    return max(
        float((one[tap] - exact[tap]).norm() / exact[tap].norm())
        for one, exact in zip(found, truth, strict=True)
        for tap in exact
    )


def _distance_error(found: Sequence[dict[str, Tensor]], truth: Sequence[dict[str, Tensor]]) -> float:
    worst = 0.0
    for i, j in combinations(range(len(truth)), 2):
        for tap in truth[0]:
            exact = (truth[i][tap] - truth[j][tap]).norm()
            mine = (found[i][tap].double() - found[j][tap].double()).norm()
            worst = max(worst, float((mine - exact).abs() / exact))
    return worst
