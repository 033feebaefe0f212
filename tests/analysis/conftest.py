"""Scripts of `analysis/` as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def script(request):
    """The script that the test file is named after."""
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "analysis" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(spec.origin).parent)  # as for a script that is run
        patch.setitem(sys.modules, name, module)  # where dataclasses look for their module
        spec.loader.exec_module(module)
    return module
