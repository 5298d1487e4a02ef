"""What a score means: the chance of this moment among all that was searched, and one word for it."""

from dataclasses import replace
from math import exp

import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands.report import as_text
from tr_desktop.confidence import STRONG, Level, level
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog


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
