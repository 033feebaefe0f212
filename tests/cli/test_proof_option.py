"""--proof: the profile of a press, in every command that makes images of images."""

import json

import pytest
from cli.conftest import save_noise
from images.image_files import black_press, cmyk_profile

from gramstyle import read_image
from gramstyle.cli import batch, video, work
from gramstyle.images import save_image

FEW = ("--size", 32, "--min-size", 32, "--first-iterations", 2, "-b", "timm:test_resnet@random:1")


@pytest.fixture
def press(tmp_path):
    (tmp_path / "press.icc").write_bytes(black_press("News", 25))
    return tmp_path / "press.icc"


def test_a_proof_is_made_again_with_its_profile_alone(run, two, press, tmp_path):
    out = tmp_path / "out.png"
    ended = run("transfer", *two, "-o", out, "--proof", press, *FEW)
    assert ended.code == 0, ended.err
    manifest = json.loads((tmp_path / "out.png.json").read_text())
    assert set(manifest["files"]) == {str(one) for one in (*two, press)}
    again = run("rerun", tmp_path / "out.png.json", "-o", tmp_path / "again.png")
    assert again.code == 0, again.err
    assert read_image(out).pixels.tolist() == read_image(tmp_path / "again.png").pixels.tolist()
    press.write_bytes(black_press("News", 30))
    ended = run("rerun", tmp_path / "out.png.json")
    assert ended.code == 2
    assert f"out.png.json was written: {press}" in ended.err


COMMANDS = {
    "transfer": ("a.png", "b.png", "-o", "out.png"),
    "texture": ("a.png", "-o", "out.png"),
    "grid": ("--content", "a.png", "--style", "b.png", "-o", "out"),
    "interpolate": ("a.png", "a.png", "b.png", "-o", "out", "--steps", 2),
    "video": ("film", "a.png", "-o", "out"),
}


@pytest.fixture
def asked(run, two, press, tmp_path, monkeypatch):
    """The jobs that a command asks for, without doing them."""
    jobs = []

    def noted(given, *others):
        jobs.extend(given if isinstance(given, tuple) else [given])
        return []

    for module, name in ((work, "do"), (batch, "do"), (video, "do_video")):
        monkeypatch.setattr(module, name, noted)
    save_image(tmp_path / "film" / "1.png", read_image(two[0]).pixels)
    monkeypatch.chdir(tmp_path)

    def of(command, *options):
        jobs.clear()
        return run(command, *COMMANDS[command], *options), list(jobs)

    return of


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_hands_it_on(command, asked):
    ended, jobs = asked(command, "--proof", "press.icc", "--proof-intent", "perceptual")
    assert ended.code == 0, ended.err
    assert {(one.proof, one.proof_intent) for one in jobs} == {("press.icc", "perceptual")}
    ended, jobs = asked(command, "--proof", "press.icc")
    assert {(one.proof, one.proof_intent) for one in jobs} == {("press.icc", "relative")}
    ended, jobs = asked(command)
    assert {(one.proof, one.proof_intent) for one in jobs} == {(None, "relative")}


@pytest.mark.parametrize("command", ["transfer", "grid"])
def test_wrong_profiles_end_a_command_in_one_line(command, asked, tmp_path):
    oneway = cmyk_profile("C", lambda c, m, y, k: (100 * (1 - k), 0, 0))
    (tmp_path / "oneway.icc").write_bytes(oneway)
    save_noise(tmp_path / "c.png", 3)
    for options, message in (
        (("--proof", "none.icc"), "cannot read 'none.icc': no such file"),
        (("--proof", "c.png"), "proof must be an ICC profile (.icc, .icm), and 'c.png' is none"),
        (("--proof", "oneway.icc"), "and 'oneway.icc' does not: tables (A2B and B2A)"),
        (("--proof-intent", "perceptual"), "--proof-intent needs --proof, the ICC profile"),
        (
            ("--proof", "press.icc", "--proof-intent", "x"),
            "proof_intent must be one of: relative, perceptual",
        ),
    ):
        ended, jobs = asked(command, *options)
        assert ended.code in (1, 2)
        assert message in ended.err
        assert ended.err.count("error:") == 1
        assert jobs == []
