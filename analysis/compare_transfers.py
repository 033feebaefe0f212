"""Which style transfer keeps most content for the style that it takes on?

    pip install lpips
    python analysis/compare_transfers.py run FOLDER
    python analysis/compare_transfers.py measure FOLDER -o analysis/results/transfers.json
    python analysis/compare_transfers.py pictures FOLDER -o docs/images/transfer-recipes.jpg
    python analysis/compare_transfers.py gallery FOLDER -o docs/images/transfer-gallery.jpg
    python analysis/compare_transfers.py run|measure OTHER_FOLDER --full ...

Photographs that come with scikit-image take on the styles of procedural drawings, under every recipe and at
several content weights each. `run` can be stopped and repeated: finished images are kept. `measure` reads
them and holds them against what no recipe looked at: the style by EfficientNet-Lite0 and by MobileNetV2,
with Wasserstein distances and with Gram matrices, as a share of the content's own distance; the content by
LPIPS (Zhang et al. 2018, VGG16, the heads that come with the package) and by structural similarity of luma.
The palette is that of the style by the sliced Wasserstein distance of colours.

`gallery` draws one photograph in one style under four networks: by Gram matrices alone, with two remedies of
the study, and by the default recipe.

With --full recipes take all of the steps that were published, for fewer and larger images.

The style drawn again, with another motif, is measured as well: what a true member of the style scores.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import lpips
import PIL.Image
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

import gramstyle
from gramstyle.corpus import bundled_images
from gramstyle.corpus.procedural import Rendered
from gramstyle.files import write_text
from gramstyle.images import ResizePolicy, resize, save_image
from gramstyle.report import rendered
from gramstyle.report.mosaic import Mosaic, closest, drawn, small
from gramstyle.transfer import TransferSettings, transfer_preset
from gramstyle.transfer.job import Job, StyleFile
from gramstyle.transfer.presets import for_backbone
from gramstyle.transfer.work import Work
from gramstyle.versions import versions
from gramstyle.weights import entry, resolve

STYLES = (
    ("long-strokes", "tree", "ochre"),
    ("woodcut", "portrait", "plum"),
    ("stained-glass", "skyline", "prussian"),
)
"""Style, motif and palette of the drawings."""

AGAIN = "room"
"""Motif of the drawing that shows what a true member of a style scores."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is compared.

    Attributes:
        side: longer side of results, in pixels.
        contents: names of photographs.
        styles: as `STYLES`.
        factors: of the content weight of every recipe.
        own_factors: of our recipes beside, to meet the others at equal content.
        scaled: settings of recipes with scales.
        single: settings of recipes at one scale.
    """

    side: int
    contents: tuple[str, ...]
    styles: tuple[tuple[str, str, str], ...]
    factors: tuple[float, ...]
    own_factors: tuple[float, ...]
    scaled: dict[str, Any]
    single: dict[str, Any]

    def sized(self, settings: TransferSettings) -> TransferSettings:
        """Settings at the size of this comparison, with its steps."""
        if len(settings.sizes) == 1:
            return replace(settings, size=self.side, min_size=self.side, **self.single)
        return replace(settings, size=self.side, **self.scaled)


QUICK = Plan(
    side=192,
    contents=("cat", "astronaut"),
    styles=STYLES,
    factors=(1.0, 0.25),
    own_factors=(4.0,),
    scaled={"min_size": 96, "first_iterations": 100, "iterations": 50},
    single={"first_iterations": 150},
)
"""A tenth of the published steps at each scale; at one scale about what takes the time of the default."""

FULL = Plan(
    side=256,
    contents=("astronaut",),
    styles=STYLES[:2],
    factors=(1.0,),
    own_factors=(4.0,),
    scaled={},
    single={},
)
"""All steps that were published."""

HELD_OUT = ("efficientnet_lite0@GOOGLE", "mobilenet_v2@KERAS")
"""Networks that judge. What a recipe optimises does not judge it."""


def recipes(plan: Plan) -> dict[str, TransferSettings]:
    """Name -> settings at full content weight."""
    ours = transfer_preset("gramstyle")
    found = {
        "gramstyle": ours,
        "gramstyle, MobileNetV2": for_backbone(ours, "mobilenet_v2@KERAS"),
        "gramstyle, EfficientNet-Lite0": for_backbone(ours, "efficientnet_lite0@GOOGLE"),
        "crowsonkb-2023": for_backbone(transfer_preset("crowsonkb-2023"), "vgg19@CAFFE"),
        "gatys2016": transfer_preset("gatys2016"),
        "neural-style": transfer_preset("neural-style"),
    }
    return {name: plan.sized(one) for name, one in found.items()}


GALLERY = ("cat", STYLES[1])
NETWORKS = ("vgg19@CAFFE", "vgg16@IMAGENET1K_V1", "mobilenet_v2@KERAS", "efficientnet_lite0@GOOGLE")


def variants(network: str) -> dict[str, TransferSettings]:
    """What the gallery shows of a network."""
    default = for_backbone(transfer_preset("gramstyle"), network)
    taps = default.style.taps or ()
    gram = replace(
        default,
        style=replace(
            default.style,
            gram=gramstyle.GramSettings(),
            metric="mse",
            tap_weights=tuple(1 / len(taps) for _ in taps),
        ),
        ridge=0.0,
        color_weight=0.0,
    )
    return {
        "Gram matrices": gram,
        "softmax (SWAG)": replace(gram, remedy="softmax-channel"),
        "standardised": replace(gram, remedy="standardised"),
        "default": default,
    }


def gallery(folder: Path, output: Path) -> None:
    """Make the images that are not there yet, and draw them."""
    contents, styles, _ = inputs(folder / "inputs", QUICK)
    content, (style, _, _) = GALLERY
    cells = {(0, 0): picture_of(contents[content])}
    cells[1, 0] = like(picture_of(styles[style]), cells[0, 0])
    for row, network in enumerate(NETWORKS):
        for column, (name, settings) in enumerate(variants(network).items(), 1):
            path = folder / f"gallery_{row}_{column}.png"
            if not path.exists():
                make(path, contents[content], styles[style], QUICK.sized(settings))
                print(f"{network} {name}", flush=True)
            cells[row, column] = picture_of(path)
    rows = [network.partition("@")[0] for network in NETWORKS]
    said = (
        "One photograph in one style under four networks, by Gram matrices, remedies and the default recipe"
    )
    sheet(cells, rows, ["photograph, style", *variants(NETWORKS[0])], output, said)


def pictures(folder: Path, output: Path) -> None:
    """Draw the last photograph in each style, a column per recipe at its own content weight."""
    _, styles, _ = inputs(folder / "inputs", QUICK)
    names = list(recipes(QUICK))
    cells = {}
    for row, style in enumerate(QUICK.styles):
        cells[row, 0] = picture_of(styles[style[0]])
        for column, name in enumerate(names, 1):
            cells[row, column] = picture_of(folder / f"{Case(name, 1.0, QUICK.contents[-1], style).name}.png")
    said = "A photograph in drawn styles, a column per recipe"
    columns = [name.removeprefix("gramstyle, ") for name in names]
    sheet(cells, [], ["style", *columns], output, said)


def picture_of(path: Path) -> gramstyle.Picture:
    """What a file shows."""
    return gramstyle.read_image(path)


def like(picture: gramstyle.Picture, other: gramstyle.Picture) -> gramstyle.Picture:
    """The middle rows of a picture, in the proportions of another one that is wider."""
    rows = round(picture.width * other.height / other.width)
    top = (picture.height - rows) // 2
    return replace(picture, pixels=picture.pixels[:, top : top + rows])


def sheet(
    cells: dict[tuple[int, int], gramstyle.Picture],
    rows: list[str],
    columns: list[str],
    output: Path,
    said: str,
) -> None:
    """Images in rows and columns, as a JPEG."""
    shown = {at: small(picture, QUICK.side) for at, picture in cells.items()}
    mosaic = Mosaic(
        cells=shown,
        rows=rows,
        columns=columns,
        height=1 + max(row for row, _ in cells),
        width=len(columns),
        cell=closest(list(shown.values())),
        names={},
    )
    with PIL.Image.open(io.BytesIO(rendered(drawn(mosaic), ".png", said))) as image:
        image.convert("RGB").save(output, quality=88)


def make(output: Path, content: Path, style: Path, settings: TransferSettings) -> None:
    """One image; a run that was stopped goes on."""
    styles = (StyleFile(path=str(style)),)
    job = Job(content=str(content), styles=styles, output=str(output), settings=settings)
    work = Work(job, device="cpu")
    with suppress(gramstyle.StyleError):
        work.resume()
    for _ in work.states():
        pass


@dataclass(frozen=True)
class Case:
    """One image to be made."""

    recipe: str
    factor: float
    content: str
    style: tuple[str, str, str]

    @property
    def name(self) -> str:
        """Of its file."""
        words = (self.recipe, f"{self.factor:g}", self.content, self.style[0])
        return "_".join(word.replace(", ", "-").replace(" ", "-") for word in words)


def cases(plan: Plan, names: list[str]) -> Iterator[Case]:
    """All, those at the recipes' own content weights first."""
    for factor in plan.factors + plan.own_factors:
        for style, content, recipe in product(plan.styles, plan.contents, names):
            if factor in plan.factors or recipe.startswith("gramstyle"):
                yield Case(recipe, factor, content, style)


def inputs(folder: Path, plan: Plan) -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
    """Contents, styles and further drawings of the styles, written to `folder` at the size of the results."""
    folder.mkdir(parents=True, exist_ok=True)
    made: tuple[dict[str, Path], ...] = ({}, {}, {})
    for name in plan.contents:
        pixels = gramstyle.read_image(bundled_images()[name]).pixels
        made[0][name] = folder / f"{name}.png"
        save_image(made[0][name], resize(pixels, ResizePolicy("long", plan.side)).clamp(0, 1))
    for style, motif, palette in plan.styles:
        for at, what in enumerate((motif, AGAIN), 1):
            drawing = Rendered(
                seed=0, style=style, content=what, palette=palette, replicate=at - 1, size=plan.side
            )
            made[at][style] = folder / f"{style}_{what}.png"
            save_image(made[at][style], drawing.picture().pixels)
    return made[0], made[1], made[2]


def run(folder: Path, plan: Plan, names: list[str]) -> None:
    """Make every image that is not there yet."""
    contents, styles, _ = inputs(folder / "inputs", plan)
    todo = list(cases(plan, names))
    settings = recipes(plan)
    for at, case in enumerate(todo, 1):
        output = folder / f"{case.name}.png"
        if output.exists():
            continue
        chosen = settings[case.recipe]
        weighed = replace(chosen, content_weight=chosen.content_weight * case.factor)
        started = time.perf_counter()
        make(output, contents[case.content], styles[case.style[0]], weighed)
        print(f"{at}/{len(todo)} {case.name} {time.perf_counter() - started:.0f} s", flush=True)


def measure(folder: Path, plan: Plan, names: list[str]) -> dict[str, Any]:
    """Every figure of every image that is there, and of what they were made from."""
    contents, styles, again = inputs(folder / "inputs", plan)
    content_loss = perceptual()
    judges = [judge(network, metric) for network in HELD_OUT for metric in ("wasserstein", "frobenius")]
    rows: list[dict[str, Any]] = []

    def add(name: str, factor: float, content: str, style: str, path: Path) -> None:
        figures = {key: value for one in judges for key, value in one(path, contents[content], styles[style])}
        figures |= likeness(path, contents[content], content_loss)
        figures["palette"] = palette(path, styles[style])
        rows.append({"recipe": name, "factor": factor, "content": content, "style": style} | figures)

    for case in cases(plan, names):
        path = folder / f"{case.name}.png"
        if path.exists():
            add(case.recipe, case.factor, case.content, case.style[0], path)
    for content, (style, _, _) in product(plan.contents, plan.styles):
        add("the style, drawn again", 1.0, content, style, again[style])
        add("the content", 1.0, content, style, contents[content])
    return {
        "command": "python analysis/compare_transfers.py measure FOLDER"
        + (" --full" if plan is FULL else ""),
        "date": date.today().isoformat(),
        "versions": versions() | {"lpips": "0.1.4"},
        "side": plan.side,
        "recipes": {name: settings.as_json() for name, settings in recipes(plan).items() if name in names},
        "rows": rows,
    }


Judge = Callable[[Path, Path, Path], list[tuple[str, float]]]


def judge(network: str, metric: str) -> Judge:
    """The style distance of a result as a share of the content's, mean over taps."""
    describer = gramstyle.Describer(gramstyle.make_recipe(network, metric=metric, resize="none"))
    kept: dict[Path, gramstyle.Descriptors] = {}

    def described(path: Path) -> gramstyle.Descriptors:
        if path not in kept:
            kept[path] = describer.describe([gramstyle.read_image(path)])
        return kept[path]

    def judged(result: Path, content: Path, style: Path) -> list[tuple[str, float]]:
        far = gramstyle.distances(described(content), described(style)).per_tap
        near = gramstyle.distances(
            describer.describe([gramstyle.read_image(result)]), described(style)
        ).per_tap
        shares = [float(near[tap] / far[tap]) for tap in near]
        return [(f"{network.partition('@')[0]} {metric}", sum(shares) / len(shares))]

    return judged


def perceptual() -> Callable[[Tensor, Tensor], float]:
    """LPIPS 0.1 with VGG16, whose trunk is that of torchvision."""
    found = lpips.LPIPS(net="vgg", pretrained=True, pnet_rand=True, verbose=False)
    trunk = {
        name.removeprefix("features."): value
        for name, value in resolve(entry("vgg16", "IMAGENET1K_V1")).state.items()
        if name.startswith("features.")
    }
    for part in (found.net.slice1, found.net.slice2, found.net.slice3, found.net.slice4, found.net.slice5):
        part.load_state_dict({name: trunk[name] for name in part.state_dict()})

    def loss(a: Tensor, b: Tensor) -> float:
        with torch.no_grad():
            return float(found(a[None], b[None], normalize=True))

    return loss


def likeness(result: Path, content: Path, loss: Callable[[Tensor, Tensor], float]) -> dict[str, float]:
    """LPIPS and structural similarity of luma."""
    a, b = (gramstyle.read_image(path).pixels for path in (result, content))
    if a.shape != b.shape:
        a = resize(a, ResizePolicy("exact", (b.shape[1], b.shape[2]))).clamp(0, 1)
    luma = torch.tensor([0.299, 0.587, 0.114])
    one, other = (torch.einsum("c,chw->hw", luma, image).numpy() for image in (a, b))
    return {"lpips": loss(a, b), "ssim": float(structural_similarity(one, other, data_range=1.0))}


def palette(result: Path, style: Path) -> float:
    """Sliced 2-Wasserstein distance of the colours of pixels, over 64 directions (Bonneel et al. 2015)."""
    directions = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    directions = directions / directions.norm(dim=0)
    at = torch.linspace(0, 1, 512)
    one, other = (
        torch.quantile(gramstyle.read_image(path).pixels.flatten(1).T @ directions, at, dim=0)
        for path in (result, style)
    )
    return float((one - other).square().mean().sqrt())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["run", "measure", "pictures", "gallery"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", "-o", type=Path, help="JSON file of measure, picture of gallery")
    parser.add_argument("--recipes", nargs="+", choices=list(recipes(QUICK)))
    parser.add_argument("--full", action="store_true", help="all steps that were published, of few images")
    given = parser.parse_args()
    plan = FULL if given.full else QUICK
    names = given.recipes or list(recipes(plan))
    if given.what == "run":
        run(given.folder, plan, names)
        return
    if given.output is None:
        parser.error(f"{given.what} needs --output")
    if given.what != "measure":
        if given.full:
            parser.error(f"{given.what} is of images made without --full")
        {"pictures": pictures, "gallery": gallery}[given.what](given.folder, given.output)
        return
    write_text(given.output, json.dumps(measure(given.folder, plan, names), indent=1) + "\n")


if __name__ == "__main__":
    main()
