"""What a study measures: backbones, sweeps, resamples, as data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

from gramstyle import check
from gramstyle.conv.sparse.prune import check_sparsity
from gramstyle.errors import StyleError
from gramstyle.extract import parse
from gramstyle.images import ResizePolicy
from gramstyle.study.results import AS_IS
from gramstyle.study.sweep import Readout, Sweep, listed, whole_number
from gramstyle.study.sweeps import FROBENIUS, FULL_SWEEPS, QUICK_SWEEPS


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """A study, as data.

    Attributes:
        backbones: ``NAME[@WEIGHTS]`` of each network.
        random_seeds: seeds of the random copies of each network.
        sparsity: share of the weights of convolutions that is pruned, in learned and random networks alike;
            see `Extractor`.
        resize: policy that every image goes through first; see `ResizePolicy`.
        sweeps: what is measured.
        primary: readout of the primary family: taps are chosen by it, networks compared by it.
        draws: bootstrap draws.
        permutations: of each permutation test.
        level: of the intervals.
        diagnosed: images whose features are diagnosed, spread evenly over the styles.
        limit: most images; a larger corpus is thinned evenly over its styles, and says so.
        seed: that every random choice is derived from.

    Raises:
        TypeError: if names are no text, or not in a tuple.
        UnknownNameError: for a backbone that does not exist.
        StyleError: if no backbone is named, or the primary readout is in no sweep.
        ValueError: for numbers out of range.
    """

    backbones: tuple[str, ...]
    random_seeds: tuple[int, ...] = (0, 1, 2)
    sparsity: float = 0.0
    resize: str = "short:224"
    sweeps: tuple[Sweep, ...] = FULL_SWEEPS
    primary: Readout = FROBENIUS
    draws: int = 2000
    permutations: int = 9999
    level: float = 0.95
    diagnosed: int = 18
    limit: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("backbones", "random_seeds", "sweeps"):
            check.one_of_type(name, getattr(self, name), tuple)
        if not self.backbones:
            raise StyleError("backbones must name at least one network, got none")
        for name in self.backbones:
            check.one_of_type("each of backbones", name, str)
            parse(name)
        if not isinstance(self.resize, str):
            raise TypeError(f"resize must be text such as 'short:224', got {self.resize!r}")
        ResizePolicy.parse(self.resize)
        check_sparsity(self.sparsity)
        self._check_numbers()
        self._check_primary()

    def _check_numbers(self) -> None:
        for name in ("draws", "permutations", "diagnosed", "limit"):
            whole_number(name, getattr(self, name))
        whole_number("seed", self.seed, 0)
        for seed in self.random_seeds:
            whole_number("each of random_seeds", seed, 0)
        check.one_of_type("level", self.level, float)
        if not 0.5 <= self.level < 1:
            raise ValueError(f"level must be at least 0.5 and below 1, got {self.level}")

    def _check_primary(self) -> None:
        wanted = (self.primary.statistic, self.primary.metric)
        plain = [
            (readout.statistic, readout.metric)
            for sweep in self.sweeps
            if "learned" in sweep.whose
            and AS_IS in sweep.features
            and AS_IS in sweep.inputs
            and AS_IS in sweep.channels
            for readout in sweep.readouts
        ]
        if wanted not in plain:
            raise StyleError(
                f"primary readout {' '.join(wanted)} must be in a sweep of learned networks, as they are; "
                f"those are {', '.join(' '.join(one) for one in plain) or 'none'}"
            )

    def as_json(self) -> dict[str, Any]:
        """The settings in plain types."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> StudySettings:
        """Settings from plain types, as `as_json` or a TOML file gives them.

        ``preset = "quick"`` or ``"full"`` starts from that preset; other keys replace its values.

        Raises:
            TypeError: if something other than a list is given where one belongs.
            UnknownNameError: for a key or a name that does not exist.
            StyleError: for settings that contradict each other.
            ValueError: for numbers out of range.
        """
        given = dict(plain)
        known = [one.name for one in fields(cls)]
        start = check.name_in("preset", given.pop("preset", "full"), PRESETS)
        for name in given:
            check.name_in("setting", name, [*known, "preset"])
        for name in ("backbones", "random_seeds", "sweeps"):
            if name in given:
                given[name] = listed(name, given[name])
        if "sweeps" in given:
            given["sweeps"] = tuple(Sweep.from_plain(one) for one in given["sweeps"])
        if "primary" in given:
            given["primary"] = Readout.from_plain(given["primary"])
        return replace(PRESETS[start], **given)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> StudySettings:
        """Settings from a TOML file.

        Raises:
            FileNotFoundError: if there is none.
            StyleError: if it is no TOML, or says something that settings do not know.
        """
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
        try:
            plain = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise StyleError(f"{path} must be a TOML file of study settings: {error}") from error
        try:
            return cls.from_plain(plain)
        except (TypeError, ValueError) as error:
            raise StyleError(f"{path}: {error}") from error


QUICK = StudySettings(
    backbones=("vgg16@IMAGENET1K_V1", "efficientnet_lite0@GOOGLE", "mobilenet_v2@KERAS"),
    random_seeds=(0,),
    sweeps=QUICK_SWEEPS,
    draws=500,
    permutations=999,
    diagnosed=4,
    limit=60,
)
FULL = StudySettings(
    backbones=("vgg16@IMAGENET1K_V1", "vgg19@CAFFE", "efficientnet_lite0@GOOGLE", "mobilenet_v2@KERAS"),
)
PRESETS: dict[str, StudySettings] = {"quick": QUICK, "full": FULL}
"""Name -> settings; backbones are those whose weights a package index alone can serve."""
