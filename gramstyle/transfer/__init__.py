"""Neural style transfer: a content and styles -> states of an image."""

from gramstyle.transfer.canvas import PARAMETERIZATIONS as PARAMETERIZATIONS
from gramstyle.transfer.canvas import Parameterization as Parameterization
from gramstyle.transfer.checkpoint import load_snapshot as load_snapshot
from gramstyle.transfer.checkpoint import save_snapshot as save_snapshot
from gramstyle.transfer.colors import PRESERVES as PRESERVES
from gramstyle.transfer.execution import Asked as Asked
from gramstyle.transfer.execution import Execution as Execution
from gramstyle.transfer.inputs import Style as Style
from gramstyle.transfer.job import Job as Job
from gramstyle.transfer.job import StyleFile as StyleFile
from gramstyle.transfer.objective import Objective as Objective
from gramstyle.transfer.optimizer import OptimizerSettings as OptimizerSettings
from gramstyle.transfer.presets import TRANSFERS as TRANSFERS
from gramstyle.transfer.presets import for_backbone as for_backbone
from gramstyle.transfer.presets import transfer_preset as transfer_preset
from gramstyle.transfer.regions import color_regions as color_regions
from gramstyle.transfer.run import Snapshot as Snapshot
from gramstyle.transfer.run import State as State
from gramstyle.transfer.run import Transfer as Transfer
from gramstyle.transfer.segmented import SegmentedObjective as SegmentedObjective
from gramstyle.transfer.settings import TransferSettings as TransferSettings
from gramstyle.transfer.targets import StyleImage as StyleImage
from gramstyle.transfer.tiled import TiledObjective as TiledObjective
from gramstyle.transfer.work import Work as Work
