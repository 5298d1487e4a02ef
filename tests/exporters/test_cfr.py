"""Variable-frame-rate footage converted for an export: every frame shows the right picture, at the right label."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pycmx
import pytest

from exporters.cfr import cfr_folder
from exporters.hand_off import hand_off
from tests.exporters.build import moment
from tests.footage.recipes import MAKERS, VFR_TICKS
from tests.media import make_video, read_number
from tr_desktop.errors import ExportError
from tr_desktop.footage.clips import exact
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import FrameTimes, Media


def read(path: Path) -> tuple[Media, FrameTimes]:
    sampler = Sampler(probe(path), Fraction(1000), 32)
    assert list(sampler)
    return sampler.media, sampler.times


@pytest.fixture(scope="module")
def vfr(tmp_path_factory: pytest.TempPathFactory) -> tuple[Media, FrameTimes]:
    media, times = read(MAKERS["vfr.mp4"](tmp_path_factory.mktemp("vfr") / "vfr.mp4"))
    assert media.is_vfr
    return media, times


def numbers(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [read_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def on_screen(frame: int, rate: Fraction) -> int:
    """The source frame in the middle of constant frame `frame`, by the times that the footage was made with."""
    middle_ms = (frame + Fraction(1, 2)) / rate * 1000
    return max(number for number, tick in enumerate(VFR_TICKS) if tick <= middle_ms)


def test_every_frame_shows_the_picture_then_on_screen_and_the_moment_only_its_own(vfr, tmp_path: Path) -> None:
    media, times = vfr
    chance = random.Random(3)
    for number in range(6):
        start = chance.randrange(len(times) - 1)
        end = chance.randint(start + 1, min(len(times), start + 25))
        found = [moment(media, start, end, times=times)]
        out = tmp_path / f"{number}.json"
        report = hand_off(found, out, name="hits", handles_s=Fraction(number, 10), cfr=True)
        (written,) = json.loads(out.read_text())["moments"]
        clip, made = Path(written["media"]), probe(Path(written["media"]))
        assert report.files == (out, clip) and clip.parent == cfr_folder(out)
        assert (made.rate, made.is_vfr) == (30, False)  # its steps of 33 ms are 30.3 a second
        first = made.start_tc.frame  # its place on the constant axis
        shown = numbers(clip)
        assert shown == [on_screen(first + frame, made.rate) for frame in range(len(shown))]
        inside = shown[written["start_frame"] : written["end_frame"]]
        outside = shown[: written["start_frame"]] + shown[written["end_frame"] :]
        assert all(start <= frame < end for frame in inside)
        assert inside and not any(start <= frame < end for frame in outside)
        assert (written["in_frame"], written["out_frame"]) == (0, len(shown))


@pytest.mark.parametrize(("start", "end"), [(25, 40), (30, 31), (45, 52), (60, 62), (61, 62), (69, 70)])
def test_pictures_that_begin_in_the_middle_of_a_frame_are_in_the_moment_once(
    tmp_path: Path, start: int, end: int
) -> None:
    ticks = [*range(0, 1200, 40), *range(1260, 3000, 40)]  # from 1,260 ms on, half a frame off
    path = tmp_path / "phone.mov"
    make_video(path, frames=len(ticks), ticks=ticks, time_base=Fraction(1, 1000), rate=Fraction(25))
    media, times = read(path)
    out = tmp_path / "hits.json"
    hand_off([moment(media, start, end, times=times)], out, name="hits", handles_s=Fraction(1, 5), cfr=True)
    (written,) = json.loads(out.read_text())["moments"]
    shown = numbers(Path(written["media"]))
    first, last = written["start_frame"], written["end_frame"]
    assert sorted(set(shown[first:last])) == list(range(start, end))
    assert not set(range(start, end)) & {*shown[:first], *shown[last:]}


def test_the_list_names_the_converted_files_and_their_timecode(tmp_path: Path) -> None:
    ticks = [*range(0, 1200, 40), *range(1260, 3000, 40)]
    path = tmp_path / "phone.mov"
    make_video(path, frames=len(ticks), ticks=ticks, time_base=Fraction(1, 1000), rate=Fraction(25))
    media, times = read(path)
    assert media.is_vfr and media.rate == 25
    steady, steady_times = read(make_video(tmp_path / "steady.mov", frames=60, rate=media.rate, timecode="02:00:00:00"))
    found = [moment(media, 40, 50, times=times), moment(steady, 5, 9, times=steady_times)]
    out = tmp_path / "hits.edl"
    report = hand_off(found, out, name="hits", cfr=True)
    assert [note.split(":")[0] for note in report.notes] == ["Variable frame rate"] and "ProRes" in report.notes[0]
    with out.open() as file:
        first, second = (event.edits[0] for event in pycmx.parse_cmx3600(file).events)
    (clip,) = cfr_folder(out).iterdir()
    assert (first.clip_name, second.clip_name) == (clip.name, "steady.mov")
    assert first.source_in == str(probe(clip).start_tc) and second.source_in == "02:00:00:05"
    plain = hand_off(found, tmp_path / "plain.edl", name="hits")
    assert "--cfr" in plain.notes[0]
    assert (tmp_path / "plain.edl").read_text().count(first.source_in) >= 1  # the same label without the files


def test_constant_rate_footage_needs_no_files(tmp_path: Path) -> None:
    media, times = read(make_video(tmp_path / "steady.mov", frames=60))
    out = tmp_path / "hits.edl"
    assert hand_off([moment(media, 5, 9, times=times)], out, name="hits", cfr=True).files == (out,)
    assert not cfr_folder(out).exists()


def test_clips_can_have_a_constant_rate(vfr, tmp_path: Path) -> None:
    media, times = vfr
    found = [moment(media, 11, 40, times=times)]
    (clip,) = hand_off(found, tmp_path / "clips", "h264", name="hits", cfr=True).files
    start, end = (round(times.time_s(frame) * 30) for frame in (11, 40))
    assert numbers(clip) == [on_screen(frame, Fraction(30)) for frame in range(start, end)]
    assert not read(clip)[0].is_vfr
    with pytest.raises(ExportError, match="variable frame rate"):
        hand_off(found, tmp_path / "clips", "lossless", name="hits", cfr=True)


def test_sound_stays_with_the_picture(tmp_path: Path) -> None:
    """A ramp of samples: each says when it is heard."""
    path = tmp_path / "a.mov"
    ticks = [0, 40, 100, 120, 200, 300, 320, 340, 400, 520, 560, 640, 700, 740, 800, 900, 960]
    with av.open(str(path), "w") as container:
        picture, track = (
            container.add_stream("mpeg4", rate=25),
            container.add_stream("pcm_s16le", rate=48000, layout="mono"),
        )
        picture.width, picture.height, picture.pix_fmt = 160, 120, "yuv420p"
        picture.codec_context.time_base = Fraction(1, 1000)
        ramp = av.AudioFrame.from_ndarray((np.arange(48000) // 160).astype(np.int16)[None], "s16", "mono")
        ramp.sample_rate, ramp.pts = 48000, 0
        container.mux(track.encode(ramp))
        for tick in ticks:
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), tick % 250, np.uint8), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 1000)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
    media, times = read(path)
    assert media.is_vfr
    out = tmp_path / "hits.json"
    hand_off([moment(media, 6, 12, times=times)], out, name="hits", cfr=True)
    (written,) = json.loads(out.read_text())["moments"]
    clip = Path(written["media"])
    made = probe(clip)
    assert made.rate == Fraction(24000, 1001)  # the next that editors have: its steps of 60 ms are 16.7 a second
    with av.open(str(clip)) as container:
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    first = round(made.start_tc.frame / made.rate * 48000)
    assert len(heard) == round(len(read(clip)[1]) / made.rate * 48000)
    assert (heard == np.arange(first, first + len(heard)) // 160).all()


def test_a_wrong_frame_is_an_error_and_nothing_is_written(vfr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media, times = vfr
    whole = exact._source_frames
    monkeypatch.setattr(exact, "_source_frames", lambda footage, frames: whole(footage, [n + 1 for n in frames]))
    out = tmp_path / "hits.edl"
    with pytest.raises(ExportError, match="isn't frame"):
        hand_off([moment(media, 20, 30, times=times)], out, name="hits", cfr=True)
    assert not out.exists() and list(cfr_folder(out).iterdir()) == []
