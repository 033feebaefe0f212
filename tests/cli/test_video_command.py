"""gramstyle video and film."""

import json
import sys

import numpy as np
import pytest
import torch
from transfer.films import scene

from gramstyle.film import open_film
from gramstyle.images import save_image

FEW = (
    "-b", "timm:test_resnet@random:1", "--min-size", 32, "--first-iterations", 3, "--iterations", 2,
    "--frame-iterations", 2,
)  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """A folder of three frames, and a style."""
    for number, one in enumerate(scene(3), start=1):
        save_image(tmp_path / "in" / f"{number}.png", one)
    coarse = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    save_image(tmp_path / "style.png", torch.nn.functional.interpolate(coarse, (36, 36), mode="bilinear")[0])
    return tmp_path / "in", tmp_path / "style.png"


def levels(path):
    return [(one.picture.pixels * 255).round().numpy() for one in open_film(path).frames()]


def test_a_film_with_its_manifest_and_the_same_again(run, files, tmp_path):
    out, kept = tmp_path / "out.mp4", tmp_path / "kept"
    ended = run(
        "video",
        *files,
        "-o",
        out,
        *FEW,
        "--fps",
        "12",
        "--keep-frames",
        kept,
        "--look-back",
        "1,2",
        "--tile",
        32,
    )
    assert ended.code == 0, ended.err
    assert "wrote" in ended.err
    film = open_film(out)
    assert (film.size, film.rate, film.count) == ((40, 48), 12, 3)
    manifest = json.loads((tmp_path / "out.mp4.json").read_text())
    job = manifest["job"]
    assert job["settings"]["size"] == 48
    assert job["settings"]["temporal_weight"] == 30
    assert job["video"] == {"frame_iterations": 2, "look_back": [1, 2], "cut": 0.2}
    assert [one["steps"] for one in manifest["frames"]] == [5, 2, 2]
    assert manifest["execution"]["scales"][0]["tile"] == 32
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in",
        "kept",
        "out.mp4",
        "out.mp4.json",
        "style.png",
    ]
    again = run("rerun", tmp_path / "out.mp4.json", "-o", tmp_path / "again")
    assert again.code == 0, again.err
    assert "may differ" not in again.err
    assert all(np.array_equal(a, b) for a, b in zip(levels(tmp_path / "again"), levels(kept), strict=True))
    save_image(files[0] / "2.png", torch.rand(3, 40, 48))
    refused = run("rerun", tmp_path / "out.mp4.json")
    assert refused.code == 2
    assert f"files are not what they were when {tmp_path}/out.mp4.json was written: {files[0]}" in refused.err


def test_settings_reach_the_film(run, files, tmp_path):
    ended = run(
        "video", *files, files[1], "-o", tmp_path / "o", *FEW, "--size", 40, "--temporal-weight", 7,
        "--style-weights", "2,1", "--preserve-color", "luminance", "--init", "gray", "--seed", 3,
        "--cut", 0.1, "--save-every", 1, "--ridge", 0.02,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    job = json.loads((tmp_path / "o.json").read_text())["job"]
    settings = job["settings"]
    assert [settings[one] for one in ("size", "temporal_weight", "seed", "ridge")] == [40, 7, 3, 0.02]
    assert settings["init"] == "gray"
    assert [one["weight"] for one in job["styles"]] == [2, 1]
    assert job["video"]["cut"] == 0.1
    assert open_film(tmp_path / "o").size == (33, 40)


def test_a_stopped_film_goes_on(run, files, tmp_path, monkeypatch):
    from gramstyle.transfer.video.work import VideoWork

    add, whole = VideoWork.states, ("video", *files, "-o", tmp_path / "o.gif", *FEW)

    def stopped(work):
        for one in add(work):
            yield one
            if one.frame == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(VideoWork, "states", stopped)
    ended = run(*whole)
    assert ended.code == 130
    assert f"finished frames are in {tmp_path}/o.gif.frames; the same command goes on from them" in ended.err
    monkeypatch.setattr(VideoWork, "states", add)
    ended = run(*whole[:-1], 3)
    assert ended.code == 1
    assert "holds frames of another job" in ended.err
    ended = run(*whole)
    assert ended.code == 0, ended.err
    assert "going on after frame 1 of an earlier run" in ended.err
    assert open_film(tmp_path / "o.gif").count == 3
    assert not (tmp_path / "o.gif.frames").exists()


def test_fresh_begins_anew(run, files, tmp_path):
    (tmp_path / "o.gif.frames").mkdir()
    save_image(tmp_path / "o.gif.frames" / "000001.png", torch.rand(3, 8, 8))
    ended = run("video", *files, "-o", tmp_path / "o.gif", *FEW, "--fresh")
    assert ended.code == 0, ended.err
    assert "going on" not in ended.err


def test_frames_of_an_optimisation_become_a_film(run, files, tmp_path):
    """Of two scales: those of the first are enlarged."""
    made = run(
        "transfer", files[0] / "1.png", files[1], "-o", tmp_path / "o.png", *FEW[:-2], "--size", 48,
        "--frames", tmp_path / "steps", "--frame-every", 1,
    )  # fmt: skip
    assert made.code == 0, made.err
    ended = run("film", tmp_path / "steps", "-o", tmp_path / "steps.mp4", "--fps", "24000/1001")
    assert ended.code == 0, ended.err
    film = open_film(tmp_path / "steps.mp4")
    assert (film.count, film.size) == (5, (40, 48))
    assert float(film.rate) == pytest.approx(24000 / 1001)
    fewer = run("film", tmp_path / "steps.mp4", "-o", tmp_path / "steps.gif", "--fps", 8)
    assert fewer.code == 0, fewer.err
    assert open_film(tmp_path / "steps.gif").count == 2
    assert run("film", tmp_path / "steps", "-o", tmp_path / "copy", "--quiet").err == ""
    assert len(levels(tmp_path / "copy")) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fps", "fast"), "--fps must be frames per second, such as 25 or 24000/1001, got 'fast'"),
        (("--fps", "0"), "--fps must be frames per second"),
        (("--look-back", "1,x"), "--look-back must be numbers of frames, such as 1,2,4, got '1,x'"),
        (("--look-back", "2,1"), "look_back must be numbers of frames from 1 up, rising"),
        (("--init", "image"), "init must be one of: "),
        (("--style-weights", "1,2"), "--style-weights must be one per style: 1 styles, 2 given"),
        (("--keep-frames", "a.png"), "keep_frames must be a folder, got a.png"),
        (("--size", "8"), "min_size must be larger"),
    ],
)
def test_wrong_usage_of_video_is_one_line(arguments, message, run, files, tmp_path):
    ended = run("video", *files, "-o", tmp_path / "out.mp4", *FEW, *arguments)
    assert ended.code in (1, 2)
    assert message in ended.err
    assert ended.err.count("error:") == 1
    assert not (tmp_path / "out.mp4").exists()


def test_films_that_cannot_be_are_refused_before_any_work(run, files, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "text.mp4").write_text("no film" * 99)
    save_image(tmp_path / "odd" / "1.png", torch.rand(3, 40, 48))
    save_image(tmp_path / "odd" / "2.png", torch.rand(3, 41, 48))
    for content, output, message in (
        (
            files[0],
            "out.avi",
            "must be written to a file that ends in .mp4, .mov, .mkv, .gif, .webp, or to a",
        ),
        (files[0], "file", "--output must end in .mp4, .mov, .mkv, .gif, .webp or be a folder"),
        (files[0], "file/out.mp4", "cannot be written"),
        (tmp_path / "none.mp4", "o.mp4", "no such file"),
        (tmp_path / "empty", "o.mp4", "holds no frames"),
        (tmp_path / "text.mp4", "o.mp4", "cannot read"),
        (tmp_path / "odd", "o.mp4", "frames must be of one size"),
        (files[1], "o.mp4", "is one image, not a film: use `gramstyle transfer`"),
    ):
        ended = run("video", content, files[1], "-o", tmp_path / output, *FEW)
        assert ended.code in (1, 2)
        assert message in ended.err
        assert ended.err.count("error:") == 1
    assert run("film", tmp_path / "empty", "-o", tmp_path / "o.mp4").code == 1


def test_what_is_not_installed_is_named(run, files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    ended = run("video", *files, "-o", tmp_path / "o", *FEW)
    assert ended.code == 1
    assert 'pip install "gramstyle[video]"' in ended.err
    monkeypatch.setitem(sys.modules, "av", None)
    ended = run("video", *files, "-o", tmp_path / "o.mp4", *FEW)
    assert ended.code == 1
    assert (
        'writing .mp4 files needs PyAV, which is not installed: pip install "gramstyle[video]"' in ended.err
    )
