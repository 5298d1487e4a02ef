"""What an answer with anchors earns."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tr_desktop.training.grounder.rewards import read_trace, reward, soft_iou_reward

TRUTH = (10.0, 20.0)
LENGTH_S = 40.0


def trace(*anchors: tuple[float, float], answer: tuple[float, float] = TRUTH) -> str:
    thought = ", then ".join(f"<timestep>{start} to {end}</timestep>" for start, end in anchors)
    return f"<think>{thought}</think>\n<answer>{answer[0]} to {answer[1]}</answer>"


# By hand. Soft IoU with the truth: 5-20 is 10/15, 0-40 is 10/40, 25-30 is -5/20, 10-15 is 5/10.
TABLE = [
    ("perfect", trace((5, 20), TRUTH), (1, 1, (2 / 3 + 2) / 3 + 0.5)),
    ("one anchor makes no progress", trace((5, 20)), (1, 1, 2 / 3)),
    ("anchors that get worse", trace(TRUTH, (5, 20)), (1, 1, (1 + 2 * 2 / 3) / 3)),
    ("the same anchor twice", trace((5, 20), (5, 20)), (1, 1, 2 / 3)),
    ("answer worse than the last anchor", trace((0, 40), (5, 20), answer=(0, 40)), (1, 0.25, (0.25 + 4 / 3) / 3)),
    ("answer elsewhere", trace((5, 20), answer=(25, 30)), (1, -0.25, 2 / 3)),
    ("whole window", trace((0, 40), (0, 40), answer=(0, 40)), (1, 0.25, 0.25)),
    ("three anchors", trace((0, 40), (5, 20), TRUTH), (1, 1, (0.25 + 4 / 3 + 3) / 6 + 0.5)),
    ("four anchors", trace((0, 40), (10, 15), (5, 20), TRUTH), (0, 1, (0.25 + 1 + 2 + 4) / 10 + 0.5 - 0.25)),
    ("no anchor", trace(), (0, 1, 0)),
    ("no answer", "<think><timestep>5 to 20</timestep></think>", (0, -1, 2 / 3)),
    ("answer backwards", trace((5, 20), answer=(20, 10)), (0, -1, 2 / 3)),
    ("anchor backwards", trace((20, 10)), (0, 1, -1)),
    ("words after the answer", trace((5, 20)) + " I hope so.", (0, 1, 2 / 3)),
    ("words before it thinks", "Well. " + trace((5, 20)), (0, 1, 2 / 3)),
    ("no thought", "<answer>10 to 20</answer>", (0, 1, 0)),
    ("two answers", trace((5, 20)) + "<answer>1 to 2</answer>", (0, 1, 2 / 3)),
    ("nothing", "", (0, -1, 0)),
]


@pytest.mark.parametrize(("text", "parts"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_rewards_by_hand(text, parts):
    assert tuple(reward(text, TRUTH, LENGTH_S).values()) == pytest.approx(parts)


@pytest.mark.parametrize(("answer", "earned"), [(TRUTH, 1.0), ((0, 40), 0.25 * 0.75 * 0.5), ((25, 30), 0.0)])
def test_time_r1s_reward_doesnt_pay_for_the_whole_window(answer, earned):
    assert reward(trace((5, 20), answer=answer), TRUTH, LENGTH_S, "iou_v2")["answer"] == pytest.approx(earned)
    assert reward("", TRUTH, LENGTH_S, "iou_v2")["answer"] == 0


def giou(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Generalised IoU (Rezatofighi et al., CVPR 2019), with boxes that are segments."""
    shared = max(min(one[1], other[1]) - max(one[0], other[0]), 0.0)
    covered = (one[1] - one[0]) + (other[1] - other[0]) - shared
    hull = max(one[1], other[1]) - min(one[0], other[0])
    return shared / covered - (hull - covered) / hull


edges = st.floats(0, 100).map(lambda value: round(value, 2))


@given(one=st.tuples(edges, edges), other=st.tuples(edges, edges))
def test_soft_iou_is_generalised_iou_in_one_dimension(one, other):
    one, other = tuple(sorted(one)), tuple(sorted(other))
    assume(one[0] < one[1] and other[0] < other[1])
    assert soft_iou_reward(one, other, 100.0) == pytest.approx(giou(one, other))


@given(text=st.text(alphabet="<>/think timestep answer 0123456789.to\n", max_size=200))
def test_any_text_has_a_reward(text):
    assert -5 <= sum(reward(text, TRUTH, LENGTH_S).values()) <= 3.5


def test_both_spellings_of_an_anchor_are_read():
    text = "<think><timestamp>5 to 20</timestamp> <timestep> 10 to 20 </timestep></think> <answer> 10 to 20 </answer>"
    assert read_trace(text).anchors == ((5, 20), (10, 20)) and read_trace(text).is_well_formed
