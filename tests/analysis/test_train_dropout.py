"""The script that trains small networks with and without dropout."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import Executor, Future
from dataclasses import asdict

import numpy as np
import pytest
import torch
from scipy import stats

from gramstyle.corpus import STYLES, procedural_corpus


class Here(Executor):
    """Does what it is asked for at once, in this process."""

    def submit(self, function, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done


@pytest.fixture
def few(script, monkeypatch):
    """Two cells, one epoch, twelve images of three styles."""
    images = torch.rand(12, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    data = images, torch.arange(12) % 3
    monkeypatch.setattr(script, "processes", Here)
    monkeypatch.setattr(script, "CELLS", script.CELLS[:2])
    monkeypatch.setattr(script, "EPOCHS", 1)
    monkeypatch.setattr(script, "BATCH", 4)
    monkeypatch.setattr(script, "drawn", lambda seed, half: data)
    monkeypatch.setattr(script, "effects", lambda rows: f"{len(rows)} networks")
    return data


def rows_of(script, value):
    return [
        {
            "cell": {**dict(zip(script.FACTORS, levels, strict=True)), "seed": seed},
            "auc_4": value(levels, seed),
        }
        for seed in script.SEEDS
        for levels in itertools.product((0.0, 0.5), (0.0, 0.2), (False, True), (False, True))
    ]


def test_factors_are_fully_crossed(script):
    assert len(set(script.CELLS)) == len(script.CELLS) == 2**4 * 5
    for factor in script.FACTORS:
        levels = [getattr(cell, factor) for cell in script.CELLS]
        assert [levels.count(level) for level in sorted(set(levels))] == [40, 40]


def test_an_effect_is_what_was_put_in(script):
    rows = rows_of(script, lambda levels, seed: 0.5 + 0.1 * bool(levels[0]) - 0.2 * levels[3] + 0.01 * seed)
    assert script.effect(rows, "head_dropout", "auc_4") == "+0.100 [+0.100, +0.100]"
    assert script.effect(rows, "batch_norm", "auc_4") == "-0.200 [-0.200, -0.200]"
    assert script.effect(rows, "shortcuts", "auc_4") in (
        "+0.000 [+0.000, +0.000]",
        "-0.000 [-0.000, +0.000]",
        "+0.000 [-0.000, +0.000]",
        "-0.000 [-0.000, -0.000]",
    )


def test_the_seed_is_the_unit_of_an_interval(script):
    by_seed = np.array([0.1, 0.3, -0.2, 0.25, 0.05])
    rows = rows_of(script, lambda levels, seed: 1 + by_seed[seed] * bool(levels[1]))
    wanted = stats.ttest_1samp(by_seed, 0).confidence_interval(0.95)
    found = script.effect(rows, "trunk_dropout", "auc_4")
    assert found == f"{by_seed.mean():+.3f} [{wanted.low:+.3f}, {wanted.high:+.3f}]"


def test_a_factor_changes_what_it_is_named_after(script):
    network = script.Network(script.Cell(0.5, 0.2, True, True, 0), 3)
    plain = script.Network(script.Cell(0.0, 0.0, False, False, 0), 3)
    kinds = [type(part) for part in network.modules()]
    assert kinds.count(torch.nn.BatchNorm2d) == 8
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in plain.modules())
    assert (network.head[0].p, plain.head[0].p) == (0.5, 0.0)
    assert {block.drop.p for block in network.blocks} == {0.2}
    x = torch.rand(2, 3, 64, 64)
    assert [tuple(one.shape) for one in network.features(x)] == [
        (2, 32, 32, 32),
        (2, 64, 16, 16),
        (2, 96, 8, 8),
        (2, 128, 4, 4),
    ]
    for one in (network, plain):
        assert torch.equal(one.eval()(x), one(x))
    assert not torch.equal(network.train()(x), network(x))
    block = plain.blocks[0]
    without = block(x)
    block.shortcuts = True
    middle = torch.relu(block.first(x))
    torch.testing.assert_close(block(x), torch.relu(block.second(middle) + middle))
    assert not torch.equal(block(x), without)


def test_a_run_goes_on_with_the_networks_that_are_missing(script, few, tmp_path, monkeypatch, capsys):
    output = tmp_path / "dropout.jsonl"
    monkeypatch.setattr("sys.argv", ["train_dropout.py", "-o", str(output)])
    script.main()
    whole = output.read_text().splitlines()  # in the order in which they were done
    first = json.loads(whole[0])
    cells = [json.loads(line)["cell"] for line in whole]
    assert sorted(cells, key=str) == sorted((asdict(cell) for cell in script.CELLS), key=str)
    assert {f"{name}_{block}" for name in ("auc", "contrast", "mean_abs_r") for block in (1, 2, 3, 4)} < set(
        first
    )
    output.write_text(whole[0] + "\n")
    script.main()
    assert output.read_text().splitlines() == whole
    assert capsys.readouterr().out.splitlines()[-1] == "2 networks"


def test_networks_are_asked_for_styles_that_none_was_trained_on(script, monkeypatch):
    asked = {}

    def corpus(seed, *, styles, replicates, size):
        asked[seed] = styles
        few = {"contents": ["cat"], "palettes": ["moss"]}
        return procedural_corpus(seed, styles=styles, replicates=replicates, size=size, **few)

    monkeypatch.setattr(script, "procedural_corpus", corpus)
    images, labels = script.drawn(1, 0)
    script.drawn(2, 1)
    assert set(asked[1]) | set(asked[2]) == set(STYLES)
    assert not set(asked[1]) & set(asked[2])
    assert images.shape == (9, 3, 64, 64)
    assert labels.tolist() == list(range(9))


def test_a_network_learns(script, monkeypatch):
    """Bright from dark images, from a few of each."""
    monkeypatch.setattr(script, "EPOCHS", 15)
    monkeypatch.setattr(script, "BATCH", 8)
    images = torch.rand(16, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(16) % 2
    data = images + labels[:, None, None, None], labels
    found = script.measured(script.fitted(script.Cell(0.5, 0.0, False, True, 0), data), data, data)
    assert found["accuracy"] == 1
    assert found["auc_1"] > 0.9
    assert all(np.isfinite(value) for value in found.values())
