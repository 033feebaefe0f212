"""gramstyle transfer, texture and rerun."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import webbrowser

import httpx
import pytest
import torch
from PIL import Image

from gramstyle import read_image
from gramstyle.cli.watching import Place
from gramstyle.images import save_image

TINY = "timm:test_resnet@random:1"
FEW = ("--size", 48, "--min-size", 32, "--first-iterations", 6, "--iterations", 4, "-b", TINY)


@pytest.fixture
def files(tmp_path, generator):
    """A content and two styles."""
    paths = [tmp_path / f"{name}.png" for name in ("content", "a", "b")]
    for path, size in zip(paths, ((40, 48), (36, 36), (50, 40)), strict=True):
        coarse = torch.rand(1, 3, 5, 5, generator=generator)
        save_image(path, torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")[0])
    return paths


def test_an_image_with_its_manifest(run, files, tmp_path):
    ended = run("transfer", files[0], files[1], "-o", tmp_path / "out.png", *FEW)
    assert ended.code == 0, ended.err
    assert "wrote" in ended.err
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (48, 40)
        image.load()
        inside = json.loads(image.text["gramstyle"])
    manifest = json.loads((tmp_path / "out.png.json").read_text())
    assert inside == manifest
    assert manifest["steps"] == [10, 10]
    assert manifest["job"]["settings"]["size"] == 48
    assert set(manifest["files"]) == {str(files[0]), str(files[1])}
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == [
        "out.png",
        "out.png.json",
    ]


def test_a_rerun_gives_the_same_bytes(run, files, tmp_path):
    made = run(
        "transfer", *files, "--style-weights", "3,1", "-o", tmp_path / "out.tif", "--bits", 16, *FEW,
        "--init", "noise", "--seed", 3, "--optimizer", "lbfgs", "--preserve-color", "histogram",
        "--remedy", "softmax-channel:2", "--histogram-weight", 0.5,
    )  # fmt: skip
    assert made.code == 0, made.err
    again = run("rerun", tmp_path / "out.tif.json", "-o", tmp_path / "again.tif")
    assert again.code == 0, again.err
    first, second = (read_image(tmp_path / name).pixels for name in ("out.tif", "again.tif"))
    assert torch.equal(first, second)


def test_a_rerun_wants_the_same_files(run, files, tmp_path):
    run("transfer", *files[:2], "-o", tmp_path / "out.png", *FEW)
    save_image(files[1], torch.rand(3, 36, 36))
    ended = run("rerun", tmp_path / "out.png.json")
    assert ended.code == 2
    assert f"files are not what they were when {tmp_path}/out.png.json was written: {files[1]}" in ended.err


def test_manifests_of_others_are_refused(run, tmp_path):
    path = tmp_path / "m.json"
    for text, message in (
        ("[1]", "is no manifest of a transfer"),
        ("no", "is no manifest of a transfer"),
        (
            '{"format": "gramstyle-manifest-9", "versions": {"gramstyle": "7.1"}}',
            "install the gramstyle that",
        ),
    ):
        path.write_text(text)
        ended = run("rerun", path)
        assert ended.code == 2
        assert message in ended.err


def test_the_alpha_of_the_content_is_that_of_the_output(run, files, tmp_path):
    alpha = torch.zeros(40, 48)
    alpha[:, :24] = 1
    save_image(files[0], torch.rand(3, 40, 48), alpha=alpha)
    assert run("transfer", *files[:2], "-o", tmp_path / "out.png", *FEW).code == 0
    assert torch.equal(read_image(tmp_path / "out.png").alpha, alpha)


@pytest.fixture
def halves(tmp_path):
    """A mask of the content, red on the left and blue on the right, and one of a style with both."""
    mask, style_mask = tmp_path / "mask.png", tmp_path / "style_mask.png"
    for path, (height, width) in ((mask, (20, 24)), (style_mask, (36, 36))):
        pixels = torch.zeros(3, height, width)
        pixels[0, :, : width // 2], pixels[2, :, width // 2 :] = 1, 1
        save_image(path, pixels)
    return mask, style_mask


def test_regions_have_styles_of_their_own(run, files, halves, tmp_path):
    """Without content and with colours alone, each half takes the colours of its style."""
    for path, colour in ((files[1], (0.9, 0.2, 0.1)), (files[2], (0.1, 0.3, 0.8))):
        save_image(path, torch.tensor(colour)[:, None, None] * torch.rand(1, 36, 36))
    ended = run(
        "transfer", *files, "--mask", halves[0], "--style-regions", "red,blue", "-o", tmp_path / "o.png",
        *FEW, "--color-weight", 10, "--content-weight", 0.01, "--tv-weight", 0, "--first-iterations", 80,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    made = read_image(tmp_path / "o.png").pixels
    left, right = made[:, :, :20].mean((1, 2)), made[:, :, 28:].mean((1, 2))
    assert left[0] > left[2] + 0.1
    assert right[2] > right[0] + 0.1


def test_parts_of_a_style_for_parts_of_the_content(run, files, halves, tmp_path):
    ended = run(
        "transfer", *files[:2], "--mask", halves[0], "--style-mask", halves[1], "-o", tmp_path / "o.png", *FEW
    )
    assert ended.code == 0, ended.err
    manifest = json.loads((tmp_path / "o.png.json").read_text())
    assert set(manifest["files"]) == {str(one) for one in (*files[:2], *halves)}
    assert run("rerun", tmp_path / "o.png.json").code == 0


def test_masks_that_do_not_fit(run, files, halves, tmp_path):
    out = ("-o", tmp_path / "o.png", *FEW)
    ended = run("transfer", *files[:2], "--mask", halves[1], "--style-regions", "red", *out)
    assert (
        f"mask {halves[1]} must have the proportions of {files[0]}, 48 x 40 pixels; it has 36 x 36"
        in ended.err
    )
    ended = run("transfer", *files[:2], "--mask", halves[0], "--style-regions", "red", *out)
    assert "each region needs a style with a weight above 0, got none for '#0000ff'" in ended.err
    ended = run("transfer", *files, "--mask", halves[0], "--style-regions", "red,lime", *out)
    assert "#00ff00" in ended.err or "#0000ff" in ended.err
    assert not (tmp_path / "o.png").exists()


def test_frames_are_numbered(run, files, tmp_path):
    ended = run(
        "transfer", *files[:2], "-o", tmp_path / "o.png", *FEW, "--frames", tmp_path / "f", "--frame-every", 4
    )
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["000004.png", "000008.png"]


def test_a_texture(run, files, tmp_path):
    ended = run("texture", files[1], "-o", tmp_path / "t.png", *FEW, "--shape", "1x2")
    assert ended.code == 0, ended.err
    assert read_image(tmp_path / "t.png").pixels.shape == (3, 24, 48)
    job = json.loads((tmp_path / "t.png.json").read_text())["job"]
    assert job["content"] is None
    assert job["settings"]["content_weight"] == 0


def test_a_run_is_watched_on_a_page_and_stopped_there(run, files, tmp_path, monkeypatch):
    answers = []

    def look_on(url):
        """As somebody does whose browser was opened."""

        def look():
            while httpx.get(f"{url}news").json()["state"] is None:
                time.sleep(0.01)
            answers.extend([httpx.get(url), httpx.get(f"{url}image"), httpx.post(f"{url}stop")])
            while (phase := httpx.get(f"{url}news").json()["phase"]) == "running":
                time.sleep(0.01)
            answers.append(phase)

        looking.append(threading.Thread(target=look))
        looking[0].start()

    looking = []
    monkeypatch.setattr(webbrowser, "open", look_on)
    few = ("transfer", *files[:2], "-o", tmp_path / "out.png", *FEW, "--first-iterations", 90)
    ended = run(*few, "--web", "--port", 0, "--browser", "--quiet")
    looking[0].join()
    assert ended.code == 0, ended.err
    assert "watch it at http://127.0.0.1:" in ended.err
    assert [one.status_code for one in answers[:3]] == [200, 200, 204]
    assert answers[3] == "stopped"
    done, steps = json.loads((tmp_path / "out.png.json").read_text())["steps"]
    assert done < steps == 94
    assert read_image(tmp_path / "out.png").pixels.shape[0] == 3


def test_the_page_of_transfers_is_served_until_it_is_interrupted(run, tmp_path, monkeypatch):
    pages = []

    class Told:
        def wait(self):
            pages.append(httpx.get(urls[0]))
            raise KeyboardInterrupt

    urls = []
    monkeypatch.setattr(webbrowser, "open", urls.append)
    monkeypatch.setattr("gramstyle.cli.web.Event", Told)
    ended = run("web", "-o", tmp_path / "made", "--port", 0, "--browser")
    assert ended.code == 0, ended.err
    assert '<form id="begin"' in pages[0].text
    assert (tmp_path / "made").is_dir()
    assert run("web", "-o", tmp_path / "made", "--device", "tpu").code == 2


@pytest.mark.parametrize(("host", "open_to_all"), [("0.0.0.0", True), ("127.0.0.1", False), ("::1", False)])
def test_a_page_for_all_is_said_to_be_one(host, open_to_all, capsys):
    Place(host=host).tell("http://127.0.0.1:8000/")
    assert ("everyone who reaches" in capsys.readouterr().err) == open_to_all


def test_no_content_is_asked_of_where_it_has_no_weight(run, files, tmp_path):
    ended = run(
        "transfer", *files[:2], "-o", tmp_path / "out.png", *FEW, "--content-taps", "", "--content-weight", 0
    )
    assert ended.code == 0, ended.err
    job = json.loads((tmp_path / "out.png.json").read_text())["job"]
    assert (job["settings"]["content_taps"], job["settings"]["content_weight"]) == ([], 0)


@pytest.mark.proofs
def test_a_run_that_is_killed_goes_on_to_the_same_bytes(run, files, tmp_path):
    steps = ("--size", 48, "--min-size", 32, "--first-iterations", 25, "--iterations", 25, "-b", TINY)
    whole = run("transfer", *files[:2], "-o", tmp_path / "whole.png", *steps)
    assert whole.code == 0, whole.err
    arguments = ["transfer", *files[:2], "-o", tmp_path / "half.png", *steps, "--save-every", 1]
    snapshot = tmp_path / "half.png.snapshot"
    process = subprocess.Popen(
        [sys.executable, "-c", "from gramstyle.cli import main; main()", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while not snapshot.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert snapshot.exists()
    assert not (tmp_path / "half.png").exists()
    ended = run(*arguments)
    assert ended.code == 0, ended.err
    assert "going on after step" in ended.err
    first, second = (read_image(tmp_path / f"{name}.png").pixels for name in ("whole", "half"))
    assert torch.equal(first, second)
    assert not snapshot.exists()


def test_what_another_run_left_is_left_aside(run, files, tmp_path):
    (tmp_path / "out.png.snapshot").write_bytes(b"nothing")
    ended = run("transfer", *files[:2], "-o", tmp_path / "out.png", *FEW)
    assert ended.code == 0
    assert "left aside" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "gatis2016"), "preset must be one of: gatys2016"),
        (("--style-weights", "1,2"), "--style-weights must be one per style: 1 styles, 2 given"),
        (("--style-regions", "red"), "--mask needs one of --style-mask and --style-regions"),
        (("--init", "nowhere.png"), "--init must be content, style, gray, noise or the path of an image"),
        (("--bits", "12"), "--bits must be 8 or 16, got 12"),
        (("--optimizer", "sgd"), "optimizer must be one of"),
        (("--style-taps", "relu1_1"), "relu1_1"),
        (("--pooling", "average"), "pooling is for backbones of the registry"),
        (("--remedy", "softmax-global:0"), "a softmax with a temperature above 0"),
        (("--remedy", "standardised", "-m", "wasserstein-diagonal"), "needs the statistic gram, covariance"),
        (("--parameterization", "svg"), "parameterization must be one of: "),
        (
            ("--style-weight", "0", "--content-weight", "0", "--color-weight", "0"),
            "there is nothing to optimise",
        ),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, run, files, tmp_path):
    ended = run("transfer", *files[:2], "-o", tmp_path / "out.png", *FEW, *arguments)
    assert ended.code in (1, 2)
    assert message in ended.err
    assert ended.err.count("error:") == 1
    assert not (tmp_path / "out.png").exists()


def test_outputs_that_cannot_be_are_refused_before_any_work(run, files, tmp_path):
    for name, message in (("out.gif", "must be written to a file that ends in"), (".", "must name a file")):
        ended = run("transfer", *files[:2], "-o", tmp_path / name, *FEW)
        assert ended.code in (1, 2)
        assert message in ended.err
