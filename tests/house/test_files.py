"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from gramstyle.files import replacing, write_bytes, write_text


@pytest.fixture(params=[None, b"what stood here before"], ids=["new", "replaced"])
def target(request, tmp_path):
    path = tmp_path / "folder" / "result.json"
    if request.param is not None:
        path.parent.mkdir()
        path.write_bytes(request.param)
    return path, request.param


def assert_untouched(path, before):
    assert (path.read_bytes() if path.exists() else None) == before
    assert [one.name for one in path.parent.iterdir()] == ([] if before is None else [path.name])


def test_a_file_takes_its_place_when_the_block_ends(target):
    path, before = target
    with replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == path.suffix
        temporary.write_bytes(b"new")
        assert (path.read_bytes() if path.exists() else None) == before
    assert path.read_bytes() == b"new"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_nothing_is_left_behind_when_the_block_fails(error, target):
    path, before = target

    def write():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert_untouched(path, before)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_nothing_is_left_behind_when_the_end_fails(step, target, monkeypatch):
    path, before = target

    def refuse(*_):
        raise KeyboardInterrupt

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", refuse)
    else:
        monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    assert_untouched(path, before)


FULL = """
import resource, signal, sys
from gramstyle.files import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for path in sys.argv[1:]:
    try:
        write_bytes(path, b"x" * 5000)
    except OSError as error:
        print(error.errno)
"""


@pytest.mark.proofs
def test_a_full_disk_leaves_what_was_there(tmp_path):
    pytest.importorskip("resource")
    new, old = tmp_path / "new" / "file.bin", tmp_path / "old" / "file.bin"
    old.parent.mkdir()
    old.write_bytes(b"before")
    command = [sys.executable, "-c", FULL, str(new), str(old)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
    assert_untouched(new, None)
    assert_untouched(old, b"before")


def test_a_folder_that_cannot_be_written(tmp_path):
    path = tmp_path / "shut" / "result.txt"
    path.parent.mkdir()
    path.write_text("before")
    path.parent.chmod(0o500)
    tmp_path.chmod(0o755)
    user = os.geteuid() if hasattr(os, "geteuid") else None
    if user == 0:  # whom no permission stops
        os.seteuid(65534)
    try:
        with pytest.raises(OSError, match="ermission denied"):
            write_text(path, "after")
    finally:
        if user == 0:
            os.seteuid(0)
        path.parent.chmod(0o700)
    assert_untouched(path, b"before")


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError):  # noqa: PT011 - which of its kinds depends on the system
        write_text(tmp_path / "file" / "result.txt", "y")
    assert (tmp_path / "file").read_text() == "x"


def test_a_target_that_is_a_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - which of its kinds depends on the system
        write_text(tmp_path / "folder", "y")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_parents_are_made_and_text_is_utf8(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "größer\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "größer\n".encode()


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("x")
    write_text(tmp_path / "ours", "x")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


def test_names_as_long_as_the_file_system_takes(tmp_path):
    path = tmp_path / ("x" * 250 + ".json")
    write_text(path, "{}")
    assert path.read_text() == "{}"
    assert len(list(tmp_path.iterdir())) == 1
