"""Motion: where the pixels of a frame were in an earlier one, and which were not there."""

from gramstyle.motion.flicker import flicker as flicker
from gramstyle.motion.flicker import temporal_error as temporal_error
from gramstyle.motion.flow import optical_flow as optical_flow
from gramstyle.motion.motion import Motion as Motion
from gramstyle.motion.motion import motion_between as motion_between
from gramstyle.motion.occlusion import consistent as consistent
from gramstyle.motion.warp import warp as warp
