"""What the README shows runs as it stands."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from gramstyle.cli.main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.weights
def test_python_in_ten_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("paintings").mkdir()
    draw = np.random.default_rng(0)
    for name in ("a.jpg", "b.jpg", "paintings/1.png", "paintings/2.png"):
        Image.fromarray(draw.integers(0, 256, (64, 80, 3), dtype=np.uint8)).save(name)
    (source,) = blocks("python")
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    names = {"images": images, "style": torch.rand(2, 3, 96, 72)}
    exec(compile(source, "README.md", "exec"), names)
    assert 0 < float(capsys.readouterr().out) < 2
    assert names["result"].combined.shape == (2, 2)
    assert names["matrices"]["relu3_1"].shape == (2, 256, 256)
    names["loss"].sum().backward()
    assert images.grad.abs().sum() > 0


def test_commands_and_their_options_exist():
    program = typer.main.get_command(app)
    shown = 0
    for block in blocks("sh"):
        for line in block.splitlines():
            for part in line.split("#")[0].split("&&"):
                words = shlex.split(part)
                if words[:1] == ["gramstyle"]:
                    check(program, words[1:])
                    shown += 1
    assert shown >= 8


def check(program, words):
    context = typer.Context(program)
    _, command, rest = program.resolve_command(context, words)
    if hasattr(command, "commands"):
        _, command, rest = command.resolve_command(context, rest)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("-")} <= known


def test_every_link_leads_to_a_file():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
