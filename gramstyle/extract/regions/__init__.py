"""Features of a rectangle of an image, as they are in the whole image."""

from gramstyle.extract.regions.interval import Interval as Interval
from gramstyle.extract.regions.interval import Region as Region
from gramstyle.extract.regions.interval import Size as Size
from gramstyle.extract.regions.interval import whole as whole
from gramstyle.extract.regions.layout import Layout as Layout
from gramstyle.extract.regions.layout import layout as layout
from gramstyle.extract.regions.layout import without_values as without_values
from gramstyle.extract.regions.plan import Plan as Plan
from gramstyle.extract.regions.plan import plan as plan
from gramstyle.extract.regions.plan import run as run
from gramstyle.extract.regions.program import Program as Program
from gramstyle.extract.regions.program import program as program
