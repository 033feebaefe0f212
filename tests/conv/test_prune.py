"""Masks that prune, beside torch.nn.utils.prune and sorted lists."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import prune as theirs

from gramstyle.conv.sparse.prune import (
    block_mask,
    channel_mask,
    check_sparsity,
    filter_mask,
    global_magnitude_masks,
    magnitude_mask,
    n_of_m_mask,
)
from gramstyle.errors import StyleError

TARGETS = (0.0, 0.25, 0.5, 0.7, 0.9)


def weights(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def layer(weight):
    """A module for torch's pruning to work on."""
    made = torch.nn.Module()
    made.weight = torch.nn.Parameter(weight.clone())
    return made


def by_torch(weight, prune, **how):
    pruned = layer(weight)
    prune(pruned, "weight", **how)
    return pruned.weight_mask.bool()


@pytest.mark.parametrize("sparsity", TARGETS)
@pytest.mark.parametrize("shape", [(7, 3, 3, 3), (5, 4), (4, 2, 3, 1, 2)])
def test_magnitude_is_that_of_torch(shape, sparsity):
    weight = weights(*shape)
    mask = magnitude_mask(weight, sparsity)
    assert torch.equal(mask, by_torch(weight, theirs.l1_unstructured, amount=sparsity))
    assert (mask.dtype, mask.shape) == (torch.bool, weight.shape)
    assert int((~mask).sum()) == round(sparsity * weight.numel())


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=30), st.sampled_from(TARGETS))
def test_of_equal_weights_the_first_go(values, sparsity):
    """Sorted in plain Python, by size and then by place."""
    weight = torch.tensor(values, dtype=torch.float16)
    removed = round(sparsity * len(values))
    if removed == len(values):
        with pytest.raises(StyleError, match="would remove all"):
            magnitude_mask(weight, sparsity)
        return
    order = sorted(range(len(values)), key=lambda place: (abs(values[place]), place))
    expected = [place not in order[:removed] for place in range(len(values))]
    assert magnitude_mask(weight, sparsity).tolist() == expected


def test_complex_weights_go_by_their_modulus():
    weight = torch.tensor([3 + 4j, 4 + 0j, 0 - 4.5j, 1 + 1j])
    assert magnitude_mask(weight, 0.5).tolist() == [True, False, True, False]


@pytest.mark.parametrize("sparsity", TARGETS)
def test_one_threshold_for_all_layers_is_that_of_torch(sparsity):
    named = {name: weights(*shape, seed=seed) * 1.3**seed for seed, (name, shape) in enumerate(
        {"a": (6, 3, 3, 3), "b": (8, 6, 1, 1), "c": (4, 8, 3, 3)}.items()
    )}  # fmt: skip
    modules = {name: layer(one) for name, one in named.items()}
    theirs.global_unstructured(
        [(one, "weight") for one in modules.values()], theirs.L1Unstructured, amount=sparsity
    )
    masks = global_magnitude_masks(named, sparsity)
    assert {name: mask.shape for name, mask in masks.items()} == {n: w.shape for n, w in named.items()}
    for name, mask in masks.items():
        assert torch.equal(mask, modules[name].weight_mask.bool())


def test_normalised_layers_are_measured_in_their_own_units():
    small, large = weights(10, 10), weights(10, 10, seed=1)
    plain = global_magnitude_masks({"small": small * 1e-4, "large": large}, 0.4)
    assert plain["large"].all()
    even = global_magnitude_masks({"small": small * 1e-2, "large": large}, 0.4, normalised=True)
    same = global_magnitude_masks({"small": small / small.norm(), "large": large / large.norm()}, 0.4)
    assert all(torch.equal(even[name], same[name]) for name in even)
    with pytest.raises(StyleError, match=r"would remove every weight of small: .*normalised=True"):
        global_magnitude_masks({"small": small * 1e-4, "large": large}, 0.6)
    with pytest.raises(StyleError, match="at least one layer, got none"):
        global_magnitude_masks({}, 0.5)


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("sparsity", TARGETS)
def test_filters_are_those_of_torch(norm, sparsity):
    weight = weights(10, 3, 3, 3)
    expected = by_torch(weight, theirs.ln_structured, amount=sparsity, n=norm, dim=0)
    assert torch.equal(filter_mask(weight, sparsity, norm=norm), expected)


@pytest.mark.parametrize("sparsity", TARGETS)
def test_channels_are_those_of_torch_within_each_group(sparsity):
    weight = weights(6, 10, 3, 3)
    expected = by_torch(weight, theirs.ln_structured, amount=sparsity, n=2, dim=1)
    assert torch.equal(channel_mask(weight, sparsity), expected)
    grouped = channel_mask(weight, sparsity, groups=2)  # 20 channels: 10 of filters 0 to 2, 10 of the others
    norms = torch.stack([weight[:3].pow(2).sum((0, 2, 3)), weight[3:].pow(2).sum((0, 2, 3))]).flatten()
    gone = norms.argsort()[: round(20 * sparsity)]
    for channel in range(20):
        rows = slice(0, 3) if channel < 10 else slice(3, 6)
        assert bool(grouped[rows, channel % 10].any()) is (channel not in gone)
        assert bool(grouped[rows, channel % 10].all()) is (channel not in gone)


def test_blocks_stay_or_go_as_a_whole():
    """Block by block in loops."""
    weight = weights(4, 6, 2, 2)
    mask = block_mask(weight, 0.5, (2, 3, 2, 1))
    blocks = [
        (slice(2 * n, 2 * n + 2), slice(3 * c, 3 * c + 3), slice(None), slice(x, x + 1))
        for n in range(2) for c in range(2) for x in range(2)
    ]  # fmt: skip
    kept = sorted(blocks, key=lambda one: float(weight[one].norm()))[4:]
    for one in blocks:
        assert mask[one].all() if one in kept else not mask[one].any()
    assert block_mask(weight, 0.5, (1, 1, 1, 1)).equal(magnitude_mask(weight, 0.5))
    assert block_mask(weight, 0.5, (1, 6, 2, 2)).equal(filter_mask(weight, 0.5))


@pytest.mark.parametrize(("keep", "of"), [(2, 4), (1, 4), (4, 8), (2, 2)])
def test_n_of_m_keeps_the_largest_of_each_group_of_channels(keep, of):
    weight = weights(3, 16, 2, 3)
    mask = n_of_m_mask(weight, keep, of)
    assert mask.shape == weight.shape
    for filter_, row, column in [(0, 0, 0), (2, 1, 2), (1, 0, 1)]:
        for start in range(0, 16, of):
            group = weight[filter_, start : start + of, row, column].abs()
            expected = set(group.topk(keep).indices.tolist())
            found = mask[filter_, start : start + of, row, column].nonzero().flatten().tolist()
            assert set(found) == expected
    assert int(mask.sum()) == weight.numel() * keep // of


@pytest.mark.parametrize("sparsity", [1, 1.0, -0.1, 2.0, float("nan")])
def test_targets_out_of_range_are_refused(sparsity):
    with pytest.raises(ValueError, match="sparsity must be from 0 up to but not 1, got"):
        magnitude_mask(weights(2, 2), sparsity)


@pytest.mark.parametrize("sparsity", ["0.5", True, None])
def test_targets_are_numbers(sparsity):
    with pytest.raises(TypeError, match="sparsity must be a number, got"):
        check_sparsity(sparsity)


def test_weights_that_cannot_be_are_refused():
    broken = weights(2, 2)
    broken[0, 1] = float("nan")
    masks = (lambda one: magnitude_mask(one, 0.5, "conv1.weight"), lambda one: filter_mask(one, 0.5))
    with pytest.raises(ValueError, match=r"conv1.weight must be finite, got 1 NaN and 0 infinite"):
        masks[0](broken)
    for mask in (*masks, n_of_m_mask, lambda one: global_magnitude_masks({"a": one}, 0.5)):
        with pytest.raises(ValueError, match="must be finite"):
            mask(broken)
        with pytest.raises(TypeError, match=r"must be floating point or complex, .*; got torch\.int64"):
            mask(torch.ones(4, 4, dtype=torch.int64))
        with pytest.raises(ValueError, match="at least one weight"):
            mask(torch.ones(0, 4))
        with pytest.raises(TypeError, match="must be Tensor, got list"):
            mask([1.0])


def test_what_would_leave_nothing_is_refused():
    for made, what in (
        (lambda: magnitude_mask(weights(1, 2), 0.9), "all 2 weights"),
        (lambda: filter_mask(weights(1, 2), 0.9), "all 1 filters"),
        (lambda: channel_mask(weights(3, 1), 0.9), "all 1 channels"),
        (lambda: block_mask(weights(2, 2), 0.9, (2, 2)), "all 1 blocks"),
    ):
        with pytest.raises(StyleError, match=f"would remove {what} of weight"):
            made()


def test_other_arguments_that_cannot_be():
    for made, message in (
        (lambda: filter_mask(weights(2, 2), 0.5, norm=3), "norm must be 1 or 2, got 3"),
        (
            lambda: filter_mask(weights(2), 0.5),
            r"weight must be \(N, C / groups, taps...\), got shape \(2,\)",
        ),
        (lambda: channel_mask(weights(4, 2), 0.5, groups=3), "groups must divide the 4 filters"),
        (lambda: block_mask(weights(4, 2), 0.5, (3, 1)), r"a divisor of \(4, 2\), got \(3, 1\)"),
        (lambda: block_mask(weights(4, 2), 0.5, (2,)), "one side per dimension"),
        (lambda: block_mask(weights(4, 2), 0.5, (0, 1)), "a divisor"),
        (lambda: n_of_m_mask(weights(4, 6)), r"a multiple of 4 input channels, got shape \(4, 6\)"),
        (lambda: n_of_m_mask(weights(4, 4), 5), "keep must be from 1 to 4"),
        (lambda: n_of_m_mask(weights(4, 4), 0), "keep must be from 1 to 4"),
    ):
        with pytest.raises(ValueError, match=message):
            made()


def test_weights_stay_as_they_are():
    weight = weights(4, 4).requires_grad_()
    before = weight.detach().clone()
    assert not magnitude_mask(weight, 0.5).requires_grad
    assert weight.equal(before)
