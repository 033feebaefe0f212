"""Published transfers, and what another network makes of them."""

import pytest

from gramstyle.errors import UnknownNameError
from gramstyle.extract import backbone
from gramstyle.gram import Norm, Statistic
from gramstyle.transfer import TRANSFERS, for_backbone, transfer_preset


def test_the_published_numbers():
    """Peers' own sources: numbers that a reader can look up."""
    crowson = transfer_preset("crowsonkb-2023")
    assert crowson.sizes == (128, 181, 256, 362, 512)
    assert crowson.total_steps == 3000
    assert (crowson.optimizer.step_size, crowson.optimizer.betas, crowson.averaging) == (
        0.02,
        (0.9, 0.99),
        0.99,
    )
    assert (crowson.content_weight, crowson.tv_weight, crowson.tv) == (0.015, 2.0, "nine-point")
    assert crowson.style.first_padding == "replicate"
    assert crowson.style.gram.statistic is Statistic.GAUSSIAN
    neural = transfer_preset("neural-style")
    assert (neural.content_weight, neural.total_steps, neural.sizes) == (5, 1000, (512,))
    assert neural.style.gram.norm is Norm.ELEMENTS
    assert set(neural.style.weights_of_taps.values()) == {100}
    assert neural.tv_weight == pytest.approx(1e-3 * 255**2)
    assert neural.temporal_weight == pytest.approx(1e3 * 255**2)
    gatys = transfer_preset("gatys2016")
    assert (gatys.content_norm, gatys.init, gatys.optimizer.name) == ("half-sum", "noise", "lbfgs")
    assert gatys.style.pooling == "average"


@pytest.mark.parametrize("name", TRANSFERS)
def test_every_preset_has_a_source_and_taps_that_exist(name):
    settings = TRANSFERS[name]
    assert settings.source
    assert set(settings.taps) <= {tap.name for tap in backbone("vgg19").taps}


@pytest.mark.parametrize("name", TRANSFERS)
def test_vggs_keep_the_taps_of_a_preset(name):
    settings = for_backbone(TRANSFERS[name], "vgg16@IMAGENET1K_V1")
    assert settings.taps == TRANSFERS[name].taps
    assert settings.style.tap_weights == TRANSFERS[name].style.tap_weights
    assert settings.style.backbone == "vgg16@IMAGENET1K_V1"
    assert settings.color_weight == TRANSFERS[name].color_weight


@pytest.mark.parametrize("network", ["mobilenet_v2@KERAS", "efficientnet_lite0@GOOGLE", "resnet18"])
def test_other_networks_have_a_tap_per_resolution(network):
    settings = for_backbone(transfer_preset("gramstyle"), network)
    spec = backbone(network.split("@")[0])
    reductions = {tap.name: tap.reduction for tap in spec.taps}
    assert [reductions[tap] for tap in settings.style.taps] == [2, 4, 8, 16]
    weights = settings.style.tap_weights
    assert sum(weights) == pytest.approx(1)
    assert weights[0] / weights[3] == pytest.approx(64)
    assert reductions[settings.content_taps[0]] == 8
    assert settings.color_weight == 2.0
    assert for_backbone(transfer_preset("neural-style"), network).color_weight == 0


def test_a_bank_of_filters_has_its_weight_on_the_coarse_taps():
    settings = for_backbone(transfer_preset("gramstyle"), "filterbank")
    assert settings.style.taps == ("scale1", "scale2", "scale3", "scale4", "scale5")
    assert settings.style.tap_weights == pytest.approx([one / 341 for one in (1, 4, 16, 64, 256)])
    assert settings.content_taps == ("scale4",)


def test_a_name_without_its_year():
    assert transfer_preset("crowsonkb") is TRANSFERS["crowsonkb-2023"]


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="preset must be one of: gatys2016"):
        transfer_preset("gatis2016")
    with pytest.raises(UnknownNameError):
        for_backbone(transfer_preset("gramstyle"), "vgg17")
