"""Features of colours."""

import numpy as np
import torch

from gramstyle.transfer.palette import CHANNELS, palette_features


def test_features_are_colours_and_hinges():
    """Written out for single pixels; which channel is where does not matter."""
    image = (
        torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 1.4 - 0.2
    )
    found = palette_features(image)
    assert found.shape == (2, CHANNELS, 5, 4)
    for b, h, w in ((0, 0, 0), (1, 4, 3), (1, 2, 1), (0, 3, 2)):
        red, green, blue = image[b, :, h, w].tolist()
        hinges = [max(0, one - level) for level in (0.25, 0.5, 0.75) for one in (red, green, blue)]
        pairs = [(x, y) for x in (red, green, blue) for y in (red, green, blue) if x != y]
        hinges += [max(0, x - y - level) for level in (0, 0.125, 0.25, 0.5) for x, y in pairs]
        assert found[b, :3, h, w].tolist() == [red, green, blue]
        assert np.allclose(sorted(found[b, 3:, h, w].tolist()), sorted(hinges), atol=1e-12)
