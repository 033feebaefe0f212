"""What is known of a run while it goes."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from gramstyle.transfer import State
from gramstyle.web import course as courses
from gramstyle.web.course import POINTS, Course


def state(step, steps=10, **changes):
    values = {
        "scale": 0,
        "scales": 2,
        "share": step / steps,
        "losses": {"style a": 0.5, "tv": 0.25 / step},
        "image": torch.full((3, 4, 6), step / steps),
    }
    return State(step=step, steps=steps, **{**values, **changes})


def test_a_run_from_begin_to_end():
    course = Course()
    assert (course.news()["phase"], course.picture(), course.busy) == ("waiting", None, False)
    course.begin("out.png", {"style": "a.png"})
    course.prepare("downloading", 3, 7)
    news = course.news()
    assert (news["phase"], news["note"], news["title"]) == ("preparing", "downloading: 3 of 7", "out.png")
    assert course.busy
    course.add(state(1))
    course.add(state(2))
    news = course.news()
    assert (news["phase"], news["note"], news["facts"]) == ("running", "", {"style": "a.png"})
    assert news["state"] == {
        "step": 2, "steps": 10, "scale": 0, "scales": 2, "share": 0.2, "loss": 0.625,
        "losses": {"style a": 0.5, "tv": 0.125}, "width": 6, "height": 4,
    }  # fmt: skip
    assert [row["step"] for row in news["rows"]] == [1, 2]
    course.end("stopped", "after step 2")
    assert (course.news()["phase"], course.news()["note"]) == ("stopped", "after step 2")
    assert course.news()["left"] is None
    assert not course.busy


def test_rows_are_told_once_and_of_a_new_run_all():
    course = Course()
    for run in (1, 2):
        course.begin("", {})
        for step in (1, 2, 3):
            course.add(state(step))
        assert [row["step"] for row in course.news(run, 1)["rows"]] == [2, 3]
        assert [row["step"] for row in course.news(run - 1, 2)["rows"]] == [1, 2, 3]
        assert course.news()["run"] == run


@pytest.mark.parametrize("steps", [POINTS, POINTS + 1, 3 * POINTS - 1])
def test_of_many_rows_some_are_told_and_always_the_last(steps):
    course = Course()
    course.begin("", {})
    for step in range(1, steps + 1):
        course.add(state(step, steps))
    told = [row["step"] for row in course.news()["rows"]]
    assert told[-1] == steps
    assert POINTS / 2 < len(told) <= POINTS
    assert len(set(np.diff(told))) == 1


def test_time_left_is_the_share_left_at_the_pace_of_late(monkeypatch):
    clock = iter([100.0, 101.0, 103.0])
    monkeypatch.setattr(courses.time, "monotonic", lambda: next(clock))
    course = Course()
    course.begin("", {})
    course.add(state(1, share=0.1))
    assert course.news()["left"] is None
    course.add(state(2, share=0.2))
    assert course.news()["left"] == pytest.approx(8.0)
    course.add(state(3, share=0.4))
    assert course.news()["left"] == pytest.approx(0.6 * 3 / 0.3)


def test_the_picture_is_the_present_image():
    course = Course()
    course.begin("", {})
    for step in (2, 5):
        course.add(state(step))
        data = course.picture()
        assert data is course.picture()
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == ("JPEG", (6, 4))
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            assert "sRGB" in ImageCms.getProfileDescription(profile)
            assert np.abs(np.asarray(image).astype(float) - 255 * step / 10).max() <= 1


def test_who_looks_on_is_waited_for():
    course = Course()
    course.begin("", {})
    course.end("finished")
    assert course.seen(3600)  # nobody looks on: no wait
    course.begin("", {})
    course.news()
    course.end("finished")
    assert not course.seen(0.01)
    course.news()
    assert course.seen(3600)


def test_a_stop_is_of_one_run():
    course = Course()
    course.begin("", {})
    course.stop()
    assert course.stopping
    course.begin("", {})
    assert not course.stopping
