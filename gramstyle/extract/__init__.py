"""Backbones, their taps, and the features read there."""

from gramstyle.extract.device import choose_device as choose_device
from gramstyle.extract.extractor import Extractor as Extractor
from gramstyle.extract.extractor import choose_weights as choose_weights
from gramstyle.extract.registry import backbone as backbone
from gramstyle.extract.registry import backbones as backbones
from gramstyle.extract.registry import parse as parse
from gramstyle.extract.registry import select_taps as select_taps
from gramstyle.extract.segments import Segments as Segments
