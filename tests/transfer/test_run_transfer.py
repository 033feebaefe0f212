"""Whole optimisations: their states, and going on after a stop."""

from dataclasses import replace

import pytest
import torch
from conftest import assert_close

import gramstyle
from gramstyle.corpus import bundled_images
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.transfer import (
    OptimizerSettings,
    Parameterization,
    Style,
    Transfer,
    TransferSettings,
    for_backbone,
    load_snapshot,
    save_snapshot,
    transfer_preset,
)

WAYS = {
    "adam": {},
    "lbfgs": {"optimizer": OptimizerSettings(name="lbfgs", step_size=1.0, history=3)},
    "fourier": {"parameterization": Parameterization.FOURIER},
}


def made(settings, content, style, **options):
    return Transfer(content, style, settings, device="cpu", **options)


def test_states_count_steps_and_scales(settings, content, style):
    states = list(made(settings(), content, style).states())
    assert [one.step for one in states] == list(range(1, 1 + 4 + 2 * 0 + 3))
    assert [one.scale for one in states] == [0] * 4 + [1] * 3
    assert {(one.steps, one.scales) for one in states} == {(7, 2)}
    pixels = [28 * 34] * 4 + [40 * 48] * 3
    assert [one.share for one in states] == pytest.approx(
        [sum(pixels[:at]) / sum(pixels) for at in range(1, 8)]
    )
    assert states[0].image.shape == (3, 28, 34)
    assert states[-1].image.shape == (3, 40, 48)
    assert all(float(one.image.min()) >= 0 and float(one.image.max()) <= 1 for one in states)
    assert states[3].loss < states[0].loss


def test_run_takes_the_steps_that_are_left(settings, content, style):
    whole = list(made(settings(), content, style).states())
    first = made(settings(), content, style)
    states = first.states()
    for _ in range(5):
        next(states)
    second = made(settings(), content, style)
    second.restore(first.snapshot())
    last = second.run()
    assert last.step == 7
    assert torch.equal(last.image, whole[-1].image)
    second.restore(second.snapshot())
    with pytest.raises(StyleError, match="run needs a step to take"):
        second.run()


def test_settings_by_name(content, style):
    with pytest.raises(UnknownNameError, match="preset must be one of: gatys2016"):
        Transfer(content, style, "gatys2017")
    assert Transfer(content, style, device="cpu").settings == transfer_preset("gramstyle")


def test_a_state_keeps_its_image(settings, content, style):
    states = made(settings(averaging=0.0), content, style).states()
    first = next(states)
    before = first.image.clone()
    second = next(states)
    assert torch.equal(first.image, before)
    assert not torch.equal(second.image, before)


@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_transfer_goes_on_to_the_same_bits(way, settings, content, style, tmp_path):
    chosen = settings(**WAYS[way])
    whole = [one.image for one in made(chosen, content, style).states()]
    for stop in (1, 4, 5):
        first = made(chosen, content, style)
        for _, _ in zip(range(stop), first.states(), strict=False):
            pass
        save_snapshot(tmp_path / "half", first.snapshot())
        second = made(chosen, content, style)
        second.restore(load_snapshot(tmp_path / "half"))
        rest = [one.image for one in second.states()]
        assert len(rest) == len(whole) - stop
        assert all(torch.equal(a, b) for a, b in zip(rest, whole[stop:], strict=True))


def test_two_runs_give_the_same_bits(settings, content, style):
    chosen = settings(init="style")
    first, second = (list(made(chosen, content, style).states())[-1].image for _ in range(2))
    assert torch.equal(first, second)
    other = list(made(replace(chosen, seed=1), content, style).states())[-1].image
    assert not torch.equal(first, other)


def test_a_snapshot_of_another_transfer_is_refused(settings, content, style, tmp_path):
    first = made(settings(), content, style)
    next(first.states())
    for other in (
        made(settings(seed=1), content, style),
        made(settings(), content.flip(0), style),
        made(settings(), content, style, dtype=torch.float64),
        made(settings(), content, [Style(pixels=style), Style(pixels=style, weight=0.5)]),
        made(settings(), content, [Style(pixels=style, weight=0.5)]),
        made(settings(), content, [Style(pixels=style, mask=torch.ones(44, 36))]),
    ):
        with pytest.raises(StyleError, match="the snapshot is of another transfer"):
            other.restore(first.snapshot())
    (tmp_path / "no").write_bytes(b"x" * 40)
    with pytest.raises(StyleError, match="is no snapshot of a transfer, or broken"):
        load_snapshot(tmp_path / "no")
    with pytest.raises(StyleError, match="snapshot needs a state"):
        made(settings(), content, style).snapshot()


def first_losses(settings, content, style):
    return dict(next(made(settings, content, style).states()).losses)


def test_styles_have_a_size_of_their_own(settings, content, style):
    resized = gramstyle.images.resize(style, gramstyle.images.ResizePolicy("long", 24))
    one_scale = settings(size=32)
    expected = first_losses(one_scale, content, resized)
    assert first_losses(replace(one_scale, style_size=24), content, style) == pytest.approx(expected)
    assert first_losses(replace(one_scale, style_scale=0.75), content, style) == pytest.approx(expected)
    assert first_losses(one_scale, content, style) != pytest.approx(expected)


def test_styles_are_never_enlarged(settings, content, style):
    large = settings(size=64, min_size=64)
    expected = first_losses(replace(large, style_size=44), content, style)  # its own size
    assert first_losses(large, content, style) == pytest.approx(expected)
    assert first_losses(replace(large, style_scale=3.0), content, style) == pytest.approx(expected)


@pytest.mark.parametrize("init", ["content", "style", "gray", "noise", "image"])
def test_the_first_image(init, settings, content, style):
    start = content.flip(1)
    chosen = settings(init=init, optimizer=OptimizerSettings(step_size=1e-9), averaging=0.0)
    first = next(made(chosen, content, style, start=start).states()).image
    if init in ("content", "image"):
        given = content if init == "content" else start
        policy = gramstyle.images.ResizePolicy("exact", (28, 34))
        assert_close(first, gramstyle.images.resize(given, policy), tolerance=1e-5)
    elif init == "gray":
        assert float((first - 0.5).abs().max()) < 1 / 255
    elif init == "noise":
        assert abs(float(first.mean()) - 0.5) < 0.02
        assert abs(float(first.std()) - 12**-0.5) < 0.02
    else:
        mean, covariance = gramstyle.images.color_moments(style)
        found, spread = gramstyle.images.color_moments(first)
        assert float((found - mean).abs().max()) < 0.03
        assert float((spread - covariance).abs().max()) < 0.2 * float(covariance.abs().max())


def test_colours_that_are_kept(settings, content, style):
    for how in ("luminance", "symmetric", "histogram"):
        chosen = settings(preserve_color=how)
        last = list(made(chosen, content, style).states())[-1].image
        plain = list(made(settings(), content, style).states())[-1].image
        assert float((last.mean((1, 2)) - content.mean((1, 2))).abs().max()) < 0.1
        assert not torch.equal(last, plain)


def test_a_term_that_is_no_number_stops_the_run(settings, content, style):
    chosen = settings(optimizer=OptimizerSettings(step_size=1e25), clamp=False)
    states = made(chosen, content, style).states()
    next(states)
    with pytest.raises(StyleError, match=r"the term .* became (nan|inf): use a smaller step_size"):
        next(states)


def test_textures_have_no_content(settings, style):
    chosen = settings(content_weight=0.0, init="style")
    last = list(made(chosen, None, style, shape=(2, 3)).states())[-1]
    assert last.image.shape == (3, 32, 48)
    assert not any(name.startswith("content") for name in last.losses)


def test_wrong_inputs_are_refused(settings, content, style):
    with pytest.raises(StyleError, match="content must be given where content_weight"):
        made(settings(), None, style)
    with pytest.raises(StyleError, match="init content needs a content"):
        made(settings(content_weight=0.0), None, style)
    with pytest.raises(StyleError, match="preserve_color needs a content"):
        made(settings(content_weight=0.0, init="gray", preserve_color="pca"), None, style)
    with pytest.raises(StyleError, match="shape is that of the content"):
        made(settings(), content, style, shape=(1, 1))
    with pytest.raises(StyleError, match="styles must hold at least one style"):
        made(settings(), content, [])
    with pytest.raises(StyleError, match="one style must have a weight above 0"):
        made(settings(), content, [Style(pixels=style, weight=0.0)])
    with pytest.raises(ValueError, match=r"style must lie in \[0, 1\], got 0 to 255"):
        made(settings(), content, torch.stack([torch.zeros(9, 9), *torch.full((2, 9, 9), 255.0)]))
    with pytest.raises(ValueError, match=r"content must be \(3, H, W\)"):
        made(settings(), content[None], style)
    with pytest.raises(ValueError, match=r"mask must lie in \[0, 1\] with a value above 0"):
        made(settings(), content, [Style(pixels=style, mask=torch.zeros(44, 36))])
    with pytest.raises(
        StyleError, match="min_size must be larger: at the coarsest scale the result is 7 x 8"
    ):
        made(settings(min_size=8, size=8), content, style[:, :, :].repeat(1, 2, 2))
    with pytest.raises(
        StyleError, match="style 1 is 4 x 34 pixels at the coarsest scale, and tap layer2 needs 8"
    ):
        made(settings(), content, style[:, :4])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content_weight": -1.0}, "content_weight must be 0 or more"),
        ({"averaging": 1.0}, "averaging must be at least 0 and below 1"),
        ({"init": "zeros"}, "init must be one of"),
        ({"tv": "cubed"}, "tv must be one of"),
        ({"size": 0}, "size must be greater than 0"),
        ({"content_taps": ()}, "content_weight needs content_taps"),
        ({"content_taps": ("relu9_9",)}, "relu9_9"),
        ({"style_weight": 0.0, "content_weight": 0.0}, "there is nothing to optimise"),
        ({"optimizer": OptimizerSettings(name="sgd")}, "optimizer must be one of"),
        ({"optimizer": OptimizerSettings(step_size=0.0)}, "step_size must be greater than 0"),
    ],
)
def test_wrong_settings_are_refused(changes, message, settings):
    with pytest.raises(ValueError, match=message):
        settings(**changes)


def test_settings_survive_json(settings):
    for one in (settings(), transfer_preset("gatys2016"), settings(**WAYS["fourier"], style_size=64)):
        assert TransferSettings.from_json(one.as_json()) == one


@pytest.mark.weights
def test_the_style_comes_nearer_for_a_network_that_did_not_look():
    """Optimised under VGG16, measured by MobileNetV2."""
    pictures = bundled_images()
    content = gramstyle.read_image(pictures["cat"]).pixels
    style = gramstyle.read_image(pictures["gravel"]).pixels
    chosen = for_backbone(transfer_preset("gramstyle"), "vgg16@IMAGENET1K_V1")
    chosen = replace(chosen, size=64, min_size=64, first_iterations=30)
    last = list(made(chosen, content, style).states())[-1].image
    policy = gramstyle.images.ResizePolicy("long", 64)
    judge = gramstyle.StyleDistance(backbone="mobilenet_v2@KERAS", device="cpu")
    wanted = gramstyle.images.resize(style, policy)[None]
    before = float(judge(gramstyle.images.resize(content, policy)[None], wanted))
    assert float(judge(last[None], wanted)) < 0.6 * before
