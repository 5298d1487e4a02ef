"""What a grounder learns to write, and what the product reads of it."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.grounders.video_llm.answers import AnswerKind, Written, reader_of
from tr_desktop.training.grounder.sequences import LONGEST_DIGITS_S, SIGMAS_S, answer_text, rough_segment
from tr_desktop.training.metrics import soft_iou

FORMATS = (AnswerKind.SPAN, AnswerKind.DIGITS, AnswerKind.ANCHORS, AnswerKind.REFINE)


@st.composite
def truths(draw):
    """(start_s, end_s) inside a window, and the window's length in seconds."""
    length_s = draw(st.floats(2, 600))
    start_s, end_s = sorted(draw(st.lists(st.floats(0, length_s), min_size=2, max_size=2)))
    return (start_s, end_s), length_s


def read(kind, text, length_s, rng):
    """The segments that the product reads while `text` comes in random pieces."""
    written = Written()
    reader, found, at = reader_of(kind, written, Fraction(length_s)), [], 0
    while at < len(text):
        piece = text[at : at + rng.randint(1, 9)]
        at += len(piece)
        written.add(piece)
        found += reader.read(is_over=False)
    return found + list(reader.read(is_over=True))


@pytest.mark.parametrize("kind", FORMATS)
@given(case=truths(), seed=st.integers(0, 2**32))
def test_the_product_reads_the_truth_from_what_is_taught(kind, case, seed):
    truth, length_s = case
    rng = Random(seed)
    *steps, answer = read(kind, answer_text(kind, truth, length_s, rng), length_s, rng)
    assert answer.is_answer and not any(step.is_answer for step in steps)
    assert len(steps) == {AnswerKind.REFINE: len(SIGMAS_S), AnswerKind.ANCHORS: 2}.get(kind, 0)
    unit = {AnswerKind.REFINE: length_s / 100, AnswerKind.ANCHORS: 0.01}.get(kind, 0.1)
    for got, wanted in zip((answer.start_s, answer.end_s), truth, strict=True):
        assert abs(float(got) - wanted) <= 1.51 * unit  # an empty moment becomes one unit long
    assert kind is AnswerKind.REFINE or answer.start_s < answer.end_s


@given(case=truths(), seed=st.integers(0, 2**32))
def test_each_step_of_refine_leads_to_the_truth(case, seed):
    truth, length_s = case
    rng = Random(seed)
    _, *corrected = read(AnswerKind.REFINE, answer_text(AnswerKind.REFINE, truth, length_s, rng), length_s, rng)
    for step in corrected:
        assert abs(float(step.start_s) - truth[0]) <= 1.51 * length_s / 100
        assert abs(float(step.end_s) - truth[1]) <= 1.51 * length_s / 100


@given(case=truths(), seed=st.integers(0, 2**32))
def test_each_anchor_is_nearer_than_the_last(case, seed):
    truth, length_s = case
    rng = Random(seed)
    found = read(AnswerKind.ANCHORS, answer_text(AnswerKind.ANCHORS, truth, length_s, rng), length_s, rng)
    first, second, answer = (float(soft_iou((float(each.start_s), float(each.end_s)), truth)) for each in found)
    least_s = max(truth[1] - truth[0], 0.01)
    assert first <= second + 0.02 / least_s and second <= answer + 0.02 / least_s  # as far as hundredths can say it


@given(case=truths(), sigma_s=st.floats(0.1, 5), seed=st.integers(0, 2**32), encloses=st.booleans())
def test_rough_segments_stay_inside_the_window_and_around_the_truth(case, sigma_s, seed, encloses):
    truth, length_s = case
    start_s, end_s = rough_segment(truth, length_s, sigma_s, Random(seed), encloses=encloses)
    assert 0 <= start_s <= end_s <= length_s
    assert not encloses or (start_s <= truth[0] and end_s >= truth[1])


def test_refine_is_written_as_published():
    text = answer_text(AnswerKind.REFINE, (35.0, 40.0), 100.0, Random(0), sigmas_s=(5, 0))
    assert text.startswith("From <SEG_START> ") and text.endswith(
        "<RETHINK> 35 to 40 <OFFSET> +00 and +00 <SEG_END>."
    )  # fmt: skip
    assert text.count("<OFFSET>") == 2


def test_times_are_written_in_tokens_of_their_own():
    text = answer_text(AnswerKind.DIGITS, (2.5, LONGEST_DIGITS_S), 10_000.0, Random(0))
    assert text == (
        "<TIME_ZERO><TIME_ZERO><TIME_ZERO><TIME_TWO><TIME_DOT><TIME_FIVE> - "
        "<TIME_NINE><TIME_NINE><TIME_NINE><TIME_NINE><TIME_DOT><TIME_NINE> seconds"
    )


def test_other_formats_are_not_trained():
    with pytest.raises(ValueError, match="spans isn't a format"):
        answer_text(AnswerKind.SPANS, (1.0, 2.0), 10.0, Random(0))
