"""Pins that stand in two places agree; files hold no path of one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize(
    ("tool", "hook"), [("ruff", "astral-sh/ruff-pre-commit"), ("mypy", "pre-commit/mirrors-mypy")]
)
def test_hooks_and_the_dev_extra_pin_one_version(tool, hook, project):
    pins = [one for one in map(Requirement, project["dependency-groups"]["dev"]) if one.name == tool]
    (pin,) = pins
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    found = re.search(rf"repo: https://github\.com/{hook}\n\s+rev: v([\d.]+)\n", text)
    assert found, f"{hook} is no hook"
    assert found[1] == specifier.version


def test_ruff_reads_the_oldest_python_that_is_supported(project):
    (floor,) = re.findall(r">=3\.(\d+)", project["project"]["requires-python"])
    assert project["tool"]["ruff"]["target-version"] == f"py3{floor}"
    assert f"Programming Language :: Python :: 3.{floor}" in project["project"]["classifiers"]


def test_the_oldest_torch_is_that_of_the_native_half(project):
    (pin,) = [one for one in map(Requirement, project["project"]["dependencies"]) if one.name == "torch"]
    (specifier,) = pin.specifier
    floor = re.search(r"TORCH_FLOOR = \((\d+), (\d+)\)", (ROOT / "setup.py").read_text())
    assert floor
    assert specifier.version == f"{floor[1]}.{floor[2]}"


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:  # an unpacked source archive
        return [path for path in (ROOT / "gramstyle").rglob("*") if path.is_file()]
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_folder_of_one_machine():
    """Home folders (but those of `someone`, in examples), and the place of this checkout."""
    homes = re.compile(
        r"(?<![\w.:/])/(?:home|Users|root|mnt|workspace)/(?!someone\b)[\w.-]+|[A-Z]:\\\\Users\\\\"
    )
    here = str(ROOT)
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
            if homes.search(line) or (len(ROOT.parts) > 2 and here in line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == [], "\n".join(found)


def test_names_of_test_files_are_unique():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_studies_are_listed():
    """Each script in the table of them, each picture of the guides on a page."""
    rows = (ROOT / "analysis" / "README.md").read_text()
    missing = [one.name for one in (ROOT / "analysis").glob("*.py") if one.name not in rows]
    assert not missing, f"analysis/README.md has no row for {missing}"
    pages = [one.read_text() for one in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]]
    unused = [
        one.name
        for one in (ROOT / "docs" / "images").iterdir()
        if not any(one.name in page for page in pages)
    ]
    assert not unused, f"no page shows {unused}"
