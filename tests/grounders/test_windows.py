"""Which part of a file a video language model looks at."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.grounders.video_llm.windows import Span, widened, windows_around

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
