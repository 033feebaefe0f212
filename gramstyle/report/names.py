"""Names of images and networks as readers and file systems take them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from itertools import takewhile
from pathlib import PurePath, PureWindowsPath
from typing import Any

from gramstyle.recipe import Recipe
from gramstyle.types import WeightsIdentity

_FILE = "file "
"""What the source of weights begins with when they are a file of the user's."""


def encodable(name: str) -> str:
    """A name that UTF-8 can write: bytes of a file name that are no text are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def displayed(name: str, width: int = 28) -> str:
    """A name on one line of at most `width` characters, its middle left out if it is longer."""
    plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in encodable(name))
    if len(plain) <= width:
        return plain
    tail = (width - 1) * 2 // 3  # the end of a path says more than its beginning
    return f"{plain[: width - 1 - tail]}…{plain[-tail:]}"


def without_shared_folders(names: Sequence[str]) -> list[str]:
    """Names of images without the folders that all of them lie in."""
    levels = zip(*(PurePath(name).parent.parts for name in names), strict=False)
    shared = sum(1 for _ in takewhile(lambda folders: len(set(folders)) == 1, levels))
    return [str(PurePath(*PurePath(name).parts[shared:])) if shared else name for name in names]


def slug(name: str) -> str:
    """A name as part of a file's name on any file system: letters, digits, ``. _ -``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "unnamed"


def public_source(identity: WeightsIdentity) -> str:
    """Where weights came from, without the folders of the machine they lay on."""
    if not identity.source.startswith(_FILE):
        return identity.source
    return _FILE + last_part(identity.source.removeprefix(_FILE))


def public_settings(recipe: Recipe) -> dict[str, Any]:
    """A recipe in plain types, its weights file (if it names one) without its folders."""
    backbone, at, weights = recipe.backbone.partition("@")
    return {**recipe.as_json(), "backbone": f"{backbone}{at}{last_part(weights) if at else ''}"}


def public_weights(identity: WeightsIdentity) -> dict[str, str]:
    """An identity in plain types, without the folders of the machine."""
    return {**asdict(identity), "source": public_source(identity)}


def weights_in_words(identity: WeightsIdentity) -> str:
    """Which weights made a result, on one line."""
    name = f"{identity.backbone}@{identity.name}"
    return f"weights {name}: {public_source(identity)}, sha256 {identity.sha256}"


def last_part(path: str) -> str:
    """The name of a file without its folders, whichever system wrote the path."""
    return PureWindowsPath(PurePath(path).name).name or path
