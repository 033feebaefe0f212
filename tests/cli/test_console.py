"""What people see while they wait, and how wide tables get."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from gramstyle.cli.console import Amount, Bars, check_writable, table
from gramstyle.errors import StyleError

from .conftest import TINY, save_noise


def drawn(what, done, total):
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Progress(Amount(), console=screen) as progress:
        Bars(progress)(what, done, total)
    return screen.file.getvalue()


def test_downloads_count_megabytes_and_everything_else_counts_itself():
    assert "12.5/63.8 MB" in drawn("downloading vgg16.tar.gz", 12_500_000, 63_794_605)
    assert "3/18" in drawn("describing with vgg16", 3, 18)


def test_one_bar_per_thing():
    with Progress(console=Console(file=io.StringIO())) as progress:
        bars = Bars(progress)
        for done in range(3):
            bars("one", done, 3)
            bars("two [bold]", done, None)
        assert [(task.completed, task.total) for task in progress.tasks] == [(2, 3), (2, None)]


def test_markup_in_names_is_text():
    screen = Console(file=io.StringIO(), width=80)
    screen.print(table(["[bold]name"], [["[red]x.png"]]))
    assert "[bold]name" in screen.file.getvalue()
    assert "[red]x.png" in screen.file.getvalue()


def test_long_names_give_way_to_numbers(run, tmp_path):
    for number in range(4):
        save_noise(tmp_path / f"a-name-that-would-not-fit-above-a-column-{number}.png", number, (40, 40))
    ended = run("distance", tmp_path, "-b", TINY, "--taps", "blocks.0")
    lines = ended.out.splitlines()
    assert [word for word in lines[1].split() if word.isdigit()] == ["1", "2", "3", "4"]
    assert lines[3].startswith("1 a-name-that-would-not-fit")


def test_equal_notes_are_said_once(run, tmp_path):
    from PIL import Image

    for number in range(3):
        frames = [Image.new("L", (40, 40), shade) for shade in (10 * number, 200)]
        frames[0].save(tmp_path / f"{number}.gif", save_all=True, append_images=frames[1:])
    ended = run("distance", tmp_path, "-b", TINY, "--taps", "blocks.0")
    told = [line for line in ended.err.splitlines() if "frames" in line]
    assert len(told) == 1
    assert "0.gif and 2 more" in told[0]
    assert run("distance", tmp_path, "-b", TINY, "--taps", "blocks.0", "--quiet").err == ""


def test_outputs_that_cannot_be_written_are_found_first(tmp_path):
    with pytest.raises(StyleError, match=r"--output must name a file, got the folder"):
        check_writable(tmp_path, "--output")
    (tmp_path / "file").touch()
    with pytest.raises(StyleError, match=r"--output .*x\.json cannot be written: "):
        check_writable(tmp_path / "file" / "x.json", "--output")
    check_writable(tmp_path / "new" / "x.json", "--output")
    assert list((tmp_path / "new").iterdir()) == []
