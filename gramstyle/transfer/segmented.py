"""The loss of an image whose network is run again, segment by segment, for the gradient."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gramstyle.extract import Extractor, Segments
from gramstyle.gram import GramSettings
from gramstyle.transfer.objective import Objective
from gramstyle.types import Features


class SegmentedObjective(Objective):
    """An `Objective` that keeps the maps at taps alone for the backward pass: gradient checkpointing.

    What lies between taps, and what statistics keep of features, is computed again. The gradient is that of
    `Objective`; it costs one more forward pass.

    Raises:
        StyleError: as `Objective` and `Segments`.
    """

    def __init__(self, extractor: Extractor, *args: Any, **options: Any) -> None:
        self._segments = Segments(extractor.active_trunk, extractor.spec.name)
        super().__init__(extractor, *args, **options)

    def _features(self, image: Tensor) -> Features:
        self.extractor.check_shape(image)
        return self._segments(self.extractor.network_input(image))

    def _statistic(self, region: str, features: Tensor, settings: GramSettings) -> Tensor:
        found: Tensor = checkpoint(
            super()._statistic, region, features, settings, use_reentrant=False, preserve_rng_state=False
        )
        return found
