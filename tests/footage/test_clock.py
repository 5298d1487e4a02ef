"""A file's clock: damage never stretches the file, and no frame of a clock that starts again is squeezed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.footage.clock import LOOK_AHEAD, Clock, LookAhead

TICK_S = Fraction(1, 90000)
FRAME = 3000  # ticks of one frame at 30 fps


@dataclass(frozen=True)
class Frame:
    pts: int | None
    dts: int | None = None


def clock(longest_s: int = 10) -> Clock:
    return Clock(TICK_S, Fraction(30), Fraction(longest_s))


def placed(c: Clock, stamps: Sequence[int | None]) -> list[int]:
    frames = LookAhead(Frame(stamp) for stamp in stamps)
    return [c.place(frame.pts, frame.dts, frames.stamps()) for frame in frames]


def regular(frames: int, start: int = 0) -> list[int]:
    return [start + FRAME * n for n in range(frames)]


def test_untimed_frames_are_put_one_frame_on() -> None:
    c = clock()
    assert placed(c, (None, None, None)) == [0, 3000, 6000]
    assert c.times.start_pts is None


def test_jumps_either_way_are_closed_and_the_clock_keeps_going() -> None:
    c = clock()
    assert placed(c, (90000, 93000, 9_000_000, 9_003_000, 0, 3000)) == [0, 3000, 6000, 9000, 12000, 15000]
    assert c.jumps == 2


def test_every_frame_is_kept_in_strict_order() -> None:
    c = clock()
    assert placed(c, (0, 6000, 3000, 6000, 9000)) == [0, 6000, 6001, 6002, 9000]
    assert c.backward == 2
    assert c.finish(10**12) == 12000
    assert c.finish(3003) == c.times.end_tick == 12003


def test_a_start_offset_and_pauses_are_regular() -> None:
    c = clock()
    assert placed(c, (126000, 129000, 129000 + 800_000)) == [0, 3000, 803000]
    assert c.times.start_pts == 126000


@given(
    lengths=st.lists(st.integers(60, 300), min_size=2, max_size=6),  # frames: segments of 2 to 10 s
    starts=st.lists(st.integers(0, 90000), min_size=6, max_size=6),
    longest_s=st.sampled_from([10, 3600]),
)
def test_joined_segments_last_as_long_as_all_of_them(lengths: list[int], starts: list[int], longest_s: int) -> None:
    c = clock(longest_s)
    stamps = [stamp for length, start in zip(lengths, starts, strict=False) for stamp in regular(length, start)]
    assert placed(c, stamps) == regular(sum(lengths))
    assert c.finish(FRAME) == sum(lengths) * FRAME
    assert c.jumps == len(lengths) - 1
    assert c.backward == 0
    assert c.times.start_pts is None


@given(
    steps=st.lists(st.integers(FRAME // 2, 9 * FRAME), min_size=20, max_size=80),
    again=st.lists(st.integers(FRAME // 2, 9 * FRAME), min_size=20, max_size=80),
)
def test_a_clock_that_starts_again_keeps_the_distances_of_a_variable_rate(steps: list[int], again: list[int]) -> None:
    first = [0, *accumulate(steps)]
    second = [0, *accumulate(again)]
    if first[-1] <= second[LOOK_AHEAD]:  # soon past the old clock: could as well be a stray time
        return
    ticks = placed(clock(), first + second)
    assert [b - a for a, b in pairwise(ticks)] == [*steps, FRAME, *again]


@given(
    at=st.integers(10, 250),
    length=st.integers(1, LOOK_AHEAD),
    off=st.integers(20 * FRAME, 30 * 90000),
    sign=st.sampled_from([-1, 1]),
    longest_s=st.sampled_from([60, 3600]),
)
def test_stray_times_move_nothing_else(at: int, length: int, off: int, sign: int, longest_s: int) -> None:
    stamps = regular(300)
    stamps[at : at + length] = [stamp + sign * off for stamp in stamps[at : at + length]]
    ticks = placed(clock(longest_s), stamps)
    assert ticks[:at] == regular(at)
    assert ticks[at + length :] == regular(300)[at + length :]
    assert ticks == sorted(set(ticks))


@given(st.permutations(range(5)), st.integers(0, 280))
def test_disorder_within_a_few_frames_moves_nothing_else(order: list[int], at: int) -> None:
    stamps = regular(300)
    stamps[at : at + 5] = [stamps[at + n] for n in order]
    ticks = placed(clock(), stamps)
    shift = order[0] * FRAME if at == 0 else 0  # the first frame is where the file starts
    assert ticks[at + 5 :] == [tick - shift for tick in regular(300)[at + 5 :]]


def test_a_longer_run_of_other_times_does_not_stretch_the_file() -> None:
    stamps = regular(1000)
    stamps[500:540] = regular(40)
    c = clock(3600)
    assert placed(c, stamps) == regular(1000)
    assert c.jumps == 2


@given(stamps=st.lists(st.none() | st.integers(-(1 << 33), 1 << 33), min_size=1, max_size=60))
def test_whatever_the_times_every_frame_has_a_later_tick(stamps: list[int | None]) -> None:
    c = clock()
    ticks = placed(c, stamps)
    assert len(ticks) == len(stamps)
    assert ticks[0] == 0
    assert all(0 < b - a <= 10 * 90000 for a, b in pairwise(ticks))


def test_frames_that_follow_are_read_only_at_a_surprise() -> None:
    read = 0

    def frames() -> Iterator[Frame]:
        nonlocal read
        for stamp in [*regular(100), *regular(100)]:
            read += 1
            yield Frame(stamp)

    ahead, c = LookAhead(frames()), clock()
    held = []
    for frame in ahead:
        c.place(frame.pts, frame.dts, ahead.stamps())
        held.append(read - len(c))
    assert held == [0] * 100 + [*range(LOOK_AHEAD, 0, -1)] + [0] * (100 - LOOK_AHEAD)
