"""How firmly must frames of a film hold to one another? Flicker and style over temporal weights.

    python analysis/measure_flicker.py

A window pans over one bundled photograph while a disc of another crosses it, with a little noise; frames get
the style of a third under each temporal weight. The first frame is the same under all. Prints a table in
Markdown: the mean temporal error of the results and of the content, and the sum of the style terms before the
last step, a mean over later frames.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import torch
from torch import Tensor

import gramstyle
from gramstyle.corpus import bundled_images
from gramstyle.images import ResizePolicy, resize
from gramstyle.motion import flicker
from gramstyle.transfer import TransferSettings, for_backbone, transfer_preset
from gramstyle.transfer.video import VideoSettings, VideoTransfer
from gramstyle.transfer.video.past import Past
from gramstyle.transfer.video.sequence import eight_bits

HEIGHT, WIDTH = 72, 96


def main(arguments: Sequence[str] | None = None) -> None:
    """Optimise, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=float, nargs="+", default=[0, 3, 30, 300])
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60, help="of each frame; of the first, at each scale")
    parser.add_argument("--backbone", default="vgg16@IMAGENET1K_V1")
    given = parser.parse_args(arguments)
    contents = scene(given.frames)
    settings = replace(
        for_backbone(transfer_preset("gramstyle"), given.backbone),
        size=WIDTH,
        min_size=64,
        first_iterations=given.steps,
        iterations=given.steps,
    )
    style = photograph("retina", 128)
    (first,), _ = filmed(style, settings, contents[:1], [], given.steps)
    rows = []
    for weight in given.weights:
        chosen = replace(settings, temporal_weight=weight)
        later, losses = filmed(style, chosen, contents, [first], given.steps)
        error = fmean(one for one in flicker([first, *later], contents) if one is not None)
        rows.append((f"{weight:g}", f"{1000 * error:.3f}", f"{fmean(losses):.3f}"))
    still = fmean(one for one in flicker(contents, contents) if one is not None)
    print("| temporal weight | flicker, 1e-3 | style |\n| --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(f"| content | {1000 * still:.3f} | |")


def filmed(
    style: Tensor, settings: TransferSettings, contents: Sequence[Tensor], known: Sequence[Tensor], steps: int
) -> tuple[list[Tensor], list[float]]:
    """Results and style terms of the frames after those whose results are known."""
    video = VideoTransfer(style, settings, VideoSettings(frame_iterations=steps), device="cpu")
    past = deque((Past(content=a, result=b) for a, b in zip(contents, known, strict=False)), maxlen=1)
    results, losses = [], []
    for content in contents[len(known) :]:
        for one in video.frame(content, past).states(0):
            last = one.state
        results.append(eight_bits(last.image))
        losses.append(sum(value for name, value in last.losses.items() if name.startswith("style")))
        past.append(Past(content=content, result=results[-1]))
    return results, losses


def photograph(name: str, side: int) -> Tensor:
    """A bundled photograph, (3, H, W), its longer side brought to `side`."""
    return resize(gramstyle.read_image(bundled_images()[name]).pixels, ResizePolicy("long", side))


def scene(count: int) -> list[Tensor]:
    """The film: (3, HEIGHT, WIDTH) each."""
    ground, other = photograph("cat", 200), photograph("coffee", 200)
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    frames = []
    for at in range(count):
        frame = ground[:, 20 + at : 20 + at + HEIGHT, 30 + 2 * at : 30 + 2 * at + WIDTH].clone()
        disc = (y - 36) ** 2 + (x - 20 - 6 * at) ** 2 < 14**2
        frame[:, disc] = other[:, 30 : 30 + HEIGHT, 40 - 6 * at : 40 - 6 * at + WIDTH][:, disc]
        noise = torch.randn(frame.shape, generator=torch.Generator().manual_seed(at))
        frames.append((frame + 0.01 * noise).clamp(0, 1))
    return frames


if __name__ == "__main__":
    main()
