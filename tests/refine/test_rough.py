from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.refine.rough import AROUND_S, READ_WHOLE_S, contrast, rough_segments, worth_reading

curves = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=200).map(lambda c: np.array(c, np.float32))


def test_a_raised_stretch_is_found_to_the_frame():
    curve = np.zeros(100, np.float32)
    curve[30:50] = 0.3
    assert rough_segments(curve, 1) == [(30, 50)]


def test_several_stretches_come_best_first():
    curve = np.zeros(300, np.float32)
    curve[30:50] = 0.2
    curve[200:220] = 0.4
    (first, second) = rough_segments(curve, 2)
    assert first == (200, 220)
    assert abs(second[0] - 30) <= 1 and abs(second[1] - 50) <= 1


def test_a_single_high_frame_does_not_win_over_a_long_raised_stretch():
    curve = np.zeros(200, np.float32)
    curve[20] = 0.4
    curve[100:140] = 0.3
    assert rough_segments(curve, 1) == [(100, 140)]


@given(curves, st.integers(1, 8))
def test_segments_are_inside_the_file_and_do_not_overlap(curve, limit):
    found = rough_segments(curve, limit)
    assert 1 <= len(found) <= limit
    for start, end in found:
        assert 0 <= start < end <= len(curve)
    taken = sorted(found)
    assert all(a[1] <= b[0] for a, b in pairwise(taken))


@given(curves)
def test_long_and_short_curves_agree_with_trying_every_window(curve):
    """Against the definition, written the slow way, for files short enough that every length is tried."""
    from tr_desktop.refine.rough import LENGTH_POWER, smooth

    curve = curve[:50]
    smoothed, n = smooth(curve).astype(np.float64), len(curve)
    worth = {}
    for i in range(n):
        for j in range(i + 1, n + 1):
            if j - i < n:
                inside, outside = smoothed[i:j].mean(), np.delete(smoothed, np.s_[i:j]).mean()
                worth[i, j] = (inside - outside) * ((j - i) * (n - (j - i)) / n) ** LENGTH_POWER
    best = max(worth.values(), default=0)
    (found,) = rough_segments(curve, 1)
    if best > 1e-6:
        assert abs(worth[found] - best) < 1e-6
    else:
        assert found == (0, n) or worth[found] <= 1e-6


def test_contrast_is_the_difference_of_means():
    curve = np.array([0, 1, 1, 0, 0], np.float32)
    assert contrast(curve, 1, 3) == 1.0
    assert contrast(curve, 0, 5) == 0.0


@given(curves, st.floats(0.1, 20))
def test_a_short_file_is_read_whole_and_a_long_one_around_its_peaks(curve, step_s):
    windows = rough_segments(curve, 5)
    rows = worth_reading(curve, windows, step_s).tolist()
    if len(curve) * step_s <= READ_WHOLE_S:
        assert rows == list(range(len(curve)))
    assert rows == sorted(set(rows)) and set(rows) <= set(range(len(curve)))
    assert all(set(range(*window)) <= set(rows) for window in windows)


def test_parts_of_a_long_file_far_from_every_peak_are_left_out():
    curve = np.zeros(4000, np.float32)
    curve[1000:1010], curve[3000] = 0.5, 0.4
    rows = worth_reading(curve, [(1000, 1010)], 0.5)
    reach = round(AROUND_S / 0.5)
    assert {1000 - reach, 1009 + reach - 1, 3000} <= set(rows.tolist()) and 2000 not in rows
    assert len(rows) < len(curve) / 2
