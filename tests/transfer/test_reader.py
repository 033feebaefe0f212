"""Jobs whose images are seen through the profile of a press: which are, and what goes on or is made again."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from images.image_files import black_press
from transfer.conftest import picture
from transfer.films import scene

from gramstyle.errors import ImageError, StyleError
from gramstyle.film import open_film
from gramstyle.images import SoftProof, read_image, save_image
from gramstyle.transfer import Grid, Job, StyleFile, Transfer, Walk, Work
from gramstyle.transfer.manifest import changed_files
from gramstyle.transfer.video import VideoJob, VideoSettings, VideoTransfer, VideoWork
from gramstyle.transfer.video.sequence import eight_bits

NEW = ("proof", "proof_intent")


@pytest.fixture
def press(tmp_path):
    """A profile of a press that prints grey alone: what is seen through it has no colour."""
    (tmp_path / "press.icc").write_bytes(black_press("News", 25))
    return str(tmp_path / "press.icc")


def halves(image):
    """Red on the left, blue on the right."""
    mask, middle = torch.zeros_like(image), image.shape[2] // 2
    mask[0, :, :middle], mask[2, :, middle:] = 1, 1
    return mask


@pytest.fixture
def job(settings, content, style, tmp_path):
    """Coloured images, with a mask of two regions for the content and one for the style."""
    names = {"content": content, "style": style, "start": picture(3)}
    names |= {"mask": halves(content), "style_mask": halves(style)}
    paths = {name: str(tmp_path / f"{name}.png") for name in names}
    for name, pixels in names.items():
        save_image(paths[name], pixels)
    return Job(
        content=paths["content"],
        styles=(StyleFile(path=paths["style"], mask=paths["style_mask"]),),
        output=str(tmp_path / "out.png"),
        settings=settings(init="image", size=32),
        mask=paths["mask"],
        start=paths["start"],
    )


def begun(job, **options):
    return Work(job, device="cpu", **options)


def test_content_styles_and_start_are_seen_as_printed_and_masks_are_not(job, press):
    plain, proofed = begun(job).transfer, begun(replace(job, proof=press)).transfer
    seen = SoftProof(press)
    for name in ("content", "start"):
        assert torch.equal(getattr(proofed, name), seen(read_image(getattr(job, name)).pixels))
        assert float(getattr(plain, name).std(0).mean()) > 0.05
        assert float(getattr(proofed, name).std(0).max()) < 0.02
    assert {one.region for one in proofed.styles} == {"#ff0000", "#0000ff"}
    for one, other in zip(proofed.styles, plain.styles, strict=True):
        assert torch.equal(one.pixels, seen(read_image(job.styles[0].path).pixels))
        assert torch.equal(one.mask, other.mask)
    assert {name: mask.tolist() for name, mask in proofed.regions.items()} == {
        name: mask.tolist() for name, mask in plain.regions.items()
    }


def test_an_intent_reaches_the_proof(job, tmp_path):
    """Whose perceptual tables are those of black ink, and the others of grey."""
    deep = black_press("Deep", 0)
    tables = {name: table_of(deep, name.encode()) for name in ("A2B0", "B2A0")}
    (tmp_path / "two.icc").write_bytes(black_press("Two", 40, **tables))
    one = replace(job, proof=str(tmp_path / "two.icc"))
    relative, perceptual = (
        begun(replace(one, proof_intent=intent)).transfer.content for intent in ("relative", "perceptual")
    )
    assert float((relative - perceptual).abs().max()) > 0.02


def table_of(profile, name):
    """The bytes of a tag."""
    at = profile.index(name, 128)
    offset, size = (int.from_bytes(profile[at + skip : at + skip + 4], "big") for skip in (4, 8))
    return profile[offset : offset + size]


def test_a_manifest_has_the_profile_and_notices_another(job, press):
    one = replace(job, proof=press, proof_intent="perceptual")
    list(begun(one).states())
    manifest = json.loads(Path(job.output + ".json").read_text())
    assert (manifest["job"]["proof"], manifest["job"]["proof_intent"]) == (press, "perceptual")
    assert manifest["files"][press] == sha256(Path(press).read_bytes()).hexdigest()
    assert Job.from_json(manifest["job"]) == one
    assert changed_files(manifest) == []
    Path(press).write_bytes(black_press("News", 30))
    assert changed_files(manifest) == [press]


def test_jobs_of_before_go_on(job, press, tmp_path):
    """Their manifests have no proof, and their snapshots are of images as they are."""
    plain = {name: value for name, value in job.as_json().items() if name not in NEW}
    assert Job.from_json(json.loads(json.dumps(plain))) == job
    film = VideoJob(content="a", styles=(), output="b", settings=job.settings)
    plain = {name: value for name, value in film.as_json().items() if name not in NEW}
    assert VideoJob.from_json(json.loads(json.dumps(plain))) == film

    job = replace(job, mask=None, styles=(StyleFile(path=job.styles[0].path),))
    content, style, start = (read_image(one).pixels for one in (job.content, job.styles[0].path, job.start))
    by_hand = Transfer(content, style, job.settings, start=start, device="cpu")
    work = begun(job, save_every=1)
    assert work.transfer.digest == by_hand.digest
    states = work.states()
    next(states), next(states)
    with pytest.raises(StyleError, match="the snapshot is of another transfer"):
        begun(replace(job, proof=press)).resume()
    assert begun(job).resume() == 2


def test_a_proof_that_is_stopped_goes_on_to_the_same_bits(job, press, tmp_path):
    one = replace(job, proof=press)
    whole = replace(one, output=str(tmp_path / "whole.png"))
    list(begun(whole).states())
    states = begun(one, save_every=1).states()
    next(states), next(states)
    states.close()
    again = begun(one)
    assert again.resume() == 2
    list(again.states())
    assert torch.equal(read_image(one.output).pixels, read_image(whole.output).pixels)
    assert again.finished() is not None
    assert begun(job).finished() is None


def test_textures_grids_and_walks_have_it_in_every_job(job, press, tmp_path):
    given = {"settings": job.settings, "folder": str(tmp_path), "proof": press, "proof_intent": "perceptual"}
    grid = Grid(contents=[job.content], styles=[job.start, job.styles[0].path], **given)
    walk = Walk(content=job.content, styles=[job.start, job.styles[0].path], **given)
    jobs = [*grid.jobs, *walk.jobs]
    assert {(one.proof, one.proof_intent) for one in jobs} == {(press, "perceptual")}
    assert len(jobs) == 2 + 5
    texture = replace(
        job, content=None, mask=None, start=None, styles=(StyleFile(path=job.start),), proof=press,
        settings=replace(job.settings, content_weight=0.0, init="style"),
    )  # fmt: skip
    assert float(begun(texture).transfer.styles[0].pixels.std(0).max()) < 0.02


def test_wrong_profiles_are_named_before_any_work(job, tmp_path):
    with pytest.raises(ImageError, match=r"cannot read .*gone.icc': no such file"):
        begun(replace(job, proof=str(tmp_path / "gone.icc")))
    with pytest.raises(StyleError, match=r"proof must be an ICC profile .*content.png' is none"):
        begun(replace(job, proof=job.content))


def test_films_are_seen_as_printed(settings, style, press, tmp_path):
    for number, one in enumerate(scene(2), start=1):
        save_image(tmp_path / "in" / f"{number}.png", one)
    save_image(tmp_path / "style.png", style)
    job = VideoJob(
        content=str(tmp_path / "in"),
        styles=(StyleFile(path=str(tmp_path / "style.png")),),
        output=str(tmp_path / "out"),
        settings=settings(temporal_weight=20.0, size=32, preserve_color="luminance"),
        video=VideoSettings(frame_iterations=2),
        proof=press,
    )
    work = VideoWork(job, device="cpu")
    list(work.states())
    seen = SoftProof(press)
    frames = [seen(one.picture.pixels) for one in open_film(job.content).frames()]
    film = VideoTransfer(seen(read_image(job.styles[0].path).pixels), job.settings, job.video, device="cpu")
    results = [eight_bits(one.state.image) for one in film.states(frames) if one.last]
    expected = [eight_bits(film.shown(*both)) for both in zip(results, frames, strict=True)]
    found = [one.picture.pixels for one in open_film(job.output).frames()]
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert press in json.loads((tmp_path / "out.json").read_text())["files"]
    digests = {work.digest}
    digests.add(VideoWork(replace(job, proof_intent="perceptual"), device="cpu").digest)
    Path(press).write_bytes(black_press("Olds", 25))  # another name alone
    digests.add(VideoWork(job, device="cpu").digest)
    assert len(digests) == 3
