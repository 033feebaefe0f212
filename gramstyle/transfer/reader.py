"""How the files of a job are read."""

from __future__ import annotations

from gramstyle.images import Picture, SoftProof, read_image
from gramstyle.images.proof import ProofIntent


class Reader:
    """Images as a job sees them: through the profile of a press or printer, if it has one.

    Args:
        proof: path of an ICC profile; None for images as they are.
        intent: see `SoftProof`.
        max_pixels: a file that claims more is refused.

    Raises:
        ImageError, StyleError, UnknownNameError: as `SoftProof`.
    """

    def __init__(self, proof: str | None, intent: ProofIntent, max_pixels: int) -> None:
        self._proof = None if proof is None else SoftProof(proof, intent)
        self._max_pixels = max_pixels

    def image(self, path: str) -> Picture:
        """An image as the job sees it."""
        return self.seen(self.mask(path))

    def mask(self, path: str) -> Picture:
        """A file as it is: the colours of masks are names."""
        return read_image(path, max_pixels=self._max_pixels)

    def seen(self, picture: Picture) -> Picture:
        """A picture as the job sees it."""
        return picture if self._proof is None else self._proof.of(picture)
