"""How much a film changes where what it shows does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from gramstyle.motion.motion import Motion, motion_between


def temporal_error(image: Tensor, earlier: Tensor, motion: Motion) -> float | None:
    """Mean squared difference of an image from the one before it, brought to it along the motion.

    The warping error of Lai et al. 2018 (Learning blind video temporal consistency), as a mean over colours
    instead of their sum.

    Args:
        image: of a frame, (3, H, W) in [0, 1].
        earlier: of the earlier frame, of the same size.
        motion: from that frame to the earlier one; only pixels that were there count.

    Returns:
        The mean over pixels and colours; None where no pixel was there.
    """
    mask = motion.mask((image.shape[1], image.shape[2])).double()
    if not mask.any():
        return None
    square = (image.double() - motion.warped(earlier).double()).square().mean(0)
    return float((square * mask).sum() / mask.sum())


def flicker(images: Iterable[Tensor], contents: Iterable[Tensor]) -> Iterator[float | None]:
    """`temporal_error` of each frame of a film from the second on, with two frames at a time in memory.

    Args:
        images: the film that is measured; each (3, H, W) in [0, 1].
        contents: the film that shows the same and does not flicker, between whose frames motion is
            computed, such as that before a style transfer; of any one size.

    Raises:
        ValueError: while iterating, if one film is longer, or sizes differ.
        ImportError: while iterating, if OpenCV is not installed.
    """
    before: tuple[Tensor, Tensor] | None = None
    for image, content in zip(images, contents, strict=True):
        if before is not None:
            yield temporal_error(image, before[0], motion_between(content, before[1]))
        before = image, content
