"""What a form asks for, as a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gramstyle.errors import StyleError
from gramstyle.transfer import (
    PRESERVES,
    TRANSFERS,
    Job,
    StyleFile,
    TransferSettings,
    for_backbone,
    transfer_preset,
)
from gramstyle.transfer.presets import DEFAULT
from gramstyle.transfer.settings import INITS

WHOLE = ("size", "iterations", "first_iterations", "seed")
DECIMAL = ("content_weight", "style_scale", "tv_weight")
NETWORKS = (
    ("vgg16", "VGG16"),
    ("vgg19", "VGG19"),
    ("mobilenet_v2@KERAS", "MobileNetV2"),
    ("efficientnet_lite0@GOOGLE", "EfficientNet-Lite0"),
)
"""Those whose weights come from the package index, and what people call them."""


def form_of(folder: Path) -> dict[str, Any]:
    """What the form shows: choices, and the values of the default preset."""
    settings = transfer_preset(DEFAULT)
    return {
        "folder": str(folder),
        "presets": list(TRANSFERS),
        "preserves": [name for name in PRESERVES if name != "none"],
        "inits": [name for name in INITS if name not in ("image", "content")],
        "networks": NETWORKS,
        **{name: f"{getattr(settings, name):g}" for name in (*WHOLE, *DECIMAL)},
    }


def job_of(fields: Mapping[str, str], content: Path | None, styles: Sequence[Path], output: Path) -> Job:
    """The job that a form asks for.

    Args:
        fields: name -> text; empty for the preset's own.
        content: None for a texture.
        styles: at least one.
        output: of the job.

    Raises:
        UnknownNameError: for a name that does not exist.
        StyleError, ValueError: for a text that is no number; for settings out of range, or that contradict
            each other.
    """
    if not styles:
        raise StyleError("styles must be at least one image, got none")
    settings = transfer_preset(fields.get("preset") or DEFAULT)
    if fields.get("backbone"):
        settings = for_backbone(settings, fields["backbone"])
    given: dict[str, Any] = {name: _number(fields, name, int) for name in WHOLE}
    given |= {name: _number(fields, name, float) for name in DECIMAL}
    given |= {name: fields.get(name) or None for name in ("preserve_color", "init")}
    settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
    if content is None:
        settings = _of_texture(settings)
    shares = _shares(fields.get("style_weights", ""), len(styles))
    files = [StyleFile(path=str(path), weight=share) for path, share in zip(styles, shares, strict=True)]
    return Job(
        content=None if content is None else str(content),
        styles=tuple(files),
        output=str(output),
        settings=settings,
    )


def facts_of(job: Job) -> dict[str, str]:
    """What is said of a job beside its image."""
    settings = job.settings
    styles = ", ".join(
        Path(one.path).name + ("" if one.weight == 1 else f" ({one.weight:g})") for one in job.styles
    )
    return {
        "content": "none: a texture" if job.content is None else Path(job.content).name,
        "style": styles,
        "network": settings.style.backbone,
        "size": f"{settings.size} pixels",
        "style metric": settings.style.metric,
        "content weight": f"{settings.content_weight:g}",
        "optimiser": settings.optimizer.name,
        "written to": Path(job.output).name,
    }


def _of_texture(settings: TransferSettings) -> TransferSettings:
    init = settings.init if settings.init == "noise" else "style"
    return replace(settings, content_weight=0.0, init=init, preserve_color="none")


def _number(fields: Mapping[str, str], name: str, kind: Callable[[str], Any]) -> Any:
    text = fields.get(name, "").strip()
    if not text:
        return None
    try:
        return kind(text)
    except ValueError as error:
        words = "a whole number" if kind is int else "a number"
        raise StyleError(f"{name} must be {words}, got {text!r}") from error


def _shares(text: str, count: int) -> list[float]:
    if not text.strip():
        return [1.0] * count
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise StyleError(f"style_weights must be numbers such as 3,1, got {text!r}") from error
    if len(found) != count:
        raise StyleError(f"style_weights must be one per style: {count} styles, {len(found)} given")
    return found
