"""Style analysis with Gram matrices.

Rooms, in the order in which data passes through them: `gramstyle.images`, `gramstyle.extract`
(with `gramstyle.weights`), `gramstyle.gram`, `gramstyle.distance`, `gramstyle.study`,
`gramstyle.report`. The names below are those most programs need.
"""

from gramstyle.describe import Describer
from gramstyle.descriptors import Descriptors
from gramstyle.distance import METRICS, Combine, pairwise_distance
from gramstyle.errors import ImageError, NativeUnavailableError, StyleError, UnknownNameError, WeightsError
from gramstyle.extract import Extractor, backbone, backbones
from gramstyle.gram import GramSettings, Norm, Statistic
from gramstyle.images import Picture, find_images, load_image, read_image, read_images
from gramstyle.measure import Distances, StyleDistance, distances, pairwise_style_distance, style_distance
from gramstyle.presets import PRESETS, preset
from gramstyle.recipe import Recipe, make_recipe
from gramstyle.store import load_descriptors, save_descriptors
from gramstyle.study import Comparison, Separation, compare, separation

__all__ = [
    "METRICS",
    "PRESETS",
    "Combine",
    "Comparison",
    "Describer",
    "Descriptors",
    "Distances",
    "Extractor",
    "GramSettings",
    "ImageError",
    "NativeUnavailableError",
    "Norm",
    "Picture",
    "Recipe",
    "Separation",
    "Statistic",
    "StyleDistance",
    "StyleError",
    "UnknownNameError",
    "WeightsError",
    "backbone",
    "backbones",
    "compare",
    "distances",
    "find_images",
    "load_descriptors",
    "load_image",
    "make_recipe",
    "pairwise_distance",
    "pairwise_style_distance",
    "preset",
    "read_image",
    "read_images",
    "save_descriptors",
    "separation",
    "style_distance",
]
