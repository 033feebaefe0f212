from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import replace

import pytest
import torch

from gramstyle.errors import WeightsError
from gramstyle.types import IMAGENET, TorchvisionHub, WeightsEntry
from gramstyle.weights import cache
from gramstyle.weights.cache import Fetched

ENTRY = WeightsEntry(
    backbone="vgg16",
    name="TINY",
    sources=(TorchvisionHub(enum="VGG16_Weights.IMAGENET1K_V1"),),
    normalization=IMAGENET,
    trunk_only=("features.",),
)
STATE = {
    "features.0.weight": torch.arange(4.0),
    "features.0.bias": torch.ones(1),
    "classifier.weight": torch.ones(9),
}
FETCHED = Fetched(state=STATE, source="a test", file="tiny.pth", sha256="f" * 64)


@pytest.fixture
def stored(tmp_path):
    cache.store(ENTRY, FETCHED, tmp_path)
    return cache.path_of(ENTRY, tmp_path)


def test_what_is_stored_is_loaded(tmp_path):
    assert cache.load(ENTRY, tmp_path) is None
    first = cache.store(ENTRY, FETCHED, tmp_path)
    again = cache.load(ENTRY, tmp_path)
    assert again is not None
    assert again.identity == first.identity
    assert list(again.state) == ["features.0.bias", "features.0.weight"]
    assert torch.equal(again.state["features.0.weight"], STATE["features.0.weight"])
    assert again.identity.source == "a test"


def test_record_tells_all_about_the_file(stored):
    assert stored.parts[-3:] == ("weights", "vgg16", "TINY.safetensors")
    record = json.loads(stored.with_suffix(".json").read_text())
    date = datetime.datetime.fromisoformat(record.pop("date"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - date).total_seconds()) < 60
    assert record == {
        "format": 1,
        "backbone": "vgg16",
        "name": "TINY",
        "sha256": hashlib.sha256(stored.read_bytes()).hexdigest(),
        "source": "a test",
        "upstream": {"file": "tiny.pth", "sha256": "f" * 64},
        "tensors": 2,
    }


def test_equal_tensors_from_elsewhere_give_the_same_file(stored, tmp_path):
    other = Fetched(state=dict(reversed(STATE.items())), source="elsewhere", file="x.tar.gz", sha256="0" * 64)
    again = cache.store(ENTRY, other, tmp_path / "other")
    assert cache.path_of(ENTRY, tmp_path / "other").read_bytes() == stored.read_bytes()
    assert again.identity.sha256 == hashlib.sha256(stored.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-1] + b"\x01", lambda data: b""]
)
def test_a_damaged_file_is_never_loaded(stored, tmp_path, damage):
    expected = hashlib.sha256(stored.read_bytes()).hexdigest()
    stored.write_bytes(damage(stored.read_bytes()))
    actual = hashlib.sha256(stored.read_bytes()).hexdigest()
    with pytest.raises(WeightsError) as caught:
        cache.load(ENTRY, tmp_path)
    assert str(caught.value) == (
        f"{stored} must have sha256 {expected}, got {actual}: it was changed or cut short. "
        "Fetch it again: gramstyle weights pull vgg16@TINY --force"
    )
    assert [(one.status, one.detail) for one in cache.verify(tmp_path)] == [("damaged", str(caught.value))]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "must have format 1, got list"),
        ('{"format": 2}', "must have format 1, got 2"),
        ('{"format": 1, "sha256": 5}', "must hold text for backbone, name, sha256, source"),
    ],
)
def test_a_damaged_record_says_how_to_mend_it(stored, tmp_path, text, why):
    stored.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsError, match=why) as caught:
        cache.load(ENTRY, tmp_path)
    assert str(caught.value).endswith("gramstyle weights pull vgg16@TINY --force")
    assert [one.status for one in cache.verify(tmp_path)] == ["damaged"]


def test_a_file_without_its_record_does_not_count(stored, tmp_path):
    stored.with_suffix(".json").unlink()
    assert cache.load(ENTRY, tmp_path) is None
    (record,) = cache.verify(tmp_path)
    assert (record.backbone, record.name, record.path, record.status) == (
        "vgg16",
        "TINY",
        stored,
        "unrecorded",
    )


def test_a_record_without_its_file_does_not_count(stored, tmp_path):
    stored.unlink()
    assert cache.load(ENTRY, tmp_path) is None
    (record,) = cache.verify(tmp_path)
    assert record.status == "damaged"
    assert "No such file" in record.detail


def test_verify_reports_each_file_in_order_and_skips_leftovers(stored, tmp_path):
    cache.store(replace(ENTRY, backbone="a"), FETCHED, tmp_path)
    (stored.parent / ".TINY-x7.part.safetensors").write_bytes(b"half")
    (stored.parent / ".TINY-x7.part.json").write_text("{")
    assert [(one.backbone, one.status, one.detail) for one in cache.verify(tmp_path)] == [
        ("a", "ok", "a test"),
        ("vgg16", "ok", "a test"),
    ]
    assert cache.load(ENTRY, tmp_path) is not None
    assert cache.verify(tmp_path / "nowhere") == []


def test_names_that_a_file_system_refuses_are_still_told_right(tmp_path):
    row = replace(ENTRY, backbone="timm:resnet18", name="a1/in1k")
    cache.store(row, FETCHED, tmp_path)
    assert cache.path_of(row, tmp_path).parts[-2:] == ("timm_resnet18", "a1_in1k.safetensors")
    (record,) = cache.verify(tmp_path)
    assert (record.backbone, record.name) == ("timm:resnet18", "a1/in1k")


def test_a_cache_that_cannot_be_written_names_the_folder_and_the_way_out(tmp_path):
    (tmp_path / "weights").write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match=r"could not be written under .*vgg16: .*GRAMSTYLE_CACHE_DIR"):
        cache.store(ENTRY, FETCHED, tmp_path)
