"""Films: frames that begin with those before them and are held to them."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from conftest import assert_close
from transfer.films import SIZE, scene

from gramstyle.images import ResizePolicy, resize
from gramstyle.motion import flicker, motion_between, temporal_error
from gramstyle.transfer import State, Transfer
from gramstyle.transfer.colors import recolored_result
from gramstyle.transfer.video import VideoSettings, VideoTransfer
from gramstyle.transfer.video.past import Past, remembered
from gramstyle.transfer.video.sequence import FrameState, eight_bits


def made(settings, style, contents, **video):
    """The last state of each frame."""
    transfer = VideoTransfer(style, settings, VideoSettings(**{"frame_iterations": 4, **video}), device="cpu")
    return [one for one in transfer.states(contents) if one.last]


def test_frames_are_counted_and_later_ones_are_one_scale(settings, style):
    transfer = VideoTransfer(style, settings(), VideoSettings(frame_iterations=2), device="cpu")
    states = list(transfer.states(scene(3)))
    assert [one.frame for one in states] == [0] * 7 + [1] * 2 + [2] * 2
    assert [one.state.step for one in states] == [*range(1, 8), 1, 2, 1, 2]
    assert {one.state.image.shape for one in states if one.frame} == {(3, *SIZE)}
    assert states[6].done == 1
    assert states[7].done == 1.5
    assert [one.last for one in states].count(True) == 3
    assert states[0].seen == 0
    assert states[-1].seen > 0.7


def test_the_first_frame_is_a_transfer_of_an_image(settings, style):
    contents = scene(1)
    (film,) = made(settings(temporal_weight=5.0), style, contents)
    *_, image = Transfer(contents[0], style, settings(), device="cpu").states()
    assert torch.equal(film.state.image, image.image)


def test_a_film_flickers_less_than_its_frames_alone(settings, style):
    """Of a pan over noise: frames by themselves, begun with the one before, and held to it as well."""
    contents = scene(3)
    chosen = settings(init="noise", averaging=0.5)
    alone = []
    for seed, content in enumerate(contents):
        *_, last = Transfer(content, style, replace(chosen, seed=seed), device="cpu").states()
        alone.append(last.image)
    begun = [one.state.image for one in made(chosen, style, contents, frame_iterations=10)]
    held = [
        one.state.image
        for one in made(replace(chosen, temporal_weight=100.0), style, contents, frame_iterations=10)
    ]

    def error(images):
        return sum(flicker(images, contents)) / 2

    assert error(begun) < error(alone) / 4
    assert error(held) < error(begun) / 2


def test_a_frame_begins_with_the_one_before_and_with_its_content_where_that_is_new(settings, style):
    contents = scene(2)
    past = [Past(content=contents[0], result=1 - contents[0])]
    memory = remembered(contents[1], past, (1,))
    motion = motion_between(contents[1], contents[0])
    seen = motion.seen > 0
    assert 0.7 < memory.share < 1
    assert_close(memory.temporal.pixels[:, seen], motion.warped(1 - contents[0])[:, seen], torch.float32)
    assert torch.equal(memory.temporal.pixels[:, ~seen], contents[1][:, ~seen])
    assert torch.equal(memory.temporal.weights, motion.seen)
    frame = VideoTransfer(style, settings(temporal_weight=1.0), device="cpu").frame(contents[1], past)
    assert torch.equal(frame.transfer.start, memory.temporal.pixels)
    assert torch.equal(frame.transfer.temporal.weights, memory.temporal.weights)


def test_results_of_another_size_than_the_film(settings):
    contents = scene(2)
    result = resize(contents[0], ResizePolicy("exact", (20, 24)))
    memory = remembered(contents[1], [Past(content=contents[0], result=result)], (1,))
    assert memory.temporal.pixels.shape == (3, 20, 24)
    expected = resize(contents[1], ResizePolicy("exact", (20, 24)))
    assert float((memory.temporal.pixels - expected).abs().mean()) < 0.03


def test_what_was_hidden_is_known_again_to_those_who_look_back_further():
    """The left half is behind a board in frame 1; in frame 2 only frame 0 says how it looked."""
    contents = scene(3, hidden=(1,))
    past = [
        Past(content=one, result=torch.full((3, *SIZE), level))
        for one, level in ((contents[0], 0.2), (contents[1], 0.8))
    ]
    short, long = (remembered(contents[2], past, back) for back in ((1,), (1, 2)))
    left, right = (slice(8, 32), slice(6, 18)), (slice(8, 32), slice(30, 40))
    assert float(short.temporal.weights[left].mean()) < 0.2
    assert float(long.temporal.weights[left].mean()) > 0.8
    weights = long.temporal.weights > 0
    assert float(long.temporal.pixels[0][left][weights[left]].median()) == pytest.approx(0.2)
    assert float(long.temporal.pixels[0][right].median()) == pytest.approx(0.8)
    assert float(long.temporal.weights.max()) == 1
    assert (long.temporal.weights >= short.temporal.weights).all()
    last = motion_between(contents[2], contents[1])
    assert torch.equal(long.motion.flow, last.flow)
    assert long.content_error == temporal_error(contents[2], contents[1], last)
    assert torch.equal(remembered(contents[2], past[1:], (1, 2)).temporal.weights, short.temporal.weights)


def test_a_new_scene_begins_anew(settings, style):
    contents = [*scene(2), *scene(2, seed=9)]
    chosen = settings(temporal_weight=5.0)
    found = made(chosen, style, contents)
    assert [one.cut for one in found] == [False, False, True, False]
    assert [one.state.steps for one in found] == [7, 4, 7, 4]
    assert "temporal" not in found[2].state.losses
    (alone,) = made(chosen, style, contents[2:3])
    assert torch.equal(found[2].state.image, alone.state.image)
    assert [one.cut for one in made(chosen, style, contents, cut=0.0)] == [False] * 4


def test_a_film_whose_colours_are_kept_is_held_to_what_the_style_made_of_it(settings, style):
    contents = scene(2)
    plain = made(settings(temporal_weight=5.0), style, contents)
    chosen = settings(temporal_weight=5.0, preserve_color="luminance")
    film = VideoTransfer(style, chosen, VideoSettings(frame_iterations=4), device="cpu")
    kept = [one for one in film.states(contents) if one.last]
    assert torch.equal(kept[1].state.image, plain[1].state.image)
    shown = film.shown(kept[1].state.image, contents[1])
    assert torch.equal(shown, recolored_result(plain[1].state.image, contents[1], "luminance"))


def test_as_many_frames_are_remembered_as_are_looked_back_to(settings, style, monkeypatch):
    film = VideoTransfer(style, settings(), VideoSettings(look_back=(1, 4)))
    state = State(step=1, steps=1, scale=0, scales=1, share=1.0, losses={}, image=torch.zeros(3, 4, 4))
    seen = []

    def frame(content, past):
        seen.append([int(one.content) for one in past])
        return SimpleNamespace(states=lambda number: [FrameState(frame=number, state=state)])

    monkeypatch.setattr(film, "frame", frame)
    list(film.states(torch.arange(6)))
    assert seen == [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 4]]


def test_frames_share_a_network_and_what_is_asked_of_colours(settings, style):
    content = scene(1)[0]
    film = VideoTransfer(style, settings(preserve_color="symmetric"), VideoSettings(cut=0.0), device="cpu")
    first = film.frame(content)
    past = [Past(content=torch.zeros_like(content), result=content)]
    second = film.frame(torch.ones_like(content), past)
    assert first.transfer.settings.preserve_color == second.transfer.settings.preserve_color == "symmetric"
    assert second.transfer.extractor is first.transfer.extractor
    assert second.memory.share == 0
    assert not second.cut  # never, where cut is 0


def test_eight_bits_are_levels():
    image = torch.tensor([[[-0.1, 0.1, 0.4999, 1.2]]]).expand(3, 1, 4)
    assert (eight_bits(image)[0, 0] * 255).tolist() == pytest.approx([0, 26, 127, 255], abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_iterations": 0}, "frame_iterations must be greater than 0"),
        ({"look_back": ()}, "look_back must be numbers of frames from 1 up, rising, such as 1,2,4; got "),
        ({"look_back": (0, 1)}, "look_back must be"),
        ({"look_back": (2, 2)}, "look_back must be"),
        ({"cut": 1.5}, "cut must be a share from 0 to 1, got 1.5"),
    ],
)
def test_wrong_settings_of_films(changes, message):
    with pytest.raises(ValueError, match=message):
        VideoSettings(**changes)


def test_settings_of_films_survive_json():
    one = VideoSettings(look_back=(1, 2, 4), cut=0.5)
    assert VideoSettings.from_json(one.as_json()) == one
