"""Which part of a file a video language model looks at."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.grounders.video_llm.windows import Span, closer_window, sweep, touches, widened, windows_around

MOST_S = Fraction(60)
seconds = st.fractions(min_value=0, max_value=599, max_denominator=24)


def span(start_s: int, end_s: int) -> Span:
    return Span(Fraction(start_s), Fraction(end_s))


def test_near_moments_share_a_window_and_long_ones_are_cut():
    candidates = [span(400, 500), span(100, 110), span(112, 120)]
    assert windows_around(candidates, Fraction(600), MOST_S) == [(span(90, 128), [1, 2]), (span(420, 480), [0])]


@given(st.lists(st.tuples(seconds, st.fractions(min_value=Fraction(1, 24), max_value=200)), min_size=1, max_size=8))
def test_each_moment_is_in_one_window_inside_the_file(found):
    duration_s = Fraction(600)
    candidates = [Span(start_s, min(start_s + length_s, duration_s)) for start_s, length_s in found]
    windows = windows_around(candidates, duration_s, MOST_S)
    assert sorted(number for _, inside in windows for number in inside) == list(range(len(candidates)))
    for window, inside in windows:
        assert 0 <= window.start_s < window.end_s <= duration_s and window.length_s <= MOST_S
        for number in inside:
            candidate = candidates[number]
            assert window.shared_s(candidate) == min(candidate.length_s, MOST_S)


def test_an_answer_at_the_edge_of_its_window_widens_that_side():
    window = span(90, 130)
    assert widened(window, [span(100, 120)], Fraction(600)) is None
    assert widened(window, [Span(Fraction(181, 2), Fraction(120))], Fraction(600)) == span(70, 130)
    assert widened(window, [span(100, 130)], Fraction(600)) == span(90, 150)
    assert widened(window, [span(100, 130)], Fraction(130)) is None  # the file ends there
    assert widened(span(0, 40), [span(0, 20)], Fraction(600)) is None
    assert widened(window, [], Fraction(600)) is None


def test_an_hour_is_swept_in_75_windows():
    assert len(sweep(Fraction(3600), Fraction(64))) == 75
    assert sweep(Fraction(30), Fraction(64)) == [span(0, 30)]


@given(
    st.fractions(min_value=Fraction(1, 24), max_value=2000, max_denominator=1001),
    st.fractions(min_value=1, max_value=100, max_denominator=10),
)
def test_a_sweep_covers_the_file_and_neighbours_share_a_quarter(duration_s, most_s):
    windows = sweep(duration_s, most_s)
    assert windows[0].start_s == 0 and windows[-1].end_s == duration_s
    assert all(window.length_s <= most_s for window in windows)
    assert all(one.shared_s(other) >= most_s / 4 for one, other in pairwise(windows))
    assert len(windows) < 2 or len(windows) <= duration_s / (most_s * 3 / 4) + 1  # and no more than it takes


@given(
    seconds, st.fractions(min_value=Fraction(1, 24), max_value=60), st.fractions(min_value=Fraction(1, 8), max_value=2)
)
def test_a_closer_window_holds_the_answer_and_what_its_edges_may_be_off_by(start_s, length_s, every_s):
    duration_s = Fraction(600)
    answer = Span(start_s, min(start_s + length_s, duration_s))
    window = closer_window(answer, every_s, duration_s)
    assert window.start_s in (0, answer.start_s - max(answer.length_s / 2, 2 * every_s))
    assert window.end_s in (duration_s, answer.end_s + max(answer.length_s / 2, 2 * every_s))


def test_an_edge_of_the_window_is_touched_unless_the_file_ends_there():
    assert touches(span(10, 20), span(10, 15), Fraction(600)) == (True, False)
    assert touches(span(10, 20), span(12, 20), Fraction(600)) == (False, True)
    assert touches(span(0, 20), span(0, 20), Fraction(20)) == (False, False)


def test_tiou_is_shared_time_over_covered_time():
    assert span(0, 10).iou(span(5, 15)) == Fraction(1, 3)
    assert span(0, 10).iou(span(10, 15)) == 0
