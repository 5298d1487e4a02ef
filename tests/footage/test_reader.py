"""Random access in one open file returns the right frames: proven by numbers burnt into the pictures."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
from av.video.frame import VideoFrame

from tests.footage.recipes import FIRST_NUMBER, MAKERS
from tests.media import read_number
from tr_desktop.errors import MediaError
from tr_desktop.footage.frames import PictureMaker, Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.reader import FrameReader
from tr_desktop.moments import Footage, FrameTimes, Media


@pytest.fixture(scope="module", params=MAKERS)
def footage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Media, FrameTimes, int]:
    path = MAKERS[request.param](tmp_path_factory.mktemp("footage") / request.param)
    return *read_whole(path), FIRST_NUMBER.get(request.param, 0)


def read_whole(path: Path) -> tuple[Media, FrameTimes]:
    sampler = Sampler(probe(path), Fraction(1), 40)
    for _ in sampler:
        pass
    return sampler.media, sampler.times


def test_every_frame_is_the_one_it_says(footage: tuple[Media, FrameTimes, int]) -> None:
    media, times, first = footage
    picture_of = PictureMaker(media, 40)
    chance = random.Random(media.path.name)
    wanted = [len(times) - 1, 0, *(chance.randrange(len(times)) for _ in range(12))]
    wanted += [min(wanted[-1] + step, len(times) - 1) for step in range(1, 6)]  # forward, then back, frame by frame
    wanted += [max(wanted[-1] - step, 0) for step in range(1, 8)]
    with FrameReader(Footage(media, times)) as reader:
        for frame in wanted:
            way: list[tuple[int, VideoFrame]] = list(reader.frames_to(frame, chance.choice([None, frame - 9, 0])))
            assert way[-1][0] == frame
            assert [number for number, _ in way] == sorted({number for number, _ in way})
            for number, picture in way:
                assert read_number(picture_of(picture)) - first == number


def test_no_frame_is_left_out_after_the_start_of_the_whole_part(footage: tuple[Media, FrameTimes, int]) -> None:
    media, times, _ = footage
    last = min(25, len(times) - 1)
    with FrameReader(Footage(media, times)) as reader:
        for number, _ in reader.frames_to(last, 0):
            if number == 7:
                break  # broken off and asked again, it goes on
        assert [number for number, _ in reader.frames_to(last, 0)] == list(range(8, last + 1))


def test_a_changed_or_missing_file_is_an_error(tmp_path: Path) -> None:
    path = MAKERS["gop30.mp4"](tmp_path / "gop30.mp4")
    media, times = read_whole(path)
    with FrameReader(Footage(media, times)) as reader, pytest.raises(IndexError):
        list(reader.frames_to(len(times)))
    longer = FrameTimes([*times.ticks, times.end_tick], times.end_tick + 512, times.tick_s, times.start_pts)
    with FrameReader(Footage(media, longer)) as reader:
        with pytest.raises(MediaError, match="the file has changed"):
            list(reader.frames_to(len(times)))
        assert list(reader.frames_to(3))[-1][0] == 3
    path.unlink()
    with FrameReader(Footage(media, times)) as reader, pytest.raises(MediaError, match="file not found"):
        list(reader.frames_to(3))
