"""Answers of one file never share a frame."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tests.exporters.build import media, moment
from tr_desktop.moments import Moment, Refinement, Segment
from tr_desktop.refine.apart import apart, overlap

FILES = [media("a.mov"), media("b.mov")]


def answer(steps: list[tuple[int, int]], file: int = 0) -> Moment:
    made = moment(FILES[file])
    step = made.refinement.steps[0]
    chain = tuple(
        replace(
            step,
            step=number,
            segment=Segment(start, start + length),
            start_s=made.times.time_s(start),
            end_s=made.times.time_s(start + length),
        )
        for number, (start, length) in enumerate(steps)
    )
    return replace(made, refinement=Refinement(chain, len(chain) - 1))


def test_a_step_that_reaches_into_a_better_answer_ends_there() -> None:
    better, worse = answer([(60, 100)]), answer([(180, 30), (158, 37)])
    kept = apart([better, worse])
    step = kept[1].refinement.kept
    assert (kept[1].segment, step.step) == (Segment(160, 195), 1)
    assert (step.start_s, step.end_s) == (kept[1].times.time_s(160), kept[1].times.time_s(195))
    assert kept[1].refinement.steps[0] == worse.refinement.steps[0]


def test_an_edge_that_is_cut_off_is_no_cut_of_the_picture() -> None:
    better, worse = answer([(60, 100)]), answer([(158, 37)])
    exact = replace(worse.refinement.kept, start_is_exact=True, end_is_exact=True)
    kept = apart([better, replace(worse, refinement=Refinement((exact,), 0))])[1].refinement.kept
    assert (kept.segment, kept.start_is_exact, kept.end_is_exact) == (Segment(160, 195), False, True)


def test_a_step_that_lies_in_a_better_answer_is_not_taken() -> None:
    better, worse = answer([(60, 100)]), answer([(180, 30), (165, 30), (130, 37)])
    kept = apart([better, worse])
    assert [m.refinement.stop for m in kept] == [0, 1]
    assert kept[1].refinement.steps == worse.refinement.steps  # all of them stay visible


def test_a_piece_of_a_better_answer_is_left_out_and_other_files_are_not() -> None:
    better, piece = answer([(60, 100)]), answer([(70, 20), (75, 10)])
    elsewhere = answer([(70, 20), (75, 10)], file=1)
    assert apart([better, piece, elsewhere]) == [better, elsewhere]


chains = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 80)), min_size=1, max_size=4)


@given(st.lists(st.tuples(chains, st.integers(0, 1)), max_size=6))
def test_no_two_answers_of_a_file_overlap_and_the_best_stays(found: list[tuple[list[tuple[int, int]], int]]) -> None:
    moments = [answer(steps, file) for steps, file in found]
    kept = apart(moments)
    assert kept[:1] == moments[:1]
    assert apart(kept) == kept
    for a, b in combinations(kept, 2):
        assert a.media != b.media or not overlap(a.segment, b.segment)
