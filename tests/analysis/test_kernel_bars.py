"""What kernels must reach, from times that are made up."""

import pytest

COPY = {"kind": "copy", "bytes_per_second": 1000.0}


def gram(ours, mm=1.0, channels=64, side=1024, **more):
    seconds = {"ours": ours, "torch.mm": mm}
    shape = {"channels": channels, "side": side, "bytes": 900}
    return {"kind": "gram", "type": "bfloat16", "layout": "planar", **shape, "seconds": seconds, **more}


def convolution(seconds, layer="relu1_1 of VGG"):
    return {
        "kind": "convolution", "layer": layer, "type": "bfloat16", "layout": "planar", "side": 1024,
        "seconds": seconds,
    }  # fmt: skip


def found(script, *rows):
    return {one["bar"]: (one["required"], one["measured"], one["met"]) for one in script.bars(list(rows))}


def test_bandwidth_is_a_share_of_a_copys(script):
    # 900 bytes in a second, of 1000 bytes read and written
    assert found(script, COPY, gram(1.0))["share of copy bandwidth"] == (0.8, 0.9, True)
    assert found(script, COPY, gram(1.2))["share of copy bandwidth"] == (0.8, 0.75, False)
    assert "share of copy bandwidth" not in found(script, COPY, gram(1.0, channels=256))
    assert "share of copy bandwidth" not in found(script, COPY, gram(1.0, side=512))
    assert found(script, gram(1.0))["share of copy bandwidth"] == (0.8, None, False)


@pytest.mark.parametrize(("ours", "met"), [(0.5, True), (1.0, True), (1.01, False)])
def test_never_slower_than_a_product(ours, met, script):
    assert found(script, gram(ours, channels=512, side=64))["no slower than torch.mm"][2] is met
    row = {**gram(ours), "kind": "gradient", "seconds": {"ours": ours, "torch": 1.0}}
    assert found(script, row)["no slower than torch"][2] is met


def test_fused_is_compared_with_the_fastest_of_the_others(script):
    seconds = {
        "fused, features kept": 2.0,
        "fused, sums alone": 1.0,
        "a": 5.0,
        "b": 3.0,
        "c": "no such kernel",
    }
    kept, alone = found(script, convolution(seconds)).items()
    assert kept == ("fused, features kept: times as fast as apart", (1.5, 1.5, True))
    assert alone == ("fused, sums alone: times as fast as apart", (None, 3.0, None))
    late = found(script, convolution(seconds, "expansion 32 -> 192"))
    assert late[kept[0]] == (None, 1.5, None)


def test_what_did_not_run_is_not_met(script):
    assert found(script, gram("out of memory"))["no slower than torch.mm"] == (1.0, None, False)
    seconds = {"fused, features kept": "misaligned address", "fused, sums alone": 1.0, "a": 5.0}
    kept = "fused, features kept: times as fast as apart"
    assert found(script, convolution(seconds))[kept] == (1.5, None, False)


def test_the_table_says_all_of_it(script):
    seconds = {"fused, features kept": 4.0, "fused, sums alone": 1.0, "a": 5.0}
    text = script.table(script.bars([COPY, gram(1.0), gram("failed"), convolution(seconds)]))
    assert "| share of copy bandwidth | bfloat16, planar, 64 channels at 1024 | 0.8 | 0.90 | yes |" in text
    assert "| did not run | no |" in text
    assert "| bfloat16, planar, relu1_1 of VGG at 1024 | 1.5 | 1.25 | no |" in text
    assert text.endswith("2 of 5 bars are met.")
