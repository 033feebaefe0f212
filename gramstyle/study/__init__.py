"""How well style distances separate pairs of images."""

from gramstyle.study.comparison import Comparison as Comparison
from gramstyle.study.comparison import compare as compare
from gramstyle.study.hypotheses import HYPOTHESES as HYPOTHESES
from gramstyle.study.results import StudyResults as StudyResults
from gramstyle.study.run import run_study as run_study
from gramstyle.study.separation import Separation as Separation
from gramstyle.study.separation import separation as separation
from gramstyle.study.settings import FULL as FULL
from gramstyle.study.settings import QUICK as QUICK
from gramstyle.study.settings import StudySettings as StudySettings
from gramstyle.study.sweep import Readout as Readout
from gramstyle.study.sweep import Sweep as Sweep
