"""A page on which a run is watched."""

import importlib
import io
import socket
import sys

import httpx
import numpy as np
import pytest
from PIL import Image

from gramstyle.errors import StyleError
from gramstyle.web import LivePage
from gramstyle.web.server import installed

from .test_course import state


def states(count=10):
    """Some steps, and whether they were closed."""
    told = []

    def made():
        try:
            for step in range(1, count + 1):
                yield state(step, 10)
        finally:
            told.append("closed")

    return made(), told


def test_states_pass_and_are_shown():
    given, told = states()
    with LivePage("out.png", {"style": "a.png"}) as page:
        assert page.url.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=page.url) as client:
            html = client.get("/")
            assert "<title>gramstyle</title>" in html.text
            assert "<form" not in html.text
            assert "default-src 'none'" in html.headers["content-security-policy"]
            assert client.get("/live.js").headers["content-type"].startswith("text/javascript")
            assert client.get("/image").status_code == 404
            seen = []
            for one in page.watch(given):
                seen.append(one.step)
                news = client.get("/news", params={"run": 1, "since": one.step - 1}).json()
                assert (news["phase"], news["state"]["step"], len(news["rows"])) == ("running", one.step, 1)
                with Image.open(io.BytesIO(client.get("/image").content)) as image:
                    assert np.abs(np.asarray(image).astype(float) - 25.5 * one.step).max() <= 1
            assert seen == list(range(1, 11))
            assert client.get("/news").json()["phase"] == "finished"
    assert told == ["closed"]


def test_the_button_ends_the_states():
    given, told = states()
    with LivePage() as page, httpx.Client(base_url=page.url) as client:
        seen = []
        for one in page.watch(given):
            seen.append(one.step)
            if one.step == 3:
                assert client.post("/stop").status_code == 204
        assert seen == [1, 2, 3]
        news = client.get("/news").json()
        assert (news["phase"], news["state"]["step"]) == ("stopped", 3)
    assert told == ["closed"]


def test_errors_are_told_and_go_on():
    def broken():
        yield state(1)
        raise StyleError("the term tv became nan")

    with LivePage() as page, httpx.Client(base_url=page.url) as client:
        with pytest.raises(StyleError, match="became nan"):
            list(page.watch(broken()))
        news = client.get("/news").json()
        assert (news["phase"], news["note"]) == ("failed", "the term tv became nan")


def test_other_sites_may_neither_read_nor_stop():
    with LivePage() as page, httpx.Client(base_url=page.url) as client:
        assert client.get("/news", headers={"host": "elsewhere.example"}).status_code == 400
        assert client.post("/stop", headers={"origin": "http://elsewhere.example"}).status_code == 403
        assert not page.course.stopping
        assert client.post("/stop", headers={"origin": page.url.rstrip("/")}).status_code == 204
        assert page.course.stopping


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(StyleError, match=rf"got 127.0.0.1 and {port} \(.+\): give another port"),
            LivePage(port=port),
        ):
            pass


@pytest.mark.parametrize(("host", "named"), [("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")])
def test_the_address_is_one_that_a_browser_here_understands(host, named):
    with LivePage(host=host) as page:
        assert page.url.startswith(f"http://{named}:")
        assert httpx.get(f"{page.url}news").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{page.url}news")


@pytest.mark.parametrize("missing", ["uvicorn", "starlette", "python_multipart"])
def test_what_is_not_installed_is_named(missing, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, missing, None)
    for name in ("app", "begin"):
        monkeypatch.delitem(sys.modules, f"gramstyle.web.{name}", raising=False)
        monkeypatch.delattr(f"gramstyle.web.{name}", raising=False)
    if missing == "starlette":
        for name in [name for name in sys.modules if name.startswith("starlette.")]:
            monkeypatch.delitem(sys.modules, name)
    message = rf'pages need {missing}.*pip install "gramstyle\[web\]"'
    with pytest.raises(ImportError, match=message), installed():
        _all_of_it()


def _all_of_it():
    importlib.import_module("uvicorn")
    importlib.import_module("gramstyle.web.begin")
