"""Settings and sweeps: presets, what a TOML file says, and what is refused in which words."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gramstyle.distance import metric_named
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.extract import backbone, parse
from gramstyle.gram import Statistic
from gramstyle.study import FULL, QUICK, Readout, StudySettings, Sweep
from gramstyle.study.settings import PRESETS
from gramstyle.study.sweep import CSLS
from gramstyle.weights import entry

GRAM = Readout(statistic="gram", metric="frobenius")
PUBLISHED = sorted((Path(__file__).parents[2] / "analysis" / "settings").glob("*.toml"))


def toml(plain):
    """Settings in plain types as TOML, for what settings are made of: text, numbers, lists, tables."""

    def value(one):
        if isinstance(one, dict):
            return "{ " + ", ".join(f"{name} = {value(inner)}" for name, inner in one.items()) + " }"
        if isinstance(one, (list, tuple)):
            return "[" + ", ".join(map(value, one)) + "]"
        return json.dumps(one)

    return "\n".join(f"{name} = {value(one)}" for name, one in plain.items())


def written(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_what_exists(name):
    preset = PRESETS[name]
    for one in preset.backbones:
        parsed = parse(one)
        assert entry(parsed.backbone, parsed.weights).backbone == backbone(parsed.backbone).name
    for sweep in preset.sweeps:
        assert len(set(sweep.readouts)) == len(sweep.readouts)
        for readout in sweep.readouts:
            assert readout.kind in metric_named(readout.metric.removesuffix(CSLS)).statistics
    assert any(preset.primary in sweep.readouts for sweep in preset.sweeps)


def test_the_quick_preset_measures_less():
    assert set(QUICK.backbones) <= set(FULL.backbones)
    assert QUICK.limit < FULL.limit
    assert QUICK.diagnosed < FULL.diagnosed
    assert len(QUICK.random_seeds) < len(FULL.random_seeds)
    full = {readout.metric for sweep in FULL.sweeps for readout in sweep.readouts}
    assert {readout.metric for sweep in QUICK.sweeps for readout in sweep.readouts} < full


@pytest.mark.parametrize(
    "preset", [QUICK, FULL, replace(QUICK, seed=3, level=0.9, resize="none", sparsity=0.5)]
)
def test_toml_gives_back_what_was_said(preset, tmp_path):
    plain = preset.as_json()
    assert json.loads(json.dumps(plain)) is not None
    assert StudySettings.from_plain(plain) == preset
    assert StudySettings.read(written(tmp_path, toml(plain))) == preset


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_published_settings_are_valid(path):
    assert StudySettings.read(path).backbones


def test_a_file_starts_from_a_preset_and_replaces_what_it_names(tmp_path):
    given = StudySettings.read(
        written(
            tmp_path,
            """
            preset = "quick"
            backbones = ["resnet18"]
            random_seeds = []
            draws = 50

            [[sweeps]]
            where = "depth"
            whose = ["learned", "pixels"]
            inputs = ["as-is", "size:64"]
            features = ["as-is", "subsample:49"]
            channels = ["as-is", "projected:16"]
            readouts = [
                { statistic = "gram", metric = "frobenius" },
                { statistic = "gaussian", metric = "wasserstein", most = 3 },
            ]
            """,
        )
    )
    sweep = Sweep(
        where="depth",
        whose=("learned", "pixels"),
        inputs=("as-is", "size:64"),
        features=("as-is", "subsample:49"),
        channels=("as-is", "projected:16"),
        readouts=(GRAM, Readout(statistic="gaussian", metric="wasserstein", most=3)),
    )
    assert given == replace(QUICK, backbones=("resnet18",), random_seeds=(), draws=50, sweeps=(sweep,))
    assert StudySettings.from_plain({}) == FULL
    assert StudySettings.from_plain({"preset": "full"}) == FULL
    assert StudySettings.from_plain({"preset": "quick", "primary": asdict(GRAM)}) == QUICK


SWEEP = 'readouts = [{ statistic = "gram", metric = "frobenius" }]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('preset = "quik"', r"preset must be one of: quick, full; got 'quik'"),
        ("drawss = 3", r"setting must be one of: draws, .*; got 'drawss'"),
        ('backbones = "vgg16"', r"backbones must be a list, got 'vgg16': write \['vgg16'\]"),
        ("backbones = []", r"backbones must name at least one network, got none"),
        ("backbones = [16]", r"each of backbones must be str, got int"),
        ('backbones = ["vgg61"]', r"backbone must be one of: vgg16, .*; got 'vgg61'"),
        ("random_seeds = 3", r"random_seeds must be a list, got 3: write \[3\]"),
        ("random_seeds = [-1]", r"each of random_seeds must be a whole number from 0, got -1"),
        ("resize = 224", r"resize must be text such as 'short:224', got 224"),
        ('resize = "big"', r"resize must be 'short:512' or plain '512'.*; got 'big'"),
        ("draws = 0", r"draws must be a whole number from 1, got 0"),
        ("permutations = 9.5", r"permutations must be a whole number from 1, got 9.5"),
        ("diagnosed = true", r"diagnosed must be a whole number from 1, got True"),
        ('limit = "many"', r"limit must be a whole number from 1, got 'many'"),
        ("seed = -1", r"seed must be a whole number from 0, got -1"),
        ("level = 1", r"level must be float, got int"),
        ("level = 0.4", r"level must be at least 0.5 and below 1, got 0.4"),
        ("sweeps = 5", r"sweeps must be a list, got 5"),
        ("sweeps = [5]", r"a sweep must be a table, got 5"),
        ("sweeps = []", r"primary readout gram frobenius must be in a sweep .*; those are none"),
        (f"[[sweeps]]\nwhere_ = 'last'\n{SWEEP}", r"key of a sweep must be one of: where, .*; got 'where_'"),
        (f"[[sweeps]]\nwhere = 'lest'\n{SWEEP}", r"where must be one of: last, .*; got 'lest'"),
        (f"[[sweeps]]\nwhose = 'learned'\n{SWEEP}", r"whose must be a list, got 'learned': write \['lea"),
        (f"[[sweeps]]\nwhose = ['mine']\n{SWEEP}", r"whose must be one of: .*; got 'mine'"),
        (f"[[sweeps]]\nwhose = []\n{SWEEP}", r"whose of a sweep must name at least one, got none"),
        (f"[[sweeps]]\ninputs = ['grey']\n{SWEEP}", r"input arm must be one of: grayscale, .*; got 'grey'"),
        (f"[[sweeps]]\nfeatures = ['subsample']\n{SWEEP}", r"features arm must be written subsample:NUMBER"),
        (f"[[sweeps]]\nfeatures = [49]\n{SWEEP}", r"each of features must be str, got int"),
        (
            f"[[sweeps]]\nchannels = ['rotatd']\n{SWEEP}",
            r"channels arm must be one of: rotated, .*; got 'rot",
        ),
        ("[[sweeps]]", r"readouts of a sweep must name at least one, got none"),
        ("[[sweeps]]\nreadouts = 'gram'", r"readouts must be a list, got 'gram'"),
        ("[[sweeps]]\nreadouts = ['gram']", r"a readout must be a table of statistic and metric, got 'gram'"),
        (
            "[[sweeps]]\nreadouts = [{ statistic = 'gram' }]",
            r"a readout must be a table of statistic and metric, got \{'statistic': 'gram'\}",
        ),
        (
            "primary = { statistic = 'gram', metric = 'frobenius', widest = 3 }",
            r"key of a readout must be one of: .*; got 'widest'",
        ),
        (
            "primary = { statistic = 'grams', metric = 'frobenius' }",
            r"statistic must be one of: gram, .*; got",
        ),
        ("primary = { statistic = 'gram', metric = 'l2' }", r"metric must be one of: .*; got 'l2'"),
        ("primary = { statistic = 'gram', metric = 2 }", r"metric must be str, got int"),
        (
            "primary = { statistic = 'mean', metric = 'wasserstein' }",
            r"metric wasserstein is defined for the statistics gaussian; got mean",
        ),
        (
            "primary = { statistic = 'gram', metric = 'frobenius', most = 0 }",
            r"most must be a whole number from 1, got 0",
        ),
        (
            f"primary = {{ statistic = 'mean', metric = 'frobenius' }}\n[[sweeps]]\n{SWEEP}",
            r"primary readout mean frobenius must be in a sweep of learned networks, as they are; those are "
            r"gram frobenius",
        ),
        (f"[[sweeps]]\ninputs = ['grayscale']\n{SWEEP}", r"must be in a sweep .*; those are none"),
        (f"[[sweeps]]\nwhose = ['random']\n{SWEEP}", r"must be in a sweep .*; those are none"),
        ("draws = ", r"settings.toml must be a TOML file of study settings: Invalid value"),
    ],
)
def test_what_a_file_may_not_say(text, message, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(StyleError, match=message) as raised:
        StudySettings.read(path)
    assert str(raised.value).startswith(str(path))


def test_a_file_that_is_no_text_or_not_there(tmp_path):
    path = tmp_path / "settings.toml"
    with pytest.raises(FileNotFoundError, match=r"settings\.toml"):
        StudySettings.read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StyleError, match=r"settings\.toml must be a TOML file of study settings"):
        StudySettings.read(path)


def test_settings_in_python_are_checked_too():
    with pytest.raises(TypeError, match=r"^backbones must be tuple, got str$"):
        StudySettings(backbones="vgg16")
    with pytest.raises(TypeError, match=r"^readouts must be tuple, got list$"):
        Sweep(readouts=[GRAM])
    with pytest.raises(TypeError, match=r"^each of readouts must be Readout, got str$"):
        Sweep(readouts=("gram",))
    with pytest.raises(UnknownNameError, match=r"^backbone must be one of"):
        StudySettings(backbones=("vgg61",))
    assert GRAM.kind is Statistic.GRAM
    assert Readout(statistic="gram", metric="cosine+csls").kind is Statistic.GRAM
