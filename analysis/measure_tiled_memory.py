"""Peak memory and time of images in tiles, as they grow: one process per row.

    python analysis/measure_tiled_memory.py [--backbone mobilenet_v2] [--taps A,B] [--sizes 1024,2048,4096]
        [--tiles 512,auto,off] [--form tif|raw|jpg|png] [--kernel auto] [--gradient] [--threads 1]
        [--minutes 30] [-o OUTPUT.json]

Memory is what Linux counts as resident, in MiB: "imported" once libraries are there, "built" the peak of
making the network, "ready" what is left of that before a pixel is read, and "peak" the most from then on,
pages of a mapped file included. "course" is the peak when a tenth, two tenths, ... of the tiles of the last
tap were done. A run that --minutes ends is told by "done" of "tiles". With --gradient the image is a float32
tensor and its gradient another one, which are part of what is counted.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image

from gramstyle import Describer, make_recipe
from gramstyle.images import open_image
from gramstyle.tiles import Tile
from gramstyle.versions import versions

HUGE = 2**40
"""Pixels that no image here has."""


def main() -> None:
    """Print one line per tile and size."""
    options = parsed()
    if options.one:
        print(json.dumps(measured(options, *options.one)))
        return
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(f"{'tile':>6} {'size':>6} {'seconds':>9} {'ready':>7} {'peak MiB':>9} {'done':>6} {'of':>6}")
        for size in map(int, options.sizes.split(",")):
            path = "" if options.gradient else str(written(Path(folder), options.form, size))
            for tile in options.tiles.split(","):
                row = {"tile": tile, "size": size, **apart(["--one", tile, str(size), path])}
                rows.append(row)
                print(
                    f"{tile:>6} {size:>6} {row['seconds']:9.1f} {row['ready']:7.0f} {row['peak']:9.0f} "
                    f"{row['done']:6} {row['tiles']:6}",
                    flush=True,
                )
            save(options, rows)
            if path:
                Path(path).unlink()


def parsed() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--taps", help="comma-separated; default: those of the backbone")
    parser.add_argument("--sizes", default="1024,2048,4096", help="sides of the images, in pixels")
    parser.add_argument("--tiles", default="512", help="sides of the tiles, auto, or off")
    parser.add_argument(
        "--form", default="tif", choices=("tif", "raw", "jpg", "png"), help="of the image's file"
    )
    parser.add_argument("--kernel", default="auto", choices=("auto", "reference", "fused"))
    parser.add_argument(
        "--gradient", action="store_true", help="the gradient of the mean of all descriptors too"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e6, help="a row that takes longer is ended")
    parser.add_argument("--folder", help="where images are written; default: that of temporary files")
    parser.add_argument("-o", "--output", type=Path, help="JSON to write")
    parser.add_argument("--one", nargs=3, metavar=("TILE", "SIZE", "FILE"), help=argparse.SUPPRESS)
    return parser.parse_args()


def apart(arguments: list[str]) -> dict[str, Any]:
    """What this script says of one row, in a process of its own."""
    command = [sys.executable, *sys.argv, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:  # killed for its memory, or an error that was printed
        print(ended.stderr, file=sys.stderr)
        return dict.fromkeys(("seconds", "ready", "peak"), float("nan")) | {"done": 0, "tiles": 0}
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def measured(options: argparse.Namespace, tile: str, side: str, path: str) -> dict[str, Any]:
    """Seconds, tiles and MiB of one image."""
    imported = status("VmHWM")
    torch.set_num_threads(options.threads)
    taps = None if options.taps is None else options.taps.split(",")
    recipe = make_recipe(f"{options.backbone}@random", taps, resize="none")
    asked: Tile | None = None if tile == "off" else "auto" if tile == "auto" else int(tile)
    watch = Watch(options.minutes * 60)
    describer = Describer(recipe, device="cpu", tile=asked, kernel=options.kernel, progress=watch)
    built = status("VmHWM")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak starts anew
    ready = status("VmRSS")
    watch.start = time.perf_counter()
    with contextlib.suppress(TimeOverError):
        run(describer, path, int(side))
    return {
        "seconds": round(time.perf_counter() - watch.start, 1),
        "imported": imported,
        "built": built,
        "ready": ready,
        "peak": status("VmHWM"),
        "done": watch.done,
        "tiles": watch.tiles,
        "course": watch.course,
    }


class TimeOverError(Exception):
    """The time of a row is over."""


class Watch:
    """Counts tiles, notes the peak after each tenth of them, and ends a run whose time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.start = seconds, time.perf_counter()
        self.done, self.tiles = 0, 0
        self.course: list[float] = []

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """A tile is done, at one of the taps."""
        self.done, self.tiles = done, total or 0
        tenth = 10 * done // max(self.tiles, 1)
        if done == 1:
            self.course.clear()  # another tap, round or pass
        while len(self.course) < tenth:
            self.course.append(status("VmHWM"))
        if time.perf_counter() - self.start > self.seconds:
            raise TimeOverError


def run(describer: Describer, path: str, side: int) -> None:
    """Describe the image in the file `path`; without a file, a tensor of noise and its gradient."""
    if not path:
        image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).requires_grad_()
        torch.stack([one.mean() for one in describer.values(image).values()]).sum().backward()
        return
    source = np.memmap(path, np.uint8, "r", shape=(side, side, 3)) if path.endswith("raw") else path
    describer.describe([open_image(source, max_pixels=HUGE)])


def written(folder: Path, form: str, size: int) -> Path:
    """A file of blocks of 16 pixels with noise of one; photographs compress about as well."""
    draw = np.random.default_rng(0)
    path = folder / f"image.{form}"
    image = np.lib.format.open_memmap(folder / "image.npy", "w+", np.uint8, (size, size, 3))
    for top in range(0, size, 16):
        rows = min(16, size - top)
        coarse = np.repeat(draw.integers(0, 240, (-(-size // 16), 3), dtype=np.uint8), 16, axis=0)[:size]
        image[top : top + rows] = coarse + draw.integers(0, 16, (rows, size, 3), dtype=np.uint8)
    if form == "raw":
        image.tofile(path)
    elif form == "tif":
        tifffile.imwrite(path, image, photometric="rgb")
    else:
        Image.fromarray(np.asarray(image)).save(path, quality=90)
    (folder / "image.npy").unlink()
    return path


def status(field: str) -> float:
    """``VmRSS`` or ``VmHWM`` of this process, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = (one for one in lines if one.startswith(f"{field}:"))
    return round(int(line.split()[1]) / 1024, 1)


def save(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Write what was measured, and with what, where that was asked for."""
    if options.output is None:
        return
    settings = {
        name: getattr(options, name)
        for name in ("backbone", "taps", "form", "kernel", "gradient", "threads", "minutes")
    }
    record = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "device": f"cpu, {processor()}",
        "system": platform.platform(),
        "versions": versions(),
        "unit": "MiB",
        **settings,
        "rows": rows,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def processor() -> str:
    """The name that Linux has for the processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((one.split(":")[1].strip() for one in lines if one.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
