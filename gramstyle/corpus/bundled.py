"""Photographs and textures that come with installed packages."""

from __future__ import annotations

from importlib import util
from pathlib import Path

from gramstyle.corpus.origins import FileOrigin
from gramstyle.corpus.records import Corpus, Item
from gramstyle.errors import StyleError

BUNDLED: tuple[tuple[str, str], ...] = (
    ("astronaut", "skimage/data/astronaut.png"),
    ("brick", "skimage/data/brick.png"),
    ("camera", "skimage/data/camera.png"),
    ("cat", "skimage/data/chelsea.png"),
    ("cell", "skimage/data/cell.png"),
    ("china", "sklearn/datasets/images/china.jpg"),
    ("clock", "skimage/data/clock_motion.png"),
    ("coffee", "skimage/data/coffee.png"),
    ("coins", "skimage/data/coins.png"),
    ("flower", "sklearn/datasets/images/flower.jpg"),
    ("galaxies", "skimage/data/hubble_deep_field.jpg"),
    ("grass", "skimage/data/grass.png"),
    ("gravel", "skimage/data/gravel.png"),
    ("moon", "skimage/data/moon.png"),
    ("motorcycle", "skimage/data/motorcycle_left.png"),
    ("retina", "skimage/data/retina.jpg"),
    ("rocket", "skimage/data/rocket.jpg"),
    ("tissue", "skimage/data/ihc.png"),
)
"""Label and place of each image; the first part of the place is the package it comes with.

They are the bundled images that hold four crops of 128 x 128 pixels 32 apart. Sources and
licences: skimage/data/README.txt and sklearn/datasets/images/README.txt.
"""

REMEDY = "install gramstyle[demo], or name images of your own"


def bundled_images() -> dict[str, Path]:
    """Label -> path of every bundled image.

    Raises:
        StyleError: if a package is not installed or no longer carries an image.
    """
    found = {}
    for label, place in BUNDLED:
        package, _, inside = place.partition("/")
        spec = util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise StyleError(
                f"the bundled images need the package {package}, which is not installed: {REMEDY}"
            )
        path = Path(spec.submodule_search_locations[0], inside)  # found without importing the package
        if not path.is_file():
            raise StyleError(f"the installed {package} carries no {inside}: {REMEDY}")
        found[label] = path
    return found


def bundled_corpus() -> Corpus:
    """The bundled images as a corpus without labels; `cropped_corpus` makes each a style of its own.

    Raises:
        StyleError: as `bundled_images`.
    """
    items = tuple(Item(name=label, origin=FileOrigin(path)) for label, path in bundled_images().items())
    return Corpus(name="bundled", items=items)
