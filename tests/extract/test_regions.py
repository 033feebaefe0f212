"""A rectangle of a map, computed from the part of the input that it needs, is that rectangle of the whole."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from gramstyle.errors import StyleError
from gramstyle.extract.conv_act import ConvAct
from gramstyle.extract.regions import Interval, Region, layout, plan, program, run, whole

QUICK = settings(deadline=None)
SIDES = st.integers(5, 23)
CHANNELS = 4


class Taps(nn.Module):
    """A network that gives its last map, and the one before its head where there is one."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return {"last": self.layers(x)}


def settled(network, seed=0):
    """In float64, in eval mode, with numbers of order one everywhere."""
    draw = torch.Generator().manual_seed(seed)
    network = network.double().eval().requires_grad_(False)
    for tensor in [*network.parameters(), *network.buffers()]:
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=draw, dtype=torch.float64) + 0.2)
    return network


def input_of(height, width, seed=1):
    return torch.randn(
        1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


def rectangle(data, size):
    """Any rectangle of a map of this size."""
    starts = [data.draw(st.integers(0, side - 1), label="start") for side in size]
    stops = [data.draw(st.integers(start + 1, side)) for start, side in zip(starts, size, strict=True)]
    return Region(*(Interval(*pair) for pair in zip(starts, stops, strict=True)))


def part(network, x, name, region):
    """`region` of the map of a tap, from a program that is given only what its plan asks for."""
    made = program(network, "a network")
    sizes = layout(made, *x.shape[2:])
    step = made.taps[name]
    tile = plan(made, sizes, {step: region})
    held = tile.regions[made.image]
    assert Interval(0, x.shape[2]).union(held.rows) == Interval(0, x.shape[2])
    pixels = held.crop(x, whole(tuple(x.shape[2:]))).clone()
    (found,) = run(made, sizes, tile, pixels, {})
    assert found[0] == step
    return found[1], held


def check(network, data, height, width):
    x = input_of(height, width)
    try:
        expected = network(x)["last"]
    except RuntimeError:  # the input is too small for the window, or for its mirror image
        assume(False)
    region = rectangle(data, expected.shape[2:])
    found, held = part(network, x, "last", region)
    cut = expected[:, :, slice(*region.rows), slice(*region.columns)]
    torch.testing.assert_close(found, cut, rtol=1e-10, atol=1e-12)
    return held


@st.composite
def convolutions(draw, channels=3):
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 4)))
    mode = draw(st.sampled_from(["zeros", "replicate", "reflect"]))
    padding = draw(
        st.one_of(st.tuples(st.integers(0, 4), st.integers(0, 3)), st.just("valid"), st.just("same"))
    )
    stride = (1, 1) if padding == "same" else draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    groups = draw(st.sampled_from([1, channels]))
    return nn.Conv2d(
        channels, groups * 2, kernel, stride, padding, dilation, groups, padding_mode=mode,
        bias=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def pools(draw):
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    stride = draw(st.one_of(st.none(), st.tuples(st.integers(1, 4), st.integers(1, 3))))
    padding = tuple(draw(st.integers(0, side // 2)) for side in kernel)
    ceil = draw(st.booleans())
    if draw(st.booleans()):
        dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
        return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil)
    divisor = draw(st.one_of(st.none(), st.integers(1, 9)))
    return nn.AvgPool2d(kernel, stride, padding, ceil, draw(st.booleans()), divisor)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@QUICK
@given(data=st.data(), layer=convolutions(), height=SIDES, width=SIDES)
def test_convolutions(data, layer, height, width):
    check(settled(Taps(layer)), data, height, width)


@QUICK
@given(data=st.data(), layer=convolutions(), height=SIDES, width=SIDES,
       activation=st.sampled_from(["none", "relu", "relu6", "silu"]))  # fmt: skip
def test_convolutions_with_what_is_folded_into_them(data, layer, height, width, activation):
    """Against the layers apart: the twin that runs in tiles is another network."""
    assume(not isinstance(layer.padding, str))
    follows = {"none": nn.Identity, "relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU}[activation]()
    apart = settled(Taps(layer, nn.BatchNorm2d(layer.out_channels), follows))
    fused = Taps(ConvAct(apart.layers[0], apart.layers[1], activation)).eval()
    x = input_of(height, width)
    try:
        expected = apart(x)["last"]
    except RuntimeError:  # as in `check`
        assume(False)
    region = rectangle(data, expected.shape[2:])
    found, _ = part(fused, x, "last", region)
    torch.testing.assert_close(found, region.crop(expected, whole(tuple(expected.shape[2:]))))


@QUICK
@given(data=st.data(), height=SIDES, width=SIDES, kernel=st.integers(1, 5), stride=st.integers(1, 4))
def test_fused_padding_as_tensorflow(data, height, width, kernel, stride):
    from timm.layers import Conv2dSame

    layer = settled(Conv2dSame(3, 2, kernel, stride))
    expected = layer(input_of(height, width)).relu()
    region = rectangle(data, expected.shape[2:])
    found, _ = part(Taps(ConvAct(layer, None, "relu")).eval(), input_of(height, width), "last", region)
    torch.testing.assert_close(found, region.crop(expected, whole(tuple(expected.shape[2:]))))


def test_activations_that_write_over_their_input_do_not_where_others_read_it():
    class Shared(nn.Module):
        def __init__(self, inplace):
            super().__init__()
            self.conv, self.relu = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace)

        def forward(self, x):
            before = self.conv(x) - 1
            return {"before": before, "last": self.relu(before) + 0}

    x = input_of(9, 9)
    network = settled(Shared(True))
    made, expected = program(network, "a network"), settled(Shared(False))(x)
    sizes = layout(made, 9, 9)
    tile = plan(made, sizes, {step: Region(Interval(2, 6), Interval(1, 9)) for step in made.taps.values()})
    found = dict(run(made, sizes, tile, tile.regions[made.image].crop(x, whole((9, 9))), {}))
    for tap, step in made.taps.items():
        assert float(found[step].min()) <= 0
        torch.testing.assert_close(found[step], expected[tap][:, :, 2:6, 1:9])
    assert network.relu.inplace  # the network itself is as it was


@QUICK
@given(data=st.data(), layer=pools(), height=SIDES, width=SIDES)
def test_pooling(data, layer, height, width):
    check(settled(Taps(layer)), data, height, width)


@QUICK
@given(data=st.data(), height=SIDES, width=SIDES, kernel=st.integers(1, 5), stride=st.integers(1, 4),
       dilation=st.integers(1, 2))  # fmt: skip
def test_padding_as_tensorflow(data, height, width, kernel, stride, dilation):
    from timm.layers import Conv2dSame

    check(settled(Taps(Conv2dSame(3, 2, kernel, stride, dilation=dilation))), data, height, width)


class Branches(nn.Module):
    """Two paths of different reach that meet, in a sum and side by side, and a shortcut."""

    def __init__(self, first, second):
        super().__init__()
        self.near, self.first, self.second = nn.Conv2d(3, 6, 1), first, second
        self.norm, self.head = nn.BatchNorm2d(6), nn.Conv2d(15, 2, 3, 2, 1)

    def forward(self, x):
        x = self.near(x)
        y = F.silu(self.norm(self.first(x)), inplace=False)
        y += torch.sigmoid(x)
        y = torch.cat([y, self.second(x).mul_(0.5)], dim=1)
        left, right = y.chunk(2, dim=1)
        return {"middle": y, "last": self.head(torch.cat([y[:, :3], right, left[:, 3:].relu(), x[:, 3:]], 1))}


@QUICK
@given(data=st.data(), height=SIDES, width=SIDES, reach=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_paths_of_different_reach_meet(data, height, width, reach):
    layers = (nn.Conv2d(6, 6, 2 * one + 1, padding=one) for one in reach)
    check(settled(Branches(*layers)), data, height, width)


@QUICK
@given(data=st.data(), height=SIDES, width=SIDES, layers=st.lists(st.integers(0, 3), min_size=2, max_size=5))
def test_layers_one_after_another(data, height, width, layers):
    kinds = (
        lambda: nn.Conv2d(3, 3, 3, 1, 1), lambda: nn.Conv2d(3, 3, 5, 2, 2, padding_mode="replicate"),
        lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), lambda: nn.AvgPool2d(2, 2, ceil_mode=True),
    )  # fmt: skip
    check(settled(Taps(*(kinds[one]() for one in layers))), data, height, width)


def test_what_is_needed_is_the_receptive_field_and_no_more():
    """VGG's: two 3 x 3 convolutions and a pool see 6 pixels for one position, 2 more for each further one."""
    network = settled(Taps(nn.Conv2d(3, 2, 3, 1, 1), nn.Conv2d(2, 2, 3, 1, 1), nn.MaxPool2d(2)))
    x = input_of(40, 40)
    for rows, expected in (((7, 8), (12, 18)), ((7, 10), (12, 22)), ((0, 1), (0, 4)), ((19, 20), (36, 40))):
        _, held = part(network, x, "last", Region(Interval(*rows), Interval(3, 4)))
        assert held.rows == Interval(*expected)
        assert held.columns == Interval(4, 10)


def test_a_map_that_several_read_is_held_once_for_all():
    made = program(settled(Branches(nn.Conv2d(6, 6, 7, padding=3), nn.Conv2d(6, 6, 1))), "a network")
    sizes = layout(made, 40, 40)
    tile = plan(made, sizes, {made.taps["last"]: Region(Interval(5, 6), Interval(5, 6))})
    assert tile.regions["near"] == Region(Interval(6, 15), Interval(6, 15))
    assert tile.regions["second"] == Region(Interval(9, 12), Interval(9, 12))


def test_goals_come_as_soon_as_they_are_there_and_maps_go_when_nobody_reads_them_any_more():
    import weakref

    made = program(settled(Branches(nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 1))), "a network")
    x = input_of(12, 12)
    sizes = layout(made, 12, 12)
    goals = {step: whole(sizes.sizes[step]) for step in made.taps.values()}
    steps = run(made, sizes, plan(made, sizes, goals), x, {})
    step, middle = next(steps)
    assert step == made.taps["middle"]
    gone = weakref.ref(middle)
    del middle
    assert gone() is not None  # the head still reads it
    assert next(steps)[0] == made.taps["last"]
    assert gone() is None


class Squeeze(nn.Module):
    """Gates of channels from means over positions, in the ways in which networks write them."""

    def __init__(self, mean):
        super().__init__()
        self.conv, self.pool, self.fc, self.mean = (
            nn.Conv2d(3, 4, 3),
            nn.AdaptiveAvgPool2d(1),
            nn.Linear(4, 4),
            mean,
        )

    def forward(self, x):
        x = self.conv(x)
        gates = {
            "module": lambda: self.pool(x).flatten(1),
            "method": lambda: x.mean((2, 3)),
            "kept": lambda: x.mean(dim=[-1, -2], keepdim=True).view(x.shape[0], -1),
            "function": lambda: torch.mean(x, (2, 3), True).reshape(1, x.size(1)),
            "functional": lambda: F.adaptive_avg_pool2d(x, (1, 1)).squeeze(-1).squeeze(-1),
        }[self.mean]()
        return {"last": x * torch.sigmoid(self.fc(gates))[:, :, None, None].expand_as(x)}


@pytest.mark.parametrize("mean", ["module", "method", "kept", "function", "functional"])
def test_means_over_positions_are_known_before_a_tile_runs(mean):
    network = settled(Squeeze(mean))
    x = input_of(14, 17)
    made = program(network, "a network")
    sizes = layout(made, 14, 17)
    assert made.levels == 2
    (name,) = made.means
    means = {name: network.conv(x).mean((2, 3))}
    region = Region(Interval(2, 7), Interval(9, 13))
    tile = plan(made, sizes, {made.taps["last"]: region})
    pixels = tile.regions[made.image].crop(x, whole((14, 17)))
    assert pixels.shape[2:] == (7, 6)  # the mean does not ask for the whole image
    (found,) = run(made, sizes, tile, pixels, means)
    torch.testing.assert_close(found[1], region.crop(network(x)["last"], whole((12, 15))))


class Calls(nn.Module):
    """A convolution, then any function of its map."""

    def __init__(self, then, **parts):
        super().__init__()
        self.conv, self.then = nn.Conv2d(3, 4, 3, padding=1), then
        for name, one in parts.items():
            self.add_module(name, one)
        self.grid = nn.Parameter(torch.rand(1, 4, 12, 12), requires_grad=False)

    def forward(self, x):
        return {"last": self.then(self, self.conv(x))}


class Halved(nn.Conv2d):
    """A subclass that does something else."""

    def forward(self, x):
        return super().forward(x) / x.shape[-1]


WHERE = "Take taps before it, or run it on the whole image (tile off)"
REFUSED = [
    (lambda n, x: n.part(x), nn.GroupNorm(2, 4), "because of GroupNorm at 'part': tiles know convolution"),
    (lambda n, x: n.part(x), nn.InstanceNorm2d(4), "because of InstanceNorm2d at 'part'"),
    (lambda n, x: n.part(x), nn.Upsample(scale_factor=2), "because of Upsample at 'part'"),
    (lambda n, x: n.part(x), nn.AdaptiveAvgPool2d(2), "because of AdaptiveAvgPool2d at 'part'"),
    (lambda n, x: n.part(x), Halved(4, 4, 1), "because of conv2d at 'conv2d': tiles know"),
    (
        lambda n, x: n.part(x), nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
        "because of Conv2d at 'part': circular padding reads the opposite edge of the image",
    ),
    (
        lambda n, x: n.part(x), nn.BatchNorm2d(4, track_running_stats=False),
        "because of BatchNorm2d at 'part': it holds no statistics and takes those of the whole image",
    ),
    (lambda n, x: n.part(x)[0], nn.MaxPool2d(2, return_indices=True), "indices of the largest values count"),
    (lambda n, x: x.permute(0, 2, 3, 1), nn.Identity(), "because of permute at 'permute'"),
    (lambda n, x: F.softmax(x, 2), nn.Identity(), "because of softmax at 'softmax'"),
    (lambda n, x: x.mean(3, keepdim=True), nn.Identity(), "because of mean at 'mean'"),
    (lambda n, x: x + n.grid, nn.Identity(), "because of add at 'add': it reads values that depend on"),
    (
        lambda n, x: x + n.part(x), nn.MaxPool2d(12),
        "because of add at 'add': maps of sizes 1 x 1 and 12 x 12 meet there",
    ),
    (lambda n, x: torch.cat([x, x], 2), nn.Identity(), "it works along dimension 2, and only channels (1)"),
    (lambda n, x: x[:, :, 2:], nn.Identity(), "it takes some positions of a map"),
    (lambda n, x: x[0], nn.Identity(), "because of getitem at 'getitem': it gives no map (B, C, H, W)"),
]  # fmt: skip


@pytest.mark.parametrize(("then", "part", "message"), REFUSED)
def test_what_needs_more_than_a_tile_is_refused_by_name(then, part, message):
    network = Calls(then, part=part).eval()
    with pytest.raises(StyleError) as raised:
        layout(program(network, "this network"), 12, 12)
    assert str(raised.value).startswith("this network cannot run in tiles because of ")
    assert message in str(raised.value)
    assert WHERE in str(raised.value)


def test_training_mode_is_refused():
    with pytest.raises(StyleError, match="because of Dropout at 'part': it is in training mode: call eval"):
        program(Calls(lambda n, x: n.part(x), part=nn.Dropout()), "this network")


def test_operations_that_depend_on_values_are_refused():
    def then(network, x):
        return x if x.sum() > 0 else -x

    with pytest.raises(StyleError, match="its operations depend on its input and cannot be listed"):
        program(Calls(then).eval(), "this network")


def test_a_tap_without_positions_is_refused():
    network = Calls(lambda n, x: x.mean((2, 3))).eval()
    with pytest.raises(StyleError, match="tap last of this network has no positions, and so no Gram matrix"):
        program(network, "this network")


def test_what_lies_behind_the_taps_is_not_looked_at():
    class Deeper(Calls):
        def forward(self, x):
            x = self.conv(x)
            self.then(self, x)
            return {"last": x}

    made = program(Deeper(lambda n, x: F.softmax(x, 2)).eval(), "this network")
    assert [step.node.op for step in made.steps.values()] == ["placeholder", "call_module"]
