"""The cache of moments: whole files or none, names that follow from what is in them."""

from __future__ import annotations

import hashlib
import json

import pytest
import safetensors.torch
import torch
from study.textures import files_under

from gramstyle.errors import StyleError
from gramstyle.study import cache as module
from gramstyle.study.cache import Cache

DIGESTS = [hashlib.sha256(bytes([number])).hexdigest() for number in range(3)]
SETTINGS = {"weights": "ab" * 32, "taps": ["a", "b"], "seed": 0, "resize": "none"}


@pytest.fixture
def room(tmp_path):
    return Cache(tmp_path / "cache").room(SETTINGS)


def tensors(number):
    draw = torch.Generator().manual_seed(number)
    return {"a/mean": torch.randn(4, generator=draw), "a/covariance": torch.randn(10, generator=draw)}


def test_what_is_written_is_read_back_in_the_order_asked_for(room):
    assert not room.folder.exists()
    for number, digest in enumerate(DIGESTS):
        assert not room.has(digest)
        room.write(digest, tensors(number))
        assert room.has(digest)
    wanted = [2, 0, 2, 1]
    found = room.read([DIGESTS[one] for one in wanted], "a/mean")
    assert torch.equal(found, torch.stack([tensors(one)["a/mean"] for one in wanted]))
    assert found.dtype == torch.float32
    assert room.read(DIGESTS[:1], "a/covariance").shape == (1, 10)


def test_one_file_for_each_image_and_the_settings_beside_them(room):
    for number, digest in enumerate(DIGESTS):
        room.write(digest, tensors(number))
    assert set(files_under(room.folder)) == {
        "settings.json",
        *(f"{digest[:2]}/{digest}.safetensors" for digest in DIGESTS),
    }
    said = json.loads((room.folder / "settings.json").read_text())
    assert said == {**SETTINGS, "format": module.FORMAT}


def test_a_view_is_written_as_it_looks(room):
    whole = torch.arange(12.0).view(3, 4)
    room.write(DIGESTS[0], {"column": whole[:, 1]})
    assert room.read(DIGESTS[:1], "column").tolist() == [[1.0, 5.0, 9.0]]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("before", [False, True])
def test_a_file_is_written_whole_or_not_at_all(error, before, room, monkeypatch):
    if before:
        room.write(DIGESTS[0], tensors(0))

    def interrupted(_, path):
        path.write_bytes(b"half of it")
        raise error

    monkeypatch.setattr(safetensors.torch, "save_file", interrupted)
    with pytest.raises(error):
        room.write(DIGESTS[0], tensors(1))
    assert room.has(DIGESTS[0]) is before
    if before:
        assert torch.equal(room.read(DIGESTS[:1], "a/mean")[0], tensors(0)["a/mean"])
    images = [name for name in files_under(room.folder) if name != "settings.json"]
    assert len(images) == before


@pytest.mark.parametrize("left", [0, 7, 40, -1])
def test_a_damaged_file_is_named_with_what_to_do(left, room):
    for number, digest in enumerate(DIGESTS):
        room.write(digest, tensors(number))
    path = room.folder / DIGESTS[1][:2] / f"{DIGESTS[1]}.safetensors"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(
        StyleError, match=rf"{DIGESTS[1]}\.safetensors is damaged \(.+\): remove it and run the study again$"
    ):
        room.read(DIGESTS, "a/mean")
    assert room.read([DIGESTS[0], DIGESTS[2]], "a/mean").shape == (2, 4)


def test_an_empty_file_is_none(room):
    """As a loss of power leaves them: nothing waits for the disk to hold a file of the cache."""
    room.write(DIGESTS[0], tensors(0))
    path = room.folder / DIGESTS[0][:2] / f"{DIGESTS[0]}.safetensors"
    path.write_bytes(b"")
    assert not room.has(DIGESTS[0])
    room.write(DIGESTS[0], tensors(0))
    assert room.has(DIGESTS[0])


def test_the_key_follows_from_the_settings_and_nothing_else(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    text = json.dumps({**SETTINGS, "format": module.FORMAT}, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    assert cache.room(SETTINGS).folder == tmp_path / key
    assert cache.room(dict(reversed(SETTINGS.items()))).folder == tmp_path / key
    changed = [
        {**SETTINGS, "weights": "cd" * 32},
        {**SETTINGS, "taps": ["a"]},
        {**SETTINGS, "taps": ["b", "a"]},
        {**SETTINGS, "seed": 1},
        {**SETTINGS, "resize": "short:64"},
        {**SETTINGS, "input": "as-is"},
    ]
    keys = {cache.room(one).folder.name for one in changed}
    assert len(keys | {key}) == len(changed) + 1
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    assert cache.room(SETTINGS).folder.name not in keys | {key}
    assert list(tmp_path.iterdir()) == []  # nothing is made before it is written to


def test_two_runs_share_a_folder(tmp_path):
    one, other = (Cache(tmp_path).room(SETTINGS) for _ in range(2))
    one.write(DIGESTS[0], tensors(0))
    other.write(DIGESTS[0], tensors(0))
    other.write(DIGESTS[1], tensors(1))
    assert one.has(DIGESTS[1])
    assert torch.equal(one.read(DIGESTS[:2], "a/mean"), other.read(DIGESTS[:2], "a/mean"))
