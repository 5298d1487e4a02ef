"""The timeline that every exporter takes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.timeline import timeline_from_moments
from tests.exporters.build import NTSC_30, media, moment
from tr_desktop.errors import ExportError
from tr_desktop.moments import FrameTimes


@given(st.integers(1, 300), st.data(), st.fractions(0, 5))
def test_handles_stay_within_the_media(frames: int, data: st.DataObject, handles_s: Fraction) -> None:
    start = data.draw(st.integers(0, frames - 1))
    end = data.draw(st.integers(start + 1, frames))
    [clip] = timeline_from_moments([moment(media(), start, end, frames)], handles_s=handles_s).clips
    handle = round(handles_s * 25)
    assert (clip.start_frame, clip.end_frame) == (max(0, start - handle), min(frames, end + handle))
    assert (clip.found.start_frame, clip.found.end_frame, clip.media_frames) == (start, end, frames)


def test_clips_lie_end_to_end_with_exact_source_labels() -> None:
    source = media(rate=NTSC_30, start="01:00:00;00", drop=True)
    timeline = timeline_from_moments([moment(source, 1790, 1810, 9000), moment(source, 0, 5, 9000)])
    assert [offset for offset, _ in timeline.placed()] == [0, 20]
    first = timeline.clips[0]
    assert (str(first.source_in), str(first.source_out)) == ("01:00:59;20", "01:01:00;12")
    assert str(timeline.start_tc) == "01:00:00;00" and timeline.frames == 25


def test_the_start_label_counts_as_the_footage_or_as_asked() -> None:
    non_drop = moment(media(rate=NTSC_30))
    assert str(timeline_from_moments([non_drop]).start_tc) == "01:00:00:00"
    assert str(timeline_from_moments([non_drop], start_tc="02:00:00;00").start_tc) == "02:00:00;00"
    assert str(timeline_from_moments([moment(media())], start_tc="02:00:00;00").start_tc) == "02:00:00:00"


def test_each_rate_gets_a_timeline_with_the_same_start_label() -> None:
    drop = media("b.mov", NTSC_30, "01:00:00;00", True)
    timeline = timeline_from_moments([moment(media("a.mov")), moment(drop), moment(media("c.mov"))])
    parts = timeline.by_rate()
    assert not timeline.is_one_rate and all(part.is_one_rate for part in parts)
    assert [[clip.rank for clip in part.clips] for part in parts] == [[1, 3], [2]]
    assert [str(part.start_tc) for part in parts] == ["01:00:00:00", "01:00:00;00"]


def test_variable_rate_is_counted_by_time_at_the_nominal_rate() -> None:
    times = FrameTimes([0, 10, 50, 60, 100], 120, Fraction(1, 100))  # nominal 25: 0.1 s is frame 2.5
    [clip] = timeline_from_moments([moment(media(is_vfr=True), 2, 4, times=times)]).clips
    assert (clip.start_frame, clip.end_frame, clip.media_frames) == (12, 25, 30)
    one_tick = FrameTimes([0, 1, 2], 3, Fraction(1, 1000))
    [clip] = timeline_from_moments([moment(media(is_vfr=True), 1, 2, times=one_tick)]).clips
    assert (clip.start_frame, clip.end_frame, clip.media_frames) == (0, 1, 1)


@pytest.mark.parametrize(
    ("moments", "options"),
    [
        ([], {}),
        ([moment(media())], {"handles_s": Fraction(-1)}),
        ([moment(media())], {"start_tc": "1 hour"}),
        ([moment(media())], {"start_tc": "24:00:00:00"}),
        ([moment(media(rate=NTSC_30, drop=True))], {"start_tc": "01:01:00:00"}),
        ([moment(media(), 10, 60, 59)], {}),
    ],
)
def test_impossible_timelines_are_refused(moments: list, options: dict) -> None:
    with pytest.raises(ExportError):
        timeline_from_moments(moments, **options)
