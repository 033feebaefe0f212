"""Native operators, where they were built."""

from gramstyle.kernels.choice import KERNELS as KERNELS
from gramstyle.kernels.choice import Kernel as Kernel
from gramstyle.kernels.choice import checked_kernel as checked_kernel
from gramstyle.kernels.choice import conv_gram_is_fused as conv_gram_is_fused
from gramstyle.kernels.choice import gram_is_native as gram_is_native
from gramstyle.kernels.native import available as available
from gramstyle.kernels.native import reason_missing as reason_missing
from gramstyle.kernels.operators import ConvSums as ConvSums
from gramstyle.kernels.operators import Sums as Sums
from gramstyle.kernels.operators import conv_gram as conv_gram
from gramstyle.kernels.operators import gram as gram
from gramstyle.kernels.register import ACTIVATIONS as ACTIVATIONS
