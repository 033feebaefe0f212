"""Images brought to the size and the weights that a recipe asks for."""

from __future__ import annotations

from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.images import Picture, Raster, ResizePolicy, center_crop, resize, resize_mask
from gramstyle.recipe import Recipe
from gramstyle.tiles import RasterSource, Source, TensorSource


class Preparation:
    """Resizing, cropping and the use of alpha, as a recipe has them.

    Args:
        recipe: what to compute.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._policy = ResizePolicy.parse(recipe.resize)
        self._crop = recipe.crop
        self._masked = recipe.alpha == "mask"

    def pixels(self, picture: Picture) -> tuple[Tensor, Tensor | None]:
        """Pixels (3, H, W) and, where alpha is a mask, weights (H, W), resized and cropped."""
        pixels = resize(picture.pixels, self._policy)
        mask = None
        if self._masked and picture.alpha is not None:
            mask = resize_mask(picture.alpha, (pixels.shape[1], pixels.shape[2]))
        if self._crop is not None:
            pixels = center_crop(pixels, self._crop)
            mask = None if mask is None else center_crop(mask.expand(3, -1, -1), self._crop)[0]
        return pixels, mask

    def source(self, picture: Picture | Raster) -> Source:
        """The same, read a rectangle at a time where the image keeps its size.

        Raises:
            StyleError: if the crop is larger than the image; the message names it.
        """
        if isinstance(picture, Raster):
            cut = self._cut(picture)
            if cut is not None:
                return RasterSource(cut, masked=self._masked)
            picture = picture.picture()
        try:
            pixels, mask = self.pixels(picture)
        except ValueError as error:
            raise StyleError(f"{picture.name}: {error}") from error
        return TensorSource(pixels, mask, notes=picture.notes)

    def _cut(self, raster: Raster) -> Raster | None:
        """What is used of an image that keeps its size; None where it does not, or is too small."""
        size = raster.height, raster.width
        if self._policy.target(*size) != size:
            return None
        if self._crop is None:
            return raster
        top, left = ((side - self._crop) // 2 for side in size)  # as `center_crop`
        return None if min(top, left) < 0 else raster.crop(top, left, self._crop, self._crop)
