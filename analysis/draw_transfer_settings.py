"""What the settings of a style transfer do: one photograph in one style, a row per setting.

    python analysis/draw_transfer_settings.py FOLDER docs/images/transfer-settings.jpg [--backbone NAME]

Images stay in FOLDER; those that are there already are not made again.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
from compare_transfers import make

import gramstyle
from gramstyle.corpus import bundled_images
from gramstyle.corpus.procedural import Rendered
from gramstyle.images import ResizePolicy, resize, save_image
from gramstyle.report import rendered
from gramstyle.report.mosaic import Mosaic, closest, drawn, small
from gramstyle.transfer import TransferSettings, transfer_preset
from gramstyle.transfer.presets import for_backbone

SIDE = 256
STEPS: dict[str, Any] = {"size": SIDE, "min_size": 128, "first_iterations": 150, "iterations": 75}
PHOTOGRAPH = "astronaut"
STYLE = ("woodcut", "portrait", "plum")

ROWS: dict[str, dict[str, dict[str, Any]]] = {
    "--content-weight": {f"{weight:g}": {"content_weight": weight} for weight in (0.001, 0.015, 0.1, 0.5)},
    "--style-scale": {f"{scale:g}": {"style_scale": scale} for scale in (0.5, 1.0, 1.5, 2.0)},
    "--tv-weight": {f"{weight:g}": {"tv_weight": weight} for weight in (0.0, 2.0, 20.0, 100.0)},
    "--min-size": {f"{size}": {"min_size": size} for size in (256, 181, 128, 64)},
    "--init": {name: {"init": name} for name in ("content", "style", "gray", "noise")},
    "--preserve-color": {
        name: {"preserve_color": name} for name in ("none", "luminance", "symmetric", "histogram")
    },
}
"""Option -> word below a picture -> what it changes."""


def main() -> None:
    """Make the images that are not there yet, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--backbone", "-b", default="vgg16@IMAGENET1K_V1")
    given = parser.parse_args()
    base = replace(for_backbone(transfer_preset("gramstyle"), given.backbone), **STEPS)
    content, style = inputs(given.folder)
    cells, names, made = {}, {}, dict[str, Path]()
    for row, (option, values) in enumerate(ROWS.items()):
        for column, (word, changes) in enumerate(values.items()):
            settings = replace(base, **changes)
            path = made.setdefault(key(settings), given.folder / f"{option.strip('-')}_{word}.png")
            if not path.exists():
                make(path, content, style, settings)
                print(option, word, flush=True)
            cells[row, column] = small(gramstyle.read_image(path), SIDE)
            names[row, column] = f"{word}, the default" if settings == base else word
    draw(cells, names, given.output)


def key(settings: TransferSettings) -> str:
    """The same for equal settings."""
    return str(settings.as_json())


def inputs(folder: Path) -> tuple[Path, Path]:
    """The photograph and the style; the style is larger, so that it can be scaled."""
    folder.mkdir(parents=True, exist_ok=True)
    content, style = folder / "photograph.png", folder / "style.png"
    pixels = gramstyle.read_image(bundled_images()[PHOTOGRAPH]).pixels
    save_image(content, resize(pixels, ResizePolicy("long", SIDE)).clamp(0, 1))
    name, motif, palette = STYLE
    drawing = Rendered(seed=0, style=name, content=motif, palette=palette, replicate=0, size=2 * SIDE)
    save_image(style, drawing.picture().pixels)
    return content, style


def draw(
    cells: dict[tuple[int, int], PIL.Image.Image], names: dict[tuple[int, int], str], output: Path
) -> None:
    """A JPEG of all."""
    mosaic = Mosaic(
        cells=cells,
        rows=list(ROWS),
        height=len(ROWS),
        width=1 + max(column for _, column in cells),
        cell=closest(list(cells.values())),
        names=names,
    )
    said = "A photograph in one style, a row per setting, four values of each"
    with PIL.Image.open(io.BytesIO(rendered(drawn(mosaic), ".png", said))) as image:
        image.convert("RGB").save(output, quality=86)


if __name__ == "__main__":
    main()
