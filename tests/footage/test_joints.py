"""Files whose clock starts again inside: segments joined end to end keep every frame at its number and its time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import numbered_picture, read_number
from tr_desktop.errors import ExportError
from tr_desktop.footage.clips.exact import PRESETS, cut_exact
from tr_desktop.footage.clips.lossless import cut_lossless
from tr_desktop.footage.frames import PictureMaker, Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.reader import FrameReader
from tr_desktop.footage.seek import read_frames
from tr_desktop.moments import Segment

RATE_HZ = 48000
LENGTHS = (50, 110, 75, 60)  # frames at 25 a second
FLV_HEADER = 13  # bytes; a recorder that goes on appends without it
SMALL, LARGE, TALL = (160, 120), (320, 240), (120, 160)


def segment(path: Path, first: int, frames: int, size: tuple[int, int], tone_hz: int = 0) -> bytes:
    with av.open(str(path), "w") as container:
        codec = "mpeg2video" if path.suffix == ".mpg" else "libx264"
        stream = container.add_stream(codec, rate=25, options={"g": "25", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        track = container.add_stream("mp2", rate=RATE_HZ, layout="mono") if tone_hz else None
        for number in range(first, first + frames):
            picture = av.VideoFrame.from_ndarray(numbered_picture(number, *size), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if track is not None:
            samples = 12000 * np.sin(2 * np.pi * tone_hz * np.arange(frames * RATE_HZ // 25) / RATE_HZ)
            sound = av.AudioFrame.from_ndarray(samples.astype(np.int16).reshape(1, -1), format="s16", layout="mono")
            sound.sample_rate, sound.pts = RATE_HZ, 0
            container.mux(track.encode(sound))
            container.mux(track.encode(None))
    return path.read_bytes()


def joined(folder: Path, suffix: str, sizes: Sequence[tuple[int, int]]) -> Path:
    """Numbered pictures in segments of `LENGTHS`, each of which starts its clock again."""
    path, first = folder / f"joined{suffix}", 0
    with path.open("wb") as file:
        for length, size in zip(LENGTHS, sizes, strict=True):
            data = segment(folder / f"{first}{suffix}", first, length, size)
            file.write(data[FLV_HEADER:] if suffix == ".flv" and first else data)
            first += length
    return path


@pytest.mark.parametrize(
    ("suffix", "sizes"),
    [
        (".ts", (SMALL,) * 4),
        (".mpg", (SMALL,) * 4),
        (".flv", (SMALL,) * 4),
        (".ts", (SMALL, LARGE, SMALL, TALL)),
    ],
    ids=["transport stream", "program stream", "resumed FLV", "other sizes, turned"],
)
def test_joined_segments_keep_every_frame_at_its_place(
    tmp_path: Path, suffix: str, sizes: Sequence[tuple[int, int]]
) -> None:
    path = joined(tmp_path, suffix, sizes)
    frames = sum(LENGTHS)
    sampler = Sampler(probe(path), Fraction(1, 2), 40)
    samples = list(sampler)
    footage, times = sampler.footage, sampler.times
    assert len(times) == frames
    assert abs(times.duration_s - Fraction(frames, 25)) <= times.tick_s * len(LENGTHS)
    assert all(abs(times.time_s(n) - Fraction(n, 25)) <= times.tick_s * len(LENGTHS) for n in range(frames))
    assert sampler.media.rate == 25
    assert not sampler.media.is_vfr
    assert f"jumps of the file's clock, closed: {len(LENGTHS) - 1}" in sampler.problems

    # the grid, a seek and the reader agree
    assert [s.frame for s in samples] == [times.frame_at(k * Fraction(1, 2)) for k in range(len(samples))]
    assert [read_number(s.picture) for s in samples] == [s.frame for s in samples]
    wanted = [0, 49, 50, 160, 234, 235, frames - 1]
    assert [(n, read_number(picture)) for n, picture in read_frames(footage, wanted, 40)] == [(n, n) for n in wanted]
    picture_of = PictureMaker(footage.media, 40)
    with FrameReader(footage) as reader:
        for frame in (170, 50, frames - 1, 159):
            *_, (number, picture) = reader.frames_to(frame)
            assert (number, read_number(picture_of(picture))) == (frame, frame)


def test_a_clip_across_a_joint_holds_its_frames(tmp_path: Path) -> None:
    sampler = Sampler(probe(joined(tmp_path, ".ts", (SMALL,) * 4)), Fraction(1, 2), 40)
    assert list(sampler)
    moment = Segment(150, 250)
    out = tmp_path / "clip.mp4"
    assert cut_exact(sampler.footage, moment, out, PRESETS["h264"]).segment == moment
    clip = Sampler(probe(out), Fraction(1, 25), 40)
    assert [read_number(s.picture) for s in clip] == list(range(150, 250))
    with pytest.raises(ExportError, match="inconsistent time stamps"):  # says so, rather than copy another part
        cut_lossless(sampler.footage, moment, tmp_path / "copied.mkv")


def test_a_clip_after_a_joint_has_the_sound_of_its_pictures(tmp_path: Path) -> None:
    tones_hz = (400, 800, 1600, 3200)
    path, first = tmp_path / "tones.ts", 0
    with path.open("wb") as file:
        for length, tone_hz in zip(LENGTHS, tones_hz, strict=True):
            file.write(segment(tmp_path / f"{first}.ts", first, length, SMALL, tone_hz))
            first += length
    sampler = Sampler(probe(path), Fraction(1), 40)
    assert list(sampler)
    out = tmp_path / "clip.mov"
    for start, end, expected_hz in ((5, 45, [400, 400]), (60, 100, [800, 800]), (215, 255, [1600, 3200])):
        cut_exact(sampler.footage, Segment(start, end), out, PRESETS["prores"])
        with av.open(str(out)) as container:
            sound = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
        assert len(sound) == (end - start) * RATE_HZ // 25
        for half, tone_hz in zip(np.split(sound, 2), expected_hz, strict=True):
            assert abs(np.argmax(np.abs(np.fft.rfft(half))) * RATE_HZ / len(half) - tone_hz) < 5


def test_a_part_that_ffmpeg_does_not_reach_is_told(tmp_path: Path) -> None:
    parts = [segment(tmp_path / f"{first}.flv", first, 300, LARGE) for first in (0, 300)]
    path = tmp_path / "two_headers.flv"
    for data, told in ((parts[0], False), (b"".join(parts), True)):
        path.write_bytes(data)
        sampler = Sampler(probe(path), Fraction(1), 40)
        assert list(sampler)
        assert len(sampler.times) == 300
        assert any("% of the file can't be read" in problem for problem in sampler.problems) is told
