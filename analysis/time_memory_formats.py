"""Contiguous against channels-last: features, and features with their Gram matrices.

    python analysis/time_memory_formats.py [--size 512] [--batch 1] [--repeat 7] [--device cpu]

Both formats run in turn in one process; medians are printed with their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Literal

import torch

from gramstyle import Extractor, backbones
from gramstyle.gram import gram

FORMATS: tuple[Literal["contiguous", "channels_last"], ...] = ("contiguous", "channels_last")


def main() -> None:
    """Print one line per backbone and task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side of the images, in pixels")
    parser.add_argument("--batch", type=int, default=1, help="images at a time")
    parser.add_argument("--repeat", type=int, default=7, help="timed runs of each format")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    images = torch.rand(
        options.batch, 3, options.size, options.size, generator=torch.Generator().manual_seed(0)
    )
    print(
        f"torch {torch.__version__}, {options.device}, {torch.get_num_threads()} threads, float32, ", end=""
    )
    print(f"{options.batch} x {options.size} x {options.size}; medians of {options.repeat} in ms")
    for spec in backbones():
        both: dict[str, Extractor] = {
            name: Extractor(f"{spec.name}@random", spec.scale_taps, memory_format=name, device=options.device)
            for name in FORMATS
        }
        for task, work in {"features": features, "features + Gram": features_and_grams}.items():
            medians = timed(both, work, images.to(options.device), options.repeat)
            ratio = medians["contiguous"] / medians["channels_last"]
            shown = "  ".join(f"{name} {1e3 * medians[name]:7.1f}" for name in FORMATS)
            print(f"{spec.name:20}{task:17}{shown}  ratio {ratio:.2f}", flush=True)


def features(extractor: Extractor, images: torch.Tensor) -> None:
    """One tap per resolution."""
    extractor(images)


def features_and_grams(extractor: Extractor, images: torch.Tensor) -> None:
    """One tap per resolution, and their second moments."""
    for one in extractor(images).values():
        gram(one)


@torch.no_grad()
def timed(
    both: dict[str, Extractor],
    work: Callable[[Extractor, torch.Tensor], None],
    images: torch.Tensor,
    repeat: int,
) -> dict[str, float]:
    """Format -> median seconds; the formats take turns, after one run each that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in both}
    for turn in range(repeat + 1):
        for name, extractor in both.items():
            start = time.perf_counter()
            work(extractor, images)
            if images.is_cuda:
                torch.cuda.synchronize()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in seconds.items()}


if __name__ == "__main__":
    main()
