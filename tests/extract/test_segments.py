"""Networks run in segments: the same features and gradients, with less kept."""

import operator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gramstyle.errors import StyleError
from gramstyle.extract import Segments
from gramstyle.extract.regions import program


class Writes(nn.Module):
    """Writes over a map that an earlier segment made, in each way that Python and torch have."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.third = (nn.Conv2d(c, 4, 3, padding=1) for c in (3, 4, 4))
        self.requires_grad_(False)

    def forward(self, x):
        shortcut = self.first(x).tanh()
        tap = self.second(shortcut).relu()
        shortcut += tap
        other = F.relu(shortcut, inplace=True).mul_(0.5)
        return {"tap": tap, "deep": self.third(other).sigmoid() * other.shape[2]}


def gradient(network, x):
    x = x.clone().requires_grad_()
    found = network(x)
    sum((at + 1) * one.square().mean() for at, one in enumerate(found.values())).backward()
    return found, x.grad


def test_what_writes_over_its_input_does_so_once(generator):
    network = Writes().eval()
    x = torch.rand(1, 3, 9, 8, generator=generator)

    def plain(image):  # the same without writing
        shortcut = network.first(image).tanh()
        tap = network.second(shortcut).relu()
        other = (shortcut + tap).relu() * 0.5
        return {"tap": tap, "deep": network.third(other).sigmoid() * 9}

    expected, slope = gradient(plain, x)
    found, again = gradient(Segments(network, "writes"), x)
    assert list(found) == ["tap", "deep"]
    assert all(torch.equal(found[tap], one) for tap, one in expected.items())
    assert torch.equal(slope, again)


def test_what_is_written_over_and_read_again_is_refused():
    """Its readers see what was written, which only the order of operations says."""

    class Unread(Writes):
        def forward(self, x):
            x = self.first(x)
            x.mul_(0.5)
            return {"tap": x}

    class Again(Writes):
        def forward(self, x):
            x = self.first(x)
            y = F.relu(x, inplace=True)
            return {"tap": self.second(x + y)}

    class Named(Writes):
        def forward(self, x):
            x = self.first(x)
            y = x
            y += 1
            return {"tap": self.second(x + y)}

    for kind in (Unread, Again, Named):
        for build in (Segments, program):
            with pytest.raises(StyleError, match="it writes over 'first', which is read again"):
                build(kind().eval(), "writes")


WRITES = {
    "a += b": (operator.iadd, operator.add),
    "a *= b": (operator.imul, operator.mul),
    "a -= b": (operator.isub, operator.sub),
    "a /= b": (operator.itruediv, operator.truediv),
    "a.mul_(b)": (lambda a, b: a.mul_(b), operator.mul),
    "relu": (lambda a, b: F.relu(a, inplace=True) + b, lambda a, b: F.relu(a) + b),
}


@pytest.mark.parametrize("way", WRITES)
def test_each_way_of_writing_over_a_map_of_an_earlier_segment(way, generator):
    class Changes(Writes):
        def __init__(self, change):
            super().__init__()
            self.change = change

        def forward(self, x):
            shortcut = self.first(x).tanh() + 0
            tap = self.second(shortcut).exp()
            return {"tap": tap, "deep": self.third(self.change(shortcut, tap)).sigmoid()}

    writes, plain = (Changes(one).eval() for one in WRITES[way])
    x = torch.rand(1, 3, 9, 8, generator=generator)
    (found, slope), (expected, again) = gradient(Segments(writes, "writes"), x), gradient(plain, x)
    assert all(torch.equal(found[tap], one) for tap, one in expected.items())
    assert torch.equal(slope, again)


def test_without_gradients_nothing_is_kept(generator):
    segments = Segments(Writes().eval(), "writes")
    with torch.no_grad():
        assert not any(
            one.requires_grad for one in segments(torch.rand(1, 3, 9, 8, generator=generator)).values()
        )


def test_operations_that_cannot_be_listed_are_refused():
    class Asks(nn.Module):
        def forward(self, x):
            return {"tap": x if x.sum() > 0 else -x}

    with pytest.raises(StyleError, match=r"this network cannot run in tiles or in segments: its operations"):
        Segments(Asks().eval(), "this network")
