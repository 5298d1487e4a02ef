"""Exports of footage that changed, moved, or was read only in part so far."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import opentimelineio as otio
import pytest

from exporters.clips import WAYS
from exporters.hand_off import hand_off
from exporters.timeline import timeline_from_moments
from tests.exporters.build import moment
from tests.media import make_video, read_number
from tr_desktop.errors import ExportError
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.read_on import read_on
from tr_desktop.moments import Footage, FrameTimes, Moment

FRAMES, READ = 400, 50
VARIABLE = [*range(0, 200 * 40, 40), *range(201 * 40, 401 * 40, 40)]


def whole(path: Path) -> Footage:
    sampler = Sampler(probe(path), Fraction(10**6), 16)
    list(sampler)
    return sampler.footage


def part_of(footage: Footage, frames: int = READ) -> Footage:
    """The file as the library knows it while it is being read."""
    times = footage.times
    so_far = FrameTimes(times.ticks[:frames], times.ticks[frames], times.tick_s, times.start_pts)
    return Footage(footage.media, so_far, is_whole=False)


def in_footage(footage: Footage, start: int, end: int) -> Moment:
    return replace(moment(footage.media, start, end, times=footage.times), footage=footage)


def make(path: Path, **options) -> Path:
    options = {"rate": Fraction(25), "gop": 12, "options": {"bf": "2"}, "size": (256, 128)} | options
    return make_video(path, frames=FRAMES, **options)


KINDS = {
    "b-frames.mp4": {},
    "open.mov": {"options": {"bf": "2", "x264-params": "open-gop=1"}},
    "milliseconds.mkv": {"rate": Fraction(30000, 1001)},
    "stream.ts": {},
    "intra.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {}},
    "variable.mp4": {"ticks": VARIABLE, "time_base": Fraction(1, 1000)},
}
every_kind = pytest.mark.parametrize("name", KINDS)


@every_kind
def test_the_times_beyond_the_part_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    footage = whole(make(tmp_path / name, **KINDS[name]))
    assert read_on(footage, Fraction(100)) is footage
    for frames in (1, 13, READ, FRAMES - 3):
        further = read_on(part_of(footage, frames), Fraction(3))
        count = len(further)
        assert list(further.times.ticks) == list(footage.times.ticks[:count])
        assert further.times.time_s(count) == footage.times.time_s(count)
        assert further.is_whole or count > 3 * 25
    end = read_on(part_of(footage), Fraction(1000))
    assert end.is_whole and len(end) == FRAMES
    assert abs(end.times.end_tick - footage.times.end_tick) * footage.times.tick_s < Fraction(1, 500)


def test_times_that_cannot_be_trusted_are_read_from_the_whole_file(tmp_path: Path) -> None:
    footage = whole(make(tmp_path / "a.mp4"))
    part = part_of(footage)
    again = read_on(replace(part, times=replace(part.times, start_pts=None)), Fraction(0))
    assert again == footage


@every_kind
def test_the_header_gives_the_length(tmp_path: Path, name: str) -> None:
    footage = whole(make(tmp_path / name, **KINDS[name]))
    assert footage.label_length == part_of(footage).label_length
    assert footage.label_length == (401 if footage.media.is_vfr else FRAMES)


@every_kind
def test_lists_of_a_file_read_in_part_give_all_of_it(tmp_path: Path, name: str) -> None:
    footage = part_of(whole(make(tmp_path / name, **KINDS[name])))
    timeline = timeline_from_moments([in_footage(footage, 10, 30)], handles_s=Fraction(8))
    [clip] = timeline.clips
    assert clip.media_frames == footage.label_length and clip.is_length_known
    assert (clip.start_frame, clip.end_frame) == (0, 30 + round(8 * footage.media.rate))
    out = tmp_path / "hits.otio"
    report = hand_off([in_footage(footage, 10, 30)], out, name="hits", handles_s=Fraction(8))
    assert not any("in part" in note for note in report.notes)
    [read] = otio.adapters.read_from_file(str(out)).find_clips()
    assert read.media_reference.available_range.duration.value == footage.label_length


def test_an_unknown_length_is_said(tmp_path: Path) -> None:
    footage = part_of(whole(make(tmp_path / "a.mp4")))
    footage = replace(footage, media=replace(footage.media, duration_s=None))
    report = hand_off([in_footage(footage, 10, 30)], tmp_path / "hits.json", name="hits", handles_s=Fraction(8))
    assert any("unknown length: a.mp4" in note for note in report.notes)
    assert json.loads((tmp_path / "hits.json").read_text())["moments"][0]["out_frame"] == READ


@pytest.mark.parametrize("way", [way for way in WAYS if way != "hevc"])
@pytest.mark.parametrize("name", [name for name in KINDS if name != "stream.ts"])
def test_clips_of_a_file_read_in_part_have_their_handles(tmp_path: Path, name: str, way: str) -> None:
    footage = part_of(whole(make(tmp_path / name, **KINDS[name])))
    [out] = hand_off([in_footage(footage, 10, 45)], tmp_path / "clips", way, name="x", handles_s=Fraction(2)).files
    with av.open(str(out)) as container:
        numbers = [read_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    end = 45 + round(2 * footage.media.rate)
    assert numbers == list(range(numbers[0], numbers[-1] + 1)) and numbers[0] == 0
    assert numbers[-1] + 1 == end or (way == "lossless" and end <= numbers[-1] + 1 <= end + 24)


def test_variable_rate_is_converted_beyond_the_part(tmp_path: Path) -> None:
    footage = part_of(whole(make(tmp_path / "phone.mp4", **KINDS["variable.mp4"])))
    out = tmp_path / "hits.edl"
    files = hand_off([in_footage(footage, 10, 45)], out, name="x", handles_s=Fraction(2), cfr=True).files
    assert len(whole(files[1])) == 45 + 50


@pytest.mark.parametrize("way", ["hits.edl", "hits.fcpxml", *WAYS])
def test_a_changed_file_is_noticed(tmp_path: Path, way: str) -> None:
    path = make(tmp_path / "a.mov")
    found = [in_footage(whole(path), 300, 350)]
    out, format_name = (tmp_path / way, None) if "." in way else (tmp_path / "clips", way)
    make_video(path, frames=20, size=(256, 128), timecode="09:00:00:00")
    for _ in ("another size", "another date"):
        with pytest.raises(ExportError, match=r"changed since the search .*Search again"):
            hand_off(found, out, format_name, name="x")
        make(path)
    assert not out.exists()


def test_a_file_that_moved_is_a_note_in_lists_and_an_error_for_clips(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mov")
    found = [in_footage(whole(path), 10, 30)]
    path.rename(tmp_path / "b.mov")
    note = hand_off(found, tmp_path / "hits.edl", name="x").notes[0]
    assert "a.mov can't be read (no such file or directory)" in note and "search again" in note
    for way in WAYS:
        with pytest.raises(ExportError, match="Connect its drive"):
            hand_off(found, tmp_path / "clips", way, name="x")
    assert not (tmp_path / "clips").exists()


def test_the_librarys_own_record_of_the_content_decides(tmp_path: Path) -> None:
    from tests.toy import ToyEncoder
    from tr_desktop.library.index.indexer import index_footage
    from tr_desktop.library.kept_files import KeptFiles
    from tr_desktop.library.store.catalog import Catalog

    path = make(tmp_path / "a.mov")
    with Catalog(tmp_path / "library") as catalog:
        index_footage([path], catalog, ToyEncoder())
        footage, kept = catalog.footage(path), KeptFiles(catalog)
        assert kept.indexed_paths() == [path] and not kept.has_other_content(footage.media)
        before = path.stat()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as after `cp --preserve`
        assert kept.has_other_content(footage.media)
        assert not kept.has_other_content(replace(footage.media, mtime_ns=1))  # unknown: the date decides
