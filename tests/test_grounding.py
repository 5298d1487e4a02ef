"""The main job with the toy encoder: what is found, in which order, and that every step is in the answer."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from exporters.timeline import timeline_from_moments
from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import UserError
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Refinement, Segment


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def test_the_moment_is_found_on_the_right_frames(tmp_path, catalog):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 100), ("blue", 75), ("red", 100)])
    answer = find("something blue", [clip], catalog, ToyEncoder())
    best = answer.moments[0]
    # The index sees two frames a second, so an edge is right to half a sampling step: 6 frames and the rounding.
    assert abs(best.segment.start_frame - 100) <= 7
    assert abs(best.segment.end_frame - 175) <= 7
    assert best.confident and best.query == "something blue"


def test_every_step_from_rough_to_final_is_in_the_answer(tmp_path, catalog):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 100), ("blue", 75), ("red", 100)])
    for steps in (0, 1, 5):
        refinement = find("blue", [clip], catalog, ToyEncoder(), steps=steps).moments[0].refinement
        assert [step.step for step in refinement.steps] == list(range(steps + 1))
        assert refinement.stop == steps
        for step in refinement.steps:
            assert 0 <= step.segment.start_frame < step.segment.end_frame <= 275
            assert step.start_s == Fraction(step.segment.start_frame, 25)
            assert step.end_s == Fraction(step.segment.end_frame, 25)


def test_several_moments_of_one_file_do_not_overlap(tmp_path, catalog):
    clip = write_clip(tmp_path / "clip.mp4", [("blue", 75), ("red", 100), ("blue", 75), ("red", 100), ("blue", 75)])
    moments = find("blue", [clip], catalog, ToyEncoder(), top=5).moments
    spans = sorted((m.segment.start_frame, m.segment.end_frame) for m in moments)
    assert len(spans) >= 3
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


class Reaching(TwoTower):
    """Its closer look moves every edge outwards by two seconds."""

    def steps_that_look_closer(self, steps):
        return 1

    def look_closer(self, search, item, moment):
        kept = moment.refinement.kept
        start, end = max(kept.segment.start_frame - 50, 0), min(kept.segment.end_frame + 50, len(item.times))
        wider = replace(
            kept, step=kept.step + 1, segment=Segment(start, end), start_s=Fraction(start, 25), end_s=Fraction(end, 25)
        )
        return replace(moment, refinement=Refinement((*moment.refinement.steps, wider), wider.step))


def test_looking_closer_makes_no_answers_overlap(tmp_path, catalog):
    clip = write_clip(tmp_path / "clip.mp4", [("blue", 75), ("red", 75), ("blue", 75), ("red", 75), ("blue", 75)])
    shown = []
    encoder = ToyEncoder()
    answer = find("blue", [clip], catalog, encoder, top=3, grounder=Reaching(catalog, encoder), on_moments=shown.append)
    assert len(answer.moments) == 3
    for moments in (*shown, answer.moments):
        spans = sorted((m.segment.start_frame, m.segment.end_frame) for m in moments)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_moments_of_all_files_come_best_first(tmp_path, catalog):
    for number, shots in enumerate([[("red", 100), ("green", 100)], [("red", 100), ("blue", 100)]]):
        write_clip(tmp_path / "footage" / f"{number}.mp4", shots)
    moments = find("green", [tmp_path / "footage"], catalog, ToyEncoder(), top=3).moments
    assert moments[0].media.path.name == "0.mp4"
    assert [m.score for m in moments] == sorted((m.score for m in moments), reverse=True)


@pytest.mark.parametrize("frames", [1, 2, 3, 13, 14])
def test_the_shortest_files_give_an_answer_within_the_file(tmp_path, catalog, frames):
    clip = write_clip(tmp_path / "clip.mp4", [("blue", frames)])
    (moment,) = find("blue", [clip], catalog, ToyEncoder()).moments[:1]
    assert 0 <= moment.segment.start_frame < moment.segment.end_frame <= frames
    timeline_from_moments([moment], handles_s=Fraction(2))


@pytest.mark.parametrize("query", ["", "   ", "\n"])
def test_an_empty_query_is_refused(tmp_path, catalog, query):
    with pytest.raises(UserError, match="query is empty"):
        find(query, [tmp_path], catalog, ToyEncoder())


def test_a_folder_without_readable_footage_is_a_user_error(tmp_path, catalog):
    footage = tmp_path / "footage"
    footage.mkdir()
    with pytest.raises(UserError, match="no files"):
        find("blue", [footage], catalog, ToyEncoder())
    (footage / "a.mp4").write_text("text")
    with pytest.raises(UserError, match=r"a\.mp4"):
        find("blue", [footage], catalog, ToyEncoder())
