"""What a terminal shows of a transfer."""

import io

import pytest
from rich.console import Console

from gramstyle.cli.console import Say, say
from gramstyle.cli.screen import Screen


@pytest.fixture
def terminal(monkeypatch):
    """A terminal in place of stderr; what it was sent."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(Say, "console", console)
    return console.file


def show(*tiles, quiet=False):
    say.quiet = quiet
    screen = Screen()
    screen("weights", 1, 2)
    with screen.bars():
        screen("fetching", 3, 7)
    with screen.steps("transfer", 1.0, 0.125) as steps:
        steps(0.15, "scale 1 of 2", {"style": 0.125, "content": 3.0})
        for done in tiles:
            screen("tiles", done, 9)
    say.quiet = False


@pytest.mark.parametrize(("tiles", "below"), [((), "style 0.12  content 3"), ((7, 8), "tiles: 8 of 9")])
def test_bars_come_first_then_steps_with_their_terms_or_tiles(tiles, below, terminal):
    show(*tiles)
    text = terminal.getvalue()
    places = [text.rindex(word) for word in ("fetching", "3/7", "scale 1 of 2", below)]
    assert places == sorted(places)
    assert "weights" not in text


def test_nothing_is_shown_with_quiet(terminal):
    show(8, quiet=True)
    assert terminal.getvalue() == ""
