"""Notebooks run from top to bottom (long ones on less), and draw what they drew when committed."""

from pathlib import Path

import matplotlib.pyplot
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib_inline.config import InlineBackend

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

SMALLER = {  # what is replaced in the code of a notebook, so that less is computed
    "01_what_a_gram_matrix_sees": {
        "name, picture in pictures.items()": "name, picture in list(pictures.items())[:6]"
    },
    "03_architectures_side_by_side": {
        'palettes=["ochre", "prussian"]': 'palettes=["ochre"], size=128',
        "draws=500": "draws=60",
        "permutations=499": "permutations=99",
    },
    "05_how_a_convolution_is_computed": {
        "taps = (1, 3, 5, 7, 11, 15, 21)": "taps = (1, 3)",
        "shares = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)": "shares = (0.5, 0.9)",
        "rounds=5": "rounds=1",
    },
    "04_style_transfer": {
        "size=192, min_size=96, first_iterations=80, iterations=40": (
            "size=90, min_size=64, first_iterations=3, iterations=2"
        ),
    },
}

LONG = ("03_architectures_side_by_side",)
"""Notebooks that take long even so."""


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An interpreter of cells in this process, which has most libraries loaded, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "enable_gui", lambda gui=None: None)
    used = matplotlib.get_backend()
    shell.enable_matplotlib("inline")
    yield shell
    matplotlib.pyplot.close("all")
    matplotlib.use(used)
    InteractiveShell.clear_instance()
    InlineBackend.clear_instance()


@pytest.mark.weights
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.proofs] if path.stem in LONG else [])
        for path in NOTEBOOKS
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::RuntimeWarning")
def test_notebook_runs(path, shell):
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for large, small in SMALLER.get(path.stem, {}).items():
        assert sum(cell.source.count(large) for cell in code) == 1
        for cell in code:
            cell.source = cell.source.replace(large, small)
    for cell in code:
        with capture_output() as captured:
            done = shell.run_cell(cell.source)
        done.raise_error()
        shown = [output.data for output in captured.outputs]
        shown.append(shell.display_formatter.format(done.result)[0])
        assert sum("image/jpeg" in data for data in shown) == count_pictures(cell)


def count_pictures(cell):
    return sum("image/jpeg" in output.get("data", {}) for output in cell.get("outputs", []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_uses_public_names_only(path):
    source = "\n".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
    )
    for line in source.splitlines():
        assert "import _" not in line
        assert "._" not in line
