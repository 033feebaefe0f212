"""Large images in bounded memory: exact Gram matrices from tiles."""

from gramstyle.tiles.source import RasterSource as RasterSource
from gramstyle.tiles.source import Source as Source
from gramstyle.tiles.source import TensorSource as TensorSource
from gramstyle.tiles.tiling import Tile as Tile
from gramstyle.tiles.tiling import Tiling as Tiling
