"""Runs every kernel of the CUDA half once, on little, for compute-sanitizer.

    compute-sanitizer --tool memcheck python analysis/touch_kernels.py

Without the caching allocator, whose large blocks would hide what is read beyond a tensor.
"""

from __future__ import annotations

import os

os.environ.setdefault("PYTORCH_NO_CUDA_MEMORY_CACHING", "1")

import argparse

import torch

TYPES = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
CHANNELS = (3, 20, 40, 64, 100, 128, 200, 264)
OUTPUTS = (24, 64, 100, 250)


def main(arguments: list[str] | None = None) -> None:
    """Odd sizes, both layouts, rows aligned and not, and more than one part of an image."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--device", default="cuda")
    device = parser.parse_args(arguments).device
    from gramstyle.kernels import register

    register.ready()
    ops = torch.ops.gramstyle
    generator = torch.Generator().manual_seed(0)
    runs = 0
    for i, channels in enumerate(CHANNELS):
        for dtype in TYPES:
            for layout in (torch.contiguous_format, torch.channels_last):
                # drawn on the host: fewer kernels that are not ours
                x = torch.randn(1 + i % 2, channels, 21, 29 + i % 4, generator=generator).to(dtype)
                x = x.contiguous(memory_format=layout).to(device)
                symmetric = torch.ones(x.shape[0], channels, channels).to(device)
                ops.gram(x, True, False, "ieee"), ops.gram(x, False, True, "tf32")
                ops.gram_backward(x, x if i % 2 else None, symmetric, None, ("relu", "relu6", "none")[i % 3])
                runs += 3
    for i, outputs in enumerate(OUTPUTS):
        for kernel, inputs in ((3, 3), (1, 16), (1, 13)):
            for dtype in TYPES[:2]:
                x = torch.randn(2, inputs, 23, 31, generator=generator).to(dtype)
                x = x.contiguous(memory_format=torch.channels_last if i % 2 else torch.contiguous_format)
                weight, bias = torch.randn(outputs, inputs, kernel, kernel), torch.randn(outputs)
                shape = ([1 + i % 2] * 2, [kernel // 2] * 2, [1, 1], 1, ("relu", "silu")[i % 2])
                tensors = (one.to(device, dtype) for one in (x, weight, bias))
                ops.conv_gram(*tensors, *shape, kernel == 3, True, False, "ieee")
                runs += 1
    if device == "cuda":
        torch.cuda.synchronize()
    print(f"{runs} calls")


if __name__ == "__main__":
    main()
