from __future__ import annotations

import re
import subprocess
import sys

import pytest
import timm
import torchvision

from gramstyle import weights
from gramstyle.errors import UnknownNameError
from gramstyle.types import IMAGENET, PackageFile, TimmHub, TorchvisionHub
from gramstyle.weights.convert import _LAYOUTS

ROWS = [pytest.param(row, id=weights.label(row)) for row in weights.WEIGHTS]
ENUMS = {
    source.enum: row
    for row in weights.WEIGHTS
    for source in row.sources
    if isinstance(source, TorchvisionHub)
}


def test_names_are_pinned_and_differ():
    labels = [weights.label(row) for row in weights.WEIGHTS]
    assert len(set(labels)) == len(labels)
    assert not [name for name in labels if "DEFAULT" in name or name.endswith(f"@{weights.RANDOM}")]
    assert all(row.summary and bool(row.sources) != bool(row.formula) for row in weights.WEIGHTS)


@pytest.mark.parametrize("enum", ENUMS)
def test_enum_exists_and_states_the_same_normalisation(enum):
    row = ENUMS[enum]
    official = torchvision.models.get_weight(enum)
    declared = official.transforms()
    assert row.normalization.mean == pytest.approx(declared.mean, abs=1e-9)
    assert row.normalization.std == pytest.approx(declared.std, abs=1e-9)
    assert (row.normalization.scale, row.normalization.bgr) == (1, False)
    assert re.search(r"-[0-9a-f]{8}\.pth$", official.url), "the official name must carry its hash"


def test_timm_rows_exist_and_state_the_same_normalisation():
    rows = [(row, source) for row in weights.WEIGHTS for source in row.sources if isinstance(source, TimmHub)]
    assert rows
    for row, source in rows:
        cfg = timm.get_pretrained_cfg(source.model)
        assert cfg.hf_hub_id
        assert (row.normalization.mean, row.normalization.std) == (cfg.mean, cfg.std)


@pytest.mark.parametrize("row", ROWS)
def test_package_files_are_pinned(row):
    for source in row.sources:
        if isinstance(source, PackageFile):
            assert re.fullmatch("[0-9a-f]{64}", source.sha256)
            assert source.size > 1e6
            assert source.layout in _LAYOUTS
            assert source.version in source.filename
            assert source.licence


def test_entry_finds_the_row():
    row = weights.entry("vgg16", "IMAGENET1K_V1")
    assert (row.backbone, row.name, row.normalization) == ("vgg16", "IMAGENET1K_V1", IMAGENET)
    assert [one.name for one in weights.entries("vgg19")] == ["CAFFE", "IMAGENET1K_V1"]
    assert weights.entries() == weights.WEIGHTS


def test_unknown_names_list_what_there_is_nearest_first():
    with pytest.raises(UnknownNameError) as caught:
        weights.entry("mobilenet_v2", "keras")
    assert str(caught.value) == (
        "weights of mobilenet_v2 must be one of: KERAS, IMAGENET1K_V1, IMAGENET1K_V2; got 'keras'"
    )
    with pytest.raises(UnknownNameError, match=r"backbone must be one of: vgg19, .*; got 'vgg_19'"):
        weights.entry("vgg_19", "CAFFE")


def test_random_is_reserved():
    with pytest.raises(UnknownNameError, match="'random' is reserved for networks that are drawn"):
        weights.entry("vgg16", "random")


def test_keras_row_says_where_it_ends():
    row = weights.entry("mobilenet_v2", "KERAS")
    assert (row.last_tap, row.same_padding, row.bn_eps) == ("block14_depthwise", True, 1e-3)
    assert "dog" in row.last_tap_reason


@pytest.mark.proofs
def test_importing_brings_in_no_library_and_asks_nobody():
    code = (
        "import sys, socket\n"
        "socket.socket.connect = lambda *a: sys.exit('network')\n"
        "import gramstyle.weights\n"
        "heavy = {'torchvision', 'timm', 'h5py', 'unearth', 'huggingface_hub'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert done.stderr == ""
