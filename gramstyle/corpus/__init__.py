"""Where sets of images come from."""

from gramstyle.corpus.bundled import BUNDLED as BUNDLED
from gramstyle.corpus.bundled import bundled_images as bundled_images
from gramstyle.corpus.crops import Crop as Crop
from gramstyle.corpus.crops import disjoint_crops as disjoint_crops
