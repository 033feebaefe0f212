"""Times of the CUDA half's operators beside torch's, as one JSON object per line.

    python analysis/time_kernels.py [--side 1024] [--output FILE]

Each function is captured in a CUDA graph that calls it on one input after another, together at least
three times what the L2 cache holds, results included, and 32 times or more; the median of the graph's
replays over its calls is the time. ``--device cpu`` runs the same functions without graphs: to see that
they run, not how fast.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

LAYOUTS = {"planar": torch.contiguous_format, "channels-last": torch.channels_last}
TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "tf32": torch.float32, "ieee": torch.float32}

GRAMS = ((16, 1), (32, 1), (64, 1), (96, 1), (128, 1), (64, 2), (128, 2), (256, 4), (512, 8), (512, 16))
"""Channels and reduction."""

CONVOLUTIONS = (
    ("relu1_1 of VGG", 3, 64, 3, 1, 1),
    ("stem of MobileNetV2", 3, 32, 3, 2, 1),
    ("expansion 16 -> 96", 16, 96, 1, 1, 2),
    ("expansion 24 -> 144", 24, 144, 1, 1, 4),
    ("expansion 32 -> 192", 32, 192, 1, 1, 8),
    ("expansion 40 -> 240", 40, 240, 1, 1, 8),
)
"""Name, inputs, outputs, filter, stride, and reduction of what they read."""

GRADIENTS = ((64, 1), (128, 2), (256, 4), (512, 8))

CALLS = 32
"""Fewest of a graph: starting one takes as long as a small kernel."""

Function = Callable[[Tensor], Any]


class Timer:
    """Seconds of one call of a function, over `repeat` runs."""

    def __init__(self, device: str, repeat: int) -> None:
        self.device, self.repeat = torch.device(device), repeat
        cuda = self.device.type == "cuda"
        self.cache = torch.cuda.get_device_properties(self.device).L2_cache_size if cuda else 1

    def seconds(self, function: Function, make: Callable[[], Tensor], written: int) -> float:
        """Median over runs; `written` bytes are what one call returns."""
        first = make()
        each = first.numel() * first.element_size() + written
        inputs = [first, *(make() for _ in range(min(max(-(-3 * self.cache // each), 2), 64) - 1))]
        for _ in range(3):  # what is tuned and loaded at first calls
            function(first)
        if self.device.type != "cuda":
            return self._by_clock(function, inputs)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(rounds := -(-CALLS // len(inputs))):
                kept = [function(x) for x in inputs]  # each result has memory of its own
        runs = [self._replayed(graph) for _ in range(self.repeat + 2)][2:]
        del kept
        return statistics.median(runs) / len(inputs) / rounds

    def _replayed(self, graph: torch.cuda.CUDAGraph) -> float:
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        stop.record()
        stop.synchronize()
        return start.elapsed_time(stop) / 1e3

    def _by_clock(self, function: Function, inputs: list[Tensor]) -> float:
        start = time.perf_counter()
        for x in inputs:
            function(x)
        return (time.perf_counter() - start) / len(inputs)


def drawn(timer: Timer, shape: tuple[int, ...], name: str, layout: str) -> Callable[[], Tensor]:
    """Makes rectified features: random, since chips run faster on zeros."""

    def make() -> Tensor:
        x = torch.empty(shape, dtype=TYPES[name], device=timer.device, memory_format=LAYOUTS[layout])
        return x.normal_(0.3).relu_()

    return make


def fastest(
    timer: Timer, functions: dict[str, Function], make: Callable[[], Tensor], written: int
) -> dict[str, Any]:
    """Name -> seconds, or why there are none."""
    found: dict[str, Any] = {}
    for name, function in functions.items():
        try:
            found[name] = timer.seconds(function, make, written)
        except (RuntimeError, NotImplementedError) as error:
            found[name] = str(error).splitlines()[0][:100]
    return found


def copies(timer: Timer, side: int) -> dict[str, Any]:
    """Bytes per second of a copy of a large buffer, counting those read and those written."""
    size = 256 * side * side
    seconds = timer.seconds(
        lambda x: x.clone(), lambda: torch.zeros(size, dtype=torch.uint8, device=timer.device), size
    )
    return {"kind": "copy", "bytes": 2 * size, "seconds": seconds, "bytes_per_second": 2 * size / seconds}


def grams(timer: Timer, side: int) -> Iterator[dict[str, Any]]:
    """The second moment beside torch.mm of the same memory."""
    cases = [(name, layout, *shape) for name in TYPES for layout in LAYOUTS for shape in GRAMS]
    for name, layout, channels, reduction in cases:
        if (name == "ieee" and channels not in (64, 128)) or (name == "float16" and channels > 64):
            continue
        torch.set_float32_matmul_precision("highest" if name == "ieee" else "high")
        at = max(side // reduction, 1)
        make = drawn(timer, (1, channels, at, at), name, layout)
        precision = "tf32" if name == "tf32" else "ieee"
        functions: dict[str, Function] = {
            "ours": lambda x, precision=precision: torch.ops.gramstyle.gram(x, False, False, precision),  # type: ignore[misc]
            "torch.mm": lambda x: torch.mm(x[0].flatten(1), x[0].flatten(1).T),
        }
        yield {
            "kind": "gram", "type": name, "layout": layout, "channels": channels, "side": at,
            "bytes": channels * at * at * TYPES[name].itemsize,
            "seconds": fastest(timer, functions, make, 4 * channels * channels),
        }  # fmt: skip


def baselines(weight: Tensor, bias: Tensor, stride: int) -> dict[str, Function]:
    """What convolves, adds a bias and rectifies, by torch and cuDNN."""
    pad = weight.shape[2] // 2
    found: dict[str, Function] = {}
    for layout, order in LAYOUTS.items():
        w = weight.contiguous(memory_format=order)

        def apart(x: Tensor, w: Tensor = w, order: torch.memory_format = order) -> Tensor:
            return functional.conv2d(x.contiguous(memory_format=order), w, bias, stride, pad).relu_()

        def joined(x: Tensor, w: Tensor = w, order: torch.memory_format = order) -> Tensor:
            x = x.contiguous(memory_format=order)
            return torch.cudnn_convolution_relu(x, w, bias, [stride] * 2, [pad] * 2, [1, 1], 1)

        found |= {f"conv2d, relu_, {layout}": apart, f"cudnn_convolution_relu, {layout}": joined}
    return found


def convolutions(timer: Timer, side: int) -> Iterator[dict[str, Any]]:
    """Convolution, bias, ReLU and second moment: fused, and cuDNN followed by our second moment."""
    gram = torch.ops.gramstyle.gram
    for layer, inputs, outputs, kernel, stride, reduction in CONVOLUTIONS:
        at = max(side // reduction, kernel)
        out = (at + 2 * (kernel // 2) - kernel) // stride + 1
        weight = torch.randn(outputs, inputs, kernel, kernel, device=timer.device).bfloat16() / kernel
        bias = torch.randn(outputs, device=timer.device).bfloat16()
        shape = ([stride] * 2, [kernel // 2] * 2, [1, 1], 1, "relu")

        def fused(
            x: Tensor, tap: bool, weight: Tensor = weight, bias: Tensor = bias, shape: Any = shape
        ) -> Any:
            return torch.ops.gramstyle.conv_gram(x, weight, bias, *shape, tap, False, False, "ieee")

        for layout in LAYOUTS:
            make = drawn(timer, (1, inputs, at, at), "bfloat16", layout)
            functions: dict[str, Function] = {
                "fused, features kept": lambda x, fused=fused: fused(x, True),  # type: ignore[misc]
                "fused, sums alone": lambda x, fused=fused: fused(x, False),  # type: ignore[misc]
            }
            for name, run in baselines(weight, bias, stride).items():
                functions[f"{name}, gram"] = lambda x, run=run: (  # type: ignore[misc]
                    (maps := run(x)), gram(maps, False, False, "ieee")
                )  # fmt: skip
            yield {
                "kind": "convolution", "layer": layer, "type": "bfloat16", "layout": layout,
                "inputs": inputs, "outputs": outputs, "kernel": kernel, "stride": stride, "side": at,
                "seconds": fastest(timer, functions, make, 2 * outputs * out * out),
            }  # fmt: skip


def gradients(timer: Timer, side: int) -> Iterator[dict[str, Any]]:
    """The gradient of features beside a product that adds, and a mask."""
    for channels, reduction in GRADIENTS:
        at = max(side // reduction, 1)
        both = torch.randn(1, channels, channels, device=timer.device)
        both = both + both.mT
        matrix = both.bfloat16()
        for layout in LAYOUTS:
            make = drawn(timer, (1, channels, at, at), "bfloat16", layout)

            def by_torch(x: Tensor, matrix: Tensor = matrix) -> Tensor:
                rows = x.flatten(2)
                return torch.baddbmm(rows, matrix, rows).where(rows > 0, 0)

            functions: dict[str, Function] = {
                "ours": lambda x, both=both: torch.ops.gramstyle.gram_backward(x, x, both, None, "relu"),  # type: ignore[misc]
                "torch": by_torch,
            }
            size = 2 * channels * at * at
            yield {
                "kind": "gradient", "type": "bfloat16", "layout": layout, "channels": channels, "side": at,
                "bytes": 2 * size, "seconds": fastest(timer, functions, make, size),
            }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Write one line per case, each as soon as it is known."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to see that all of it runs")
    parser.add_argument("--side", type=int, default=1024, help="of the image, in pixels")
    parser.add_argument("--repeat", type=int, default=20, help="timed replays of each graph")
    parser.add_argument("--output", type=Path, help="a file of lines, in place of standard output")
    options = parser.parse_args(arguments)
    from gramstyle.kernels import register

    register.ready()
    torch.backends.cudnn.benchmark = True
    timer = Timer(options.device, options.repeat)
    stream = options.output.open("w") if options.output else sys.stdout
    parts = (lambda *those: iter([copies(*those)]), convolutions, grams, gradients)
    with torch.no_grad():
        for part in parts:
            for row in part(timer, options.side):
                print(json.dumps(row), file=stream, flush=True)
    if options.output:
        stream.close()


if __name__ == "__main__":
    main()
