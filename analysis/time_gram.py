"""Gram matrices by plain torch against the native operator, at the shapes of VGG taps.

    python analysis/time_gram.py [--size 512] [--repeat 9]

Both run in turn in one process; medians are printed with their ratio, and the largest
difference of their results as a share of the largest entry.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from gramstyle.gram import gram

SHAPES = ((64, 1), (128, 2), (256, 4), (512, 8), (512, 16))
"""Channels and reduction of relu1_1 to relu5_1."""


def main() -> None:
    """Print one line per shape and type."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side of the image, in pixels")
    parser.add_argument("--repeat", type=int, default=9, help="timed runs of each")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, cpu, {torch.get_num_threads()} threads; medians in ms")
    generator = torch.Generator().manual_seed(0)
    for dtype in (torch.float32, torch.bfloat16):
        for channels, reduction in SHAPES:
            side = options.size // reduction
            features = torch.randn(1, channels, side, side, generator=generator).relu().to(dtype)
            medians, error = timed(features, options.repeat)
            name = str(dtype).removeprefix("torch.")
            print(
                f"{name:9} {channels:4} x {side:3} x {side:3}  reference {1e3 * medians['reference']:7.1f}  "
                f"fused {1e3 * medians['fused']:7.1f}  "
                f"ratio {medians['reference'] / medians['fused']:.2f}  difference {error:.1e}",
                flush=True,
            )


def timed(features: torch.Tensor, repeat: int) -> tuple[dict[str, float], float]:
    """Kernel -> median seconds, after one run each that is not counted; and their difference."""
    seconds: dict[str, list[float]] = {"reference": [], "fused": []}
    results = {}
    for turn in range(repeat + 1):
        for kernel, found in seconds.items():
            start = time.perf_counter()
            results[kernel] = gram(features, kernel=kernel)
            if turn:
                found.append(time.perf_counter() - start)
    error = (results["reference"] - results["fused"]).abs().max() / results["reference"].abs().max()
    return {kernel: statistics.median(found) for kernel, found in seconds.items()}, float(error)


if __name__ == "__main__":
    main()
