"""Steps of a style transfer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from gramstyle.bench.timing import Contender, Row, take_turns
from gramstyle.extract import Extractor
from gramstyle.gram import Moments, reference
from gramstyle.kernels import Kernel
from gramstyle.transfer import Objective, StyleImage, TransferSettings, for_backbone, transfer_preset
from gramstyle.transfer.canvas import canvas_of
from gramstyle.transfer.palette import palette_features
from gramstyle.transfer.stage import Stage

FLOAT64 = {"dtype": torch.float64}


def time_transfer(
    backbones: Iterable[str], content: Tensor, style: Tensor, repeat: int, **options: Any
) -> Iterator[Row]:
    """One row per backbone: a step of the default transfer at the size of `content`.

    ``eager`` is the same recipe in plain torch on channels-first maps, as other code runs it; ``auto`` is
    what `gramstyle transfer` does. Facts: ``eager_error`` and ``error`` of ``auto``, by which the gradient of
    the loss by the image differs from that in float64, as a share of its norm.

    Args:
        backbones: ``NAME[@WEIGHTS]``.
        content: (1, 3, H, W), sRGB in [0, 1].
        style: (1, 3, H', W').
        repeat: rounds.
        options: of `Extractor`.
    """
    for backbone in backbones:
        settings = for_backbone(transfer_preset("gramstyle"), backbone)
        eager, auto = (_stage(settings, content, style, kernel, options) for kernel in ("reference", "auto"))
        exact = _stage(settings, content.double(), style.double(), "reference", {**options, **FLOAT64})
        truth = _gradient(exact, content.double())
        contenders = [
            Contender(name="eager", allocator="default", run=eager.step),
            Contender(name="auto", run=auto.step),
            Contender(name="auto, default memory", allocator="default", run=auto.step),
        ]
        identity = auto.objective.extractor.identity
        facts = {
            "backbone": identity.backbone,
            "weights": identity.name,
            "taps": list(settings.taps),
            "size": list(content.shape[2:]),
            "eager_error": float((_gradient(eager, content) - truth).norm() / truth.norm()),
            "error": float((_gradient(auto, content) - truth).norm() / truth.norm()),
        }
        yield Row(job=backbone, facts=facts, seconds=take_turns(contenders, repeat))


def _stage(
    settings: TransferSettings, content: Tensor, style: Tensor, kernel: Kernel, options: dict[str, Any]
) -> Stage:
    extractor = Extractor(
        settings.style.backbone,
        settings.taps,
        device="cpu",
        kernel=kernel,
        memory_format="contiguous" if kernel == "reference" else "auto",
        first_padding=settings.style.first_padding,
        check_range=False,
        **options,
    )
    kind = _Eager if kernel == "reference" else Objective
    objective = kind(extractor, settings, content, [StyleImage(pixels=style)], kernel=kernel)
    canvas = canvas_of(content, settings.parameterization, clamp=settings.clamp)
    return Stage(canvas, objective, settings, None)


class _Eager(Objective):
    """An `Objective` whose palette is a graph of the whole image, as other code would write it."""

    def _colour_moments(self, image: Tensor, mask: Tensor | None) -> Moments:
        return reference.moments(palette_features(image), None if mask is None else mask[None], center=True)


def _gradient(stage: Stage, content: Tensor) -> Tensor:
    """Of the loss of the content turned round, by its pixels."""
    image = content.flip(3).detach().requires_grad_()
    terms = stage.objective.terms(image)
    sum(term.double() for term in terms.values()).backward()  # type: ignore[union-attr]
    assert image.grad is not None
    return image.grad
