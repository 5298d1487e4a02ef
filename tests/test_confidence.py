"""What a score means: the chance of this moment among all that was searched, and one word for it and for each edge."""

from dataclasses import replace
from math import exp

import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands.report import as_text
from tr_desktop.confidence import SOFT, STRONG, Edge, Level, edges, level
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment, Part, Quote, Refinement, RefineStep, Segment, StepSource, TextKind
from tr_desktop.projects.decisions import as_decided, undecided


class Weighing(ToyEncoder):
    """Scores by the evidence of one name."""

    def __init__(self, name: str, weight: float = 1.0) -> None:
        super().__init__()
        self.seen = []

        def score(evidence):
            self.seen.append(evidence)
            return 1 / (1 + exp(-weight * evidence[name]))

        self.pack.calibrated_score = score


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def clips(tmp_path):
    return [
        write_clip(tmp_path / "a.mp4", [("red", 100), ("blue", 75), ("red", 100)]),
        write_clip(tmp_path / "b.mp4", [("green", 100)]),
        write_clip(tmp_path / "c.mp4", [("white", 50), ("blue", 100)]),
    ]


def test_a_moment_is_worth_less_in_a_larger_library(catalog, clips):
    fewer, more = (find("blue", clips[:count], catalog, Weighing("log_files", -1)).moments[0] for count in (1, 3))
    assert fewer.score == pytest.approx(0.5)
    assert more.score == pytest.approx(0.25)


def test_a_moment_is_worth_less_if_another_file_answers_as_well(catalog, clips):
    alone = find("blue", clips[:2], catalog, Weighing("gap")).moments[0]
    rivals = find("blue", clips, catalog, Weighing("gap")).moments
    assert alone.media.path == clips[0] and alone.score > 0.6
    assert len({moment.media.path for moment in rivals}) >= 2
    assert all(moment.score < 0.55 for moment in rivals)


def test_a_moment_has_one_score(catalog, clips):
    for moment in find("blue", clips, catalog, ToyEncoder()).moments:
        assert moment.refinement.kept.score == moment.score


def test_one_word_says_how_far_a_moment_can_be_believed(catalog, clips):
    answer = find("blue", clips, catalog, ToyEncoder())
    best = answer.moments[0]
    for score, confident, expected in (
        (STRONG, True, Level.STRONG),
        (STRONG - 0.01, True, Level.LIKELY),
        (STRONG - 0.01, False, Level.GUESS),
        (0.1, False, Level.GUESS),
    ):
        moment = replace(best, score=score, confident=confident)
        assert level(moment) is expected
        assert f"score {score:.2f} ({expected.value})" in as_text(replace(answer, moments=(moment,)))


def with_edges(moment: Moment, **changes: object) -> Moment:
    """`moment` with a last step that looked closer and found a cut at its start."""
    kept: RefineStep = replace(
        moment.refinement.kept,
        by=StepSource.FRAMES,
        start_confidence=SOFT - 0.1,
        end_confidence=SOFT,
        start_is_exact=True,
        end_is_exact=False,
        segment=Segment(50, 80),
    )
    return replace(moment, refinement=Refinement((replace(kept, step=0, **changes),), 0))


def test_one_word_says_how_far_an_edge_can_be_believed(catalog, clips):
    answer = find("blue", clips, catalog, ToyEncoder())
    best = answer.moments[0]
    for changes, words, said in (
        ({}, (Edge.EXACT, Edge.SOFT), "in exact cut, out soft {end:.2f}"),
        ({"start_is_exact": False}, (Edge.CHECK, Edge.SOFT), "in check {start:.2f}, out soft {end:.2f}"),
        ({"end_is_exact": True}, (Edge.EXACT, Edge.EXACT), "in exact cut, out exact cut"),
        ({"start_confidence": None}, (None, Edge.SOFT), "out soft {end:.2f}"),
    ):
        moment = with_edges(best, **changes)
        assert edges(moment) == words
        line = as_text(replace(answer, moments=(moment,))).splitlines()[0]
        assert line.endswith(said.format(start=SOFT - 0.1, end=SOFT)), line


def test_an_edge_that_needs_no_word_has_none(catalog, clips):
    answer = find("blue", clips, catalog, ToyEncoder())
    moment = with_edges(answer.moments[0])
    text = replace(moment, quote=Quote("blue", moment.media.path, TextKind.FILE))
    assert edges(text) == (None, None)
    assert "exact" not in as_text(replace(answer, moments=(text,)))

    by_hand = as_decided(moment, replace(undecided(moment), segment=Segment(50, 70)))
    assert by_hand.refinement.kept.by is StepSource.HAND
    assert edges(by_hand) == (Edge.EXACT, None)

    last = with_edges(moment, segment=Segment(50, len(moment.footage)), end_is_exact=True)
    assert edges(last) == (Edge.EXACT, Edge.EXACT)
    assert edges(replace(last, continued=(Part(moment.footage, Segment(0, 5)),))) == (Edge.EXACT, None)


def test_an_end_of_the_file_is_exact_and_an_edge_of_the_index_is_not(catalog, clips):
    moment = find("blue", clips[2:], catalog, ToyEncoder()).moments[0]
    assert moment.segment.end_frame == len(moment.footage)
    start, end = edges(moment)
    assert start in (Edge.SOFT, Edge.CHECK) and end is Edge.EXACT
