"""What is said about files that cannot be read."""

import io
import logging
import pathlib
import threading
import warnings

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images.image_files import SIGNATURE, bomb, chunk, header, png16
from PIL import Image, ImageFile

from gramstyle import errors
from gramstyle.images import MAX_PIXELS, read_image
from gramstyle.images.quiet import quiet

ImageError = errors.ImageError
RGB = np.random.default_rng(22).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def saved(form, **options):
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, form, **options)
    return buffer.getvalue()


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb", **options)
    return buffer.getvalue()


def complaint(path, **options):
    """The message of the `ImageError`, which must name the file."""
    with pytest.raises(ImageError) as caught:
        read_image(path, **options)
    assert str(path) in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


def attempt(path, **options):
    """The picture, or None after an `ImageError` that names the file."""
    try:
        return read_image(path, **options)
    except ImageError as error:
        message = str(error)
    assert str(path) in message
    return None


@pytest.fixture
def path(tmp_path):
    return tmp_path / "image.png"


def test_missing(path):
    assert complaint(path) == "cannot read 'FILE': no such file"


def test_address():
    said = complaint("https://example.org/a.png")
    assert said == "cannot read 'FILE': no such file; addresses are not fetched, download it first"


def test_broken_link(path, tmp_path):
    path.symlink_to(tmp_path / "gone.png")
    assert complaint(path) == "cannot read 'FILE': it is a link to a missing file"


def test_folder(tmp_path):
    assert complaint(tmp_path) == "cannot read 'FILE': it is a folder, use find_images to list its images"


def test_device():
    assert complaint("/dev/null") == "cannot read 'FILE': it is a device or socket, not a file"


def test_a_name_no_file_can_have():
    with pytest.raises(ImageError, match="null"):
        read_image("a\0b.png")


def test_empty(path):
    path.write_bytes(b"")
    assert complaint(path) == "cannot read 'FILE': the file is empty (0 bytes)"


def test_permission(path, monkeypatch):
    path.write_bytes(saved("PNG"))

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(pathlib.Path, "read_bytes", refuse)
    assert complaint(path) == "cannot read 'FILE': permission denied"


@pytest.mark.parametrize(
    "text", ["hello, this is text\n" * 20, "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "x"]
)
def test_text_named_png(path, text):
    path.write_text(text)
    assert complaint(path).startswith("cannot read 'FILE': not an image in a format that can be read")


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (13_378, 13_378), (20_000, 10_000)])
def test_bomb(path, width, height):
    path.write_bytes(bomb(width, height))
    count = width * height
    assert complaint(path) == (
        f"cannot read 'FILE': {width} x {height} is {count} pixels, more than max_pixels={MAX_PIXELS}; such "
        f"a file may be a decompression bomb. If you trust it, pass max_pixels={count}"
    )


def test_bomb_tiff_of_16_bits(path):
    data = bytearray(tiff(RGB.astype(np.uint16)))
    page = tifffile.TiffFile(io.BytesIO(data)).pages.first
    for tag in (256, 257):
        data[page.tags[tag].valueoffset : page.tags[tag].valueoffset + 2] = (50_000).to_bytes(2, "little")
    path.write_bytes(data)
    assert "50000 x 50000 is 2500000000 pixels" in complaint(path)


def test_the_limit_is_the_callers(path):
    path.write_bytes(saved("PNG"))
    assert "pass max_pixels=480" in complaint(path, max_pixels=479)
    assert read_image(path, max_pixels=480).width == 20
    path.write_bytes(bomb(30_000, 30_000))  # twice what Pillow itself would raise at
    assert "truncated" in complaint(path, max_pixels=10**9)


def test_the_limit_holds_for_pillow_images():
    with pytest.raises(ImageError, match="more than max_pixels=100"):
        read_image(Image.fromarray(RGB), max_pixels=100)


def test_pillows_globals_are_left_alone(path):
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    path.write_bytes(saved("PNG"))
    read_image(path, max_pixels=10**9)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_no_pixels(path, size):
    path.write_bytes(SIGNATURE + header(*size, 8, 2) + chunk(b"IEND", b""))
    complaint(path)
    with pytest.raises(ImageError, match="no pixels"):
        read_image(Image.new("RGB", size))


FILES = {
    "png": saved("PNG"),
    "jpeg": saved("JPEG"),
    "progressive jpeg": saved("JPEG", progressive=True),
    "gif": saved("GIF"),
    "bmp": saved("BMP"),
    "webp": saved("WEBP"),
    "tiff": saved("TIFF"),
    "lzw tiff": saved("TIFF", compression="tiff_lzw"),
    "deep png": png16(RGB.astype(np.uint16) * 257),
    "deep tiff": tiff(RGB.astype(np.uint16), rowsperstrip=5),
    "deflated tiff": tiff(RGB.astype(np.uint16), compression="zlib", rowsperstrip=5),
    "float tiff": tiff((RGB / 255).astype(np.float32)),
}
RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("kind", FILES)
@given(share=st.floats(0.01, 0.7))
@RELAXED
def test_a_file_cut_short_is_an_image_error(path, capfd, kind, share):
    data = FILES[kind]
    path.write_bytes(data[: max(1, int(share * len(data)))])
    complaint(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_anywhere_is_whole_or_an_image_error(path, kind):
    data = FILES[kind]
    path.write_bytes(data)
    whole = read_image(path).pixels
    for end in [*range(1, len(data), max(1, len(data) // 60)), *range(len(data) - 12, len(data))]:
        path.write_bytes(data[:end])
        picture = attempt(path)
        assert picture is None or picture.pixels.equal(whole)  # what is missing were no pixels


@pytest.mark.parametrize("kind", FILES)
@given(at=st.floats(0, 1, exclude_max=True), noise=st.binary(min_size=1, max_size=8))
@RELAXED
def test_a_damaged_file_is_a_picture_or_an_image_error(path, kind, at, noise):
    data = bytearray(FILES[kind])
    start = int(at * len(data))
    data[start : start + len(noise)] = noise
    path.write_bytes(data)
    picture = attempt(path, max_pixels=100_000)
    if picture is not None:
        assert picture.pixels.isfinite().all()
        assert 0 <= picture.pixels.min() <= picture.pixels.max() <= 1


@given(data=st.binary(min_size=1, max_size=400))
@RELAXED
def test_any_bytes_are_a_picture_or_an_image_error(path, data):
    path.write_bytes(data)
    picture = attempt(path, max_pixels=100_000)
    assert picture is None or picture.pixels.shape[0] == 3


@pytest.mark.parametrize("value", [1.5, -0.2, float("nan")])
def test_float_files_outside_the_unit_range(path, value):
    values = np.zeros((4, 4, 3), np.float32)
    values[1, 1, 1] = value
    path.write_bytes(tiff(values))
    said = complaint(path)
    assert ("finite" if np.isnan(value) else "must lie in [0, 1]") in said


def test_float_files_a_little_outside_are_clamped_with_a_note(path):
    values = np.zeros((4, 4, 3), np.float32)
    values[1, 1, 1] = 1.0005
    path.write_bytes(tiff(values))
    picture = read_image(path)
    assert picture.pixels.max() == 1
    assert "clamped to [0, 1]: values ran from 0 to 1.0005" in picture.notes


def test_signed_samples_have_no_white(path):
    path.write_bytes(tiff(np.zeros((4, 4, 3), np.int16)))
    assert "int16 have no known white" in complaint(path)
    with pytest.raises(ImageError, match="32-bit integers have no known white"):
        read_image(Image.new("I", (4, 4)))


def test_pillow_warnings_do_not_leak(path):
    animation = chunk(b"acTL", (0).to_bytes(8, "big"))  # of no frames: Pillow warns, pytest makes it an error
    data = saved("PNG")
    data = data[:33] + animation + data[33:]
    path.write_bytes(data)
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(io.BytesIO(data))
    assert read_image(path).notes == ()


def test_what_tifffile_logs_does_not_reach_standard_error(path, monkeypatch, capfd):
    for logger in (logging.getLogger(), logging.getLogger("tifffile")):
        monkeypatch.setattr(logger, "handlers", [])  # as in a program that configured no logging
    path.write_bytes(FILES["deep tiff"][:200])
    complaint(path)
    assert capfd.readouterr() == ("", "")


def test_filters_survive_overlapping_threads():
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def first():
        with quiet():
            inside.set()
            leave.wait(5)

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(5)
    with quiet():
        leave.set()
        thread.join()
        assert list(warnings.filters) != before
    assert list(warnings.filters) == before
