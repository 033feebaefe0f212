"""Style transfer of films: frames that hold to those before them."""

from gramstyle.transfer.video.job import VideoJob as VideoJob
from gramstyle.transfer.video.sequence import FrameState as FrameState
from gramstyle.transfer.video.sequence import VideoTransfer as VideoTransfer
from gramstyle.transfer.video.settings import VideoSettings as VideoSettings
from gramstyle.transfer.video.work import VideoWork as VideoWork
