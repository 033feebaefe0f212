from __future__ import annotations

import hashlib
import io
import socket
import time
from dataclasses import replace

import pytest
import torch
import torchvision
from safetensors.torch import save

from gramstyle import weights
from gramstyle.errors import WeightsError
from gramstyle.types import TimmHub, TorchvisionHub
from gramstyle.weights import hub, network

TV, TIMM = TorchvisionHub(enum="VGG16_Weights.IMAGENET1K_V1"), TimmHub(model="tf_efficientnet_lite0.in1k")


@pytest.fixture(scope="module")
def official() -> tuple[str, bytes]:
    """A small state dict with a file name that carries its hash as torchvision's do."""
    buffer = io.BytesIO()
    torch.save({"features.0.weight": torch.rand(400_000), "classifier.0.bias": torch.ones(2)}, buffer)
    data = buffer.getvalue()
    return f"vgg16-{hashlib.sha256(data).hexdigest()[:8]}.pth", data


@pytest.fixture
def at(monkeypatch):
    """Move the official files: ``at(url)``."""

    def move(url: str) -> None:
        monkeypatch.setattr(hub, "_torchvision_url", lambda source: url)
        monkeypatch.setattr(hub, "_timm_url", lambda source: url)
        monkeypatch.setattr(hub, "_timm_place", lambda source: None)

    return move


def fetched(source, tmp_path, progress=None):
    with network.scratch(tmp_path / "scratch") as into:
        return hub.fetch(source, into, progress)


def refusal(source, tmp_path) -> str:
    with pytest.raises(WeightsError) as caught:
        fetched(source, tmp_path)
    return str(caught.value)


def test_official_places():
    assert hub.filename_of(TV) == "vgg16-397923af.pth"
    assert hub.url_of(TV) == torchvision.models.VGG16_Weights.IMAGENET1K_V1.url
    assert hub.url_of(TIMM).endswith("/timm/tf_efficientnet_lite0.in1k/resolve/main/model.safetensors")


@pytest.mark.parametrize("source", [TorchvisionHub(enum="VGG16_Weights.NOPE"), TorchvisionHub(enum="Nope.X")])
def test_an_enum_that_this_torchvision_lacks_is_named(source, tmp_path):
    assert refusal(source, tmp_path).endswith(f"has no weights {source.enum}")


def test_a_tag_that_this_timm_lacks_is_named(tmp_path):
    assert refusal(TimmHub(model="tf_efficientnet_lite0.nope"), tmp_path).endswith(
        "tf_efficientnet_lite0.nope"
    )


def test_download_is_checked_and_read(server, reply, official, at, tmp_path):
    name, data = official
    server.routes[f"/{name}"] = reply(data)
    at(f"{server.url}/{name}")
    seen: list[tuple[str, int, int | None]] = []
    state, sha256 = fetched(TV, tmp_path, lambda *what: seen.append(what))
    assert list(state) == ["features.0.weight", "classifier.0.bias"]
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert seen[0] == (f"downloading {name}", 0, len(data))
    assert seen[-1] == (f"downloading {name}", len(data), len(data))


def test_safetensors_of_timm(server, reply, at, tmp_path):
    server.routes["/model.safetensors"] = reply(save({"conv_stem.weight": torch.ones(2)}))
    at(f"{server.url}/model.safetensors")
    assert list(fetched(TIMM, tmp_path)[0]) == ["conv_stem.weight"]


def test_the_hash_in_the_official_name_is_checked_before_opening(
    server, reply, official, at, tmp_path, monkeypatch
):
    _, data = official
    server.routes["/vgg16-00000000.pth"] = reply(data)
    at(f"{server.url}/vgg16-00000000.pth")
    opened: list[object] = []
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: opened.append(args))
    assert refusal(TV, tmp_path) == (
        "vgg16-00000000.pth must have a sha256 that starts with 00000000, "
        f"got {hashlib.sha256(data).hexdigest()}; it was not opened"
    )
    assert not opened


@pytest.mark.parametrize(("status", "words"), [(403, "HTTP 403 Forbidden"), (404, "HTTP 404 Not Found")])
def test_refusals_are_short(server, reply, at, tmp_path, status, words):
    server.routes["/vgg16-00000000.pth"] = reply(status=status)
    at(f"{server.url}/vgg16-00000000.pth")
    assert refusal(TV, tmp_path) == words


def test_a_cut_connection_is_named(server, reply, official, at, tmp_path):
    name, data = official
    server.routes[f"/{name}"] = reply(data[:100_000], length=len(data))
    at(f"{server.url}/{name}")
    assert refusal(TV, tmp_path) == f"connection closed early, after 100000 of {len(data)} bytes"


def test_network_failures_are_short(at, tmp_path):
    at("https://nowhere.invalid/vgg16-00000000.pth")
    assert refusal(TV, tmp_path) == "could not resolve host"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        at(f"http://127.0.0.1:{taken.getsockname()[1]}/vgg16-00000000.pth")
        assert refusal(TV, tmp_path) == "connection refused"


def test_a_silent_host_is_given_up_in_bounded_time(at, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(hub, "_SILENCE_SECONDS", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        at(f"http://127.0.0.1:{silent.getsockname()[1]}/vgg16-00000000.pth")
        began = time.monotonic()
        assert refusal(TV, tmp_path) == "timed out"
    assert time.monotonic() - began < 2


def test_torchs_own_download_is_used_without_a_network(official, at, tmp_path):
    name, data = official
    at(f"https://nowhere.invalid/{name}")
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / name).write_bytes(data)
    row = weights.entry("vgg16", "IMAGENET1K_V1")
    found = weights.resolve(replace(row, sources=(TV,)), offline=True)
    assert list(found.state) == ["features.0.weight"]
    assert found.identity.source == "torchvision hub, VGG16_Weights.IMAGENET1K_V1"


def test_a_damaged_download_of_torchs_is_fetched_again(server, reply, official, at, tmp_path):
    name, data = official
    server.routes[f"/{name}"] = reply(data)
    at(f"{server.url}/{name}")
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / name).write_bytes(data[:-1])
    row = replace(weights.entry("vgg16", "IMAGENET1K_V1"), sources=(TV,))
    with pytest.raises(WeightsError, match="must have a sha256 that starts with"):
        weights.resolve(row, offline=True)
    assert weights.resolve(row).state.keys() == {"features.0.weight"}


def test_reasons_look_through_what_wraps_them():
    def wrapped(inner: BaseException) -> str:
        try:
            try:
                raise inner
            except BaseException as error:
                raise RuntimeError("outer") from error
        except RuntimeError as outer:
            return network.reason(outer)

    assert wrapped(socket.gaierror(-2, "Name or service not known")) == "could not resolve host"
    assert wrapped(TimeoutError()) == "timed out"
    assert wrapped(ConnectionResetError()) == "connection closed early"
    assert wrapped(KeyError("x")) == "RuntimeError: outer"
