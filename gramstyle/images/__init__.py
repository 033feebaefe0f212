"""Images: read from anywhere, brought to size, made ready for a network."""

from gramstyle.images.decode import readable_extensions as readable_extensions
from gramstyle.images.folder import Skipped as Skipped
from gramstyle.images.folder import find_images as find_images
from gramstyle.images.folder import open_images as open_images
from gramstyle.images.folder import read_images as read_images
from gramstyle.images.folder import walk_images as walk_images
from gramstyle.images.grayscale import grayscale as grayscale
from gramstyle.images.io import ImageSource as ImageSource
from gramstyle.images.io import image_size as image_size
from gramstyle.images.io import load_image as load_image
from gramstyle.images.io import read_image as read_image
from gramstyle.images.matching import color_moments as color_moments
from gramstyle.images.matching import match_color as match_color
from gramstyle.images.picture import Picture as Picture
from gramstyle.images.prepare import center_crop as center_crop
from gramstyle.images.prepare import crop as crop
from gramstyle.images.prepare import denormalize as denormalize
from gramstyle.images.prepare import normalize as normalize
from gramstyle.images.raster import Raster as Raster
from gramstyle.images.raster import open_image as open_image
from gramstyle.images.resize import ResizePolicy as ResizePolicy
from gramstyle.images.resize import resize as resize
from gramstyle.images.resize import resize_mask as resize_mask
from gramstyle.images.resize import resize_mask_part as resize_mask_part
from gramstyle.images.samples import MAX_PIXELS as MAX_PIXELS
from gramstyle.images.stored import file_bytes as file_bytes
