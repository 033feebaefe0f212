import torch

from gramstyle.kernels.compiling import constant_result


def test_it_sets_what_torch_sets():
    def plain():
        return 1

    def ours():
        return 1

    assert vars(constant_result(ours)) == vars(torch.compiler.assume_constant_result(plain)) != {}
    assert constant_result(ours) is ours
