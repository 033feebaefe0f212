"""The term that holds a frame to earlier ones."""

import pytest
import torch
from conftest import assert_close

from gramstyle.extract import Extractor
from gramstyle.transfer import Objective, StyleImage, Temporal, Transfer
from gramstyle.transfer.temporal import temporal_loss


def held_to(seed, height=40, width=48):
    generator = torch.Generator().manual_seed(seed)
    weights = (torch.rand(height, width, generator=generator) > 0.4).float()
    weights[0, :5] = 0.5
    return Temporal(pixels=torch.rand(3, height, width, generator=generator), weights=weights)


def test_the_loss_is_a_weighted_mean_over_all_pixels(content):
    temporal = held_to(1)
    total = 0.0
    for colour in range(3):
        for y in range(40):
            apart = content[colour, y].double() - temporal.pixels[colour, y].double()
            total += float((temporal.weights[y].double() * apart**2).sum())
    found = temporal_loss(content[None].double(), temporal)
    assert float(found) == pytest.approx(total / (3 * 40 * 48), rel=1e-9)


def test_the_term_and_its_gradient(settings, content, style):
    """What the term adds to the gradient of the loss is 2 w c (x - p) / D."""
    chosen = settings(temporal_weight=7.0)
    extractor = Extractor(chosen.style.backbone, chosen.taps, device="cpu", check_range=False)
    temporal = held_to(2)

    def slope(*given):
        image = content[None].clone().requires_grad_()
        objective = Objective(
            extractor, chosen, content[None], [StyleImage(pixels=style[None])], None, *given
        )
        terms = objective.terms(image)
        sum(terms.values()).backward()
        return image.grad, {name: float(one.detach()) for name, one in terms.items()}

    (with_it, terms), (without, others) = slope("auto", temporal), slope()
    assert set(terms) - set(others) == {"temporal"}
    assert terms["temporal"] == pytest.approx(7 * float(temporal_loss(content[None], temporal)))
    expected = 2 * 7 * temporal.weights * (content - temporal.pixels) / content.numel()
    assert_close((with_it - without)[0], expected, tolerance=1e-4)


def test_without_its_weight_there_is_no_term(settings, content, style):
    transfer = Transfer(content, style, settings(), temporal=held_to(1), device="cpu")
    assert "temporal" not in next(transfer.states()).losses


def test_a_heavy_weight_holds_what_counts_and_nothing_else(settings, content, style):
    chosen = settings(temporal_weight=1e4, init="image", min_size=48, first_iterations=30, averaging=0.0)
    weights = torch.zeros(40, 48)
    weights[:, :24] = 1
    temporal = Temporal(pixels=content.flip(2), weights=weights)
    transfer = Transfer(content, style, chosen, start=content, temporal=temporal, device="cpu")
    last = list(transfer.states())[-1].image
    held, free = ((last - content.flip(2)).abs()[:, :, part].mean() for part in (slice(24), slice(24, 48)))
    assert float(held) < 0.06
    assert float(free) > 5 * float(held)


def test_it_is_brought_to_the_size_of_each_scale(settings, content, style):
    temporal = held_to(3, 80, 96)
    half = temporal.resized((40, 48))
    assert half.pixels.shape == (3, 40, 48)
    blocks = temporal.weights.reshape(40, 2, 48, 2).mean((1, 3))
    assert_close(half.weights, blocks, torch.float32)
    states = Transfer(content, style, settings(temporal_weight=1.0), temporal=temporal, device="cpu").states()
    assert all(one.losses["temporal"] > 0 for one in states)


def test_it_is_part_of_what_a_transfer_is(settings, content, style):
    chosen = settings(temporal_weight=1.0)
    one, other = held_to(1), held_to(2)
    mixed = Temporal(pixels=one.pixels, weights=other.weights)
    first = Transfer(content, style, chosen, device="cpu")
    digests = {first.digest}
    for temporal in (one, other, mixed):
        made = Transfer(content, style, chosen, temporal=temporal, extractor=first.extractor)
        assert made.extractor is first.extractor
        digests.add(made.digest)
    assert len(digests) == 4


def test_wrong_temporal_terms_are_refused(settings, content, style):
    for pixels, weights, message in (
        (content[:2], torch.ones(40, 48), r"temporal must be \(3, H, W\)"),
        (
            content,
            torch.ones(40, 47),
            r"weights of temporal must be \(40, 48\) in \[0, 1\], got shape \(40, 47",
        ),
        (content, torch.full((40, 48), 1.5), r"weights of temporal must be"),
        (content, torch.full((40, 48), -0.5), r"weights of temporal must be"),
    ):
        with pytest.raises(ValueError, match=message):
            Transfer(
                content, style, settings(), temporal=Temporal(pixels=pixels, weights=weights), device="cpu"
            )
    with pytest.raises(ValueError, match="temporal_weight must be 0 or more"):
        settings(temporal_weight=-1.0)
