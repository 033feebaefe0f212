"""Native operators, where they were built."""

from gramstyle.kernels.native import available as available
from gramstyle.kernels.native import reason_missing as reason_missing
from gramstyle.kernels.second_moment_op import second_moment as second_moment
