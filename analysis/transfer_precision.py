"""What half precision changes in a style transfer: gradients, and the loss of the result.

    python analysis/transfer_precision.py [--backbones vgg16,mobilenet_v2@KERAS] [--size 96] [--steps 40]

"gradient" is the norm of the difference from the gradient of a float64 network, over that norm, at one
image; "psnr" that of the result beside the result of a float32 network, in dB; "loss" that of the result as a
float32 network sees it, over that of the float32 result.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace

import torch
from torch import Tensor

import gramstyle
from gramstyle.corpus import bundled_images
from gramstyle.images import ResizePolicy, resize
from gramstyle.transfer import (
    Objective,
    StyleImage,
    Transfer,
    TransferSettings,
    for_backbone,
    transfer_preset,
)

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def main() -> None:
    """Print a row per network and precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", default="vgg16,mobilenet_v2@KERAS")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    content, style = (picture(name, options.size) for name in ("cat", "gravel"))
    print("| network | precision | gradient | psnr | loss |\n| --- | --- | --- | --- | --- |")
    for backbone in options.backbones.split(","):
        settings = replace(
            for_backbone(transfer_preset("gramstyle"), backbone),
            size=options.size, min_size=options.size, first_iterations=options.steps,
        )  # fmt: skip
        for row in rows(settings, content, style):
            print(f"| {backbone} | {' | '.join(row)} |", flush=True)


def rows(settings: TransferSettings, content: Tensor, style: Tensor) -> list[list[str]]:
    """Of one network: precision, error of the gradient, PSNR and loss of the result."""
    image = (0.7 * content + 0.3 * style.flip(2))[None]
    truth = gradient(settings, content, style, torch.float64, image)
    judge = objective(settings, content, style, torch.float32)
    results, found = {}, []
    for dtype in DTYPES:
        *_, last = Transfer(content, style, settings, device="cpu", dtype=dtype).states()
        results[dtype] = last.image[None]
        error = (gradient(settings, content, style, dtype, image) - truth).norm() / truth.norm()
        apart = float((results[dtype] - results[torch.float32]).square().mean())
        loss, best = (sum(judge.evaluate(results[one]).terms.values()) for one in (dtype, torch.float32))
        psnr = f"{-10 * math.log10(apart):.1f}" if apart else ""
        found.append([str(dtype).removeprefix("torch."), f"{float(error):.1e}", psnr, f"{loss / best:.4f}"])
    return found


def gradient(
    settings: TransferSettings, content: Tensor, style: Tensor, dtype: torch.dtype, image: Tensor
) -> Tensor:
    """Of the loss by the pixels of an image (1, 3, H, W)."""
    return objective(settings, content, style, dtype).evaluate(image).gradient


def objective(settings: TransferSettings, content: Tensor, style: Tensor, dtype: torch.dtype) -> Objective:
    """With a network of its own."""
    transfer = Transfer(content, style, settings, device="cpu", dtype=dtype)
    return Objective(transfer.extractor, settings, content[None], [StyleImage(pixels=style[None])])


def picture(name: str, size: int) -> Tensor:
    """A bundled photograph, (3, H, W), squeezed to a square."""
    pixels = gramstyle.read_image(bundled_images()[name]).pixels
    return resize(pixels, ResizePolicy("exact", (size, size)))


if __name__ == "__main__":
    main()
