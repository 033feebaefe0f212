"""Descriptors on disk, with the settings that made them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open

from gramstyle.describe import Describer
from gramstyle.descriptors import Descriptors, Image, joined, signature
from gramstyle.errors import StyleError
from gramstyle.files import replacing, write_text
from gramstyle.images import Picture, Raster, Skipped
from gramstyle.recipe import Recipe
from gramstyle.types import WeightsIdentity

FORMAT = "gramstyle-descriptors"
VERSION = 1
PART_IMAGES = 64
"""Images per part: what a run that is killed loses at most."""


def save_descriptors(descriptors: Descriptors, path: str | os.PathLike[str]) -> None:
    """Write descriptors to one safetensors file, whole or not at all.

    Each tap is a tensor (N, D) float32 named ``tap/NAME``. The metadata holds one entry per part
    of the record, as JSON: images, recipe, weights, versions.

    Raises:
        OSError: if the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "version": str(VERSION),
        "images": json.dumps([asdict(image) for image in descriptors.images]),
        "recipe": json.dumps(descriptors.recipe.as_json()),
        "weights": json.dumps(asdict(descriptors.identity)),
        "dtype": descriptors.dtype,
        "device": descriptors.device,
        "versions": json.dumps(dict(descriptors.versions)),
    }
    tensors = {f"tap/{tap}": value.contiguous() for tap, value in descriptors.values.items()}
    with replacing(path) as temporary:
        safetensors.torch.save_file(tensors, temporary, metadata=header)


def load_descriptors(path: str | os.PathLike[str]) -> Descriptors:
    """Read what `save_descriptors` wrote.

    Raises:
        StyleError: if the file is not one of descriptors, is damaged, or is of a newer version.
        FileNotFoundError: if there is no such file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise StyleError(f"{path} is not a file of descriptors written by gramstyle describe")
            if int(header["version"]) > VERSION:
                raise StyleError(
                    f"{path} is of version {header['version']} and this gramstyle reads up to {VERSION}: "
                    "upgrade gramstyle"
                )
            names = file.keys()
            values = {name.removeprefix("tap/"): file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise StyleError(f"{path} is damaged or not a safetensors file ({error}): describe again") from error
    recipe = Recipe.from_json(json.loads(header["recipe"]))
    order = recipe.weights_of_taps
    return Descriptors(
        images=tuple(_image(one) for one in json.loads(header["images"])),
        values={tap: values[tap] for tap in order},
        recipe=recipe,
        identity=WeightsIdentity(**json.loads(header["weights"])),
        dtype=header["dtype"],
        device=header["device"],
        versions=json.loads(header["versions"]),
    )


def is_descriptors(path: str | os.PathLike[str]) -> bool:
    """Whether `path` looks like a file of descriptors: by its suffix."""
    return Path(path).suffix == ".safetensors"


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """One state of a long description.

    Attributes:
        done: images described so far, those of an earlier run included.
        resumed: images taken over from an earlier run.
    """

    done: int
    resumed: int


class DescriptorWriter:
    """Describes images into one file, and goes on where a killed run left off.

    While it runs, images described so far lie in parts beside the file, in a folder named after
    it. A later run with the same settings takes them over, except images whose file has changed
    since. When all are described the parts become the file and the folder is removed.

    Args:
        path: the file to write.
        describer: what describes.
    """

    def __init__(self, path: str | os.PathLike[str], describer: Describer) -> None:
        self.path = Path(path)
        self.describer = describer
        self._folder = self.path.with_name(f"{self.path.name}.parts")
        self._settings = json.dumps(_settings(describer), sort_keys=True)

    def finished(self) -> list[Descriptors]:
        """Parts that an earlier run with the same settings left, unchanged files only.

        Raises:
            StyleError: if the folder holds parts made with other settings.
        """
        if not self._folder.is_dir():
            return []
        marker = self._folder / "settings.json"
        if not marker.is_file() or marker.read_text(encoding="utf-8") != self._settings:
            raise StyleError(
                f"{self._folder} holds an unfinished run with other settings: finish it with those, "
                "remove the folder, or choose another --output"
            )
        parts = [load_descriptors(part) for part in sorted(self._folder.glob("*.safetensors"))]
        return [kept for kept in map(_unchanged, parts) if len(kept)]

    def write(
        self,
        pictures: Iterable[Picture | Raster],
        earlier: Sequence[Descriptors],
        skipped: list[Skipped] | None = None,
    ) -> Iterator[Progressed]:
        """Describe `pictures`, which are those not in `earlier`, one state per image.

        `skipped` is as in `Describer.each`. Call `finish` when the iterator ends.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        write_text(self._folder / "settings.json", self._settings)
        resumed = sum(map(len, earlier))
        parts, fresh, done = list(earlier), [], resumed
        for one in self.describer.each(pictures, skipped):
            fresh.append(one)
            done += 1
            if len(fresh) == PART_IMAGES:
                parts.append(self._part(self.describer.gather(fresh)))
                fresh = []
            yield Progressed(done=done, resumed=resumed)
        if fresh:
            parts.append(self.describer.gather(fresh))
        self._result = joined(parts)

    def finish(self, order: Sequence[str]) -> Descriptors:
        """Write the file, with images in `order` of their names, and remove the parts."""
        place = {name: index for index, name in enumerate(order)}
        descriptors = _sorted(self._result, place)
        save_descriptors(descriptors, self.path)
        shutil.rmtree(self._folder)
        return descriptors

    def _part(self, part: Descriptors) -> Descriptors:
        names = hashlib.sha256("\n".join(part.names).encode("utf-8", "surrogateescape")).hexdigest()
        save_descriptors(part, self._folder / f"{names[:16]}.safetensors")
        return part


def _settings(describer: Describer) -> dict[str, Any]:
    return {
        "recipe": describer.recipe.as_json(),
        "weights": asdict(describer.extractor.identity),
        "dtype": str(describer.extractor.dtype),
    }


def _unchanged(part: Descriptors) -> Descriptors:
    keep = [row for row, image in enumerate(part.images) if image.signature == signature(image.name)]
    return part.subset(keep)


def _sorted(descriptors: Descriptors, place: dict[str, int]) -> Descriptors:
    names = descriptors.names
    return descriptors.subset(sorted(range(len(names)), key=lambda row: place[names[row]]))


def _image(plain: dict[str, Any]) -> Image:
    return Image(**{**plain, "notes": tuple(plain["notes"])})
