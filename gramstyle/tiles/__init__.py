"""Large images in bounded memory: exact Gram matrices from tiles."""

from gramstyle.tiles.gradient import image_gradient as image_gradient
from gramstyle.tiles.measure import sweep as sweep
from gramstyle.tiles.source import RasterSource as RasterSource
from gramstyle.tiles.source import Source as Source
from gramstyle.tiles.source import TensorSource as TensorSource
from gramstyle.tiles.tiling import Tile as Tile
from gramstyle.tiles.tiling import Tiling as Tiling
from gramstyle.tiles.work import Part as Part
from gramstyle.tiles.work import Work as Work
