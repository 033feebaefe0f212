"""Options that are declared once, as fields of records."""

from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from gramstyle.cli.spread import spread


@dataclass(frozen=True, kw_only=True)
class Tip:
    colour: Annotated[str, typer.Option("--colour", "-c")] = "black"


@dataclass(frozen=True, kw_only=True)
class Pen:
    width: Annotated[int, typer.Option("--width", min=1)] = 2
    tip: Tip = field(default_factory=Tip)
    wet: Annotated[bool, typer.Option("--wet/--dry")] = False


@dataclass(frozen=True, kw_only=True)
class Brush(Pen):
    width: Annotated[int, typer.Option("--width", min=1, help="Of hairs.")] = 30


@pytest.fixture
def draw():
    """What a command is called with, given arguments."""

    def call(*arguments, kind=Pen):
        found = []

        def command(path: str, pen=kind(), times: Annotated[int, typer.Option()] = 1) -> None:  # noqa: B008
            found.append((path, pen, times))

        command.__annotations__["pen"] = kind
        app = typer.Typer()
        app.command()(spread(command))
        ended = CliRunner().invoke(app, list(arguments))
        options = [one.opts[0] for one in typer.main.get_command(app).params if one.opts[0].startswith("--")]
        return ended.exit_code, found, [one for one in options if "completion" not in one]

    return call


def test_records_take_the_place_of_their_parameter_and_are_given_back(draw):
    code, found, options = draw("p", "--wet", "-c", "red", "--times", "3")
    assert (code, found) == (0, [("p", Pen(width=2, tip=Tip(colour="red"), wet=True), 3)])
    assert options == ["--width", "--colour", "--wet", "--times"]


def test_a_record_may_declare_a_field_of_another_anew_in_its_place(draw):
    code, found, options = draw("p", "--colour", "blue", kind=Brush)
    assert (code, found) == (0, [("p", Brush(width=30, tip=Tip(colour="blue")), 1)])
    assert options == ["--width", "--colour", "--wet", "--times"]


def test_what_fields_declare_is_checked(draw):
    code, found, _ = draw("p", "--width", "0")
    assert (code, found) == (2, [])
