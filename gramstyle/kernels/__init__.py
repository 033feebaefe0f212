"""Native operators, where they were built."""

from gramstyle.kernels.choice import KERNELS as KERNELS
from gramstyle.kernels.choice import Kernel as Kernel
from gramstyle.kernels.choice import checked_kernel as checked_kernel
from gramstyle.kernels.choice import conv_gram_is_fused as conv_gram_is_fused
from gramstyle.kernels.choice import conv_is_winograd as conv_is_winograd
from gramstyle.kernels.choice import gram_is_native as gram_is_native
from gramstyle.kernels.maps import ACTIVATIONS as ACTIVATIONS
from gramstyle.kernels.native import available as available
from gramstyle.kernels.native import reason_missing as reason_missing
from gramstyle.kernels.operators import ConvSums as ConvSums
from gramstyle.kernels.operators import Sums as Sums
from gramstyle.kernels.operators import conv_gram as conv_gram
from gramstyle.kernels.operators import gram as gram
from gramstyle.kernels.operators import winograd as winograd
from gramstyle.kernels.operators import winograd_filter as winograd_filter
from gramstyle.kernels.winograd import turned_weight as turned_weight
