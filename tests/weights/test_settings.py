from __future__ import annotations

import os

import pytest

from gramstyle.weights import settings


@pytest.fixture
def pip_file(monkeypatch, tmp_path):
    """Give pip a configuration file of this text, and nothing else."""

    def write(text: str) -> None:
        path = tmp_path / "pip.conf"
        path.write_text(text)
        monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
        monkeypatch.delenv("PIP_NO_INDEX", raising=False)

    return write


@pytest.fixture
def without_pip(monkeypatch):
    monkeypatch.setattr(settings, "_ask_pip", lambda: None)


def test_without_configuration_the_default_index_is_used(pip_says):
    pip_says()
    assert settings.read() == settings.IndexSettings()
    assert settings.read().index_urls == (settings.DEFAULT_INDEX,)


def test_every_option_is_read_from_a_file(pip_file):
    pip_file(
        "[global]\n"
        "index-url = https://one.example/simple\n"
        "extra-index-url =\n    https://two.example/simple\n    file:///three/simple\n"
        "find-links = /four https://five.example/list.html\n"
        "trusted-host = one.example two.example:8080\n"
        "cert = /ca.pem\nclient-cert = /me.pem\nproxy = http://proxy.example:3128\ntimeout = 42\n"
    )
    assert settings.read() == settings.IndexSettings(
        index_urls=("https://one.example/simple", "https://two.example/simple", "file:///three/simple"),
        find_links=("/four", "https://five.example/list.html"),
        trusted_hosts=("one.example", "two.example:8080"),
        cert="/ca.pem",
        client_cert="/me.pem",
        proxy="http://proxy.example:3128",
        timeout=42.0,
    )


def test_download_beats_install_beats_global_and_the_environment_beats_all(pip_file, monkeypatch):
    pip_file(
        "[download]\nindex-url = https://download.example\n"
        "[global]\nindex-url = https://global.example\ntimeout = 1\ncert = /global.pem\n"
        "[install]\nindex-url = https://install.example\ntimeout = 2\n"
        "[wheel]\nindex-url = https://wheel.example\n"
    )
    read = settings.read()
    assert (read.index_urls, read.timeout, read.cert) == (("https://download.example",), 2.0, "/global.pem")
    monkeypatch.setenv("PIP_INDEX_URL", "https://env.example")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "3")
    read = settings.read()
    assert (read.index_urls, read.timeout, read.cert) == (("https://env.example",), 3.0, "/global.pem")


def test_an_empty_value_leaves_the_one_below(pip_file, monkeypatch):
    pip_file("[global]\nindex-url = https://global.example\n")
    monkeypatch.setenv("PIP_INDEX_URL", "")
    assert settings.read().index_urls == ("https://global.example",)


@pytest.mark.parametrize(("value", "indexes"), [("1", 0), ("true", 0), ("on", 0), ("0", 2), ("false", 2)])
def test_no_index_leaves_find_links(pip_says, value, indexes):
    pip_says(no_index=value, extra_index_url="https://two.example", find_links="/four")
    read = settings.read()
    assert len(read.index_urls) == indexes
    assert read.find_links == ("/four",)


def test_values_with_quotes_and_equals_signs_survive(pip_says):
    url = 'https://user:it\'s="odd"@one.example/simple?a=b'
    pip_says(index_url=url)
    assert settings.read().index_urls == (url,)


def test_without_pip_the_variables_decide(without_pip, pip_says):
    pip_says(
        index_url="https://env.example", find_links="/a /b", default_timeout="7", trusted_host="env.example"
    )
    assert settings.read() == settings.IndexSettings(
        index_urls=("https://env.example",),
        find_links=("/a", "/b"),
        timeout=7.0,
        trusted_hosts=("env.example",),
    )


def test_a_pip_that_cannot_run_is_not_an_error(monkeypatch, pip_says):
    pip_says(index_url="https://env.example")
    monkeypatch.setattr("sys.executable", os.devnull)
    assert settings.read().index_urls == ("https://env.example",)


def test_a_folder_named_pip_is_not_run(monkeypatch, tmp_path, pip_says):
    pip_says(index_url="https://env.example")
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.delenv("PYTHONPATH", raising=False)  # there the current directory would be asked for
    monkeypatch.chdir(tmp_path)
    assert settings.read().index_urls == ("https://env.example",)
    assert not (tmp_path / "ran").exists()


def test_home_is_expanded_where_it_names_something(monkeypatch, tmp_path, pip_says):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "wheels").mkdir()
    pip_says(find_links="~/wheels ~/nowhere")
    assert settings.read().find_links == (str(tmp_path / "wheels"), "~/nowhere")


@pytest.mark.parametrize("value", ["soon", "-1", "inf", "nan"])
def test_a_timeout_is_always_finite(value):
    assert settings.from_options({"timeout": value}).timeout == 15.0
