"""Which recipe makes MobileNetV2 transfer styles as VGG does, at its fraction of the time?

    pip install lpips
    python analysis/search_mobilenet_transfer.py FOLDER [VARIANT ...]

Variants of the default recipe under MobileNetV2, and VGG16 beside them, take one photograph into two styles
at 192 pixels. EfficientNet-Lite0 judges the style, as a share of the photograph's own distance; LPIPS and
structural similarity judge the content. Prints a table in Markdown, a line as each variant ends.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from compare_transfers import QUICK, inputs, judge, likeness, make, perceptual

from gramstyle.transfer import TransferSettings, transfer_preset
from gramstyle.transfer.presets import for_backbone

CONTENT = "cat"
STYLES = ("long-strokes", "woodcut")
JUDGE = "efficientnet_lite0@GOOGLE"
DEPTHWISE = ("stem", "block1_depthwise", "block3_depthwise", "block6_depthwise", "block13_depthwise")
EXPANDED = ("stem", "block2_expand", "block4_expand", "block7_expand", "block14_expand")


def variants() -> dict[str, TransferSettings]:
    """What is tried."""
    base = for_backbone(transfer_preset("gramstyle"), "mobilenet_v2@KERAS")
    blocks = base.style.taps or ()
    vgg = transfer_preset("gramstyle")
    found = {
        "block outputs, weights 4^-i (default)": base,
        "weights 2^-i": tapped(base, blocks, 2.0),
        "weights all alike": tapped(base, blocks, 1.0),
        "depthwise activations": tapped(base, DEPTHWISE, 4.0),
        "expanded activations": tapped(base, EXPANDED, 4.0),
        "colours x 4": replace(base, color_weight=4 * base.color_weight),
        "colours x 10": replace(base, color_weight=10 * base.color_weight),
        "standardised channels": replace(base, remedy="standardised"),
        "softmax over channels": replace(base, remedy="softmax-channel"),
        "histograms, 0.3": replace(base, histogram_weight=0.3),
        "variation / 4": replace(base, tv_weight=base.tv_weight / 4),
        "content / 2": weighed(base, 0.5),
        "content x 2": weighed(base, 2.0),
        "content x 8": weighed(base, 8.0),
        "content x 4, at 1/4": weighed(replace(base, content_taps=("block3",)), 4.0),
        "content x 4, expanded": weighed(replace(base, content_taps=("block5_expand",)), 4.0),
        "VGG16": vgg,
        "VGG16, content x 4": weighed(vgg, 4.0),
    }
    return {name: QUICK.sized(one) for name, one in found.items()}


def tapped(settings: TransferSettings, taps: tuple[str, ...], base: float) -> TransferSettings:
    """Other style taps, each with a share of the weight of the one before."""
    shares = [base**-at for at in range(len(taps))]
    weights = tuple(share / sum(shares) for share in shares)
    return replace(settings, style=replace(settings.style, taps=taps, tap_weights=weights))


def weighed(settings: TransferSettings, factor: float) -> TransferSettings:
    """Another content weight."""
    return replace(settings, content_weight=settings.content_weight * factor)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=f"of: {', '.join(variants())}")
    given = parser.parse_args()
    contents, styles, _ = inputs(given.folder / "inputs", QUICK)
    judges, loss = [judge(JUDGE, metric) for metric in ("wasserstein", "frobenius")], perceptual()
    print("| variant | Lite0, Wasserstein | Lite0, Gram | LPIPS | SSIM | seconds |\n|" + " --- |" * 6)
    for name, settings in variants().items():
        if given.variants and name not in given.variants:
            continue
        started, figures = time.perf_counter(), []
        for style in STYLES:
            path = given.folder / f"{name.replace('/', ' by ')} {style}.png"
            if not path.exists():
                make(path, contents[CONTENT], styles[style], settings)
            took = time.perf_counter() - started
            shares = [share for one in judges for _, share in one(path, contents[CONTENT], styles[style])]
            figures.append([*shares, *likeness(path, contents[CONTENT], loss).values()])
        cells = [f"{fmean(column):.2f}" for column in zip(*figures, strict=True)]
        print(f"| {name} | {' | '.join(cells)} | {took / len(STYLES):.0f} |", flush=True)


if __name__ == "__main__":
    main()
