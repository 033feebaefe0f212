"""Films from files to files: stopped, gone on with, kept whole."""

import json
import shutil
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from film.test_film_files import with_sound
from transfer.films import scene

from gramstyle.errors import ImageError, StyleError
from gramstyle.film import Frame, open_film, write_film
from gramstyle.images import Picture, save_image
from gramstyle.images.save import KEYWORD
from gramstyle.transfer import StyleFile
from gramstyle.transfer.colors import recolored_result
from gramstyle.transfer.video import VideoJob, VideoSettings, VideoTransfer, VideoWork
from gramstyle.transfer.video.kept import KeptFrames
from gramstyle.transfer.video.manifest import _mean
from gramstyle.transfer.video.sequence import eight_bits


def folder_of(path, contents):
    for number, one in enumerate(contents, start=1):
        save_image(path / f"{number}.png", one)
    return str(path)


@pytest.fixture
def job(settings, style, tmp_path):
    """Four frames to a folder: half hidden in the second, another scene in the last."""
    save_image(tmp_path / "style.png", style)
    return VideoJob(
        content=folder_of(tmp_path / "in", [*scene(3, hidden=(1,)), *scene(1, seed=9)]),
        styles=(StyleFile(path=str(tmp_path / "style.png")),),
        output=str(tmp_path / "out"),
        settings=settings(temporal_weight=20.0, size=48, min_size=32, first_iterations=3, iterations=2),
        video=VideoSettings(frame_iterations=4, look_back=(1, 2)),
    )


def begun(job, **options):
    return VideoWork(job, device="cpu", **options)


def done(job, **options):
    work = begun(job, **options)
    return work, list(work.states())


def pixels(path):
    return [one.picture.pixels for one in open_film(path).frames()]


def test_a_film_is_what_its_frames_are_in_memory(job, tmp_path):
    work, states = done(job)
    assert [one.frame for one in states if one.last] == [0, 1, 2, 3]
    contents = [one.picture.pixels for one in open_film(job.content).frames()]
    style = torch.clone(work.video._styles[0].pixels)
    film = VideoTransfer(style, job.settings, job.video, device="cpu")
    expected = [eight_bits(one.state.image) for one in film.states(contents) if one.last]
    found = pixels(job.output)
    assert len(found) == 4
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert not (tmp_path / "out.frames").exists()


def test_a_film_that_is_stopped_goes_on_to_the_same_bits(job, tmp_path):
    """In the first frame, after its last step, within another one, and in the scene after the cut."""
    _, whole = done(replace(job, output=str(tmp_path / "whole")))
    places = [(one.frame, one.state.step) for one in whole]
    assert len(places) == 5 + 4 + 4 + 5
    for stop in (2, 5, 11, 15):
        states = begun(job, save_every=1).states()
        for _ in range(stop):
            last = next(states)
        states.close()
        assert not (tmp_path / "out").exists()
        again = begun(job, save_every=1)
        assert again.resume() == last.frame + last.last
        assert [(one.frame, one.state.step) for one in again.states()] == places[stop:]
        for one, other in zip(pixels(tmp_path / "out"), pixels(tmp_path / "whole"), strict=True):
            assert torch.equal(one, other)
        shutil.rmtree(tmp_path / "out")


def test_a_film_that_is_finished_but_not_written_is_written(job, tmp_path):
    work = begun(job)
    work._write = lambda count: None
    list(work.states())
    assert len(list((tmp_path / "out.frames").glob("*.png"))) == 4
    again = begun(job)
    assert again.resume() == 4
    assert list(again.states()) == []
    assert len(pixels(job.output)) == 4
    assert not (tmp_path / "out.frames").exists()


def test_frames_of_another_job_are_not_touched(job, tmp_path):
    states = begun(job).states()
    while next(states).frame == 0:
        pass
    states.close()
    kept = (tmp_path / "out.frames" / "000001.png").read_bytes()
    for other in (
        replace(job, settings=replace(job.settings, temporal_weight=21.0)),
        replace(job, video=replace(job.video, cut=0.3)),
        replace(job, rate="12"),
    ):
        with pytest.raises(
            StyleError, match=r"out.frames holds frames of another job.*--fresh to begin anew"
        ):
            begun(other).resume()
    save_image(tmp_path / "in" / "4.png", torch.rand(3, 40, 48))
    with pytest.raises(StyleError, match="holds frames of another job"):
        list(begun(job).states())
    assert (tmp_path / "out.frames" / "000001.png").read_bytes() == kept
    (tmp_path / "out.frames" / "mine.txt").write_text("stays")
    begun(job).kept.clear()
    assert [path.name for path in (tmp_path / "out.frames").iterdir()] == ["mine.txt"]


def test_a_snapshot_that_is_no_longer_read_costs_one_frame(job, tmp_path):
    states = begun(job, save_every=1).states()
    next(states), next(states)
    states.close()
    (tmp_path / "out.frames" / "000001.snapshot").write_bytes(b"broken")
    work = begun(job)
    assert next(work.states()).state.step == 1


def test_the_manifest_says_what_made_a_film(job, tmp_path):
    work, states = done(replace(job, output=str(tmp_path / "out.gif"), keep_frames=str(tmp_path / "kept")))
    assert work.notes == ()
    manifest = json.loads((tmp_path / "out.gif.json").read_text())
    assert VideoJob.from_json(manifest["job"]) == work.job
    assert set(manifest["files"]) == {job.content, job.styles[0].path}
    assert {"av", "cv2", "torch"} <= set(manifest["versions"])
    assert manifest["rate"] == "25"
    assert manifest["digest"] == work.digest
    first, second, third, fourth = manifest["frames"]
    assert "digest" not in first  # it is that of the film
    last = {one.frame: one.state.losses for one in states}
    assert [one["losses"] for one in manifest["frames"]] == [last[at] for at in range(4)]
    assert [one["cut"] for one in manifest["frames"]] == [False, False, False, True]
    assert [one["steps"] for one in manifest["frames"]] == [5, 4, 4, 5]
    assert first["temporal_error"] is None
    assert fourth["temporal_error"] is None
    assert fourth["content_error"] is None
    assert third["content_error"] > 0
    errors = [one["temporal_error"] for one in (second, third)]
    assert manifest["flicker"]["result"] == pytest.approx(sum(errors) / 2)
    assert 0 < manifest["flicker"]["content"] < 1e-3
    assert [path.name for path in sorted((tmp_path / "kept").iterdir())] == [
        f"{at:06d}.png" for at in range(1, 5)
    ]
    assert open_film(tmp_path / "out.gif").count == 4


def test_a_mean_of_errors_knows_nothing_from_none():
    assert _mean([{"error": None}, {"error": 0.0}, {"error": 0.0}], "error") == 0
    assert _mean([{"error": None}], "error") is None


def test_times_and_transparency_are_those_of_the_content(job, tmp_path):
    alpha = torch.zeros(40, 48)
    alpha[:, :24] = 1
    times = [Fraction(1, 10), Fraction(3, 10)]
    given = [
        Frame(picture=Picture(pixels=one, alpha=alpha, name=""), seconds=seconds)
        for one, seconds in zip(scene(2), times, strict=True)
    ]
    write_film(tmp_path / "in.gif", given, Fraction(5), hold=times[-1])
    done(replace(job, content=str(tmp_path / "in.gif"), output=str(tmp_path / "out.gif")))
    found = list(open_film(tmp_path / "out.gif").frames())
    assert [one.seconds for one in found] == times
    assert all(torch.equal(one.picture.alpha, alpha) for one in found)


def test_size_colours_and_sound_of_a_film(job, tmp_path):
    """A smaller film, of two equal frames in their own colours, half of them transparent; with sound."""
    alpha = (torch.arange(48) < 24).float().expand(40, 48)
    (content,) = scene(1)
    frame = Frame(picture=Picture(pixels=content, alpha=alpha, name=""), seconds=Fraction(1, 10))
    write_film(tmp_path / "in.gif", [frame, frame], Fraction(10))
    few = replace(job.settings, size=32, first_iterations=1, init="noise", preserve_color="luminance")
    quick = replace(job, settings=few, video=VideoSettings(frame_iterations=1))
    done(replace(quick, content=str(tmp_path / "in.gif")))
    shown = [one.picture for one in open_film(tmp_path / "out").frames()]
    given = pixels(tmp_path / "in.gif")[0]
    for one in shown:
        assert one.pixels.shape[1:] == one.alpha.shape == (27, 32)
        again = recolored_result(one.pixels, given, "luminance")
        assert float((again - one.pixels).abs().mean()) < 0.01
    with_sound(tmp_path / "in.mp4", [frame, frame], "aac")
    done(replace(quick, content=str(tmp_path / "in.mp4"), output=str(tmp_path / "heard.mp4")))
    assert open_film(tmp_path / "heard.mp4").sound


def test_images_that_are_too_large_are_refused(job, tmp_path):
    with pytest.raises(ImageError, match=r"1.png.* more than max_pixels=1900"):
        begun(job, max_pixels=1900)
    save_image(tmp_path / "style.png", torch.rand(3, 60, 60))
    with pytest.raises(ImageError, match=r"style.png.* more than max_pixels=3000"):
        begun(job, max_pixels=3000)


def test_a_term_that_is_no_number_names_its_frame(job, tmp_path):
    settings = replace(job.settings, clamp=False)
    work = begun(replace(job, settings=settings))
    original = work.video.frame

    def frame(content, past=()):
        made = original(content, past)
        made.transfer.settings = replace(
            settings, first_iterations=4, optimizer=replace(settings.optimizer, step_size=1e25)
        )
        return made

    work.video.frame = frame
    with pytest.raises(StyleError, match=r"frame 2: the term .* became"):
        list(work.states())
    assert (tmp_path / "out.frames" / "000001.png").exists()


def test_records_of_others_are_empty(job, tmp_path):
    kept = begun(job).kept
    save_image(kept.path(0), torch.rand(3, 8, 8), about="[1]")
    assert kept.record(0) == {}
    kept.path(0).write_text("no image")
    assert kept.record(0) == {}
    assert KEYWORD == "gramstyle"


def test_kept_frames_leave_nothing_behind(tmp_path):
    kept = KeptFrames(tmp_path / "film.frames", "digest")
    kept.add(0, torch.rand(3, 8, 8), {})
    for number in (1, 2):
        kept.snapshot(number).write_bytes(b"begun")
    kept.add(1, torch.rand(3, 8, 8), {})
    assert [kept.snapshot(number).exists() for number in (1, 2)] == [False, True]
    assert kept.count() == 2
    kept.clear()
    assert not kept.folder.exists()


def test_jobs_that_cannot_be_done(job, tmp_path):
    with pytest.raises(StyleError, match=r"keep_frames must be a folder, got f.png"):
        begun(replace(job, keep_frames="f.png"))
    with pytest.raises(StyleError, match="a film must be written to a file that ends in"):
        begun(replace(job, output="out.avi"))
