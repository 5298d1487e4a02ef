"""Tracks beside picture and sound are copied or named, and none shifts the numbers of the others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.exporters.camera_files import X264
from tests.media import numbered_picture
from tests.tools import NEEDS_FFMPEG, ffmpeg
from tr_desktop.footage.clips.cut import Cut
from tr_desktop.footage.clips.exact import PRESETS, cut_exact
from tr_desktop.footage.clips.lossless import cut_lossless, lossless_suffix
from tr_desktop.footage.clips.smart import cut_smart
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, Segment, TrackKind

WAYS = ["lossless", *PRESETS]
LINES = "1\n00:00:00,100 --> 00:00:00,300\nbefore\n\n2\n00:00:00,500 --> 00:00:01,300\nover\n\n"
LINES += "3\n00:00:01,400 --> 00:00:01,900\nlate\n"


def read(path: Path) -> Footage:
    sampler = Sampler(probe(path), Fraction(1000), 32)
    assert list(sampler)
    return sampler.footage


def cut(source: Footage, way: str, folder: Path) -> Cut:
    """Frames 24 to 32, which begin and end at keyframes."""
    if way == "lossless":
        return cut_lossless(source, Segment(24, 32), folder / f"cut{lossless_suffix(source.media)}")
    if way == "smart":
        return cut_smart(source, Segment(24, 32), folder / "cut.mov")
    return cut_exact(source, Segment(24, 32), folder / f"cut{PRESETS[way].suffix}", PRESETS[way])


def two_tracks(path: Path, *, codec: str = "aac", chapters: bool = False, sounds: int = 2) -> Path:
    """Two seconds; the sound of the first track is at 0.25, of the second at 0.5 of full scale."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options=X264)
        picture.width, picture.height, picture.pix_fmt = 256, 144, "yuv420p"
        tracks = [container.add_stream(codec, rate=48000, layout="stereo") for _ in range(sounds)]
        if chapters:
            tick_s = Fraction(1, 1000)
            ends = (0, 500, 1040, 2000)
            container.set_chapters(
                [
                    {"id": n, "start": ends[n], "end": ends[n + 1], "time_base": tick_s, "metadata": {"title": name}}
                    for n, name in enumerate(("gone", "first", "second"))
                ]
            )
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number, 256, 144), format="rgb24")
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for number, track in enumerate(tracks):
            wave = 0.25 * (number + 1) * np.sin(2 * np.pi * 400 * np.arange(96000) / 48000)
            for first in range(0, 96000, 1024):
                part = np.repeat(wave[first : first + 1024], 2).astype(np.float32).reshape(1, -1)
                sound = av.AudioFrame.from_ndarray(part, format="flt", layout="stereo")
                sound.sample_rate, sound.pts = 48000, first
                container.mux(track.encode(sound))
            container.mux(track.encode(None))
    return path


def loudness(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        tracks = [stream.index for stream in container.streams.audio]
    peaks = []
    for index in tracks:
        with av.open(str(path)) as container:
            parts = [frame.to_ndarray().astype(np.float64) for frame in container.decode(container.streams[index])]
        peak = max(float(np.abs(part).max()) for part in parts)
        peaks.append(peak / 2**15 if peak > 1 else peak)
    return peaks


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("unknown", [0, 1])
def test_sound_that_cannot_be_decoded_is_named_and_the_other_track_is_right(
    unknown: int, way: str, tmp_path: Path
) -> None:
    path = two_tracks(tmp_path / "a.mov", codec="pcm_s16le")
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(unknown + 1):
        at = data.index(b"sowt\0\0\0\0\0\0\0\1", at + 1)
    data[at : at + 4] = b"apac"  # as phones write spatial sound
    path.write_bytes(data)
    source = read(path)
    assert len(source.media.audio) == 1
    made = cut(source, way, tmp_path)
    assert made.notes == (f"Not in the clip: track {unknown + 2} (sound that can't be decoded)",)
    assert loudness(made.path) == [pytest.approx(0.25 if unknown == 1 else 0.5, abs=0.05)]


@pytest.mark.parametrize("sounds", [0, 2])
@pytest.mark.parametrize("way", ["lossless", "smart", "prores", "h264"])
def test_chapters_within_the_cut_are_kept(way: str, sounds: int, tmp_path: Path) -> None:
    made = cut(read(two_tracks(tmp_path / "a.mp4", chapters=True, sounds=sounds)), way, tmp_path)
    assert made.segment == Segment(24, 32) and not any("Not in" in note for note in made.notes)
    with av.open(str(made.path)) as container:
        found = [
            (c["metadata"]["title"], c["start"] * c["time_base"], c["end"] * c["time_base"])
            for c in container.chapters()
        ]
    assert found == [
        ("first", 0, Fraction(80, 1000)),
        ("second", Fraction(80, 1000), Fraction(320, 1000)),
    ]


def with_subtitles(path: Path, codec: str) -> Path:
    plain = two_tracks(path.with_name("plain.mp4"))
    lines = path.with_name("lines.srt")
    lines.write_text(LINES)
    inputs = ("-i", str(plain), "-i", str(lines), "-map", "0", "-map", "1", "-c", "copy")
    return ffmpeg(path, *inputs, "-c:s", codec, "-metadata:s:s", "language=deu")


@NEEDS_FFMPEG
def test_a_copy_has_the_subtitles_that_its_container_can_hold(tmp_path: Path) -> None:
    source = read(with_subtitles(tmp_path / "a.mp4", "mov_text"))
    made = cut(source, "lossless", tmp_path)
    assert made.notes == ()
    [track] = probe(made.path).other_tracks
    assert (track.kind, track.codec, track.language) == (TrackKind.SUBTITLES, "mov_text", "deu")
    with av.open(str(made.path)) as container:
        texts = [bytes(packet)[2:].decode() for packet in container.demux(subtitles=0) if packet.size > 2]
    assert texts == ["over"]  # it began before the clip
    for way in PRESETS:
        assert cut(source, way, tmp_path).notes == ("Not in the clip: track 4 (subtitles, mov_text, deu)",)


@NEEDS_FFMPEG
def test_a_copy_names_the_subtitles_that_its_container_cannot_hold(tmp_path: Path) -> None:
    made = cut(read(with_subtitles(tmp_path / "a.mkv", "srt")), "lossless", tmp_path)
    assert made.path.suffix == ".mov"
    assert made.notes == ("Not in the clip: track 4 (subtitles, srt, deu)",)


@NEEDS_FFMPEG
def test_a_copy_in_matroska_keeps_the_spelling_of_a_language(tmp_path: Path) -> None:
    plain = two_tracks(tmp_path / "plain.mp4")
    options = ("-map", "0", "-c:v", "copy", "-c:a", "flac", "-metadata:s:a", "language=ger")
    path = ffmpeg(tmp_path / "a.mkv", "-i", str(plain), *options)
    made = cut(read(path), "lossless", tmp_path)
    assert made.path.suffix == ".mkv"
    assert [track.language for track in probe(made.path).audio] == ["ger", "ger"]
