"""Many transfers under one network: what each gives alone, kept, gone on with, or lost alone."""

import json
from dataclasses import replace

import pytest
import torch
from conftest import assert_close

from gramstyle.errors import StyleError
from gramstyle.images import read_image, save_image
from gramstyle.transfer import (
    Asked,
    Batch,
    Grid,
    Job,
    OptimizerSettings,
    StyleFile,
    Transfer,
    Walk,
    Work,
    network_of,
)
from gramstyle.transfer.stage import Stage
from gramstyle.types import IMAGENET


def picture(seed, height=40, width=48):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 7, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")[0]


@pytest.fixture
def files(tmp_path):
    """Two contents and two styles."""
    made = {}
    for seed, name in enumerate(("a", "b", "s", "t")):
        made[name] = str(tmp_path / "in" / f"{name}.png")
        save_image(made[name], picture(seed))
    return made


@pytest.fixture
def quick(settings):
    return settings(size=32, min_size=32, first_iterations=3)


def alone(job, path):
    """The image of a job that is done by itself."""
    work = Work(replace(job, output=str(path)), device="cpu")
    list(work.states())
    return read_image(path).pixels


def outcomes_of(jobs, **options):
    return list(Batch(jobs, device="cpu", **options).outcomes())


def test_each_image_is_as_if_it_were_made_alone(files, quick, tmp_path):
    grid = Grid(
        contents=[files["a"], files["b"]], styles=[files["s"], files["t"]], settings=quick,
        folder=str(tmp_path / "out"), weights=[0.5, 2.0],
    )  # fmt: skip
    assert grid.columns == ((files["s"], 0.5), (files["s"], 2.0), (files["t"], 0.5), (files["t"], 2.0))
    seen = []
    found = list(
        Batch(grid.jobs, device="cpu").outcomes(lambda place, state: seen.append((place, state.step)))
    )
    assert [one.job.output for one in found] == [
        str(tmp_path / "out" / f"{content}_{style}_{weight}.png")
        for content in "ab" for style in "st" for weight in ("0.5", "2")
    ]  # fmt: skip
    assert seen == [(place, step) for place in range(8) for step in (1, 2, 3)]
    assert {(one.end, one.steps, one.note) for one in found} == {("made", 3, "")}
    for place in (0, 7):
        job = found[place].job
        assert torch.equal(read_image(job.output).pixels, alone(job, tmp_path / "alone.png"))
        manifest = json.loads((tmp_path / "out" / f"{job.output}.json").read_text())
        single = json.loads((tmp_path / "alone.png.json").read_text())
        assert manifest["losses"] == single["losses"] == dict(found[place].losses)
        assert manifest["digest"] == single["digest"]
        assert found[place].loss == pytest.approx(sum(single["losses"].values()))
    assert grid == replace(grid, contents=(files["a"], files["b"]), styles=(files["s"], files["t"]))
    contents = [manifest["job"]["settings"]["content_weight"], found[6].job.settings.content_weight]
    assert contents == [2.0, 0.5]


def test_what_is_finished_is_kept_and_what_changed_is_not(files, quick, tmp_path):
    grid = Grid(contents=[files["a"]], styles=[files["s"], files["t"]], settings=quick, folder=str(tmp_path))
    first = outcomes_of(grid.jobs)
    times = [(tmp_path / name).stat().st_mtime_ns for name in ("a_s.png", "a_t.png")]
    second = outcomes_of(grid.jobs)
    assert [one.end for one in second] == ["kept", "kept"]
    assert [one.losses for one in second] == [one.losses for one in first]
    assert times == [(tmp_path / name).stat().st_mtime_ns for name in ("a_s.png", "a_t.png")]
    save_image(files["t"], picture(9))
    assert [one.end for one in outcomes_of(grid.jobs)] == ["kept", "made"]
    (tmp_path / "a_s.png").unlink()
    (tmp_path / "a_t.png.json").write_text("{")
    assert [one.end for one in outcomes_of(grid.jobs)] == ["made", "made"]
    one = grid.jobs[0]
    for other in (replace(one, bits=16), replace(one, settings=replace(quick, seed=4)), one):
        assert [one.end for one in outcomes_of([other])] == ["made"]
    assert [one.end for one in outcomes_of([one], fresh=True)] == ["made"]


def test_a_job_that_was_stopped_goes_on_to_the_same_bits(files, quick, tmp_path):
    grid = Grid(contents=[files["a"], files["b"]], styles=[files["s"]], settings=quick, folder=str(tmp_path))
    half = Work(grid.jobs[1], device="cpu", save_every=1).states()
    next(half), next(half)
    seen = []
    made = list(
        Batch(grid.jobs, device="cpu").outcomes(lambda place, state: seen.append((place, state.step)))
    )
    assert seen == [(0, 1), (0, 2), (0, 3), (1, 3)]
    assert [one.note for one in made] == ["", "went on after step 2"]
    assert torch.equal(read_image(made[1].job.output).pixels, alone(made[1].job, tmp_path / "alone.png"))


def test_a_job_that_was_interrupted_is_not_taken_for_finished(files, quick, tmp_path, monkeypatch):
    (job,) = Grid(contents=[files["a"]], styles=[files["s"]], settings=quick, folder=str(tmp_path)).jobs
    real, steps = Stage.step, []

    def interrupted(stage):
        if steps:
            raise KeyboardInterrupt
        steps.append(1)
        return real(stage)

    with monkeypatch.context() as patch:
        patch.setattr(Stage, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            outcomes_of([job])
    assert json.loads((tmp_path / "a_s.png.json").read_text())["steps"] == [1, 3]  # the image so far
    assert [one.end for one in outcomes_of([job])] == ["made"]
    assert torch.equal(read_image(job.output).pixels, alone(job, tmp_path / "alone.png"))


def test_an_image_whose_manifest_was_not_written_is_not_taken_for_another(
    files, quick, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError("the disk is full")

    (job,) = Grid(contents=[files["a"]], styles=[files["s"]], settings=quick, folder=str(tmp_path)).jobs
    outcomes_of([job])
    with monkeypatch.context() as patch:
        patch.setattr("gramstyle.transfer.work.write_text", full)
        (other,) = outcomes_of([replace(job, settings=replace(quick, seed=4))])
    assert (other.end, other.note) == ("failed", "the disk is full")
    assert [one.end for one in outcomes_of([job])] == ["made"]


def test_a_snapshot_of_another_job_is_left_aside(files, quick, tmp_path):
    (job,) = Grid(contents=[files["a"]], styles=[files["s"]], settings=quick, folder=str(tmp_path)).jobs
    (tmp_path / "a_s.png.snapshot").write_bytes(b"nothing")
    (one,) = outcomes_of([job])
    assert one.end == "made"
    assert one.note.startswith("a_s.png.snapshot is left aside: ")


def test_a_job_that_fails_does_not_end_the_others(files, quick, tmp_path):
    broken = tmp_path / "in" / "broken.png"
    broken.write_bytes(b"no image")
    grid = Grid(
        contents=[files["a"], str(broken), files["b"]], styles=[files["s"]], settings=quick,
        folder=str(tmp_path),
    )  # fmt: skip
    found = outcomes_of(grid.jobs)
    assert [one.end for one in found] == ["made", "failed", "made"]
    assert "broken.png" in found[1].note
    assert (found[1].steps, dict(found[1].losses)) == (0, {})
    wild = replace(quick, clamp=False, optimizer=OptimizerSettings(step_size=1e25))
    (one,) = outcomes_of([replace(grid.jobs[0], settings=wild)])
    assert one.end == "failed"
    assert "use a smaller step_size" in one.note
    assert [one.end for one in outcomes_of(grid.jobs[:1])] == ["made"]


def test_what_a_batch_is_given_reaches_its_jobs(files, quick, tmp_path, monkeypatch):
    (job,) = Grid(contents=[files["a"]], styles=[files["s"]], settings=quick, folder=str(tmp_path)).jobs
    snapshot, seen = tmp_path / "a_s.png.snapshot", []
    list(Batch([job], device="cpu", save_every=1).outcomes(lambda *_: seen.append(snapshot.exists())))
    assert seen == [True] * 3
    half = Work(replace(job, output=str(tmp_path / "half.png")), device="cpu", save_every=1)
    next(half.states())
    again = replace(job, output=str(tmp_path / "half.png"))
    steps = []
    list(Batch([again], device="cpu", fresh=True).outcomes(lambda _, state: steps.append(state.step)))
    assert steps == [1, 2, 3]
    (large,) = outcomes_of([again], max_pixels=100, fresh=True)
    assert "more than max_pixels=100" in large.note
    curved = replace(again, settings=replace(quick, histogram_weight=1.0))
    (tiled,) = outcomes_of([curved], asked=Asked(tile=20))
    assert tiled.note.startswith("histograms need all positions at once")
    for error in (MemoryError(), TypeError("a"), torch.OutOfMemoryError("b"), OSError("c")):

        def fails(*_, error=error, **__):
            raise error

        monkeypatch.setattr("gramstyle.transfer.batch.Work", fails)
        (one,) = outcomes_of([again])
        assert (one.end, one.note) == ("failed", str(error) or "MemoryError")


def test_what_a_network_is_built_with(quick, monkeypatch):
    monkeypatch.setattr("gramstyle.transfer.network.Extractor", lambda *given, **named: (given, named))
    look = replace(IMAGENET, scale=2.0)
    recipe = replace(
        quick.style, pooling="average", first_padding="replicate", sparsity=0.25, normalization=look
    )
    job = Job(
        content="a.png", styles=(StyleFile(path="s.png"),), output="o.png",
        settings=replace(quick, style=recipe),
    )  # fmt: skip
    where = {"device": "cpu", "dtype": torch.float64, "kernel": "reference", "weights_dir": "here"}
    given, named = Batch([job], progress=print, **where).extractor
    assert given == (recipe.backbone, ("act1", "layer2", "layer1"))
    assert named == where | {
        "pooling": "average", "first_padding": "replicate", "normalization": look, "check_range": False,
        "sparsity": 0.25, "progress": print,
    }  # fmt: skip


def test_a_result_takes_the_place_of_no_mask(quick):
    job = Job(content="a.png", styles=(StyleFile(path="s.png"),), output="out/m.png", settings=quick)
    for masked in (
        replace(job, mask="out/m.png"),
        replace(job, styles=(StyleFile(path="s.png", mask="out/m.png"),)),
    ):
        with pytest.raises(StyleError, match=r"a result would take the place of out/m.png"):
            Batch([masked])


def test_names_of_outputs(quick, tmp_path):
    grid = Grid(
        contents=["x/one.jpg", "y/One.png", "y/two.png"], styles=["s.jpg"], settings=quick, folder="out",
        weights=[0.25, 1e-7],
    )  # fmt: skip
    assert [job.output for job in grid.jobs] == [
        f"out/{name}_s_{weight}.png" for name in ("x-one", "y-One", "two") for weight in ("0.25", "1e-07")
    ]
    assert grid.columns == (("s.jpg", 0.25), ("s.jpg", 1e-7))
    near = Grid(
        contents=["a"], styles=["s"], settings=quick, folder="out", weights=[0, 1, 1 + 1e-9], start="b",
        bits=16,
    )  # fmt: skip
    assert [job.output for job in near.jobs] == [f"out/a_s_{one}.png" for one in ("0", "1", "1.000000001")]
    assert [job.settings.content_weight for job in near.jobs] == [0, 1, 1 + 1e-9]
    assert {(job.start, job.bits) for job in near.jobs} == {("b", 16)}
    with pytest.raises(StyleError, match=r"two results would be out/a_b_c.png: .*a_b.jpg with c.jpg .*a.jpg"):
        Grid(contents=["a_b.jpg", "a.jpg"], styles=["c.jpg", "b_c.jpg"], settings=quick, folder="out")
    with pytest.raises(StyleError, match="two results would be"):
        Grid(contents=["p/x/one.jpg", "q/x/one.jpg"], styles=["s"], settings=quick, folder="out")
    with pytest.raises(StyleError, match=r"a result would take the place of out/\.\./out/A_b\.png: "):
        Grid(contents=["a.jpg", "out/../out/A_b.png"], styles=["b.jpg"], settings=quick, folder="out")
    with pytest.raises(StyleError, match="weights must be named once each"):
        Grid(contents=["a"], styles=["s"], settings=quick, folder="out", weights=[1, 1.0])
    with pytest.raises(StyleError, match="styles must hold at least one image, got none"):
        Grid(contents=["a"], styles=[], settings=quick, folder="out")
    with pytest.raises(ValueError, match="content_weight must be 0 or more"):
        Grid(contents=["a"], styles=["s"], settings=quick, folder="out", weights=[-1])
    with pytest.raises(StyleError, match="jobs must hold at least one job"):
        Batch([])


def test_a_network_of_other_settings_is_refused(quick, content, style, lively):
    network = network_of(quick, device="cpu")
    assert Transfer(content, style, quick, extractor=network).extractor is network
    fewer = replace(
        quick, content_taps=("act1",), style=replace(quick.style, taps=("act1",), tap_weights=None)
    )
    assert Transfer(content, style, fewer, extractor=network).extractor is network
    own = replace(quick.style, backbone=lively("vgg16", ("relu1_1",)), taps=("relu1_1",), tap_weights=None)
    drawn = network_of(replace(quick, style=own, content_taps=("relu1_1",)), device="cpu")
    pinned = replace(quick, style=replace(own, backbone="vgg16"), content_taps=("relu1_1",))
    with pytest.raises(StyleError, match=r"their weights is IMAGENET1K_V1, its own 0\.safetensors"):
        Transfer(content, style, pinned, extractor=drawn)
    with pytest.raises(StyleError, match="extractor must have every tap of the settings, lacks layer1"):
        Transfer(content, style, quick, extractor=network_of(fewer, device="cpu"))
    for changes, message in (
        ({"backbone": "timm:test_efficientnet@random:1", "taps": None}, "their backbone is"),
        ({"pooling": "average"}, "their pooling is average, its own max"),
        ({"first_padding": "replicate"}, "their first_padding is replicate, its own zeros"),
        ({"sparsity": 0.5}, "their sparsity is 0.5, its own 0.0"),
        ({"normalization": replace(network.normalization, scale=2.0)}, "their normalization is"),
    ):
        recipe = replace(quick.style, tap_weights=None, **changes)
        if "backbone" in changes:
            chosen = replace(quick, style=recipe, content_taps=(), content_weight=0.0)
        else:
            chosen = replace(quick, style=recipe)
        with pytest.raises(StyleError, match=message):
            Transfer(content, style, chosen, extractor=network)


def test_shares_of_a_walk():
    two = Walk(content="c", styles=["a", "b"], steps=3, settings=None, folder="f", chained=False)
    assert [two.shares(0, at) for at in range(3)] == [(1, 0), (0.5, 0.5), (0, 1)]
    four = Walk(content="c", styles="abcd", steps=4, settings=None, folder="f", chained=False)
    corners = [four.shares(row, column) for row in (0, 3) for column in (0, 3)]
    assert_close(torch.tensor(corners), torch.eye(4))
    for row in range(4):
        for column in range(4):
            a, b, c, d = four.shares(row, column)
            assert a + b + c + d == pytest.approx(1)
            assert (b + d, c + d) == pytest.approx((column / 3, row / 3))  # linear along each side
            assert a * d == pytest.approx(b * c)  # a product of the two
    with pytest.raises(StyleError, match="styles must be two images, or four, got 3"):
        Walk(content="c", styles="abc", settings=None, folder="f")
    with pytest.raises(StyleError, match="steps must be 2 or more, got 1"):
        Walk(content="c", styles="ab", steps=1, settings=None, folder="f")


def test_each_image_of_a_walk_begins_with_its_neighbour(files, quick, tmp_path):
    walk = Walk(
        content=files["a"], styles=[files["s"], files["t"], files["b"], files["a"]], steps=2, settings=quick,
        folder=str(tmp_path),
    )  # fmt: skip
    names = [str(tmp_path / f"{name}.png") for name in ("00_00", "00_01", "01_00", "01_01")]
    assert [job.output for job in walk.jobs] == names
    assert [job.start for job in walk.jobs] == [None, names[0], names[0], names[2]]
    assert [job.settings.init for job in walk.jobs] == ["content", "image", "image", "image"]
    found = outcomes_of(walk.jobs)
    by_hand = Job(
        content=files["a"], styles=(StyleFile(path=files["t"]),), output=str(tmp_path / "hand.png"),
        settings=replace(quick, init="image"), start=names[0],
    )  # fmt: skip
    assert torch.equal(read_image(names[1]).pixels, alone(by_hand, tmp_path / "hand.png"))
    assert [one.end for one in outcomes_of(walk.jobs)] == ["kept"] * 4
    assert {one.end for one in found} == {"made"}
    free = replace(walk, chained=False).jobs
    assert {(job.start, job.settings.init) for job in free} == {(None, "content")}
    begun = replace(walk, start="b.png", bits=16)
    assert [job.start for job in begun.jobs] == ["b.png", names[0], names[0], names[2]]
    assert [job.start for job in replace(begun, chained=False).jobs] == ["b.png"] * 4
    assert {job.bits for job in begun.jobs} == {16}
