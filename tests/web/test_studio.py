"""Transfers that are begun on a page."""

import json
import time

import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from gramstyle import StyleError, read_image
from gramstyle.images import save_image
from gramstyle.transfer import Job, Work
from gramstyle.web.begin import studio_app
from gramstyle.web.studio import Studio

TINY = "timm:test_resnet@random:1"
FEW = {"size": "182", "backbone": TINY, "first_iterations": "4", "iterations": "3"}


@pytest.fixture
def images(tmp_path, generator):
    """A content and two styles, as they are sent."""
    sent = {}
    for name, size in (("content", (40, 48)), ("a b", (36, 36)), ("b", (50, 40))):
        save_image(tmp_path / f"{name}.png", torch.rand(3, *size, generator=generator))
        sent[name] = (f"{name}.png", (tmp_path / f"{name}.png").read_bytes())
    return sent


@pytest.fixture
def studio(tmp_path):
    made = Studio(tmp_path / "out", {"device": "cpu", "save_every": 2})
    yield made
    made.close()


@pytest.fixture
def page(studio):
    with TestClient(studio_app(studio, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        yield client


def ended(page):
    """The news when the run has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        news = page.get("/news").json()
        if news["phase"] not in ("preparing", "running"):
            return news
        time.sleep(0.02)
    raise AssertionError("the run did not end")


def begin(page, images, *styles, content=True, **fields):
    files = [("styles", images[name]) for name in styles]
    if content:
        files.append(("content", images["content"]))
    return page.post("/runs", data={**FEW, **fields}, files=files)


def test_a_transfer_from_form_to_result(page, images, studio):
    assert '<form id="begin"' in page.get("/").text
    assert page.get("/results").json() == []
    answer = begin(page, images, "a b", "b", style_weights="3,1", content_weight="0.5", tv_weight="")
    assert answer.status_code == 204, answer.text
    news = ended(page)
    assert (news["phase"], news["state"]["step"]) == ("finished", 7)
    (result,) = page.get("/results").json()
    assert result["name"] == "content_a_b_01.png"
    assert not result["unfinished"]
    job = Job.from_json(page.get(f"/results/{result['manifest']}").json()["job"])
    assert [style.weight for style in job.styles] == [3, 1]
    settings = job.settings
    assert (settings.size, settings.content_weight, settings.style.backbone) == (182, 0.5, TINY)
    again = Work(Job.from_json(job.as_json() | {"output": str(studio.folder / "again.png")}), device="cpu")
    *_, last = again.states()
    assert last.step == 7
    assert page.get(f"/results/{result['name']}").content == (studio.folder / result["name"]).read_bytes()
    made, same = (read_image(studio.folder / name).pixels for name in (result["name"], "again.png"))
    assert torch.equal(made, same)
    assert begin(page, images, "a b").status_code == 204
    assert ended(page)["title"] == "content_a_b_02.png"
    assert len(list((studio.folder / "inputs").iterdir())) == 3  # each image once


def test_a_texture_has_no_content(page, images, studio):
    assert (
        begin(page, images, "b", content=False, init="noise", preserve_color="luminance").status_code == 204
    )
    assert ended(page)["phase"] == "finished"
    job = json.loads((studio.folder / "b_01.png.json").read_text())["job"]
    assert (job["content"], job["settings"]["content_weight"], job["settings"]["init"]) == (None, 0, "noise")


def test_a_stopped_run_goes_on_after_a_restart(page, images, studio):
    assert begin(page, images, "b", size="128", first_iterations="60").status_code == 204
    while (page.get("/news").json()["state"] or {"step": 0})["step"] < 3:
        time.sleep(0.01)
    assert "another transfer is running" in begin(page, images, "b").json()["error"]
    assert page.post("/stop").status_code == 204
    news = ended(page)
    assert news["phase"] == "stopped"
    (result,) = page.get("/results").json()
    assert result["unfinished"]
    anew = Studio(studio.folder, {"device": "cpu", "save_every": 2})
    with TestClient(studio_app(anew, "127.0.0.1"), base_url="http://127.0.0.1") as later:
        assert later.post("/results/none.png/resume").status_code == 400
        assert later.post(f"/results/{result['name']}/resume").status_code == 204
        assert ended(later)["phase"] == "finished"
        (result,) = later.get("/results").json()
        first, *_, last = later.get("/news").json()["rows"]
    assert 1 < first["step"] <= news["state"]["step"] + 1
    assert last["step"] == 60
    assert not result["unfinished"]
    assert not (studio.folder / f"{result['name']}.job").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": "large"}, "size must be a whole number, got 'large'"),
        ({"content_weight": "x"}, "content_weight must be a number, got 'x'"),
        ({"content_weight": "-1"}, "content_weight"),
        ({"style_weights": "1,2"}, "style_weights must be one per style: 1 styles, 2 given"),
        ({"style_weights": "a"}, "style_weights must be numbers such as 3,1"),
        ({"preset": "gatis"}, "preset must be one of"),
        ({"backbone": "vgg99"}, "vgg99"),
        ({"preserve_color": "blue"}, "preserve_color must be one of"),
    ],
)
def test_wrong_fields_are_refused(fields, message, page, images, studio):
    answer = begin(page, images, "b", **fields)
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert page.get("/results").json() == []
    assert not list(studio.folder.glob("*.job"))


def test_no_style_two_contents_and_what_is_no_image(page, images):
    assert "at least one image" in begin(page, images).json()["error"]
    files = [("content", images["a b"]), ("content", images["content"]), ("styles", images["b"])]
    assert "content must be one image, got 2" in page.post("/runs", data=FEW, files=files).json()["error"]
    files = [("styles", ("../../x.exe", b"nothing"))]
    assert page.post("/runs", data=FEW, files=files).status_code == 204
    news = ended(page)
    assert news["phase"] == "failed"
    assert "x-" in news["note"]
    assert page.get("/results").json() == []


def test_other_sites_may_not_begin(page, images):
    headers = {"origin": "http://elsewhere.example"}
    assert page.post("/runs", data=FEW, files=[("styles", images["b"])], headers=headers).status_code == 403
    assert page.post("/results/a.png/resume", headers=headers).status_code == 403
    assert page.get("/news").json()["run"] == 0
    assert page.post("/runs", headers={"content-length": str(2**40)}).status_code == 413


def test_nothing_but_results_is_given_away(page, studio):
    (studio.folder / "secret.txt").write_text("x")
    Image.new("RGB", (3, 3)).save(studio.folder / "own.png")
    for name in ("secret.txt", "own.png", "..%2Fcontent.png", "inputs", "%2Fetc%2Fpasswd"):
        assert page.get(f"/results/{name}").status_code == 404
    assert page.get("/results").json() == []
    (studio.folder / "own.png.job").write_text("{}")  # of a run that has not written it
    assert [(one["name"], one["drawn"]) for one in studio.results()] == [("own.png", False)]
    assert page.get("/results/own.png").status_code == 404
    (studio.folder.parent / "a.png.job").write_text("{}")
    with pytest.raises(StyleError, match=r"nothing to go on with of \.\./a\.png"):
        studio.resume("../a.png")
