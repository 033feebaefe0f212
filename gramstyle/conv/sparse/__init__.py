"""Kernels that training or pruning made sparse."""

from __future__ import annotations

from gramstyle.conv.sparse.blocks import BLOCK as BLOCK
from gramstyle.conv.sparse.blocks import Blocks as Blocks
from gramstyle.conv.sparse.conv import SPARSE_ALGORITHMS as SPARSE_ALGORITHMS
from gramstyle.conv.sparse.conv import sparse_conv2d as sparse_conv2d
from gramstyle.conv.sparse.csr import Csr as Csr
from gramstyle.conv.sparse.files import LAYOUTS as LAYOUTS
from gramstyle.conv.sparse.files import load_sparse as load_sparse
from gramstyle.conv.sparse.files import save_sparse as save_sparse
from gramstyle.conv.sparse.kernel import SparseKernel as SparseKernel
from gramstyle.conv.sparse.two_four import TwoFour as TwoFour
