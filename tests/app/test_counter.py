"""Places in footage, written and typed."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tr_desktop.app.look.counter import Counting, duration_label, label, place
from tr_desktop.errors import UserError
from tr_desktop.moments import Footage, FrameTimes, Media, Moment, Refinement, RefineStep, Segment
from tr_desktop.timecode import Timecode


def moment(rate: Fraction = Fraction(25), start: str = "01:00:00:00", frames: int = 1000) -> Moment:
    media = Media(Path("a.mov"), 1, 1, 64, 48, rate, Timecode.parse(start, rate))
    times = FrameTimes(range(frames), frames, 1 / rate, 0)
    step = RefineStep(0, Segment(10, 20), times.time_s(10), times.time_s(20), 1.0, 1.0, 1.0)
    return Moment(Footage(media, times), Refinement((step,), 0), 1.0, True, "q")


@pytest.mark.parametrize(
    ("counting", "text"),
    [(Counting.TIMECODE, "01:00:02:10"), (Counting.FRAMES, "60"), (Counting.SECONDS, "2.400 s")],
)
def test_a_frame_is_written_in_three_ways_and_read_back_in_each(counting, text):
    assert label(moment(), 60, counting) == text
    assert place(text, moment(), counting, 0) == 60


@pytest.mark.parametrize(
    ("typed", "frame"),
    [("01000210", 60), ("210", 60), ("10", 10), ("+7", 107), ("-7", 93), ("12.5s", 312), ("1 s", 25), ("-900", 0),
     ("00:59:59:24", 0), ("02:00:00:00", 999)],
)  # fmt: skip
def test_places_as_editors_type_them(typed, frame):
    assert place(typed, moment(), Counting.TIMECODE, 100) == frame


def test_drop_frame_labels_are_read_as_such():
    ntsc = moment(Fraction(30000, 1001), "00:00:59;28", frames=500)
    assert label(ntsc, 2, Counting.TIMECODE) == "00:01:00;02"
    assert place("00:01:00;02", ntsc, Counting.TIMECODE, 0) == 2
    assert place("10002", ntsc, Counting.TIMECODE, 0) == 2


@pytest.mark.parametrize("typed", ["", "abc", "01:00:99:00", "1:2", "12.5.1s", "s", "--3"])
def test_text_that_is_no_position_is_refused_with_a_sentence(typed):
    with pytest.raises(UserError, match="isn't a position"):
        place(typed, moment(), Counting.TIMECODE, 0)


@pytest.mark.parametrize("typed", ["01:00:40:00", "40s", "+990"])
def test_a_place_in_the_part_that_is_not_read_yet_is_refused_with_a_sentence(typed):
    part = moment()
    part = replace(part, footage=replace(part.footage, is_whole=False))
    assert place("01:00:39:24", part, Counting.TIMECODE, 10) == 999
    with pytest.raises(UserError, match="Only the first 40 s of this file are read so far"):
        place(typed, part, Counting.TIMECODE, 10)


def test_lengths_for_people():
    assert [duration_label(s) for s in (4, 89, 120, 5400, 360000)] == [
        "4 s",
        "89 s",
        "2 min",
        "1 h 30 min",
        "100 h 00 min",
    ]
