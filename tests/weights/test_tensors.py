from __future__ import annotations

import hashlib
import io
import json
import struct

import pytest
import torch
from safetensors import safe_open

from gramstyle.errors import WeightsError
from gramstyle.weights import digest, load_file
from gramstyle.weights.tensors import normalised, serialise

STATE = {"b": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "a": torch.tensor(5)}


def by_hand(state) -> bytes:
    """A safetensors file after the format's description: length, JSON header padded to 8, raw data."""
    kinds = {torch.int64: "I64", torch.float32: "F32"}
    header, data = {}, b""
    for name in sorted(state):  # the two types here are in the order of their names too
        raw = state[name].contiguous().numpy().tobytes()
        header[name] = {
            "dtype": kinds[state[name].dtype],
            "shape": list(state[name].shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def test_bytes_are_those_of_the_format_and_nothing_else():
    assert serialise(STATE) == by_hand(STATE)
    assert digest(STATE) == hashlib.sha256(by_hand(STATE)).hexdigest()


def test_digest_sees_values_and_names_but_not_order_or_memory_layout():
    reordered = {"a": STATE["a"], "b": STATE["b"].t().contiguous().t()}
    assert not reordered["b"].is_contiguous()
    assert digest(reordered) == digest(STATE)
    assert digest({**STATE, "b": STATE["b"] + 1e-6}) != digest(STATE)
    assert digest({"a": STATE["a"], "c": STATE["b"]}) != digest(STATE)


def test_normalised_keeps_the_trunk_in_float32_and_its_own_memory():
    shared = torch.arange(6.0)
    state = {
        "features.1": shared[:3],
        "features.0": shared.half(),
        "head": shared,
        "features.n": torch.tensor(3),
    }
    kept = normalised(state, ("features.",))
    assert list(kept) == ["features.0", "features.1", "features.n"]
    assert [tensor.dtype for tensor in kept.values()] == [torch.float32, torch.float32, torch.int64]
    shared.zero_()
    assert kept["features.1"].tolist() == [0, 1, 2]


def test_a_state_dict_without_the_trunk_is_refused():
    with pytest.raises(WeightsError, match=r"must hold tensors named features\., got head"):
        normalised({"head": torch.ones(1)}, ("features.",))


@pytest.fixture
def file_of(tmp_path):
    def write(name: str, content) -> str:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        return str(path)

    return write


@pytest.mark.parametrize("name", ["mine.safetensors", "mine.pth", "mine.pt"])
def test_users_own_files_are_read(file_of, name):
    path = file_of(name, serialise(STATE) if name.endswith("safetensors") else STATE)
    found = load_file(path, "vgg16")
    assert found.state.keys() == STATE.keys()
    assert all(torch.equal(found.state[key], STATE[key]) for key in STATE)
    with open(path, "rb") as file:  # noqa: PTH123
        sha256 = hashlib.sha256(file.read()).hexdigest()
    identity = found.identity
    assert (identity.backbone, identity.name, identity.source, identity.sha256) == (
        "vgg16",
        name,
        f"file {path}",
        sha256,
    )


def test_a_state_dict_inside_a_checkpoint_is_found(file_of):
    path = file_of("epoch.pth", {"state_dict": STATE, "epoch": 3})
    assert load_file(path, "vgg16").state.keys() == STATE.keys()


class Bomb:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (open, (str(self.canary), "w"))


def complaint(path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_file(path, "vgg16")
    return str(caught.value)


def test_a_pickle_that_could_run_code_is_refused_and_does_not_run(file_of, tmp_path):
    path = file_of("evil.pth", {"a": Bomb(tmp_path / "canary")})
    text = complaint(path)
    asked = f"{open.__module__}.open"  # io.open, or _io.open from Python 3.13
    assert text.startswith(f"{path} holds more than tensors: it asks for {asked}, which could run code")
    assert "weights_only=False" not in text
    assert not (tmp_path / "canary").exists()


def test_a_whole_model_is_refused_with_advice(file_of):
    text = complaint(file_of("model.pth", torch.nn.Linear(2, 2)))
    assert "asks for torch.nn.modules.linear.Linear" in text
    assert "Save model.state_dict() alone" in text


def test_files_that_are_not_state_dicts_say_what_they_are(file_of, tmp_path):
    assert complaint(file_of("t.pth", torch.ones(3))).endswith(
        "must hold a state dict (names to tensors), got Tensor"
    )
    assert "got 'epoch': int" in complaint(file_of("c.pth", {"epoch": 3, "w": torch.ones(1)}))
    assert "got an empty one" in complaint(file_of("e.pth", {}))
    assert complaint(tmp_path / "no.pth") == f"weights file {tmp_path / 'no.pth'} does not exist"
    assert "must end in .safetensors, .pth or .pt, got " in complaint(file_of("w.ckpt", b""))
    (tmp_path / "folder.pth").mkdir()
    assert complaint(tmp_path / "folder.pth").endswith("is a folder")


@pytest.mark.parametrize("name", ["cut.safetensors", "cut.pth", "old.pth"])
@pytest.mark.parametrize("keep", [0, 5, 0.5, -1])
def test_a_file_cut_short_anywhere_says_so(file_of, name, keep):
    buffer = io.BytesIO()
    torch.save({"a": torch.rand(100)}, buffer, _use_new_zipfile_serialization=name != "old.pth")
    data = serialise({"a": torch.rand(100)}) if name.endswith("safetensors") else buffer.getvalue()
    cut = data[: int(len(data) * keep) if isinstance(keep, float) else keep]
    text = complaint(file_of(name, cut))
    assert name in text
    assert "\n" not in text


def test_metadata_of_a_foreign_safetensors_file_is_ignored(file_of, tmp_path):
    from safetensors.torch import save_file

    save_file(STATE, tmp_path / "meta.safetensors", metadata={"format": "pt"})
    found = load_file(tmp_path / "meta.safetensors", "vgg16")
    assert digest(found.state) == digest(STATE)
    (tmp_path / "ours.safetensors").write_bytes(serialise(STATE))
    with safe_open(tmp_path / "ours.safetensors", "pt") as file:
        assert file.metadata() is None
