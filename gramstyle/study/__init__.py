"""How well style distances separate pairs of images."""

from gramstyle.study.comparison import Comparison as Comparison
from gramstyle.study.comparison import compare as compare
from gramstyle.study.separation import Separation as Separation
from gramstyle.study.separation import separation as separation
