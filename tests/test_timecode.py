"""Timecode labels: properties, SMPTE's known values, and 24 hours at every rate against OpenTimelineIO."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.timecode import DROP_FRAME_RATES, SMPTE_RATES, Timecode, exact_rate, is_smpte_rate, nominal_fps

NTSC_30, NTSC_60 = Fraction(30000, 1001), Fraction(60000, 1001)
AXES = [(rate, False) for rate in sorted(SMPTE_RATES)] + [(rate, True) for rate in sorted(DROP_FRAME_RATES)]
axes = st.sampled_from(AXES)


@pytest.mark.parametrize(
    ("frame", "rate", "drop", "label"),
    [
        (1799, NTSC_30, True, "00:00:59;29"),
        (1800, NTSC_30, True, "00:01:00;02"),
        (17981, NTSC_30, True, "00:09:59;29"),
        (17982, NTSC_30, True, "00:10:00;00"),
        (107892, NTSC_30, True, "01:00:00;00"),
        (108000, NTSC_30, False, "01:00:00:00"),
        (3600, NTSC_60, True, "00:01:00;04"),
        (215784, NTSC_60, True, "01:00:00;00"),
        (7200, Fraction(120000, 1001), True, "00:01:00;008"),
        (86400, Fraction(24000, 1001), False, "01:00:00:00"),
        (119, Fraction(120), False, "00:00:00:119"),
        (99, Fraction(100), False, "00:00:00:99"),
        (5, Fraction(28), False, "00:00:00:05"),
    ],
)
def test_known_labels(frame: int, rate: Fraction, drop: bool, label: str) -> None:
    timecode = Timecode(frame, rate, drop)
    assert str(timecode) == label
    assert Timecode.parse(label, rate) == timecode


@given(axes, st.integers(-(10**8), 10**8))
def test_a_label_names_its_frame_within_the_day(axis: tuple[Fraction, bool], frame: int) -> None:
    timecode = Timecode(frame, *axis)
    assert Timecode.parse(str(timecode), *axis).frame == frame % timecode.frames_per_day


@given(axes, st.integers(0, 10**7), st.integers(-(10**6), 10**6))
def test_adding_frames_is_exact_across_skipped_labels(axis: tuple[Fraction, bool], frame: int, more: int) -> None:
    timecode = Timecode(frame, *axis)
    assert (timecode + more).frame == frame + more
    assert timecode + more - more == timecode


@given(axes, st.integers(0, 10**7))
def test_labels_grow_with_frames_until_midnight(axis: tuple[Fraction, bool], frame: int) -> None:
    timecode = Timecode(frame, *axis)
    today = frame % timecode.frames_per_day
    if today + 1 < timecode.frames_per_day:
        assert str(Timecode(today, *axis)) < str(Timecode(today + 1, *axis))
    assert str(Timecode(timecode.frames_per_day - 1, *axis)).startswith("23:59:59")
    assert str(timecode + timecode.frames_per_day) == str(timecode)


@given(st.sampled_from(sorted(DROP_FRAME_RATES)), st.integers(0, 10**9))
def test_drop_frame_stays_near_the_clock(rate: Fraction, frame: int) -> None:
    timecode = Timecode(frame % Timecode(0, rate, True).frames_per_day, rate, True)
    hours, minutes, rest = str(timecode).split(":")
    seconds, frames = rest.split(";")
    label_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + Fraction(int(frames), nominal_fps(rate))
    assert abs(label_s - timecode.frame / rate) < Fraction(1, 6)


@given(st.sampled_from(sorted(DROP_FRAME_RATES)), st.integers(0, 23), st.integers(0, 59), st.integers(0, 7))
def test_skipped_labels_are_refused(rate: Fraction, hour: int, minute: int, frame: int) -> None:
    label = f"{hour:02d}:{minute:02d}:00;{frame:02d}"
    if minute % 10 and frame < nominal_fps(rate) // 15:
        with pytest.raises(ValueError, match="skips"):
            Timecode.parse(label, rate)
    else:
        assert Timecode.parse(label, rate).drop


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("", Fraction(25)),
        ("1:2:3", Fraction(25)),
        ("00:00:00:25", Fraction(25)),
        ("00:60:00:00", Fraction(25)),
        ("24:00:00:00", Fraction(25)),
        ("-1:00:00:00", Fraction(25)),
        ("00:00:0０:00", Fraction(25)),
        ("00:00:00;00", Fraction(25)),
        ("00:00:00;00", Fraction(24000, 1001)),
        ("00:00:00:00\nTITLE:", Fraction(25)),
    ],
)
def test_a_text_that_is_no_label_is_refused(text: str, rate: Fraction) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Timecode.parse(text, rate)


def test_separator_and_argument_decide_drop_frame() -> None:
    assert not Timecode.parse("01:00:00:00", NTSC_30).drop
    assert all(Timecode.parse(f"01:00:00{mark}00", NTSC_30).drop for mark in ";.,")
    assert Timecode.parse("01:00:00:00", NTSC_30, drop=True).frame == 107892
    assert Timecode.parse("01:00:00;00", NTSC_30, drop=False).frame == 108000
    with pytest.raises(ValueError, match="Drop-frame"):
        Timecode(0, Fraction(30), drop=True)


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        ("29.97", NTSC_30),
        ("29.97002997002997", NTSC_30),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("47.95", Fraction(48000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("59.999024", Fraction(60)),
        ("87169000/2905633", Fraction(30)),
        ("30", Fraction(30)),
        ("28", Fraction(28)),
        ("15000/1001", Fraction(15000, 1001)),
        ("103/4", Fraction(103, 4)),
    ],
)
def test_rounded_rates_become_exact(written: str, exact: Fraction) -> None:
    assert exact_rate(Fraction(written)) == exact
    assert is_smpte_rate(exact) == (exact in SMPTE_RATES)


@given(axes)
def test_exact_rates_are_kept(axis: tuple[Fraction, bool]) -> None:
    assert exact_rate(axis[0]) == axis[0]


def test_the_nominal_rate_is_a_count_and_never_zero() -> None:
    assert [nominal_fps(Fraction(rate)) for rate in ("24000/1001", "25", "59.94", "12.5", "1/5")] == [24, 25, 60, 13, 1]


def test_a_timecode_track_at_another_rate_gives_the_same_time() -> None:
    hour = Timecode.parse("01:00:00;00", NTSC_30)
    assert str(hour.at_rate(NTSC_60)) == "01:00:00;00"
    assert hour.at_rate(NTSC_60).frame == 2 * hour.frame
    assert hour.at_rate(Fraction(30)) == Timecode(107892, Fraction(30))
    assert str(Timecode.parse("10:00:00:00", Fraction(24)).at_rate(Fraction(24000, 1001))) == "10:00:00:00"


def _day(rate: Fraction, drop: bool) -> list[int]:
    """Every label boundary's neighbourhood over 24 h, and a step through the rest that hits every frame number."""
    fps = nominal_fps(rate)
    last = Timecode(0, rate, drop).frames_per_day - 1
    minutes = [
        Timecode(0, rate).frame + round(fps * 60 * m * (Fraction(999, 1000) if drop else 1)) for m in range(1441)
    ]
    near = {frame + k for frame in minutes for k in range(-5, 6)}
    return sorted(frame for frame in near | set(range(0, last, 997)) | {last} if 0 <= frame <= last)


OTIO_RATES = [rate for rate in sorted(SMPTE_RATES) if rate <= 60]


@pytest.mark.parametrize(
    ("rate", "drop"), [axis for axis in AXES if axis[0] in OTIO_RATES], ids=lambda value: f"{float(value):g}"
)
def test_a_day_of_labels_agrees_with_opentimelineio(rate: Fraction, drop: bool) -> None:
    """Over the labels that exist, OpenTimelineIO's reader and ours name the same frames, and the two writers agree.

    Where OpenTimelineIO 0.18 isn't SMPTE: it labels no rate above 60, knows rates as floats, takes `24:00:00;00` and
    skipped labels for real ones, and writes non-drop labels at 29.97, 47.952 and 59.94 from zero again after 24 hours
    of clock, 86 seconds of label before midnight. Ours writes those labels; its reader reads them back right.
    """
    otio = pytest.importorskip("opentimelineio.opentime")
    as_float = float(rate)
    for frame in _day(rate, drop):
        label = str(Timecode(frame, rate, drop))
        if frame < 86400 * rate:
            assert label == otio.to_timecode(otio.RationalTime(frame, as_float), as_float, drop)
        assert otio.from_timecode(label, as_float).value == frame
        assert Timecode.parse(label, rate).frame == frame


@given(axes, st.integers(0, 86399))
def test_a_second_begins_where_its_label_first_appears(axis: tuple[Fraction, bool], second: int) -> None:
    zero = Timecode(0, *axis)
    first = zero.at_second(second)
    label = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    assert str(first).startswith(label)
    assert not str(first - 1).startswith(label)
