"""How much memory a transfer takes at most, from what its maps take."""

from __future__ import annotations

from gramstyle.extract import Extractor
from gramstyle.extract.conv_act import ConvAct
from gramstyle.extract.regions import Size
from gramstyle.transfer.canvas import Parameterization
from gramstyle.transfer.settings import TransferSettings

LIBRARIES = 820 * 2**20
"""Bytes of a process on a cpu that has imported everything, with a torch that is built with CUDA."""

KEPT_SHARE, KEPT_MOST = 0.6, 2**28
"""What the C library keeps of freed tensors on a cpu, as a share of those of a step, and bytes at most.

Blocks of up to 32 MiB come from a heap that is given back at its end alone: `analysis/transfer_memory.py`.
"""

MARGIN = 1.05
"""How much more a process on a cpu may hold than is reckoned: freed blocks are not all of use again."""

SCRATCH = 1.25
"""What kernels and the allocator of another device take, as a multiple of a step's tensors: not measured."""

FILTERS = 1.3
"""What transformed filters take while they are made, as a multiple of their size."""


COPIES = 8
"""Matrices of C x C per tap and region: targets, moments, and what gradients of both need, in float64."""


class Budget:
    """Bytes of a process on a cpu, or of tensors on another device.

    Args:
        extractor: of the transfer.
        settings: of the transfer.
        held: bytes of images on the cpu that are there at every scale.
        regions: how many there are.
    """

    def __init__(self, extractor: Extractor, settings: TransferSettings, held: int, regions: int) -> None:
        self._on_cpu = extractor.device.type == "cpu"
        self._held, self._regions = held, regions
        self._pixels = settings.parameterization is Parameterization.PIXELS
        optimizer = settings.optimizer
        self._state = 2 if optimizer.name == "adam" else 2 * optimizer.history + 6
        squares = sum(extractor.channels[tap] ** 2 for tap in settings.style.weights_of_taps)
        statistics = 8 * COPIES * squares * max(1, regions)
        self.fixed = network_bytes(extractor) + statistics + (LIBRARIES + held if self._on_cpu else 0)

    def of_maps(self, maps: int) -> int:
        """Of the tensors of a step, and of what kernels and allocators need beside them."""
        if not self._on_cpu:
            return round(SCRATCH * maps)
        return maps + round(min(KEPT_SHARE * maps, KEPT_MOST))

    def of_image(self, size: Size) -> int:
        """Of what is there between steps: numbers, gradient, optimiser, average, content, what is shown."""
        height, width = size
        masks = self._regions * 4 * height * width * 4 // 3
        return (6 + self._state + (0 if self._pixels else 4)) * copy_of(size) + masks

    def peak(self, size: Size, maps: int, kept: int = 0) -> int:
        """At most, of a step, of the snapshot after it, and of bringing images to their size before it.

        Args:
            size: (H, W) of the image.
            maps: bytes of the tensors of a step, as a `Rehearsal` counts them.
            kept: bytes of features that are kept from step to step.
        """
        one = copy_of(size)
        step = self.of_maps(maps) + (4 if self._pixels else 8) * one
        snapshot, resizing = (2 * (2 + self._state) * one, 2 * self._held) if self._on_cpu else (0, 0)
        reckoned = self.fixed + self.of_image(size) + kept + max(step, snapshot, resizing)
        return round(MARGIN * reckoned) if self._on_cpu else reckoned


def copy_of(size: Size) -> int:
    """Bytes of an image."""
    return 12 * size[0] * size[1]


def network_bytes(extractor: Extractor) -> int:
    """Of weights, folded ones and those of fast convolutions."""
    tensors = [*extractor.parameters(), *extractor.buffers()]
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}
    filters = sum(one.filter_bytes for one in extractor.active_trunk.modules() if isinstance(one, ConvAct))
    return sum(storages.values()) + round(FILTERS * filters)
