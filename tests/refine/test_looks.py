"""Which frames are looked at, and on which frame an edge ends up: exact at a cut, bounded at any rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.moments import FrameTimes
from tr_desktop.refine import looks

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(120)]


def _starts(rate: Fraction, frames: int) -> np.ndarray:
    ticks = [round(n * 90000 / rate) for n in range(frames + 1)]
    return looks.frame_times_s(FrameTimes(ticks[:-1], ticks[-1], Fraction(1, 90000)))


@pytest.mark.parametrize("rate", RATES)
def test_looks_are_bounded_sorted_and_inside_the_file(rate: Fraction) -> None:
    starts = _starts(rate, 700)
    for edge in (-1.0, 0.0, 0.01, 2.7, float(starts[-1]), float(starts[-1]) + 5):
        both = np.concatenate([looks.first_look(starts, edge, 1.0), looks.second_look(starts, edge)])
        assert len(both) <= looks.MAX_FRAMES
        assert ((both >= 0) & (both < 700)).all()
        for frames in (looks.first_look(starts, edge, 1.0), looks.second_look(starts, edge)):
            assert (np.diff(frames) > 0).all()


@pytest.mark.parametrize("rate", RATES)
def test_the_second_look_covers_the_gap_that_the_first_leaves(rate: Fraction) -> None:
    starts = _starts(rate, 900)
    first = looks.first_look(starts, 3.0, 1.0)
    for cut in range(int(2.3 * rate), int(3.7 * rate)):
        before = first[first < cut].max()
        after = first[first >= cut].min()
        middle = float(starts[before] + starts[after]) / 2  # where an honest step on the first look would go
        frames = looks.second_look(starts, middle)
        assert {cut - 1, cut} <= set(frames.tolist())


@given(st.integers(1, 299), st.floats(-2, 2))
def test_the_nearest_boundary(boundary: int, off_frames: float) -> None:
    starts = np.arange(301) / 25
    found = looks.nearest_boundary(starts, (boundary + off_frames * 0.2) / 25)
    assert found == boundary
    assert looks.nearest_boundary(starts, -1) == 0
    assert looks.nearest_boundary(starts, 99) == 300


@pytest.mark.parametrize("cut", [38, 41, 45])
@pytest.mark.parametrize("offset_s", [-0.12, 0.0, 0.11])
def test_an_edge_is_placed_on_the_cut(cut: int, offset_s: float) -> None:
    rng = np.random.default_rng(cut)
    starts = np.arange(101) / 25
    shots = rng.normal(size=(2, 16))
    frames = looks.second_look(starts, cut / 25 + offset_s)
    vectors = shots[(frames >= cut).astype(int)] + 0.05 * rng.normal(size=(len(frames), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert looks.cut_near(frames, vectors) == cut


def test_without_a_cut_no_cut_is_found() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=16) + 0.3 * rng.normal(size=(12, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert looks.cut_near(np.arange(34, 46), vectors) is None
    assert looks.cut_near(np.arange(34, 46), np.tile(vectors[:1], (12, 1))) is None


def test_frames_far_apart_are_not_compared() -> None:
    assert looks.cut_near(np.arange(10, 90, 10), np.eye(8)) is None


def test_reach_shrinks_from_step_to_step_and_grows_with_the_segment() -> None:
    reach = looks.index_reach_s(np.array([[0.0, 1.0], [5.0, 45.0], [0, 500.0]]), 0.5, 4)
    assert reach.shape == (3, 4)
    assert (np.diff(reach, axis=1) <= 0).all() and (np.diff(reach[:, 0]) >= 0).all()
    assert reach[0].tolist() == [2.0, 1.0, 1.0, 1.0] and reach[2, 0] == looks.LONGEST_REACH_S


def test_frames_between_near_ones_are_decoded_on_the_way() -> None:
    far = 40 + looks.MAX_FINE_FRAMES + 5
    assert looks.with_those_between([3, 6, 9, 40, far]) == [3, 4, 5, 6, 7, 8, 9, 40, far]
    assert looks.with_those_between([7]) == [7] and looks.with_those_between([]) == []
