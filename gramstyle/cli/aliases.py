"""Options of other programs, as those of this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from gramstyle.cli import options
from gramstyle.errors import StyleError

RENAMED = {
    # jcjohnson/neural-style and ProGamerGov/neural-style-pt
    "--style-blend-weights": ("--style-weights",),
    "--image-size": ("--size",),
    "--num-iterations": ("--first-iterations", "--iterations"),  # of every scale; they have one
    "--init-image": ("--init",),
    "--content-layers": ("--content-taps",),
    "--style-layers": ("--style-taps",),
    "--lbfgs-num-correction": ("--history",),
    # crowsonkb/style-transfer-pytorch
    "--end-scale": ("--size",),
    "--min-scale": ("--min-size",),
    "--initial-iterations": ("--first-iterations",),
    "--avg-decay": ("--averaging",),
    "--style-scale-fac": ("--style-scale",),
    "--random-seed": ("--seed",),
}
"""Their option -> ours of the same meaning and units."""

LEVELS = 256
"""Pixels of neural-style lie between 0 and this."""


class Renaming(TyperCommand):
    """A command that understands the options of `translated`; its help does not show them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Translate, then parse."""
        with options.usage():
            args = translated(args)
        return super().parse_args(ctx, args)


def translated(arguments: Sequence[str]) -> list[str]:
    """Arguments of `gramstyle transfer` with options of other programs in its own words.

    `RENAMED`; ``--original-colors 1`` is ``--preserve-color luminance``; ``--save-iter N`` writes a frame
    every N steps to a folder beside the output, ``OUTPUT_frames``.

    Raises:
        StyleError: for another value of ``--original-colors``; and for ``--learning-rate``, whose unit is
            another: the message says what to give instead.
    """
    found: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*found, word, *words]
        name, equals, value = word.partition("=")
        if name not in RENAMED and name not in _SPECIAL:
            found.append(word)
            continue
        given = [value] if equals else [one for one in (next(words, None),) if one is not None]
        if name in RENAMED:  # without a value the parser complains
            found += [part for ours in RENAMED[name] for part in (ours, *given)]
        else:
            found += _SPECIAL[name]("".join(given), arguments)
    return found


def _original_colors(value: str, arguments: Sequence[str]) -> list[str]:
    if value not in ("0", "1"):
        raise StyleError(f"--original-colors must be 0 or 1, got {value!r}")
    return ["--preserve-color", "luminance"] if value == "1" else []


def _save_iter(value: str, arguments: Sequence[str]) -> list[str]:
    if value == "0":
        return []
    outputs = list(_values(arguments, "--output", "-o"))
    named = any(word.partition("=")[0] == "--frames" for word in arguments)
    folder = [] if named or not outputs else ["--frames", _frames(outputs[-1])]
    return ["--frame-every", value, *folder]


def _learning_rate(value: str, arguments: Sequence[str]) -> list[str]:
    try:
        step = f" {float(value) / LEVELS:.4g}"
    except ValueError:
        step = ""
    raise StyleError(
        f"--learning-rate of neural-style is in levels of pixels up to {LEVELS}, here pixels lie in [0, 1]: "
        f"give --step-size{step} instead"
    )


_SPECIAL = {
    "--original-colors": _original_colors,
    "--save-iter": _save_iter,
    "--learning-rate": _learning_rate,
}


def _frames(output: str) -> str:
    path = Path(output)
    return str(path.with_name(f"{path.stem}_frames"))


def _values(arguments: Sequence[str], *names: str) -> Iterator[str]:
    """The values that an option was given."""
    for place, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if word in names and place + 1 < len(arguments):
            yield arguments[place + 1]
        elif equals and name in names:
            yield value
