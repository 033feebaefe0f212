"""The table of flicker over temporal weights, of a network that takes no time."""


def test_more_weight_less_flicker(script, capsys):
    tiny = ["--backbone", "timm:test_resnet@random:1", "--steps", "4", "--frames", "2"]
    script.main([*tiny, "--weights", "0", "1000"])
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows[2:]] == ["0", "1000", "content"]
    loose, held, content = (float(row[1].strip(" |")) for row in rows[2:])
    assert held < loose
    assert 0 < content < 0.5
    assert all(float(row[2]) > 0 for row in rows[2:4])
