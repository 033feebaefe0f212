"""Rectangles of an image that is still as its file stores it, against the whole picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import piexif
import pytest
import tifffile
import torch
from images.image_files import cmyk_profile, gamma, matrix_profile, png16
from PIL import Image

from gramstyle.errors import ImageError, StyleError
from gramstyle.images import open_image, open_images, read_image, read_images, resize_mask, resize_mask_part

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (11, 14, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (11, 14, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (11, 14, 4)).astype(np.uint16)
BACKGROUND = (0.2, 0.5, 0.9)
BOXES = [(0, 0, 3, 5), (4, 2, 7, 6), (0, 0, 1, 1), (2, 1, 9, 10)]


def encoded(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def palette(transparent):
    image = Image.fromarray(RGB).quantize(16)
    return encoded(image, **({"transparency": bytes(range(0, 256, 16))} if transparent else {}))


def turned(orientation):
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
    return encoded(Image.fromarray(RGBA), exif=exif)


def deep_tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb", **options)
    return buffer.getvalue()


def profiled():
    """RGB samples with other primaries and another curve than those of sRGB."""
    primaries = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
    return encoded(Image.fromarray(RGB), icc_profile=matrix_profile("Wide", primaries, gamma(1.8)))


def pressed():
    """CMYK samples with a profile that is made of tables."""
    icc = cmyk_profile("Press", lambda c, m, y, k: (0 if k else 100 - 50 * c - 15 * m - 5 * y, 0, 0))
    return encoded(Image.frombytes("CMYK", (14, 11), RGBA.tobytes()), "TIFF", icc_profile=icc)


FILES = {
    "rgb": lambda: encoded(Image.fromarray(RGB)),
    "jpeg": lambda: encoded(Image.fromarray(RGB), "JPEG"),
    "grey": lambda: encoded(Image.fromarray(RGB[..., 0])),
    "bits": lambda: encoded(Image.fromarray(RGB[..., 0] > 99)),
    "alpha": lambda: encoded(Image.fromarray(RGBA)),
    "grey-alpha": lambda: encoded(Image.fromarray(RGBA).convert("LA")),
    "palette": lambda: palette(False),
    "palette-alpha": lambda: palette(True),
    "cmyk": lambda: encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
    "profile": profiled,
    "profile-of-tables": pressed,
    "deep-png": lambda: png16(DEEP),
    "deep-grey": lambda: png16(DEEP[..., :1]),
    "deep-tiff": lambda: deep_tiff(DEEP[..., :3]),
    "deep-tiff-alpha": lambda: deep_tiff(DEEP, extrasamples=["unassalpha"]),
    "mapped-tiff": lambda: deep_tiff(RGB),
    "mapped-tiff-other-bytes": lambda: deep_tiff(DEEP[..., :3], byteorder=">"),
    "mapped-tiff-small-bytes": lambda: deep_tiff(RGB, byteorder=">"),
    "mapped-tiff-grey": lambda: encoded(Image.fromarray(RGB[..., 0]), "TIFF"),
    "mapped-tiff-frames": lambda: encoded(
        Image.fromarray(RGB), "TIFF", save_all=True, append_images=[Image.fromarray(RGB // 2)]
    ),
    "tiff-alpha": lambda: encoded(Image.fromarray(RGBA), "TIFF"),
    "tiff-packed": lambda: encoded(Image.fromarray(RGB), "TIFF", compression="tiff_lzw"),
    "tiff-profile": lambda: encoded(Image.open(io.BytesIO(profiled())), "TIFF"),
    **{
        f"tiff-turned-{one}": (
            lambda one=one: deep_tiff(RGB, extratags=[(274, 3, 1, one, True)], metadata=None)
        )
        for one in range(1, 9)
    },
    "float-tiff": lambda: deep_tiff((DEEP[..., :3] / 65535).astype(np.float32)),
    "lab": lambda: encoded(Image.frombytes("LAB", (14, 11), RGB.tobytes()), "TIFF"),
    **{f"exif-{one}": (lambda one=one: turned(one)) for one in range(1, 9)},
}


@pytest.fixture
def written(tmp_path):
    def write(name):
        path = tmp_path / name
        path.write_bytes(FILES[name]())
        return path

    return write


def same(part, whole, box):
    top, left, height, width = box
    rows, columns = slice(top, top + height), slice(left, left + width)
    assert torch.equal(part.pixels, whole.pixels[:, rows, columns])
    assert (part.alpha is None) == (whole.alpha is None)
    if whole.alpha is not None:
        assert torch.equal(part.alpha, whole.alpha[rows, columns])
    assert part.name == whole.name
    assert set(part.notes) <= set(whole.notes)


@pytest.mark.parametrize("name", FILES)
def test_parts_of_files_are_parts_of_their_pictures(name, written):
    path = written(name)
    whole = read_image(path, background=BACKGROUND)
    raster = open_image(path, background=BACKGROUND)
    assert (raster.height, raster.width, raster.name) == (whole.height, whole.width, str(path))
    for box in BOXES:
        same(raster.part(*box), whole, box)
    full = raster.picture()
    same(full, whole, (0, 0, whole.height, whole.width))
    assert full.notes == whole.notes


@pytest.mark.parametrize(
    "source",
    [
        RGB, RGB[..., 0], RGBA, DEEP[..., :3], RGB > 100, RGB[:, ::-1], (RGB / 255).astype(np.float32),
        torch.from_numpy(RGB / 255).permute(2, 0, 1).float(), torch.from_numpy(RGB).permute(2, 0, 1),
        Image.fromarray(RGBA), Image.fromarray(DEEP[..., 0]),
    ],
    ids=lambda one: f"{type(one).__name__}-{getattr(one, 'dtype', getattr(one, 'mode', ''))}",
)  # fmt: skip
def test_parts_of_what_is_in_memory(source):
    whole, raster = read_image(source), open_image(source)
    assert (raster.height, raster.width) == (whole.height, whole.width)
    for box in BOXES:
        same(raster.part(*box), whole, box)


def test_a_mapped_file_is_read_where_it_is_asked(tmp_path):
    stored = np.memmap(tmp_path / "raw", np.uint8, "w+", shape=(11, 14, 3))
    stored[:] = RGB
    raster = open_image(stored, name="poster")
    before = raster.part(2, 3, 2, 2).pixels
    stored[2, 3] = 255 - stored[2, 3]
    after = raster.part(2, 3, 2, 2).pixels
    assert not torch.equal(before[:, 0, 0], after[:, 0, 0])
    assert torch.equal(before[:, 1], after[:, 1])
    assert raster.name == "poster"


MAPPED = ["mapped-tiff", "mapped-tiff-grey", "mapped-tiff-frames", "deep-tiff", "tiff-turned-6"]


@pytest.mark.parametrize("name", [*MAPPED, "mapped-tiff-small-bytes"])
def test_tiffs_that_are_not_compressed_stay_in_their_file(name, written, monkeypatch):
    """Seen from outside: nobody asks for the bytes of the file, and a change of these is seen."""
    path = written(name)
    monkeypatch.setattr("gramstyle.images.raster.stored_file", None)
    raster = open_image(path)
    before = raster.picture().pixels
    data = bytearray(path.read_bytes())
    # at the first byte of the strip, wherever the encoder has put it
    with tifffile.TiffFile(path) as file:
        data[file.pages.first.dataoffsets[0] + 1] ^= 0x80
    with path.open("r+b") as file:
        file.write(data)
    assert int((raster.picture().pixels != before).any(0).sum()) == 1


@pytest.mark.parametrize("cut", [5, 60, 200])
def test_a_tiff_that_ends_too_early_is_refused_as_when_it_is_read(cut, tmp_path):
    path = tmp_path / "cut.tif"
    path.write_bytes(FILES["mapped-tiff"]()[:-cut])
    said = []
    for door in (read_image, open_image):
        with pytest.raises(ImageError) as raised:
            door(path)
        said.append(str(raised.value))
    assert said[0] == said[1]


def test_a_mapped_tiff_of_too_many_pixels_is_refused(written):
    with pytest.raises(ImageError, match="pass max_pixels=154"):
        open_image(written("mapped-tiff"), max_pixels=153)


def resident(array):
    """KiB of the mapping of `array` that count as memory of this process, as Linux tells."""
    address = f"{array.ctypes.data:x}-"
    lines = Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(address))
    return next(int(line.split()[1]) for line in lines[at:] if line.startswith("Rss:"))


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells")
def test_a_mapping_that_was_read_is_let_go(tmp_path):
    stored = RNG.integers(0, 256, (512, 512, 3), dtype=np.uint8)
    stored.tofile(tmp_path / "raw")
    kept = {}
    for mode in ("r", "c"):
        mapped = np.memmap(tmp_path / "raw", np.uint8, mode, shape=(512, 512, 3))
        if mode == "c":
            mapped[0, 0] = stored[0, 0] = 255 - mapped[0, 0]  # in no file
        np.testing.assert_array_equal(
            open_image(mapped).picture().pixels.permute(1, 2, 0).mul(255).round().byte().numpy(),
            stored,
        )
        kept[mode] = resident(mapped)
    assert kept["r"] < 100 < 700 < kept["c"]


def test_a_rectangle_is_an_image_of_its_own():
    whole, raster = read_image(RGB), open_image(RGB).crop(2, 3, 8, 9)
    assert (raster.height, raster.width) == (8, 9)
    assert torch.equal(raster.part(1, 2, 4, 5).pixels, whole.pixels[:, 3:7, 5:10])
    assert torch.equal(raster.picture().pixels, whole.pixels[:, 2:10, 3:12])
    with pytest.raises(ValueError, match="inside the image of height 8 and width 9, got rows 7 to 9"):
        raster.part(7, 0, 2, 2)


@pytest.mark.parametrize("box", [(-1, 0, 2, 2), (0, 0, 0, 3), (0, 13, 1, 2), (11, 0, 1, 1)])
def test_parts_that_leave_the_image_are_refused(box):
    with pytest.raises(ValueError, match="the part must lie inside the image of height 11 and width 14"):
        open_image(RGB).part(*box)


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        (b"", {}, ImageError, "the file is empty"),
        (b"no image", {}, ImageError, "not an image in a format that can be read"),
        (encoded(Image.fromarray(RGB))[:70], {}, ImageError, "cannot read"),
        (encoded(Image.fromarray(RGB)), {"max_pixels": 100}, ImageError, "pass max_pixels=154"),
        (encoded(Image.fromarray(RGB)), {"max_pixels": 0}, ValueError, "max_pixels must be a whole number"),
        (encoded(Image.fromarray(RGB)), {"background": "red"}, ValueError, "background must be three"),
        (RGB.astype(np.int16), {}, TypeError, "source must be uint8, uint16"),
        (RGB.transpose(2, 0, 1), {}, ValueError, "channels come last"),
        (RGB[0, 0], {}, ValueError, "source must be (H, W)"),
        (RGB[:0], {}, ValueError, "at least one pixel"),
        (torch.full((3, 4, 4), 2.0), {}, ValueError, "must lie in [0, 1]"),
        (7, {}, TypeError, "source must be a path"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_refused_at_once_as_when_it_is_read(
    source, options, error, message, tmp_path
):
    if isinstance(source, bytes):
        (tmp_path / "file").write_bytes(source)
        source = tmp_path / "file"
    for door in (read_image, open_image):
        with pytest.raises(error) as raised:
            door(source, **options)
        assert message in str(raised.value)


def test_several_are_opened_one_after_another(tmp_path):
    (tmp_path / "good.png").write_bytes(FILES["rgb"]())
    (tmp_path / "bad.png").write_bytes(b"no")
    sources = [tmp_path / "bad.png", RGB, tmp_path / "good.png"]
    for door in (read_images, open_images):
        skipped = []
        names = [one.name for one in door(sources, on_error="skip", skipped=skipped)]
        assert names == ["array", str(tmp_path / "good.png")]
        assert [one.name for one in skipped] == [str(tmp_path / "bad.png")]
        with pytest.raises(ImageError):
            list(door(sources))
        with pytest.raises(StyleError, match="needs skipped"):
            door(sources, on_error="skip")
    with pytest.raises(ImageError, match="pass max_pixels=154"):
        list(open_images([tmp_path / "good.png"], max_pixels=100))


@pytest.mark.parametrize("size", [(3, 5), (11, 14), (23, 40), (1, 1), (11, 3)])
def test_parts_of_a_resized_mask(size):
    """Only the pixels that matter are read; an independent sum over areas for one position."""
    mask = torch.from_numpy(RNG.random((11, 14)))
    asked = []

    def read(top, left, height, width):
        asked.append((top, left, height, width))
        return mask[top : top + height, left : left + width]

    whole = resize_mask(mask, size)
    for top, left in {(0, 0), (size[0] // 2, size[1] // 3)}:
        height, width = max(1, (size[0] - top) // 2), size[1] - left
        part = resize_mask_part(read, (11, 14), size, (top, left, height, width))
        torch.testing.assert_close(part, whole[top : top + height, left : left + width], rtol=1e-12, atol=0)
        first, _, rows, _ = asked[-1]
        assert first == top * 11 // size[0]
        assert rows <= -(-height * 11 // size[0]) + 1
    one = np.kron(mask.numpy(), np.ones((size[0], size[1])))[
        :11, :14
    ].mean()  # first position, on a common grid
    assert float(whole[0, 0]) == pytest.approx(one)


def test_a_mask_of_the_right_size_is_left_alone():
    mask = torch.rand(4, 5)
    assert resize_mask(mask, (4, 5)) is mask
