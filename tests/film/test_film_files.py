"""Films written and read again, and read by other programs' eyes: Pillow, and the planes of a decoder."""

import os
import sys
import weakref
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from gramstyle.errors import ImageError, StyleError
from gramstyle.film import Film, Frame, check_film, open_film, write_film
from gramstyle.film.film import Thinned
from gramstyle.images import Picture, read_image, save_image

NTSC = Fraction(24000, 1001)


def levels(picture):
    return (picture.pixels.permute(1, 2, 0) * 255).round().int().numpy()


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.gif", "a.webp", "folder"])
def test_a_film_comes_back(name, frames, tmp_path):
    given = frames()
    assert write_film(tmp_path / name, given, Fraction(25)) == ()
    film = open_film(tmp_path / name)
    found = list(film.frames())
    assert len(found) == film.count == 6
    assert film.size == (48, 64)
    assert float(film.rate) == pytest.approx(25, rel=1e-3)
    assert sum(float(one.seconds) for one in found) == pytest.approx(6 / 25, abs=2e-3)
    for one, other in zip(found, given, strict=True):
        apart = np.abs(levels(one.picture) - levels(other.picture))
        assert apart.mean() < (0.5 if name == "folder" else 7)
        for at in range(3):  # within squares no chroma is shared with what is beside them
            assert apart[8:16, 8 + 20 * at : 16 + 20 * at].max() <= 8


def test_frames_are_read_from_any_number_on(frames, tmp_path):
    for name in ("a.mp4", "a.gif", "folder"):
        write_film(tmp_path / name, frames(), Fraction(25))
        film = open_film(tmp_path / name)
        whole = [levels(one.picture) for one in film.frames()]
        part = [levels(one.picture) for one in film.frames(4)]
        assert len(part) == 2
        assert all(np.array_equal(a, b) for a, b in zip(part, whole[4:], strict=True))


def test_rates_that_no_whole_number_divides_are_exact(frames, tmp_path):
    write_film(tmp_path / "a.mp4", frames(seconds=(1 / NTSC,)), NTSC)
    film = open_film(tmp_path / "a.mp4")
    assert film.rate == NTSC
    assert {one.seconds for one in film.frames()} == {1 / NTSC}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif", "a.webp"])
def test_frames_keep_their_times(name, frames, tmp_path):
    times = (Fraction(1, 25), Fraction(1, 5))
    given = frames(5, times)
    write_film(tmp_path / name, given, Fraction(10), hold=given[-1].seconds)
    found = [one.seconds for one in open_film(tmp_path / name).frames()]
    last = 4 if name in ("a.mkv", "a.webp") else 5  # which do not say when the last one ends
    assert found[:last] == [one.seconds for one in given][:last]


def test_times_of_frames_are_rounded_one_by_one(frames, tmp_path):
    """Of 24 frames a second, in hundredths: what each is off by does not add up."""
    write_film(tmp_path / "a.gif", frames(12, (Fraction(1, 24),)), Fraction(24))
    found = list(open_film(tmp_path / "a.gif").frames())
    ends = [sum(one.seconds for one in found[: at + 1]) for at in range(11)]
    assert ends == [Fraction(round(100 * (at + 1) / 24), 100) for at in range(11)]


def test_of_frames_within_a_hundredth_of_a_second_a_gif_has_the_first(frames, tmp_path):
    given = frames(12, (Fraction(1, 240),))
    write_film(tmp_path / "a.gif", given, Fraction(240))
    found = list(open_film(tmp_path / "a.gif").frames())
    assert [one.seconds for one in found] == [Fraction(1, 100)] * 6
    picked = [0, 2, 4, 7, 9, 11]  # 0, 0.83, 1.67, 2.92, 3.75 and 4.58 hundredths
    for one, at in zip(found, picked, strict=True):
        assert np.abs(levels(one.picture) - levels(given[at].picture)).mean() < 7


def test_each_frame_of_a_gif_has_colours_of_its_own(tmp_path):
    """64 of each, of 384 in all."""
    generator = np.random.default_rng(0)
    given = [generator.integers(0, 256, (64, 3))[np.arange(3072).reshape(48, 64) % 64] for _ in range(6)]
    frames = [Frame(picture=read_image(one.astype(np.uint8)), seconds=Fraction(1, 25)) for one in given]
    write_film(tmp_path / "a.gif", frames, Fraction(25))
    for one, values in zip(open_film(tmp_path / "a.gif").frames(), given, strict=True):
        assert np.abs(levels(one.picture) - values).max() <= 2


def test_what_stays_in_a_gif_does_not_shimmer(frames, tmp_path):
    """Above, the second frame is the first one turned round; below they are equal, and stay so."""
    first = levels(frames(1, size=(64, 64))[0].picture).astype(np.uint8)
    second = np.concatenate([first[:20, ::-1], first[20:]])
    given = [Frame(picture=read_image(one), seconds=Fraction(1, 25)) for one in (first, second)]
    write_film(tmp_path / "a.gif", given, Fraction(25))
    one, other = (levels(each.picture) for each in open_film(tmp_path / "a.gif").frames())
    assert np.array_equal(one[20:], other[20:])


def test_a_gif_says_how_long_it_lasts(frames, tmp_path):
    times = (Fraction(1, 10), Fraction(1, 5), Fraction(2, 5))
    write_film(tmp_path / "a.gif", frames(3, times), Fraction(10), hold=times[-1])
    film = open_film(tmp_path / "a.gif")
    assert film.hold == times[-1]
    assert film.rate == 3 / sum(times)


def test_mp4_is_what_it_says_in_its_header(frames, tmp_path):
    """BT.709 of limited range: Y of the primaries is 16 + 219 times their share of the luminance."""
    write_film(tmp_path / "a.mp4", frames(1), Fraction(25))
    with av.open(str(tmp_path / "a.mp4")) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.colorspace, stream.color_primaries, stream.color_trc, stream.color_range) == (
            1,
            1,
            1,
            1,
        )
        luma = next(file.decode(video=0)).to_ndarray()[:48]
    for at, share in enumerate((0.2126, 0.7152, 0.0722)):
        assert abs(float(luma[8:16, 8 + 20 * at : 16 + 20 * at].mean()) - (16 + 219 * share)) < 1.5


def test_odd_sides_gain_a_pixel_where_they_must(frames, tmp_path):
    for name, size in (("a.mp4", (50, 66)), ("a.gif", (49, 65)), ("a.webp", (49, 65)), ("folder", (49, 65))):
        write_film(tmp_path / name, frames(2, size=(49, 65)), Fraction(25))
        assert open_film(tmp_path / name).size == size
    film = open_film(tmp_path / "a.mp4")
    shown = levels(next(film.frames()).picture)
    assert np.abs(shown[-1] - shown[-2]).max() <= 6
    assert np.abs(shown[:49, :65] - levels(frames(1, size=(49, 65))[0].picture)).mean() < 7


def test_gif_and_webp_are_what_pillow_takes_them_for(frames, tmp_path):
    for name in ("a.gif", "a.webp"):
        write_film(tmp_path / name, frames(), Fraction(25))
        with Image.open(tmp_path / name) as image:
            assert image.n_frames == 6
            assert image.info["loop"] == 0
            image.seek(3)
            values = np.asarray(image.convert("RGB")).astype(int)
        assert np.abs(values - levels(frames()[3].picture)).mean() < 7


def test_a_gif_that_says_no_times_runs_as_in_a_browser(frames, tmp_path):
    images = [Image.fromarray(levels(one.picture).astype(np.uint8)) for one in frames(3)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=0)
    film = open_film(tmp_path / "a.gif")
    assert film.rate == 10
    assert {one.seconds for one in film.frames()} == {Fraction(1, 10)}


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "folder", "a.mp4"])
def test_transparency_is_kept_where_a_file_has_it(name, frames, tmp_path):
    alpha = torch.zeros(48, 64)
    alpha[:, 32:] = 1
    given = [
        Frame(picture=Picture(pixels=one.picture.pixels, alpha=alpha, name=""), seconds=one.seconds)
        for one in frames(3)
    ]
    write_film(tmp_path / name, given, Fraction(25))
    for one in open_film(tmp_path / name).frames():
        if name == "a.mp4":
            assert one.picture.alpha is None
        else:
            assert torch.equal(one.picture.alpha, alpha)


def with_sound(path, frames, codec, start=0):
    """A film of PyAV's own, whose picture begins `start` frames after its sound."""
    wave = 0.3 * np.sin(np.arange(48000 * len(frames) // 25) * 0.06).astype(np.float32)
    with av.open(str(path), "w") as file:
        video, audio = file.add_stream("libx264", rate=25), file.add_stream(codec, rate=48000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for at, one in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(levels(one.picture).astype(np.uint8))
            frame.pts, frame.time_base = at + start, Fraction(1, 25)
            file.mux(video.encode(frame))
        sound = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
        sound.sample_rate, sound.pts = 48000, 0
        for stream, one in ((audio, sound), (audio, None), (video, None)):
            file.mux(stream.encode(one))


def test_transparency_of_video_files_is_read(tmp_path):
    values = np.full((16, 16, 4), 255, np.uint8)
    values[:, 8:, 3] = 0
    with av.open(str(tmp_path / "a.mov"), "w") as file:
        stream = file.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "rgba"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="rgba")))
        file.mux(stream.encode(None))
    (found,) = open_film(tmp_path / "a.mov").frames()
    assert torch.equal(found.picture.alpha, torch.arange(16).lt(8).float().expand(16, 16))


@pytest.mark.parametrize(("height", "matrix"), [(80, "ITU601"), (720, "ITU709")])
def test_files_that_do_not_say_their_colours_have_those_of_their_size(height, matrix, tmp_path):
    values = np.zeros((height, 64, 3), np.uint8)
    values[:] = (30, 200, 60)
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(values).reformat(format="yuv420p", dst_colorspace=matrix)
        frame.colorspace = 2  # unspecified
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert next(file.decode(video=0)).colorspace == 2
    (found,) = open_film(tmp_path / "a.mp4").frames()
    assert np.abs(levels(found.picture) - values).max() <= 4


def with_cover(path, source):
    """The sound of a file, with a picture of its cover."""
    values = np.full((32, 32, 3), 200, np.uint8)
    with av.open(str(path), "w") as file, av.open(str(source)) as given:
        cover = file.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = file.add_stream_from_template(given.streams.audio[0])
        file.mux(cover.encode(av.VideoFrame.from_ndarray(values)))
        file.mux(cover.encode(None))
        for packet in given.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                file.mux(packet)


def heard(path):
    with av.open(str(path)) as file:
        return np.concatenate([one.to_ndarray() for one in file.decode(audio=0)], 1)


def test_sound_is_copied_as_it_is(frames, tmp_path):
    with_sound(tmp_path / "in.mp4", frames(20), "aac")
    film = open_film(tmp_path / "in.mp4")
    assert film.sound
    assert open_film(tmp_path / "in.mp4", rate=5).sound
    assert write_film(tmp_path / "o.mp4", film.frames(), film.rate, sound=film.path) == ()
    assert np.array_equal(heard(tmp_path / "o.mp4"), heard(tmp_path / "in.mp4"))


def test_sound_stays_beside_the_picture(frames, tmp_path):
    """What was heard before the first frame is not in a film that begins with it."""
    with_sound(tmp_path / "in.mp4", frames(20), "aac", start=5)
    film = open_film(tmp_path / "in.mp4")
    write_film(tmp_path / "o.mp4", film.frames(), film.rate, sound=film.path)
    before, after = heard(tmp_path / "in.mp4"), heard(tmp_path / "o.mp4")
    assert np.allclose(before[:, 48000 // 5 :][:, :9000], after[:, :9000], atol=1e-5)
    write_film(tmp_path / "o.mkv", film.frames(), film.rate, sound=film.path)
    with av.open(str(tmp_path / "o.mkv")) as file:  # AAC has 1024 samples before the first
        later = [one.start_time * one.time_base for one in (file.streams.video[0], file.streams.audio[0])]
    assert float(later[0] - later[1]) == pytest.approx(5 / 25 + 1024 / 48000, abs=2e-3)


def test_sound_that_a_file_does_not_take_is_left_out_with_a_word(frames, tmp_path):
    with_sound(tmp_path / "in.mkv", frames(5), "pcm_s16le")
    film = open_film(tmp_path / "in.mkv")
    (note,) = write_film(tmp_path / "o.mp4", film.frames(), film.rate, sound=film.path)
    assert note == (
        "sound is left out: .mp4 files take aac, mp3, ac3, eac3, alac, opus, and in.mkv has pcm_s16le"
    )
    (note,) = write_film(tmp_path / "o.gif", film.frames(), film.rate, sound=film.path)
    assert note == "sound is left out: .gif files have none"
    assert len(list(open_film(tmp_path / "o.mp4").frames())) == 5


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_films_are_read_upright(turned, frames, tmp_path):
    """A display matrix says by how much the picture is turned against the clock when it is shown."""
    values = levels(frames(1)[0].picture).astype(np.uint8)
    with av.open(str(tmp_path / "in.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(turned)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(values)))
        file.mux(stream.encode(None))
    film = open_film(tmp_path / "in.mp4")
    upright = np.asarray(Image.fromarray(values).rotate(turned, expand=True)).astype(int)
    assert film.size == upright.shape[:2]
    assert np.abs(levels(next(film.frames()).picture) - upright).mean() < 12


def test_fewer_frames_a_second_are_those_on_the_screen_at_each_tick(frames, tmp_path):
    given = frames(11, (Fraction(1, 25),))
    write_film(tmp_path / "a.mp4", given, Fraction(25))
    film = open_film(tmp_path / "a.mp4", rate=10)
    found = [levels(one.picture) for one in film.frames()]
    whole = [levels(one.picture) for one in open_film(tmp_path / "a.mp4").frames()]
    picked = [25 * tick // 10 for tick in range(5)]  # 0, 2, 5, 7, 10
    assert len(found) == 5
    assert all(np.array_equal(a, whole[at]) for a, at in zip(found, picked, strict=True))
    assert film.rate == 10
    assert film.count == 4  # 0.44 seconds
    assert {one.seconds for one in film.frames()} == {Fraction(1, 10)}
    assert [levels(one.picture).tolist() for one in film.frames(3)] == [one.tolist() for one in found[3:]]
    with pytest.raises(StyleError, match=r"rate must be at most that of a.mp4, 25 frames per second"):
        open_film(tmp_path / "a.mp4", rate=30)


def test_names_may_hold_what_means_something_to_ffmpeg(frames, tmp_path):
    path = tmp_path / "a:50%d [x] é.mp4"
    with_sound(tmp_path / "in.mp4", frames(2), "aac")
    (tmp_path / "in.mp4").rename(tmp_path / "pipe:1.mp4")
    film = open_film(tmp_path / "pipe:1.mp4")
    write_film(path, film.frames(), film.rate, sound=film.path)
    assert open_film(path).count == 2


def test_one_frame_at_a_time_is_in_memory(tmp_path):
    alive = weakref.WeakSet()

    def many():
        for at in range(12):
            pixels = torch.full((3, 32, 32), at / 12)
            alive.add(pixels)
            assert len(alive) <= 3
            yield Frame(picture=Picture(pixels=pixels, alpha=None, name=""), seconds=Fraction(1, 25))

    for name in ("a.mp4", "a.gif", "a.webp", "folder"):
        write_film(tmp_path / name, many(), Fraction(25))
        read = weakref.WeakSet()
        for one in open_film(tmp_path / name).frames():
            read.add(one.picture.pixels)
            assert len(read) <= 3


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path):
    for number, level in ((2, 0.2), (10, 0.6), (1, 0.0)):
        save_image(tmp_path / f"{number}.png", torch.full((3, 8, 9), level))
    (tmp_path / "10.png").rename(tmp_path / "10.PNG")
    (tmp_path / "notes.txt").write_text("no frame")
    (tmp_path / "._1.png").write_text("what macOS puts beside files on other disks")
    (tmp_path / "inner").mkdir()
    film = open_film(tmp_path, rate=Fraction(12))
    assert [round(float(one.picture.pixels.mean()), 1) for one in film.frames()] == [0.0, 0.2, 0.6]
    assert {one.seconds for one in film.frames()} == {Fraction(1, 12)}
    assert open_film(tmp_path).rate == 25
    assert open_film(tmp_path, rate=24000 / 1001).rate == NTSC


def test_frames_of_other_sizes_are_refused_or_fitted(tmp_path):
    for number, size in enumerate(((8, 10), (16, 20))):
        save_image(tmp_path / f"{number}.png", torch.full((3, *size), 0.5))
    with pytest.raises(
        ImageError, match=r"frames must be of one size, got 0.png of 10 x 8 pixels and 1.png of"
    ):
        open_film(tmp_path)
    film = open_film(tmp_path, fit=True)
    assert film.size == (16, 20)
    assert [one.picture.pixels.shape for one in film.frames()] == [(3, 16, 20)] * 2


def test_a_film_whose_size_changes_is_refused_where_it_does(frames, tmp_path):
    class Changing(Film):
        path, rate, size, count = tmp_path / "a.mkv", Fraction(25), (48, 64), 3

        def read(self, start):
            yield from [*frames(2), *frames(1, size=(24, 64))][start:]

    reading = Changing().frames(1)
    next(reading)
    unknown = Changing()
    unknown.count = None
    assert Thinned(unknown, Fraction(5)).count is None
    with pytest.raises(ImageError, match=r"a.mkv': frame 3 is 64 x 24 pixels, and the first is 64 x 48"):
        next(reading)


def test_a_folder_keeps_no_frames_of_a_longer_film(frames, tmp_path):
    write_film(tmp_path / "f", frames(5), Fraction(25))
    (tmp_path / "f" / "mine.txt").write_text("stays")
    write_film(tmp_path / "f", frames(2), Fraction(25))
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == [
        "000001.png",
        "000002.png",
        "mine.txt",
    ]


def test_a_film_that_is_not_finished_is_not_there(frames, tmp_path):
    def broken():
        yield from frames(3)
        raise RuntimeError("stopped")

    for name in ("a.mp4", "a.gif"):
        (tmp_path / name).write_text("before")
        with pytest.raises(RuntimeError, match="stopped") as caught:
            write_film(tmp_path / name, broken(), Fraction(25))
        opened = [os.path.realpath(one) for one in Path("/proc/self/fd").glob("*")]  # of Linux
        assert not any(str(tmp_path) in one for one in opened), caught
        assert (tmp_path / name).read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.mp4"]


def test_what_is_no_film(frames, tmp_path):
    save_image(tmp_path / "one.png", torch.rand(3, 8, 8))
    (tmp_path / "text.mp4").write_text("not a video" * 50)
    (tmp_path / "empty").mkdir()
    with_sound(tmp_path / "whole.mp4", frames(2), "aac")
    with_cover(tmp_path / "heard.mp4", tmp_path / "whole.mp4")
    for name, message in (
        ("nowhere.mp4", "no such file"),
        ("one.png", "is one image, not a film: use `gramstyle transfer`"),
        ("text.mp4", "Invalid data"),
        ("heard.mp4", "it has no video stream"),
        ("empty", "holds no frames: a folder of numbered images was expected"),
    ):
        with pytest.raises(ImageError, match=message) as caught:
            open_film(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(ValueError, match="rate must be greater than 0"):
        open_film(tmp_path / "whole.mp4", rate=0)
    write_film(tmp_path / "whole.gif", frames(2), Fraction(25))
    write_film(tmp_path / "frames", frames(2), Fraction(25))
    with pytest.raises(ImageError, match="more than max_pixels=100"):
        list(open_film(tmp_path / "frames", max_pixels=100).frames())
    for name in ("whole.mp4", "whole.gif"):
        with pytest.raises(ImageError, match=f"{name}': 64 x 48 is .* more than max_pixels=100"):
            open_film(tmp_path / name, max_pixels=100)


def test_suffixes_of_any_case_and_folders_with_dots(frames, tmp_path, monkeypatch):
    with_sound(tmp_path / "in.mp4", frames(2), "aac")
    film = open_film(tmp_path / "in.mp4")
    assert write_film(tmp_path / "a.MP4", film.frames(), film.rate, sound=film.path) == ()
    assert open_film(tmp_path / "a.MP4").sound
    write_film(tmp_path / "a.GIF", frames(2), Fraction(25))
    (tmp_path / "take.2").mkdir()
    write_film(tmp_path / "take.2", frames(2), Fraction(25))
    monkeypatch.setitem(sys.modules, "av", None)  # which no GIF and no folder needs
    assert [open_film(tmp_path / name).count for name in ("a.GIF", "take.2")] == [2, 2]


def test_an_encoder_that_is_not_there_is_named(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"gif"})
    with pytest.raises(StyleError, match=r"the FFmpeg of PyAV [\d.]+ has no encoder libx264"):
        write_film(tmp_path / "a.mp4", frames(2), Fraction(25))


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", refused)
    with pytest.raises(ImageError, match=r"cannot list '.*': Permission denied"):
        open_film(tmp_path)


def test_names_that_no_film_has(frames, tmp_path):
    with pytest.raises(StyleError, match=r"must be written to a file that ends in .mp4, .*; got a.avi"):
        check_film(tmp_path / "a.avi")
    with pytest.raises(StyleError, match=r"a.mp4 needs at least one frame, got none"):
        write_film(tmp_path / "a.mp4", [], Fraction(25))


def test_without_pyav_the_extra_is_named(frames, tmp_path, monkeypatch):
    write_film(tmp_path / "a.mp4", frames(2), Fraction(25))
    monkeypatch.setitem(sys.modules, "av", None)
    for call in (
        lambda: open_film(tmp_path / "a.mp4"),
        lambda: check_film(tmp_path / "b.mp4"),
        lambda: write_film(tmp_path / "b.gif", frames(2), Fraction(25)),
    ):
        with pytest.raises(ImportError, match=r'needs PyAV, .*: pip install "gramstyle\[video\]"'):
            call()
    write_film(tmp_path / "folder", frames(2), Fraction(25))
    assert open_film(tmp_path / "folder").count == 2
