"""Imports flow downhill: a module imports from its own room and from lower floors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "gramstyle"
FLOORS = (
    "errors types",
    "check files numerics versions",
    "images kernels weights",
    "conv corpus film motion",
    "extract gram",
    "distance diagnose tiles",
    "recipe presets preparation describe descriptors measure store diagnosis",
    "study index transfer metrics",
    "report bench",
    "web",
    "cli",
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms.split()}
ONE_ROOM = set(
    ["recipe", "presets", "preparation", "describe", "descriptors", "measure", "store", "diagnosis"]
)
"""Modules beside each other that may import one another, as long as none is imported in a circle."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(source: str) -> set[str]:
    """Every module of the package that `source` imports, in functions and under conditions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.partition(".")[0] == "gramstyle"}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "gramstyle":
                found |= {f"gramstyle.{alias.name}" for alias in node.names}
            elif (node.module or "").startswith("gramstyle."):
                found.add(node.module)
    return found


def uphill(here: str, modules: set[str]) -> list[str]:
    """Those of `modules` that room `here` may not import."""
    wrong = []
    for module in sorted(modules):
        there = module.split(".")[1] if "." in module else ""
        beside = here in ONE_ROOM and there in ONE_ROOM
        # names of the package itself are for users; rooms import one another
        if there != here and not beside and FLOOR.get(there, 99) >= FLOOR[here]:
            wrong.append(module)
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_flow_downhill(path):
    here = room_of(path)
    if path == PACKAGE / "__init__.py":
        assert not any(module.startswith("gramstyle.cli") for module in imported(path.read_text()))
        return
    if here == "__main__":
        here = "cli"
    assert here in FLOOR, f"{here} stands on no floor"
    assert uphill(here, imported(path.read_text())) == []


def test_the_modules_of_the_middle_floor_are_imported_in_no_circle():
    edges = {
        here: {module.split(".")[1] for module in imported((PACKAGE / f"{here}.py").read_text())} & ONE_ROOM
        for here in ONE_ROOM
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for other in edges[module]:
                visit(other, (*trail, module))
            done.add(module)

    for module in edges:
        visit(module, ())


def test_the_check_sees_what_it_should():
    source = "def f():\n    from gramstyle.cli import main\nif 0:\n    import gramstyle.measure\n"
    source += "from gramstyle import check\n"
    assert imported(source) == {"gramstyle.cli", "gramstyle.measure", "gramstyle.check"}
    assert uphill("gram", imported(source)) == ["gramstyle.cli", "gramstyle.measure"]
    assert uphill("gram", {"gramstyle.extract.network"}) == ["gramstyle.extract.network"]
    assert uphill("measure", {"gramstyle.describe", "gramstyle.study"}) == ["gramstyle.study"]
    assert uphill("gram", {"gramstyle.Extractor", "gramstyle"}) == ["gramstyle", "gramstyle.Extractor"]


HEAVY = {
    "timm": ("extract", "weights"),
    "torchvision": ("extract", "weights"),
    "matplotlib": ("report", "cli"),
    "sklearn": ("conv", "study"),
    "scipy": ("bench", "corpus", "study"),
    "pyarrow": ("corpus", "report"),
    "skimage": (),
    "h5py": ("weights",),
    "av": ("film",),
    "cv2": ("motion",),
    "unearth": ("weights",),
    "jinja2": ("report",),
    "typer": ("cli",),
    "rich": ("cli", "report"),
}


@pytest.mark.parametrize("library", HEAVY)
def test_each_library_has_its_room(library):
    for path in FILES:
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
        inside = path.relative_to(PACKAGE).as_posix()
        assert library not in names or inside.startswith(HEAVY[library]), f"{inside} imports {library}"
