"""Moving images, read back by Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from gramstyle.errors import StyleError
from gramstyle.images import save_gif


def frames_of(path):
    with Image.open(path) as image:
        pages = [(page.info["duration"], page.convert("RGB")) for page in ImageSequence.Iterator(image)]
        return image.info.get("loop"), [one for one, _ in pages], [np.asarray(page) for _, page in pages]


def ramp(level):
    """Fewer than 256 colours, so that none is lost."""
    pixels = torch.zeros(3, 8, 12)
    pixels[0], pixels[1], pixels[2, :4] = level, torch.linspace(0, 1, 12), 1.0
    return pixels


def test_frames_come_back_in_order(tmp_path):
    levels = [0.0, 0.2, 0.6, 1.0]
    save_gif(tmp_path / "new" / "a.gif", [ramp(level) for level in levels], seconds=0.254)
    loop, durations, pages = frames_of(tmp_path / "new" / "a.gif")
    assert loop == 0
    assert durations == [250] * 4
    for level, page in zip(levels, pages, strict=True):
        expected = np.rint(ramp(level).numpy().transpose(1, 2, 0) * 255)
        assert np.abs(page - expected).max() <= 3


def test_there_and_back(tmp_path):
    save_gif(tmp_path / "a.gif", [ramp(level) for level in (0.0, 0.5, 1.0)], back=True)
    _, _, pages = frames_of(tmp_path / "a.gif")
    assert [round(page[0, 0, 0] / 255, 1) for page in pages] == [0.0, 0.5, 1.0, 0.5]
    save_gif(tmp_path / "two.gif", [ramp(0.0), ramp(1.0)], back=True)
    assert len(frames_of(tmp_path / "two.gif")[2]) == 2


def test_equal_frames_make_equal_files(tmp_path):
    for name in ("a.gif", "b.gif"):
        save_gif(tmp_path / name, [torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(1))] * 2)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_wrong_arguments_are_refused(tmp_path):
    frame = ramp(0.5)
    with pytest.raises(StyleError, match=r"must be written to a file that ends in \.gif; got a\.png"):
        save_gif(tmp_path / "a.png", [frame])
    with pytest.raises(StyleError, match="frames must be at least one, and all of one size; got none"):
        save_gif(tmp_path / "a.gif", [])
    with pytest.raises(StyleError, match=r"all of one size; got \[\(3, 4, 12\), \(3, 8, 12\)\]"):
        save_gif(tmp_path / "a.gif", [frame, frame[:, :4]])
    with pytest.raises(ValueError, match=r"seconds must be 0.01 or more, got 0.001"):
        save_gif(tmp_path / "a.gif", [frame], seconds=0.001)
    assert list(tmp_path.iterdir()) == []
