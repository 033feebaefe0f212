"""The public names, listed once; each documented."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import gramstyle

NAMES = [
    "METRICS",
    "PRESETS",
    "Combine",
    "Comparison",
    "Describer",
    "Descriptors",
    "Distances",
    "Extractor",
    "GramSettings",
    "ImageError",
    "NativeUnavailableError",
    "Norm",
    "Picture",
    "Recipe",
    "Separation",
    "Statistic",
    "StyleDistance",
    "StyleError",
    "UnknownNameError",
    "WeightsError",
    "backbone",
    "backbones",
    "compare",
    "distances",
    "find_images",
    "load_descriptors",
    "load_image",
    "make_recipe",
    "pairwise_distance",
    "pairwise_style_distance",
    "preset",
    "read_image",
    "read_images",
    "save_descriptors",
    "separation",
    "style_distance",
]

FILES = sorted(Path(gramstyle.__file__).parent.rglob("*.py"))


def test_the_names_are_these():
    assert sorted(gramstyle.__all__) == sorted(NAMES)
    assert len(set(gramstyle.__all__)) == len(gramstyle.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there_and_documented(name):
    value = getattr(gramstyle, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert (inspect.getdoc(value) or "").strip()


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("Error")])
def test_errors_are_named_as_they_are_imported(name):
    assert getattr(gramstyle, name).__module__ == "gramstyle"


def public_functions(path: Path):
    """(qualified name, node) of every public function, method and class of a file, but overloads."""

    def walk(body, prefix):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                if "overload" in map(ast.unparse, node.decorator_list):
                    continue
                yield f"{prefix}{node.name}", node
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, f"{prefix}{node.name}.")

    yield from walk(ast.parse(path.read_text()).body, "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_everything_public_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "a module's docstring is one sentence"
    for name, node in public_functions(path):
        assert ast.get_docstring(node), f"{name} has no docstring"


def is_described(argument: str, text: str) -> bool:
    return f"{argument}:" in text or f"`{argument}`" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_argument_of_a_public_function_is_described(name):
    """Under Args, or by name in a docstring of one sentence."""
    value = getattr(gramstyle, name)
    if not inspect.isfunction(value):
        return
    text = inspect.getdoc(value) or ""
    arguments = [one for one in inspect.signature(value).parameters if one not in ("options",)]
    if len(arguments) > 2:
        elsewhere = any(f"`{other}`" in text for other in NAMES)
        assert "Args:" in text or elsewhere, f"{name} has no Args and names no function that has them"
    if "Args:" in text:
        assert [one for one in arguments if not is_described(one, text.replace("**", ""))] == []


@pytest.mark.parametrize("name", ["Extractor", "Describer", "StyleDistance"])
def test_every_argument_of_a_public_class_is_described(name):
    value = getattr(gramstyle, name)
    text = (inspect.getdoc(value) or "").replace("**", "")
    parameters = list(inspect.signature(value).parameters)
    assert [one for one in parameters if not is_described(one, text)] == []


@pytest.mark.parametrize(
    "name", ["Recipe", "Descriptors", "Distances", "Comparison", "Separation", "Picture", "GramSettings"]
)
def test_every_field_of_a_record_is_described(name):
    value = getattr(gramstyle, name)
    text = inspect.getdoc(value) or ""
    assert [one for one in value.__dataclass_fields__ if f"{one}:" not in text] == []
