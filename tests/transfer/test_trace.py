"""Lines of a trace, and what is cut where a run goes on."""

import json

import pytest

from gramstyle.errors import StyleError
from gramstyle.transfer import Trace, Transfer


@pytest.fixture
def states(settings, content, style):
    chosen = settings(first_iterations=2, iterations=2)
    return list(Transfer(content, style, chosen, device="cpu").states())


def test_a_line_per_step(states, tmp_path):
    path = tmp_path / "new" / "trace.jsonl"
    trace = Trace(path)
    for done, state in enumerate(states, start=1):
        trace.add(state, 0.25 * done)
        assert len(path.read_text().splitlines()) == done  # at once
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["step"] for one in lines] == [1, 2, 3, 4]
    assert [one["scale"] for one in lines] == [0, 0, 1, 1]
    assert [one["size"] for one in lines] == [[28, 34]] * 2 + [[40, 48]] * 2
    assert [one["seconds"] for one in lines] == [0.25, 0.5, 0.75, 1.0]
    assert [one["losses"] for one in lines] == [dict(state.losses) for state in states]
    assert [one["loss"] for one in lines] == pytest.approx([sum(one["losses"].values()) for one in lines])


@pytest.mark.parametrize("torn", ["", '{"st', '{"step": 5, "scale": 1, "siz'], ids=["whole", "few", "most"])
def test_lines_after_the_snapshot_are_cut(torn, states, tmp_path):
    path = tmp_path / "trace.jsonl"
    first = Trace(path)
    for state in states:
        first.add(state, 0.0)
    before = path.read_text().splitlines()
    path.write_text("\n".join(before) + "\n" + torn)
    second = Trace(path, done=2)
    assert path.read_text().splitlines() == before[:2]
    for state in states[2:]:
        second.add(state, 0.0)
    assert path.read_text().splitlines() == before
    Trace(path)
    assert path.read_text() == ""


@pytest.mark.parametrize(
    "text",
    [
        b"a letter\n",
        b'{"step": 1}\n[1]\n{"step": 3}\n',
        b'{"step": 1}\n{"step": \n{"step": 3}\n',  # torn, and not at the end
        b'{"other": 1}\n',
        b"\xff\xd8 a photograph\n",
    ],
)
def test_what_is_no_trace_is_left_as_it_is(text, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_bytes(text)
    with pytest.raises(StyleError, match=r"trace must be a new file, .*line \d of .*letter.txt is something"):
        Trace(path)
    assert path.read_bytes() == text
