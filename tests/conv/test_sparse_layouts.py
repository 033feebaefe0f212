"""Layouts of sparse kernels, and their files."""

import copy
import dataclasses
import json

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gramstyle.conv import Blocks, Csr, TwoFour, load_sparse, save_sparse
from gramstyle.conv.sparse import BLOCK, LAYOUTS
from gramstyle.conv.sparse.prune import block_mask, magnitude_mask, n_of_m_mask
from gramstyle.errors import StyleError, UnknownNameError, WeightsError


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def ints(*numbers):
    return torch.tensor(numbers, dtype=torch.int32)


@given(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64]),
    st.floats(0, 0.9),
)
@settings(max_examples=40, deadline=None)
def test_dense_kernels_come_back_whole(sizes, dtype, sparsity):
    outputs, channels, down, across = sizes
    weight = drawn(2 * outputs, 4 * channels, down, across).to(dtype)
    block = (2, 4, 1, across)
    pruned = {
        Csr: weight * magnitude_mask(weight, min(sparsity, 0.5)),
        TwoFour: weight * n_of_m_mask(weight),
        Blocks: weight * block_mask(weight, min(sparsity, 0.4), block),
    }
    for layout, one in pruned.items():
        kernel = layout.from_dense(one, block) if layout is Blocks else layout.from_dense(one)
        assert torch.equal(kernel.to_dense(), one)
        assert torch.equal(kernel.csr().to_dense(), one)
        assert kernel.csr().values.numel() == kernel.values.numel()
        assert kernel.density == kernel.values.numel() / one.numel()
        assert kernel.to(dtype=torch.complex128).to_dense().dtype == torch.complex128


def test_what_layouts_hold():
    """Written out by hand."""
    weight = torch.tensor([[0.0, 5, 0, 6], [0, 0, 0, 0], [7, 0, 0, 0]]).reshape(3, 4, 1, 1)
    csr = Csr.from_dense(weight)
    assert csr.values.tolist() == [5, 6, 7]
    assert csr.columns.tolist() == [1, 3, 0]
    assert csr.rows.tolist() == [0, 2, 2, 3]
    assert csr.nbytes == 4 * (3 + 3 + 4)
    blocks = Blocks.from_dense(weight, (1, 2, 1, 1))
    assert blocks.values.flatten(1).tolist() == [[0, 5], [0, 6], [7, 0]]
    assert blocks.columns.tolist() == [0, 1, 0]
    pairs = TwoFour.from_dense(weight)
    assert pairs.values.flatten(1).tolist() == [[5, 6], [0, 0], [7, 0]]
    assert pairs.positions.tolist() == [0b0100_1101, 0b0000_0100]
    assert pairs.density == 0.5
    assert pairs.nbytes == 4 * 6 + 2


def test_blocks_are_of_16_outputs_where_none_is_named():
    kernel = Blocks.from_dense(torch.ones(32, 3, 1, 1))
    assert kernel.block == BLOCK == (16, 1, 1, 1)


@pytest.mark.parametrize("layout", LAYOUTS.values())
@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (torch.ones(4, 4, 1, 1, dtype=torch.int32), TypeError, "weight must be floating point or complex"),
        ([1.0], TypeError, "weight must be Tensor, got list"),
        (torch.ones(4, 4, 1, 1).to_sparse(), TypeError, r"dense tensor, got .*sparse_coo: use \.to_dense"),
        (torch.ones(4, 4), ValueError, r"weight must be \(N, C / groups"),
        (torch.ones(4, 0, 1, 1), ValueError, "none of them 0"),
        (torch.full((16, 4, 1, 1), torch.nan), ValueError, "weight must be finite, got 64 NaN"),
        (torch.zeros(1).expand(2**16, 2**15, 1, 1), ValueError, r"fewer than 2\^31 values"),
    ],
)
def test_weights_that_cannot_be_kernels(layout, weight, error, message):
    with pytest.raises(error, match=message):
        layout.from_dense(weight)


def test_weights_that_a_layout_cannot_hold():
    weight = torch.zeros(2, 8, 3, 3)
    weight[1, 4:7, 2, 1] = 1
    with pytest.raises(StyleError, match=r"output 1 has 3 of channels 4 to 7 at tap \(2, 1\): prune it"):
        TwoFour.from_dense(weight)
    with pytest.raises(ValueError, match=r"multiple of 4 channels per group for layout 2:4, got 6: .*csr"):
        TwoFour.from_dense(weight[:, :6])
    for block in ((16, 1, 1, 1), (2, 3, 1, 1), (2, 0, 1, 1), (2, 4)):
        with pytest.raises(StyleError, match=r"a divisor of the kernel's .* or layout csr"):
            Blocks.from_dense(weight, block)


CSR = Csr(values=torch.ones(3), columns=ints(0, 8, 8), rows=ints(0, 2, 3), shape=(2, 1, 3, 3))
PAIRS = TwoFour.from_dense(torch.zeros(3, 4, 1, 1))
BLOCKS = Blocks.from_dense(torch.ones(4, 2, 1, 1), (2, 1, 1, 1))


@pytest.mark.parametrize(
    ("kernel", "changes", "error", "message"),
    [
        (CSR, {"values": torch.ones(3).int()}, TypeError, "values must be floating point"),
        (CSR, {"values": torch.ones(3, 1)}, ValueError, r"values must be \(nnz,\)"),
        (CSR, {"values": torch.ones(2)}, ValueError, r"columns must be \(2,\)"),
        (CSR, {"columns": ints(0, 8, 8).long()}, TypeError, "columns must be torch.int32"),
        (CSR, {"columns": ints(0, 9, 8)}, ValueError, "columns must be from 0 to 8, got 9"),
        (CSR, {"columns": ints(-1, 8, 8)}, ValueError, "columns must be from 0 to 8, got -1"),
        (CSR, {"columns": ints(8, 0, 8)}, ValueError, "they are unsorted at 0: 8, 0"),
        (CSR, {"columns": ints(8, 8, 8)}, ValueError, "they are doubled at 0: 8, 8"),
        (CSR, {"rows": ints(0, 3)}, ValueError, r"rows must be \(3,\)"),
        (CSR, {"rows": ints(0, 2, 4)}, ValueError, "rows must ascend from 0 to the 3 columns"),
        (CSR, {"rows": ints(0, 4, 3)}, ValueError, r"rows must ascend .*got \[0, 4, 3\]"),
        (CSR, {"rows": ints(1, 2, 3)}, ValueError, "rows must ascend"),
        (CSR, {"shape": (2, 1, 9)}, ValueError, r"shape must be \(N, C / groups"),
        (CSR, {"shape": (2, -1, 3, 3)}, ValueError, "shape must be"),
        (CSR, {"columns": ints(0, 8, 8).to("meta")}, ValueError, "columns must be on the device of values"),
        (BLOCKS, {"values": torch.ones(4)}, ValueError, r"values must be \(blocks, outputs"),
        (BLOCKS, {"values": torch.ones(4, 3, 1, 1, 1)}, StyleError, "block must have four sides"),
        (BLOCKS, {"columns": ints(0, 0, 0, 1)}, ValueError, "doubled"),
        (BLOCKS, {"rows": ints(0, 4)}, ValueError, r"rows must be \(3,\)"),
        (PAIRS, {"values": torch.ones(3, 1, 1, 3)}, ValueError, r"values must be \(3, 1, 1, 2\)"),
        (PAIRS, {"positions": torch.zeros(2).byte()}, ValueError, "four 0 has 0, 0"),
        (PAIRS, {"positions": torch.tensor([0x44, 0x01]).byte()}, ValueError, "four 2 has 1, 0"),
        (PAIRS, {"positions": torch.zeros(3).byte()}, ValueError, r"positions must be \(2,\)"),
        (PAIRS, {"positions": ints(4, 4)}, TypeError, "positions must be torch.uint8"),
        (PAIRS, {"shape": (3, 6, 1, 1)}, ValueError, "multiple of 4 channels"),
    ],
)
def test_parts_that_do_not_fit_together(kernel, changes, error, message):
    with pytest.raises(error, match=message):
        dataclasses.replace(kernel, **changes)


def test_rows_are_made_once_and_again_after_a_change():
    kernel = TwoFour.from_dense(drawn(4, 8, 3, 3) * n_of_m_mask(drawn(4, 8, 3, 3)))
    first = kernel.csr()
    assert kernel.csr() is first
    for _ in range(3):
        kernel.values.mul_(2)
    again = kernel.csr()
    assert torch.equal(again.values, 8 * first.values)
    for count in range(5):  # whatever the number of changes that a copy begins with
        copied = copy.deepcopy(kernel)
        for _ in range(count):
            copied.values.add_(1)
        assert torch.equal(copied.csr().to_dense(), copied.to_dense())
    assert kernel.csr() is again


def test_rows_of_values_with_gradients_are_not_kept():
    kernel = Blocks.from_dense(drawn(4, 8, 3, 3), (2, 2, 1, 1))
    kernel.values.requires_grad_()
    with torch.no_grad():
        kernel.csr()
    for _ in range(2):
        (grad,) = torch.autograd.grad(kernel.csr().values.sum(), kernel.values)
        assert torch.equal(grad, torch.ones_like(grad))
    with torch.inference_mode():
        kernel = Blocks.from_dense(drawn(4, 8, 3, 3), (2, 2, 1, 1))
        first = kernel.csr()
        kernel.values.mul_(2)
        assert torch.equal(kernel.csr().values, 2 * first.values)


# ---- files


@pytest.fixture
def kernels():
    weight = drawn(16, 4, 3, 3)
    return {
        "conv1": Csr.from_dense(weight * magnitude_mask(weight, 0.8)),
        "features.2": Blocks.from_dense((weight * block_mask(weight, 0.5, BLOCK)).half()),
        "third": TwoFour.from_dense((weight * n_of_m_mask(weight)).bfloat16()),
        "empty": Csr.from_dense(torch.zeros(2, 1, 1, 1).double()),
    }


@pytest.fixture
def file(tmp_path, kernels):
    save_sparse(tmp_path / "kernels.safetensors", kernels)
    return tmp_path / "kernels.safetensors"


def test_kernels_come_back_from_files(file, kernels):
    found = load_sparse(file)
    assert found.keys() == kernels.keys()
    for name, one in kernels.items():
        assert type(found[name]) is type(one)
        assert found[name].shape == one.shape
        for part, tensor in one.tensors().items():
            assert torch.equal(getattr(found[name], part), tensor)
            assert getattr(found[name], part).dtype == tensor.dtype


def test_files_say_what_they_hold_to_any_reader(file):
    with safetensors.safe_open(file, "pt") as opened:
        metadata = opened.metadata()
        assert "conv1.columns" in opened.keys()  # noqa: SIM118
    assert (metadata["format"], metadata["version"]) == ("gramstyle-sparse", "1")
    assert json.loads(metadata["layouts"])["third"] == {"layout": "2:4", "shape": [16, 4, 3, 3]}


def test_one_layout_can_be_asked_for(file, tmp_path, kernels):
    save_sparse(tmp_path / "one.safetensors", {"a": kernels["third"]})
    assert isinstance(load_sparse(tmp_path / "one.safetensors", "2:4")["a"], TwoFour)
    with pytest.raises(StyleError, match="holds a in layout 2:4, and csr was asked for"):
        load_sparse(tmp_path / "one.safetensors", "csr")
    with pytest.raises(StyleError, match=r"holds features\.2 in layout blocks, and csr was asked for"):
        load_sparse(file, "csr")
    with pytest.raises(UnknownNameError, match="layout must be one of: csr"):
        load_sparse(file, "coo")


def test_what_cannot_be_saved_leaves_the_file_alone(file, kernels):
    before = file.read_bytes()
    broken = kernels["conv1"].with_values(kernels["conv1"].values * torch.inf)
    for given_, error, message in (
        ({}, StyleError, "at least one"),
        ({"a": torch.ones(1)}, TypeError, r"kernels\['a'\] must be SparseKernel"),
        ({"a": broken}, ValueError, "values of a must be finite"),
    ):
        with pytest.raises(error, match=message):
            save_sparse(file, given_)
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_files_that_are_none(tmp_path, file):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load_sparse(tmp_path / "none.safetensors")
    whole = file.read_bytes()
    for data in (b"", b"rubbish", whole[:-1], whole[:40], b"\xff" * 64):
        file.write_bytes(data)
        with pytest.raises(WeightsError, match="is damaged or no safetensors file"):
            load_sparse(file)
    safetensors.torch.save_file({"weight": torch.ones(2, 2, 1, 1)}, file)
    with pytest.raises(WeightsError, match="holds no sparse kernels: its format is None"):
        load_sparse(file)


def rewritten(file, tensors=None, **metadata):
    """The same file with other tensors (None: without) and metadata."""
    with safetensors.safe_open(file, "pt") as opened:
        said = opened.metadata() | metadata
    held = {
        name: one
        for name, one in (safetensors.torch.load_file(file) | (tensors or {})).items()
        if one is not None
    }
    safetensors.torch.save_file(held, file, said)


LAYOUT = '{"conv1": {"layout": "%s", "shape": %s}}'


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "pt"}, "its format is 'pt', not 'gramstyle-sparse'"),
        ({"version": "2"}, "is of version '2', this gramstyle reads '1'"),
        ({"layouts": "{"}, "its layouts cannot be read"),
        ({"layouts": "[]"}, "its layouts cannot be read"),
        ({"layouts": '{"conv1": 3}'}, "its layouts cannot be read"),
        ({"layouts": LAYOUT % ("coo", "[16, 4, 3, 3]")}, "layouts must be of csr, blocks, 2:4"),
        ({"layouts": LAYOUT % ("csr", '"16"')}, "its layouts cannot be read"),
        ({"layouts": LAYOUT % ("csr", "[16, 4, 3]")}, r"conv1 that cannot be: shape must be"),
        ({"layouts": LAYOUT % ("csr", '["16", 4, 3, 3]')}, r"conv1 that cannot be: shape must be"),
        ({"layouts": LAYOUT % ("csr", "[16, 4, 1, 1]")}, "conv1 that cannot be: columns must be from 0 to 3"),
        ({"layouts": LAYOUT % ("blocks", "[16, 4, 3, 3]")}, "conv1 that cannot be: values must be"),
        ({"layouts": LAYOUT % ("2:4", "[16, 4, 3, 3]")}, "tensor conv1.positions is missing"),
        ({"layouts": LAYOUT % ("csr", "[16, 4, 3, 3]")}, "no kernel has tensor empty.columns"),
    ],
)
def test_metadata_that_cannot_be(metadata, message, file):
    rewritten(file, **metadata)
    with pytest.raises(WeightsError, match=message):
        load_sparse(file)


def last(tensor, value):
    changed = tensor.clone()
    changed.view(-1)[-1] = value
    return changed


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("conv1.rows", lambda one: None, "tensor conv1.rows is missing"),
        ("third.positions", lambda one: None, "tensor third.positions is missing"),
        ("conv1.columns", lambda one: last(one, 36), "conv1 that cannot be: columns must be from 0 to 35"),
        ("conv1.columns", lambda one: one.flip(0), "unsorted"),
        ("conv1.columns", lambda one: last(one, one[-2]), "doubled"),
        ("conv1.columns", lambda one: one[:-1], "columns must be"),
        ("conv1.columns", lambda one: one.long(), "columns must be torch.int32"),
        ("conv1.rows", lambda one: last(one, 3), "rows must ascend"),
        ("conv1.values", lambda one: last(one, torch.nan), "values must be finite, got 1 NaN"),
        ("features.2.values", lambda one: last(one, torch.inf), "features.2 that cannot be: values must be"),
        ("conv1.values", lambda one: one.int(), "values must be floating point"),
        ("third.positions", torch.zeros_like, "positions must ascend within each four"),
        ("conv9.values", lambda one: torch.ones(1), "no kernel has tensor conv9.values"),
    ],
)
def test_tensors_that_cannot_be(name, change, message, file):
    held = safetensors.torch.load_file(file).get(name)
    rewritten(file, {name: change(held)})
    with pytest.raises(WeightsError, match=message):
        load_sparse(file)
