"""What video language models write, read while they write it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.grounders.video_llm.answers import AnswerKind, Written, WrittenSegment, reader_of

ANCHORS = (
    "<think>It is near <timestep>10.00 to 20.5</timestep>. No, rather <timestamp> 12 to 17.83 </timestamp>.</think>\n"
    "<answer>12.54 to 17.83</answer>"
)
REFINE = "From <SEG_START> 30 to 46 <OFFSET> +05 and -06 <RETHINK> 32 to 44 <OFFSET> +03 and -04 <SEG_END>."


def read(kind: AnswerKind, pieces: list[str], window_s: Fraction = Fraction(100)) -> list[WrittenSegment]:
    written, found = Written(), []
    reader = reader_of(kind, written, window_s)
    for piece in pieces:
        written.add(piece, -0.1)
        found += reader.read(is_over=False)
    return found + list(reader.read(is_over=True))


@pytest.mark.parametrize(
    ("kind", "text", "segments", "answers"),
    [
        (AnswerKind.ANCHORS, ANCHORS, [(10, 20.5), (12, 17.83), (12.54, 17.83)], [2]),
        (AnswerKind.ANCHORS, "I think it is 3 to 5, or rather 4.5 to 12.25", [(4.5, 12.25)], [0]),
        (AnswerKind.ANCHORS, "It isn't there.", [], []),
        (AnswerKind.SPAN, "The event happens in 3.0 - 18.5 seconds.", [(3, 18.5)], [0]),
        (AnswerKind.SPAN, "From 17 seconds to 34 seconds", [(17, 34)], [0]),
        (AnswerKind.SPAN, "From <17.0 seconds> to <34.5 seconds>", [(17, 34.5)], [0]),
        (AnswerKind.SPAN, "It lasts from 01:05.5 to 02:10.", [(65.5, 130)], [0]),
        (AnswerKind.SPAN, "[3, 12]", [(3, 12)], [0]),
        (AnswerKind.SPAN, "From 17 to 34", [(17, 34)], [0]),
        (AnswerKind.SPANS, "```json\n[[3.0, 8.5], [20, 31.25]]\n```", [(3, 8.5), (20, 31.25)], [0, 1]),
        (AnswerKind.SPANS, "[]", [], []),
        (AnswerKind.REFINE, REFINE, [(30, 46), (35, 40), (35, 40)], [2]),
        (AnswerKind.HUNDREDTHS, "From 17 to 34.", [(17, 34)], [0]),
        (AnswerKind.HUNDREDTHS, "It is seen from 00 to 99, and again from 05 and 10", [(0, 99)], [0]),
        (AnswerKind.HUNDREDTHS, "17 and 3", [(17, 3)], [0]),
        (AnswerKind.HUNDREDTHS, "In none of them.", [], []),
        (AnswerKind.DIGITS, "0012.5 - 0120.0 seconds, a cat. 0200.0 - 0210.5", [(12.5, 120), (200, 210.5)], [0, 1]),
    ],
)
@given(data=st.data())
def test_an_answer_means_the_same_however_it_comes_in_pieces(kind, text, segments, answers, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(text) - 1, 1)))))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    found = read(kind, pieces)
    assert [(each.start_s, each.end_s) for each in found] == [tuple(map(_exact, pair)) for pair in segments]
    assert [number for number, each in enumerate(found) if each.is_answer] == answers


def _exact(seconds: float) -> Fraction:
    return Fraction(str(seconds))


def test_steps_come_as_soon_as_they_are_whole():
    written = Written()
    reader = reader_of(AnswerKind.ANCHORS, written, Fraction(60))
    written.add("<think>First <timestep>10 to 2")
    assert not list(reader.read(is_over=False))
    written.add("0</timestep>")
    assert [(each.start_s, each.is_answer) for each in reader.read(is_over=False)] == [(10, False)]
    assert not list(reader.read(is_over=False))


@pytest.mark.parametrize(
    ("kind", "text", "start", "end"),
    [(AnswerKind.REFINE, REFINE, 35, 40), (AnswerKind.HUNDREDTHS, "From 17 to 34.", 17, 34)],
)
def test_hundredths_are_of_the_window(kind, text, start, end):
    answer = read(kind, [text], Fraction(64))[-1]
    assert (answer.start_s, answer.end_s) == (Fraction(64 * start, 100), Fraction(64 * end, 100))


def test_probabilities_are_of_the_digits_alone():
    written = Written()
    for piece, log_probability in (
        ("<answer>1", -0.5),
        ("2.5", -0.25),
        (" to ", -9.0),
        ("17", -0.125),
        ("</answer>", -7),
    ):
        written.add(piece, log_probability)
    (found,) = reader_of(AnswerKind.ANCHORS, written, Fraction(60)).read(is_over=False)
    assert found.start_probability == pytest.approx(2.718281828**-0.75)
    assert found.end_probability == pytest.approx(2.718281828**-0.125)


def test_an_unknown_probability_stays_unknown():
    written = Written()
    written.add("[[1, 2]]")
    (found,) = reader_of(AnswerKind.SPANS, written, Fraction(60)).read(is_over=True)
    assert (found.start_probability, found.end_probability) == (None, None)


def test_the_sentence_around_an_anchor_is_kept():
    first, second, _ = read(AnswerKind.ANCHORS, [ANCHORS])
    assert first.said == "It is near 10.00 to 20.5."
    assert second.said == "No, rather 12 to 17.83 ."
    assert len(read(AnswerKind.SPAN, ["so " * 500 + "from 1 to 2"])[0].said) == 200


@given(kind=st.sampled_from(AnswerKind), text=st.text(alphabet="0123456789.:[]<>-+, toandseconds/hikw", max_size=200))
def test_no_text_breaks_a_reader(kind, text):
    for each in read(kind, list(text)):
        assert each.said is not None
