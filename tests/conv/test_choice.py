"""The cost model, what it times, and what is kept of it."""

import json

import pytest
import torch
from conftest import assert_close
from torch.nn import functional

from gramstyle.conv import ALGORITHMS, choice, conv2d, conv3d, rates, timings
from gramstyle.conv.cost import Cost
from gramstyle.conv.geometry import geometry_of
from gramstyle.errors import StyleError

X, WEIGHT = torch.rand(1, 3, 12, 12), torch.rand(4, 3, 3, 3)


@pytest.fixture(autouse=True)
def nothing_known(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(timings, "_open", {})


@pytest.fixture
def clock(monkeypatch):
    """Seconds that each algorithm takes, and the names of those that were timed."""
    seconds = {name: 1.0 for name in ALGORITHMS}
    asked = []

    def timed(run, device, enough=0):
        name = next(name for name, one in ALGORITHMS.items() if one is run.func)
        asked.append(name)
        return seconds[name]

    monkeypatch.setattr(choice, "timed", timed)
    monkeypatch.setattr(choice, "measure_rates", lambda device, dtype: RATES)
    return seconds, asked


RATES = {
    "direct": (0.5, 0.0, 0.0),
    "im2col": (0.1, 0.0, 0.0),
    "library": (3.0, 0.0, 0.0),
    "fft": (9.0, 0.0, 0.0),
}


@pytest.mark.parametrize(
    ("seconds", "options", "expected", "runs"),
    [
        ([9, 0.01, 0.03, 0.02], {}, 0.02, 4),
        ([0.03, 0.01, 0.02], {"warm": True}, 0.02, 3),
        ([9, 0.2], {}, 0.2, 2),  # long enough
        ([9, 0.04, 0.01, 0.012], {"enough": 0.02}, 0.012, 4),  # held up once, and not slow
        ([9, 0.04, 0.03], {"enough": 0.02}, 0.03, 3),
    ],
)
def test_times_are_medians_of_as_few_runs_as_tell(seconds, options, expected, runs, monkeypatch):
    clock = {"now": 0.0, "runs": 0}

    def run():
        clock["now"] += seconds[clock["runs"]]
        clock["runs"] += 1

    monkeypatch.setattr(rates.time, "perf_counter", lambda: clock["now"])
    assert rates.timed(run, torch.device("cpu"), **options) == pytest.approx(expected)
    assert clock["runs"] == runs


def test_algorithms_are_timed_until_the_next_is_expected_to_be_too_slow(clock):
    """9 taps: im2col 0.9, library 3, direct 4.5, fft 9 seconds are expected."""
    seconds, asked = clock
    seconds |= {"im2col": 2.0, "library": 1.6, "direct": 0.1}
    found, why = conv2d(X, WEIGHT, explain=True)
    assert asked == ["im2col", "library"]  # 4.5 is more than twice 1.6
    assert why.algorithm == "library"
    assert list(why.expected) == ["im2col", "library", "direct", "fft"]
    assert why.measured == {"im2col": 2.0, "library": 1.6}
    assert_close(found, functional.conv2d(X, WEIGHT), tolerance=1e-6)
    text = str(why)
    assert text.startswith("library, for 3 -> 4 channels, 3 x 3 taps, 12 x 12 positions, 0.0216 million")
    assert "im2col: measured 2e+03 ms (900 ms expected)" in text
    assert "direct: not timed, 4.5e+03 ms expected" in text
    assert "pointwise: not taken: its kernel has (3, 3) taps, not one" in text
    assert "winograd6: not taken: its rounding error" in text


def test_what_was_measured_is_kept_in_the_process_and_in_a_file(clock, tmp_path, monkeypatch):
    _, asked = clock
    first = conv2d(X, WEIGHT, explain=True)[1]
    conv2d(X, WEIGHT)
    times = len(asked)
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(timings, "_open", {})
    assert conv2d(X, WEIGHT, explain=True)[1] == first
    assert len(asked) == times
    (file,) = (tmp_path / "conv").iterdir()
    record = json.loads(file.read_text())
    assert record["machine"] == first.machine
    assert f"{torch.get_num_threads()} threads, torch {torch.__version__}" in record["machine"]
    conv2d(X, WEIGHT, stride=2)
    assert len(asked) > times  # another geometry
    times = len(asked)
    conv2d(X.contiguous(memory_format=torch.channels_last), WEIGHT)
    assert len(asked) > times  # another layout
    times = len(asked)
    conv2d(X.double(), WEIGHT.double())
    assert len(asked) > times
    assert len(list((tmp_path / "conv").iterdir())) == 2  # one for each type of number


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"format": 0}',
        '{"format": 0, "rates": {"fft": [0, 0, 1]}, "measured": {}}',
        '{"format": 1, "rates": {"fft": [1]}, "measured": {}}',
        '{"format": 1, "rates": 3, "measured": {}}',
        '{"format": 1, "rates": {}, "measured": {"a": 3}}',
    ],
)
def test_a_file_that_cannot_be_read_is_written_anew(clock, tmp_path, monkeypatch, content):
    conv2d(X, WEIGHT)
    (file,) = (tmp_path / "conv").iterdir()
    good = file.read_text()
    file.write_text(content)
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(timings, "_open", {})
    conv2d(X, WEIGHT)
    assert json.loads(file.read_text()) == json.loads(good)


def test_names_that_are_no_more_are_measured_again(clock, tmp_path, monkeypatch):
    conv2d(X, WEIGHT)
    (file,) = (tmp_path / "conv").iterdir()
    record = json.loads(file.read_text())
    record["measured"] = {key: {"gone": 1e-9} for key in record["measured"]}
    file.write_text(json.dumps(record))
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(timings, "_open", {})
    assert conv2d(X, WEIGHT, explain=True)[1].algorithm in RATES


def test_a_folder_that_cannot_be_written_is_no_obstacle(clock, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path / "file"))
    _, why = conv2d(X, WEIGHT, explain=True)
    assert why.algorithm == "im2col"


def test_values_that_are_not_finite_stay_where_they_are(clock):
    """Transforms would spread them over a block: auto takes the definition, a named algorithm says so."""
    seconds, _ = clock
    seconds |= {"fft": 0.0, "im2col": 99.0, "library": 99.0, "direct": 99.0}
    x = X.clone()
    assert conv2d(x, WEIGHT, explain=True)[1].algorithm == "fft"
    x[0, 0, 3, 3] = torch.nan
    found = conv2d(x, WEIGHT)
    assert_close(found.isnan(), functional.conv2d(x, WEIGHT).isnan(), tolerance=0)
    for name in ("fft", "separable", "winograd2", "winograd4"):
        with pytest.raises(ValueError, match="input must be finite, got 1 NaN"):
            conv2d(x, WEIGHT, algorithm=name)
    weight = WEIGHT.clone()
    weight[0, 0, 0, 0] = torch.inf
    with pytest.raises(ValueError, match="weight must be finite, got 0 NaN and 1 infinite"):
        conv2d(X, weight, algorithm="fft")
    with pytest.raises(ValueError, match="weight must be finite, got 0 NaN and 1 infinite"):
        conv2d(X, weight, algorithm="separable")
    with pytest.raises(ValueError, match=r"what algorithm winograd6 makes of these numbers \(use direct\)"):
        conv2d(X * 1e38, WEIGHT, algorithm="winograd6")


def test_sums_that_overflow_are_not_taken_for_values_that_do(clock):
    large = torch.full((1, 1, 40, 40), 3e37)
    found = conv2d(large, torch.ones(1, 1, 1, 2), algorithm="fft")
    assert found.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["fft", "separable", "winograd2", "winograd6"])
def test_transforms_of_half_precision_are_taken_in_float32(dtype, name):
    x, weight = X.to(dtype), WEIGHT.to(dtype)
    found = conv2d(x, weight, padding=1, algorithm=name)
    exact = functional.conv2d(x.float(), weight.float(), padding=1)
    assert found.dtype == dtype
    assert_close(found.float(), exact.to(dtype).float(), tolerance=2 * torch.finfo(dtype).eps)


def test_rates_are_those_that_made_the_times():
    generator = torch.Generator().manual_seed(0)
    costs = [
        Cost(*row) for row in (torch.rand(8, 3, generator=generator) * torch.tensor([9, 1e9, 1e6])).tolist()
    ]
    truth = (1e-5, 2e-11, 3e-10)
    seconds = [sum(rate * part for rate, part in zip(truth, cost, strict=True)) for cost in costs]
    assert rates.fitted(list(zip(costs, seconds, strict=True))) == pytest.approx(truth, rel=1e-6)
    falling = [(cost, max(1e-3, 1 - cost.operations / 1e9)) for cost in costs]
    assert min(rates.fitted(falling)) >= 0


def test_the_model_is_measured_here_and_chooses():
    """The real thing, once: each algorithm that may be taken has rates, and one of them is."""
    found, why = conv2d(X, WEIGHT, explain=True)
    assert_close(found, functional.conv2d(X, WEIGHT), tolerance=1e-5)
    geometry = geometry_of(X, WEIGHT, None, 1, 0, 1, 1, "zeros", 2)
    able = {n for n, one in ALGORITHMS.items() if not one.reason_against(geometry) and not one.not_automatic}
    assert set(why.expected) == able
    assert why.measured[why.algorithm] == min(why.measured.values()) > 0
    volume, _ = conv3d(torch.rand(1, 2, 5, 5, 5), torch.rand(3, 2, 2, 2, 2), explain=True)
    assert volume.shape == (1, 3, 4, 4, 4)


def test_float32_that_a_gpu_may_round_is_measured_by_itself():
    from torch._subclasses import FakeTensorMode

    cudnn = torch.backends.cudnn
    with FakeTensorMode():
        there = {kind: torch.empty(1, dtype=kind, device="cuda") for kind in (torch.float32, torch.complex64)}
        double = torch.empty(1, dtype=torch.float64, device="cuda")
        names = [timings.precision_of(one) for one in (*there.values(), double, torch.empty(1))]
        with cudnn.flags(enabled=True, allow_tf32=False):
            exact = [timings.precision_of(one) for one in there.values()]
    assert names == ["float32 as tf32", "complex64 as tf32", "float64", "float32"]
    assert exact == ["float32", "complex64"]


def test_another_precision_is_compared_anew(clock, monkeypatch):
    _, asked = clock
    for precision in ("float32", "float32 as tf32", "float32"):
        for module in (choice, timings):
            monkeypatch.setattr(module, "precision_of", lambda x, precision=precision: precision)
        conv2d(X, WEIGHT)
    assert len(asked) == 2 * len(set(asked))


def test_without_values_it_is_the_librarys_and_has_nothing_to_explain():
    for x, weight in ((X.to("meta"), WEIGHT.to("meta")), (X[:0], WEIGHT)):
        assert conv2d(x, weight, padding=1).shape == (len(x), 4, 12, 12)
        with pytest.raises(StyleError, match="explain needs times"):
            conv2d(x, weight, explain=True)


def test_named_algorithms_have_nothing_to_explain():
    with pytest.raises(ValueError, match="use it with auto, not with fft"):
        conv2d(X, WEIGHT, algorithm="fft", explain=True)
