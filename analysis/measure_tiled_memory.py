"""Peak memory and time of images in tiles, as they grow: 8-bit arrays on disk, one process per row.

    python analysis/measure_tiled_memory.py [--backbone mobilenet_v2] [--taps A,B] [--sizes 1024,2048,4096]
        [--tiles 512,auto,off] [--gradient] [--threads 1]

Peak memory is VmHWM of Linux, pages of the mapped image included; "before" is what libraries and network
take before a pixel is read. With --gradient the image is a float32 tensor and its gradient another one,
which are part of what is counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from gramstyle import Describer, make_recipe
from gramstyle.images import open_image


def main() -> None:
    """Print one line per tile and size."""
    options = parsed()
    if options.one:
        print(json.dumps(measured(options, *options.one)))
        return
    print(
        f"torch {torch.__version__}, cpu, {options.threads} threads, float32, {options.backbone}@random, ",
        end="",
    )
    print(f"taps {options.taps or 'default'}{', gradient' if options.gradient else ''}")
    print(f"{'tile':>6} {'size':>6} {'seconds':>9} {'before':>8} {'peak MiB':>9}")
    for tile in options.tiles.split(","):
        for size in options.sizes.split(","):
            row = apart(["--one", tile, size])
            print(
                f"{tile:>6} {size:>6} {row['seconds']:9.1f} {row['before']:8.0f} {row['peak']:9.0f}",
                flush=True,
            )


def parsed() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--taps", help="comma-separated; default: those of the backbone")
    parser.add_argument("--sizes", default="1024,2048,4096", help="sides of the images, in pixels")
    parser.add_argument("--tiles", default="512", help="sides of the tiles, auto, or off")
    parser.add_argument(
        "--gradient", action="store_true", help="the gradient of the mean of all descriptors too"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", nargs=2, metavar=("TILE", "SIZE"), help=argparse.SUPPRESS)
    return parser.parse_args()


def apart(arguments: list[str]) -> dict[str, float]:
    """What this script says of one row, in a process of its own."""
    command = [sys.executable, *sys.argv, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:  # killed for its memory, or an error that was printed
        print(ended.stderr, file=sys.stderr)
        return {"seconds": float("nan"), "before": float("nan"), "peak": float("nan")}
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def measured(options: argparse.Namespace, tile: str, side: str) -> dict[str, float]:
    """Seconds, and MiB before and at the peak, of one image."""
    torch.set_num_threads(options.threads)
    size = int(side)
    taps = None if options.taps is None else options.taps.split(",")
    recipe = make_recipe(f"{options.backbone}@random", taps, resize="none")
    asked = None if tile == "off" else tile if tile == "auto" else int(tile)
    describer = Describer(recipe, device="cpu", tile=asked)
    with tempfile.TemporaryDirectory() as folder:
        array = written(Path(folder) / "image.raw", size)
        Path("/proc/self/clear_refs").write_text(
            "5", encoding="utf-8"
        )  # forget what building the network took
        before, start = high_water(), time.perf_counter()
        if options.gradient:
            image = torch.from_numpy(array[:]).permute(2, 0, 1)[None].float().div_(255).requires_grad_()
            torch.stack([one.mean() for one in describer.values(image).values()]).sum().backward()
        else:
            describer.describe([open_image(array)])
        return {"seconds": time.perf_counter() - start, "before": before, "peak": high_water()}


def written(path: Path, size: int) -> np.memmap:
    """Noise of 16 x 16 pixels and of one, mapped from a file, so that no copy of it is in memory."""
    draw = np.random.default_rng(0)
    with path.open("wb") as file:
        for top in range(0, size, 16):
            rows = min(16, size - top)
            coarse = np.repeat(draw.integers(0, 192, (-(-size // 16), 3), dtype=np.uint8), 16, axis=0)[:size]
            strip = coarse + draw.integers(0, 64, (rows, size, 3), dtype=np.uint8)
            file.write(strip.astype(np.uint8).tobytes())
    return np.memmap(path, np.uint8, "r", shape=(size, size, 3))


def high_water() -> float:
    """Most memory that this process has held since the peak was reset, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
