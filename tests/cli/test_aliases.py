"""Options of other programs: each is one of ours, or refused with what to give instead."""

from dataclasses import fields, replace

import pytest

from gramstyle.cli import work
from gramstyle.cli.aliases import RENAMED, translated
from gramstyle.errors import StyleError
from gramstyle.gram import GramSettings, Norm
from gramstyle.transfer import OptimizerSettings, Parameterization, TransferSettings, transfer_preset
from gramstyle.types import CAFFE


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        # jcjohnson/neural-style, neural_style.lua, and ProGamerGov/neural-style-pt, neural_style.py
        ("--style-blend-weights 3,7", "--style-weights 3,7"),
        ("--original-colors 1", "--preserve-color luminance"),
        ("--original-colors 0", ""),
        ("--image-size 300", "--size 300"),
        ("--num-iterations 400", "--first-iterations 400 --iterations 400"),
        ("--init-image a.png", "--init a.png"),
        ("--lbfgs-num-correction 20", "--history 20"),
        ("--content-layers relu4_2", "--content-taps relu4_2"),
        ("--style-layers relu1_1,relu2_1", "--style-taps relu1_1,relu2_1"),
        ("--save-iter 0", ""),
        ("-o a/out.png --save-iter 50", "-o a/out.png --frame-every 50 --frames a/out_frames"),
        ("--save-iter 50 --output=out.png", "--frame-every 50 --frames out_frames --output=out.png"),
        ("--save-iter 50 -o x.png --frames f", "--frame-every 50 -o x.png --frames f"),
        # crowsonkb/style-transfer-pytorch, style_transfer/cli.py
        ("--end-scale 300", "--size 300"),
        ("--min-scale 64", "--min-size 64"),
        ("--initial-iterations 9", "--first-iterations 9"),
        ("--avg-decay 0.9", "--averaging 0.9"),
        ("--style-scale-fac 2", "--style-scale 2"),
        ("--random-seed 3", "--seed 3"),
        # what is ours stays, and so does what is no option
        ("a.png b.png --size 3 -o c.png --style-scale 2", "a.png b.png --size 3 -o c.png --style-scale 2"),
        ("-- --end-scale --image-size", "-- --end-scale --image-size"),
        ("--end-scale", "--size"),
    ],
)
def test_each_is_one_of_ours(theirs, ours):
    assert translated(theirs.split()) == ours.split()


def test_values_may_follow_an_equals_sign():
    assert translated(["--end-scale=300", "--original-colors=1"]) == [
        "--size", "300", "--preserve-color", "luminance"
    ]  # fmt: skip


def test_other_units_are_refused():
    with pytest.raises(StyleError, match=r"--learning-rate of neural-style .* --step-size 0\.03906 instead"):
        translated(["--learning-rate", "10"])
    with pytest.raises(StyleError, match="give --step-size instead"):
        translated(["--learning-rate=x"])
    with pytest.raises(StyleError, match="--original-colors must be 0 or 1, got 'yes'"):
        translated(["--original-colors", "yes"])


@pytest.fixture
def asked(run, monkeypatch, tmp_path):
    """The job that arguments of `gramstyle transfer` ask for, without doing it."""
    for name in ("c.png", "a.png", "b.png"):
        (tmp_path / name).touch()

    def of(*arguments, command="transfer", content=("c.png",)):
        jobs = []
        monkeypatch.setattr(work, "do", lambda job, *others: jobs.append((job, others)))
        monkeypatch.chdir(tmp_path)
        ended = run(command, *content, "a.png", "b.png", "-o", "out.png", *arguments)
        return ended, jobs[0] if jobs else None

    return of


def test_transfer_understands_them_and_does_not_show_them(asked, run):
    ended, (job, _) = asked(
        "--style-blend-weights", "3,1", "--end-scale", 300, "--original-colors", 1, "--num-iterations", 7
    )
    assert ended.code == 0
    assert [one.weight for one in job.styles] == [3.0, 1.0]
    assert (job.settings.size, job.settings.preserve_color) == (300, "luminance")
    assert {job.settings.first_iterations, job.settings.iterations} == {7}
    ended, nothing = asked("--learning-rate", "1")
    assert (ended.code, nothing) == (2, None)
    assert ended.err.count("error:") == 1
    shown = run("transfer", "--help").out
    assert "--size" in shown
    for name in (*RENAMED, "--original-colors", "--save-iter", "--learning-rate"):
        assert f"{name} " not in shown


def test_a_published_run_by_its_own_options(asked):
    """What neural-style's defaults are, given by name, is the preset."""
    _, (job, _) = asked(
        "--preset", "neural-style", "--image-size", 512, "--content-weight", 5, "--style-weight", 1,
        "--tv-weight", 1e-3 * 255**2, "--num-iterations", 1000, "--optimizer", "lbfgs", "--content-layers",
        "relu4_2", "--lbfgs-num-correction", 100, "--style-scale", 1,
    )  # fmt: skip
    assert job.settings == replace(transfer_preset("neural-style"), iterations=1000)


OTHERS = {
    "style_weight": ("--style-weight", 2),
    "blend": ("--blend", "geodesic"),
    "content_taps": ("--content-taps", "relu3_1,relu4_1"),
    "content_weight": ("--content-weight", 0.5),
    "content_norm": ("--content-norm", "half-sum"),
    "color_weight": ("--color-weight", 0.25),
    "tv_weight": ("--tv-weight", 3),
    "tv": ("--tv", "absolute"),
    "relative": ("--absolute",),
    "remedy": ("--remedy", "softmax-channel:2"),
    "histogram_weight": ("--histogram-weight", 0.3),
    "ridge": ("--ridge", 0.01),
    "init": ("--init", "gray"),
    "parameterization": ("--parameterization", "fourier"),
    "clamp": ("--no-clamp",),
    "size": ("--size", 200),
    "min_size": ("--min-size", 100),
    "first_iterations": ("--first-iterations", 11),
    "iterations": ("--iterations", 12),
    "style_scale": ("--style-scale", 1.5),
    "style_size": ("--style-size", 90),
    "optimizer": (
        "--optimizer", "lbfgs", "--step-size", 0.5, "--betas", "0.8,0.95", "--history", 5
    ),
    "averaging": ("--averaging", 0.5),
    "preserve_color": ("--preserve-color", "pca"),
    "seed": ("--seed", 8),
    "style": (
        "--backbone", "vgg19", "--style-taps", "relu1_1,relu3_1", "--tap-weights", "2,1", "--combine", "mean",
        "--first-padding", "zeros", "--normalization", "caffe", "--pooling", "l2",
        "--sparsity", 0.5,
    ),
}  # fmt: skip
"""Every field of the settings -> options that give it another value than the preset's."""


def test_every_setting_is_an_option(asked):
    _, (job, _) = asked(*(word for words in OTHERS.values() for word in words))
    elsewhere = {"source", "temporal_weight"}  # the latter in gramstyle video
    named = {one.name for one in fields(TransferSettings)} - elsewhere
    assert set(OTHERS) == named
    preset = transfer_preset("gramstyle")
    assert [name for name in named if getattr(job.settings, name) == getattr(preset, name)] == []
    style = replace(
        preset.style, backbone="vgg19", taps=("relu1_1", "relu3_1"), tap_weights=(2.0, 1.0),
        combine=type(preset.style.combine).MEAN, first_padding="zeros", normalization=CAFFE, pooling="l2",
        sparsity=0.5,
    )  # fmt: skip
    expected = TransferSettings(
        style=style, style_weight=2.0, blend="geodesic", content_taps=("relu3_1", "relu4_1"),
        content_weight=0.5, content_norm="half-sum", color_weight=0.25, tv_weight=3.0, tv="absolute",
        relative=False, ridge=0.01, init="gray", parameterization=Parameterization.FOURIER, clamp=False,
        size=200, min_size=100, first_iterations=11, iterations=12, style_scale=1.5, style_size=90,
        optimizer=OptimizerSettings(name="lbfgs", step_size=0.5, betas=(0.8, 0.95), history=5),
        averaging=0.5, preserve_color="pca", seed=8, source=preset.source, remedy="softmax-channel:2",
        histogram_weight=0.3, temporal_weight=preset.temporal_weight,
    )  # fmt: skip
    assert job.settings == expected


def test_the_rest_of_a_recipe_is_an_option_too(asked):
    _, (job, _) = asked("--metric", "mse", "--gram", "gram", "--norm", "elements", "--center")
    assert job.settings.style.metric == "mse"
    assert job.settings.style.gram == GramSettings(norm=Norm.ELEMENTS, center=True)
    _, (job, _) = asked("--preset", "gatys2016", "--clamp", "--relative", command="texture", content=())
    assert (job.settings.clamp, job.settings.relative) == (True, True)


def test_what_belongs_to_another_choice_does_not_stay(asked):
    """Weights are of their taps, and a step size is of its optimiser: 1 is where L-BFGS begins."""
    _, (job, _) = asked("--style-taps", "relu1_1,relu3_1", "--optimizer", "lbfgs")
    assert job.settings.style.tap_weights == (1.0, 1.0)
    assert job.settings.optimizer.step_size == 1.0
    _, (job, _) = asked("--preset", "gatys2016", "--optimizer", "lbfgs", "--step-size", 0.25)
    assert job.settings.optimizer.step_size == 0.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--blend", "mix"), "blend must be one of: mixture, geodesic; got 'mix'"),
        (("--preset", "gatys2016", "--blend", "geodesic"), "needs the statistic gaussian, got gram"),
        (("--betas", "0.9"), "betas must be two numbers, 0 or more and below 1, got (0.9,)"),
        (("--betas", "a,b"), "betas must be numbers, comma-separated, got 'a,b'"),
        (("--norm", "elements"), "norm and center are for the statistics gram"),
        (("--normalization", "zscore"), "normalization must be one of"),
        (("--first-padding", "none"), "first_padding must be one of"),
        (("--tv", "cubed"), "tv must be one of"),
        (("--combine", "max"), "combine must be one of"),
    ],
)
def test_wrong_settings_are_one_line(arguments, message, asked):
    ended, nothing = asked(*arguments)
    assert (ended.code, nothing) == (2, None)
    assert message in ended.err
    assert ended.err.count("error:") == 1
