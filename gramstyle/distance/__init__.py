"""Two descriptors of a tap -> how far apart their styles are."""

from gramstyle.distance.barycenter import gaussian_barycenter as gaussian_barycenter
from gramstyle.distance.combine import RULES as RULES
from gramstyle.distance.combine import Combine as Combine
from gramstyle.distance.combine import combine as combine
from gramstyle.distance.csls import csls as csls
from gramstyle.distance.metrics import DEFAULT_METRIC as DEFAULT_METRIC
from gramstyle.distance.metrics import METRICS as METRICS
from gramstyle.distance.metrics import Metric as Metric
from gramstyle.distance.metrics import metric_named as metric_named
from gramstyle.distance.pairwise import distance as distance
from gramstyle.distance.pairwise import pairwise_distance as pairwise_distance
from gramstyle.distance.target import DistanceTo as DistanceTo
