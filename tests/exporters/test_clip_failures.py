"""One moment that can't be exported doesn't stop the others."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from exporters.clips import export_clips
from exporters.hand_off import hand_off
from tests.exporters.build import media, moment
from tests.footage.recipes import VFR_TICKS, h264
from tests.media import make_video
from tr_desktop.errors import ExportError, UserError
from tr_desktop.footage.clips import exact
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, Moment, Part, Segment

DAMAGED = Path(__file__).resolve().parents[3] / "shared" / "oddities" / "media__dolbyVision-hdr.MOV"


def read(path: Path, start: int, end: int) -> Moment:
    sampler = Sampler(probe(path), Fraction(1000), 32)
    assert list(sampler)
    return moment(sampler.media, start, end, times=sampler.times)


@pytest.fixture
def found(tmp_path: Path) -> list[Moment]:
    """Three moments; DNxHR can't hold the second."""
    wide = make_video(tmp_path / "wide.mov", frames=20, rate=Fraction(25), size=(320, 240), timecode="01:00:00:00")
    narrow = make_video(tmp_path / "narrow.mov", frames=20, rate=Fraction(25), timecode="02:00:00:00")
    return [read(wide, 2, 5), read(narrow, 3, 6), read(wide, 7, 9)]


def test_the_others_are_cut_and_the_failure_names_moment_and_reason(found: list[Moment], tmp_path: Path) -> None:
    report = hand_off(found, tmp_path / "clips", "dnxhr", name="hits")
    assert [file.name for file in report.files] == ["01 wide 01-00-00-02.mov", "03 wide 01-00-00-07.mov"]
    assert sorted((tmp_path / "clips").iterdir()) == sorted(report.files)
    [failure] = report.failures
    assert failure.startswith("Moment 2 (narrow.mov, 02:00:00:03) failed: ") and "256 wide" in failure


def test_a_moment_over_two_files_keeps_its_rank_and_fails_once(found: list[Moment], tmp_path: Path) -> None:
    wide, narrow, _ = found
    over_two = replace(
        moment(wide.media, 15, 20, times=wide.times), continued=(Part(narrow.footage, Segment(0, 3)),) * 2
    )
    seen: set[tuple[int, int]] = set()
    report = export_clips(
        [over_two, narrow, wide],
        tmp_path / "clips",
        preset_name="dnxhr",
        on_progress=lambda clip, clips, *_: seen.add((clip, clips)),
    )
    assert [file.name for file in report.files] == ["01 wide part 1 of 3 01-00-00-15.mov", "03 wide 01-00-00-02.mov"]
    assert [failure.split(") failed")[0] for failure in report.failures] == [
        "Moment 1 (narrow part 2 of 3, 02:00:00:00",
        "Moment 2 (narrow.mov, 02:00:00:03",
    ]
    assert seen == {(1, 5), (5, 5)}


def test_an_export_of_which_nothing_came_is_an_error_that_names_each(found: list[Moment], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"None of the 2 moments.*Moment 1 .*256 wide.*Moment 2 .*256 wide"):
        export_clips([found[1], found[1]], tmp_path / "clips", preset_name="dnxhr")
    assert list((tmp_path / "clips").iterdir()) == []


def test_no_folder_is_made_if_nothing_can_be_read(tmp_path: Path) -> None:
    gone = moment(media("gone.mov", folder=tmp_path))
    gone = replace(gone, footage=replace(gone.footage, is_whole=False))
    with pytest.raises(UserError, match=r"gone\.mov"):
        export_clips([gone], tmp_path / "clips")
    assert not (tmp_path / "clips").exists()


@pytest.mark.skipif(not DAMAGED.exists(), reason="that footage isn't beside this checkout")
def test_a_copy_of_impossible_times_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"shows a picture before its time to be decoded .*\. Use an exact cut"):
        export_clips([read(DAMAGED, 0, 3)], tmp_path / "clips", preset_name="lossless")


def test_an_interruption_still_stops(found: list[Moment], tmp_path: Path) -> None:
    def stop(clip: int, *_: int) -> None:
        if clip == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_clips(found, tmp_path / "clips", preset_name="dnxhr", on_progress=stop)
    assert [file.name for file in (tmp_path / "clips").iterdir()] == ["01 wide 01-00-00-02.mov"]


def test_a_part_that_cannot_be_converted_leaves_its_moment_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(
        tmp_path / "vfr.mp4", frames=len(VFR_TICKS), ticks=VFR_TICKS, time_base=Fraction(1, 1000), options=h264(25)
    )
    found = [read(path, 2, 8), read(path, 20, 30)]
    whole = exact._source_frames

    def late(footage: Footage, frames: list[int]) -> object:
        return whole(footage, frames if frames[0] < 15 else [n + 1 for n in frames])

    monkeypatch.setattr(exact, "_source_frames", late)
    report = hand_off(found, tmp_path / "hits.json", name="hits", cfr=True)
    first, second = json.loads((tmp_path / "hits.json").read_text())["moments"]
    assert Path(first["media"]).parent.name == "hits media" and Path(second["media"]) == path
    [failure] = report.failures
    assert failure.startswith("Moment 2 (vfr.mp4, ") and "isn't frame" in failure
    assert any("Without" not in note and "Variable frame rate: vfr.mp4" in note for note in report.notes)


def test_a_lossless_clip_is_named_after_the_frame_that_it_starts_with(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4", frames=60, rate=Fraction(25), gop=25, timecode="10:00:00:00", options=h264(25)
    )
    folder = tmp_path / "clips"
    report = export_clips([read(path, 30, 40), read(path, 35, 45)], folder, preset_name="lossless")
    assert [file.name for file in report.files] == ["01 a 10-00-01-00.mp4", "02 a 10-00-01-00.mp4"]
    assert [str(probe(file).start_tc) for file in report.files] == ["10:00:01:00"] * 2
    again = export_clips([read(path, 30, 40)], folder, preset_name="lossless")
    assert [file.name for file in again.files] == ["01 a 10-00-01-00 2.mp4"]
