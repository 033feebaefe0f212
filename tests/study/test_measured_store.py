"""What was measured, on disk: back bit by bit, named by everything that it depends on."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from study.planted import random_matrix

from gramstyle.errors import StyleError
from gramstyle.study import measured as module
from gramstyle.study.assess import Assessed, Assessor
from gramstyle.study.labels import Labels
from gramstyle.study.measured import MeasuredStore
from gramstyle.study.results import Condition

CONDITION = Condition(backbone="net", weights="/files/of mine/w.safetensors", tap="blocks.2#2")
MADE_BY = {"corpus": "ab" * 32, "resize": "none", "draws": 30, "seed": 0}
SHA = "cd" * 32


@pytest.fixture
def store(tmp_path):
    return MeasuredStore(tmp_path / "measured", MADE_BY)


@pytest.fixture(scope="module")
def matrix():
    return random_matrix(np.random.default_rng(0), 15)


@pytest.fixture(scope="module")
def assessed(matrix):
    """Of styles of two sources each, so that some draws hold no near pair, and intervals are missing."""
    labels = Labels(
        styles=[f"s{row % 5}" for row in range(15)], sources=[f"u{row % 10}" for row in range(15)]
    )
    judge = Assessor(labels, ("s0", "s1"), draws=30, permutations=19, level=0.95, seed=0)
    return judge.assess(CONDITION, matrix, closely=True)


def same(one, other):
    """Equal, NaN with NaN."""
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def test_everything_comes_back_bit_by_bit(store, assessed, matrix):
    facts = {"near": 0.1 + 0.2, "square": 1e-300, "floor": math.pi}
    assert not store.has(CONDITION, SHA)
    store.write(assessed, SHA, matrix, facts)
    assert store.has(CONDITION, SHA)
    found, known = store.read(CONDITION, SHA)
    assert known == facts
    assert found.condition == CONDITION
    assert len(found.estimates) == len(assessed.estimates)
    for one, other in zip(found.estimates, assessed.estimates, strict=True):
        assert one.condition == CONDITION
        assert all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    assert list(found.draws) == list(assessed.draws)
    for key, drawn in found.draws.items():
        assert drawn.dtype == np.float64
        assert drawn.tobytes() == assessed.draws[key].tobytes()
    assert any(np.isnan(drawn).any() for drawn in found.draws.values())


def test_what_is_not_a_number_comes_back_too(store, assessed):
    odd = [replace(assessed.estimates[0], value=value, low=None) for value in (math.nan, math.inf, -math.inf)]
    store.write(Assessed(condition=CONDITION, estimates=tuple(odd), draws={}), SHA, None, {})
    found, known = store.read(CONDITION, SHA)
    assert math.isnan(found.estimates[0].value)
    assert [one.value for one in found.estimates[1:]] == [math.inf, -math.inf]
    assert (found.draws, known) == ({}, {})


def test_distances_are_kept_to_single_precision(store, assessed, matrix):
    store.write(assessed, SHA, matrix, {})
    found = store.matrix(CONDITION, SHA)
    assert found.dtype == np.float64
    assert np.array_equal(found, matrix.astype(np.float32).astype(np.float64))
    assert not found.diagonal().any()
    for size in (2, 3, 16):
        small = random_matrix(np.random.default_rng(size), size)
        store.write(assessed, SHA, small, {})
        assert np.allclose(store.matrix(CONDITION, SHA), small, rtol=1e-7)


def test_distances_need_not_be_kept(store, assessed):
    store.write(assessed, SHA, None, {})
    assert store.read(CONDITION, SHA)[0].estimates[0] == assessed.estimates[0]
    with pytest.raises(StyleError, match=r"^the distances of Condition\(backbone='net', .*\) were not kept$"):
        store.matrix(CONDITION, SHA)


def changed_conditions():
    yield from (
        replace(CONDITION, **{name: f"another {name}"})
        for name in ("backbone", "weights", "tap", "input", "features", "channels", "statistic", "metric")
    )


def test_another_condition_weights_or_setting_is_another_file(store, assessed, tmp_path, monkeypatch):
    assert len(list(changed_conditions())) == len(fields(Condition))
    store.write(assessed, SHA, None, {})
    for other in changed_conditions():
        assert not store.has(other, SHA)
        store.write(replace(assessed, condition=other), SHA, None, {})
    assert not store.has(CONDITION, "ef" * 32)
    for name in MADE_BY:
        other = MeasuredStore(store.folder, {**MADE_BY, name: "another"})
        assert not other.has(CONDITION, SHA)
        other.write(assessed, SHA, None, {})
    assert not MeasuredStore(store.folder, {**MADE_BY, "level": 0.9}).has(CONDITION, SHA)
    assert len(list(store.folder.iterdir())) == 1 + 8 + len(MADE_BY)
    assert MeasuredStore(store.folder, dict(reversed(MADE_BY.items()))).has(CONDITION, SHA)
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    assert not MeasuredStore(store.folder, MADE_BY).has(CONDITION, SHA)


def damaged(store, assessed, matrix, change):
    store.write(assessed, SHA, matrix, {})
    (path,) = store.folder.iterdir()
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize("read", [MeasuredStore.read, MeasuredStore.matrix])
@pytest.mark.parametrize("left", [0, 10, 2000, -30])
def test_a_file_cut_short_is_named_with_what_to_do(read, left, store, assessed, matrix):
    path = damaged(store, assessed, matrix, lambda data: data[:left])
    with pytest.raises(
        StyleError, match=rf"{path.name} is damaged \(.+\): remove it and run the study again$"
    ):
        read(store, CONDITION, SHA)


def test_a_changed_byte_is_noticed(store, assessed, matrix):
    def turn(text):
        """The change of one byte behind the name of an entry and its header."""

        def change(data):
            place = data.index(text) + 200
            return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

        return change

    damaged(store, assessed, matrix, turn(b"matrix.npy"))
    store.read(CONDITION, SHA)  # which does not need the distances
    with pytest.raises(StyleError, match=r"is damaged \(Bad CRC-32 for file 'matrix\.npy'\)"):
        store.matrix(CONDITION, SHA)
    for entry in (b"json.npy", b"draws/style/auc/all.npy"):
        damaged(store, assessed, matrix, turn(entry))
        with pytest.raises(StyleError, match=rf"is damaged \(Bad CRC-32 for file '{entry.decode()}'\)"):
            store.read(CONDITION, SHA)


def test_what_is_no_measurement_is_named(store, assessed, matrix):
    damaged(store, assessed, matrix, lambda data: b"text")
    with pytest.raises(StyleError, match=r"is damaged"):
        store.read(CONDITION, SHA)


def test_an_empty_file_is_none(store, assessed, matrix):
    damaged(store, assessed, matrix, lambda data: b"")
    assert not store.has(CONDITION, SHA)
    store.write(assessed, SHA, matrix, {})
    assert store.has(CONDITION, SHA)


def test_a_file_is_written_whole_or_not_at_all(store, assessed, matrix, monkeypatch):
    store.write(assessed, SHA, matrix, {"near": 1.0})

    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write(assessed, SHA, matrix, {"near": 2.0})
    assert store.read(CONDITION, SHA)[1] == {"near": 1.0}
    assert len(list(store.folder.iterdir())) == 1
