"""Sampling and seeking return the frames they name: proven by numbers burnt into the pictures."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.footage.recipes import FIRST_NUMBER, MAKERS, VFR_TICKS, h264
from tests.media import is_open, make_video, read_number
from tr_desktop.footage.clips.lossless import cut_lossless, lossless_suffix
from tr_desktop.footage.frames import PictureMaker, Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.reader import FrameReader
from tr_desktop.footage.seek import read_frames
from tr_desktop.moments import Footage, Segment


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("footage")

    def get(name: str) -> Path:
        path = folder / name
        return path if path.exists() else MAKERS[name](path)

    return get


# What isn't here is decoded whole: open GOPs from the start on, and containers that don't store presentation times.
SKIPPING = {
    "gop30.mp4": 0.7,
    "gop250.mp4": 0.7,
    "ntsc.mov": 0.7,
    "film.mkv": 0.7,
    "offset.ts": 0.7,
    "pyramid.mp4": 0.7,
    "slices.ts": 0.7,
    "hevc_closed.mp4": 0.7,
    "intra.mp4": 0.1,
    "prores.mov": 0.15,
    "dnxhr.mov": 0.15,
    "mjpeg.avi": 0.1,
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("every_s", [Fraction(1, 2), Fraction(1, 7), Fraction(2)])
def test_leaving_out_unneeded_frames_changes_nothing(
    footage: Callable[[str], Path], name: str, every_s: Fraction
) -> None:
    media = probe(footage(name))
    every, some = Sampler(media, every_s, 40, decode_all=True), Sampler(media, every_s, 40)
    for a, b in zip(every, some, strict=True):
        assert (a.frame, a.tick, a.repeat) == (b.frame, b.tick, b.repeat)
        assert np.array_equal(a.picture, b.picture)
    assert (every.times, every.media, every.problems) == (some.times, some.media, some.problems)
    assert every.decoded_packets >= len(every.times)
    assert some.decoded_packets <= every.decoded_packets
    if every_s == Fraction(1, 2):
        assert some.decoded_packets <= SKIPPING.get(name, 1) * every.decoded_packets


@pytest.mark.parametrize("name", MAKERS)
def test_samples_and_seeks_return_the_frames_they_name(footage: Callable[[str], Path], name: str) -> None:
    media = probe(footage(name))
    every_s = Fraction(1, 3)
    sampler = Sampler(media, every_s, 40)
    samples = list(sampler)
    times, first = sampler.times, FIRST_NUMBER.get(name, 0)

    assert [read_number(s.picture) - first for s in samples] == [s.frame for s in samples]
    assert [s.tick for s in samples] == [times.ticks[s.frame] for s in samples]
    on_grid = [times.frame_at(k * every_s) for k in range(1000) if k * every_s < times.duration_s]
    assert [s.frame for s in samples for _ in range(s.repeat)] == on_grid
    assert sampler.problems == []
    assert 0.9 * media.size_bytes - 20_000 < sampler.read_bytes <= media.size_bytes

    wanted = [*random.Random(name).sample(range(len(times)), 12), 0, len(times) - 1]
    read = {frame: read_number(picture) - first for frame, picture in read_frames(Footage(media, times), wanted, 40)}
    assert read == {frame: frame for frame in wanted}


@pytest.mark.parametrize("name", ["gop30.mp4", "offset.ts", "mpeg2.mxf", "late.mp4", "edit_list.mp4", "prores.mov"])
def test_every_frame_is_counted_and_timed(footage: Callable[[str], Path], name: str) -> None:
    media = probe(footage(name))
    sampler = Sampler(media, Fraction(1, 10**6), 20)
    numbers = [read_number(s.picture) - FIRST_NUMBER.get(name, 0) for s in sampler]
    assert numbers == list(range(len(sampler.times)))
    for frame in range(len(numbers) + 1):
        assert abs(sampler.times.time_s(frame) - frame / media.rate) <= sampler.times.tick_s


def test_variable_rate_keeps_its_own_times(footage: Callable[[str], Path]) -> None:
    media = probe(footage("vfr.mp4"))
    sampler = Sampler(media, Fraction(1, 5), 40)
    repeats = [s.repeat for s in sampler]
    assert media.is_vfr
    assert [sampler.times.time_s(n) for n in range(len(VFR_TICKS))] == [Fraction(t, 1000) for t in VFR_TICKS]
    assert max(repeats) == 4  # the frame that stays from 0.3 s to 1.1 s covers 0.4, 0.6, 0.8 and 1.0


def test_leaving_early_closes_the_file(footage: Callable[[str], Path]) -> None:
    media = probe(footage("gop30.mp4"))
    sampler = Sampler(media, Fraction(1, 2), 40)
    samples = iter(sampler)
    next(samples)
    samples.close()  # type: ignore[attr-defined]
    assert not is_open(media.path)
    with pytest.raises(ValueError, match="end"):
        _ = sampler.times


def test_frames_outside_the_file_are_refused(footage: Callable[[str], Path]) -> None:
    media = probe(footage("gop30.mp4"))
    sampler = Sampler(media, Fraction(1), 40)
    list(sampler)
    assert list(read_frames(Footage(media, sampler.times), [], 40)) == []
    with pytest.raises(IndexError):
        list(read_frames(Footage(media, sampler.times), [150], 40))


FOOTAGE = Path(__file__).resolve().parents[3] / "shared" / "footage"


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="the folder of real footage isn't beside this checkout")
def test_444_of_an_old_x264_decodes_alike_from_any_keyframe_on(tmp_path: Path) -> None:
    media = probe(FOOTAGE / "io_cockatoo.mp4")  # of build 142: noise to a decoder that doesn't know
    sampler = Sampler(media, Fraction(1, 2), 40)
    samples = {sample.frame: sample.picture for sample in sampler}
    frames = list(samples)
    sought = [picture for frame in frames for _, picture in read_frames(Footage(media, sampler.times), [frame], 40)]
    assert all(np.array_equal(picture, samples[frame]) for frame, picture in zip(frames, sought, strict=True))
    with FrameReader(Footage(media, sampler.times)) as reader:
        for frame in (frames[-1], frames[len(frames) // 2]):
            *_, (_, decoded) = reader.frames_to(frame)
            assert np.array_equal(PictureMaker(media, 40)(decoded), samples[frame])
    rest = Sampler(media, Fraction(1, 2), 40, first_row=len(samples) - 3)
    assert all(np.array_equal(sample.picture, samples[sample.frame]) for sample in rest)
    assert not rest.problems and not rest.decode_all
    made = cut_lossless(Footage(media, sampler.times), Segment(frames[-3], frames[-1]), tmp_path / "copy.mp4")
    assert made.segment == Segment(145, 280)  # compared with its source in there


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_copy_of_444_says_which_encoder_made_it(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip.{suffix}", frames=90, pix_fmt="yuv444p", options=h264(30))
    media = probe(path)
    sampler = Sampler(media, Fraction(1, 10), 40)
    assert [read_number(sample.picture) for sample in sampler] == list(range(0, 90, 3))
    assert [read_number(picture) for _, picture in read_frames(Footage(media, sampler.times), [70], 40)] == [70]
    made = cut_lossless(Footage(media, sampler.times), Segment(65, 75), tmp_path / f"copy{lossless_suffix(media)}")
    assert made.segment.start_frame == 60
    with av.open(str(path)) as source, av.open(str(made.path)) as copy:
        notes = [bytes(next(opened.demux(video=0))).partition(b"x264 - core")[2][:200] for opened in (source, copy)]
    assert notes[0] and notes[0] == notes[1]
    copied = Sampler(probe(made.path), Fraction(1, 1000), 40)
    assert [read_number(sample.picture) for sample in copied] == list(range(60, made.segment.end_frame))
