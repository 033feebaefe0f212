"""What is done to features before their styles are compared."""

from dataclasses import replace

import pytest
import torch
from conftest import assert_close

from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.extract import Extractor
from gramstyle.gram import Statistic, gram
from gramstyle.transfer import Objective, StyleImage
from gramstyle.transfer.remedies import REMEDIES, remedy_named

TINY = "timm:test_resnet@random:1"


@pytest.fixture
def features(generator):
    scales = torch.tensor([1.0, 20.0, 0.05, 3.0]).view(1, 4, 1, 1)
    return scales * torch.randn(1, 4, 9, 11, generator=generator).relu() + 0.3


def test_softmax_is_that_of_standard_deviations(features):
    warm = features.double() / (2 * features.double().std(correction=0))
    over_all = warm.flatten().softmax(0).view(warm.shape) * features.numel()
    assert_close(remedy_named("softmax-global:2").features(features), over_all, torch.float32)
    over_channels = warm.exp() / warm.exp().sum(1, keepdim=True) * 4
    assert_close(remedy_named("softmax-channel:2").features(features), over_channels, torch.float32)
    assert remedy_named("softmax-channel") == remedy_named("softmax-channel:1")
    half = features.bfloat16()
    for name in ("softmax-channel", "softmax-global"):
        assert torch.equal(remedy_named(name).features(half), remedy_named(name).features(half.float()))


@pytest.mark.parametrize("statistic", ["gram", "covariance", "gaussian"])
def test_standardised_channels_all_vary_alike(features, statistic):
    """The descriptor of divided features is the divided descriptor."""
    remedy = remedy_named("standardised")
    value = gram(features.double(), statistic=statistic)
    scales = remedy.scales(value, Statistic(statistic))
    spread = value[0, :, :4].diagonal().sqrt().view(1, 4, 1, 1)
    assert_close(value * scales, gram(features.double() / spread, statistic=statistic))
    assert remedy.features(features) is features


def test_a_dead_channel_stays_dead(features):
    features[:, 1] = 0
    value = gram(features, statistic="gaussian")
    scales = remedy_named("standardised").scales(value, Statistic.GAUSSIAN)
    assert torch.isfinite(scales).all()
    assert (scales[0, 1] == 0).all()


def test_nothing_is_done_by_default(features):
    assert remedy_named("none").features(features) is features
    assert remedy_named("none").scales(gram(features), Statistic.GRAM) is None


def test_names():
    with pytest.raises(UnknownNameError, match="softmax-channel"):
        remedy_named("softmax-chanel")
    for wrong in (
        "softmax-global:0",
        "softmax-global:x",
        "standardised:2",
        "none:1",
        "softmax-global:nan",
        "softmax-global:inf",
    ):
        with pytest.raises(ValueError, match="temperature above 0"):
            remedy_named(wrong)
    for statistic in set(Statistic) - {Statistic.GRAM, Statistic.COVARIANCE, Statistic.GAUSSIAN}:
        named = f"needs the statistic gram, covariance or gaussian, got {statistic.value}"
        with pytest.raises(StyleError, match=named):
            remedy_named("standardised").check_statistic(statistic)


@pytest.mark.parametrize("name", REMEDIES)
@pytest.mark.parametrize("statistic", [Statistic.GRAM, Statistic.GAUSSIAN])
def test_under_each_the_style_itself_has_no_loss_and_others_have_one(
    name, statistic, settings, content, style
):
    metric = "mse" if statistic is Statistic.GRAM else "squared-wasserstein"
    chosen = settings(metric, statistic, remedy=name, content_weight=0.0, tv_weight=0.0, relative=True)
    chosen = replace(chosen, histogram_weight=1.0)
    extractor = Extractor(TINY, chosen.taps, device="cpu", check_range=False)
    objective = Objective(extractor, chosen, None, [StyleImage(pixels=style[None])])
    at_style = objective.terms(style[None])
    at_content = objective.terms(content[None])
    assert set(at_style) == {"style act1", "style layer2", "histogram act1", "histogram layer2"}
    for term in at_style:
        assert float(at_style[term]) < 1e-3 * float(at_content[term]), term
