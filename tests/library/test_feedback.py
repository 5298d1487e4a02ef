"""Answers marked right or wrong: what they do to the list, and how a mark is written."""

import shutil
import unicodedata
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import UserError
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.grounding import find
from tr_desktop.library.search.feedback import judged_vector
from tr_desktop.library.search.media_at import judgement_of
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Judgement

SHOTS = {"red1": "red", "blue1": "blue", "red2": "red", "blue2": "blue"}


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def footage(tmp_path):
    """Two files with a red shot and two with a blue one; "white" is as near to both."""
    folder = tmp_path / "footage"
    for name, colour in SHOTS.items():
        after = 100 if name.endswith("2") else 110  # other content
        write_clip(folder / f"{name}.mp4", [("green", 100), (colour, 75), ("green", after)], timecode="01:00:00:00")
    return folder


def ask(footage, catalog, *judgements):
    return find("white", [footage], catalog, ToyEncoder(), judgements=judgements)


def names(answer):
    return [moment.media.path.stem for moment in answer.moments]


@pytest.mark.parametrize("colour", ["red", "blue"])
def test_what_looks_like_a_right_answer_follows_it(footage, catalog, colour):
    right = Judgement(footage / f"{colour}2.mp4", 130, True)
    answer = ask(footage, catalog, right)
    assert names(answer)[:2] == [f"{colour}2", f"{colour}1"] and answer.judgements == (right,)


def test_a_wrong_answer_leaves_and_the_others_stay_as_they_were(footage, catalog):
    before = ask(footage, catalog).moments
    wrong = Judgement(before[1].media.path, before[1].segment.start_frame, False)
    after = ask(footage, catalog, wrong).moments
    assert list(after)[: len(before) - 1] == [moment for moment in before if not wrong.is_about(moment)]


def test_a_wrong_answer_makes_room_for_the_next_of_its_file(footage, catalog):
    clip = write_clip(footage / "clip.mp4", [("red", 75), ("green", 100), ("red", 75)])
    wrong = [Judgement(clip, 30, False), Judgement(clip, 220, False)]

    def best(*judgements, example=None):
        return find("red", [clip], catalog, ToyEncoder(), top=1, judgements=judgements, example=example).moments

    assert wrong[1].is_about(*best(wrong[0])) and wrong[0].is_about(*best(wrong[1]))
    assert wrong[1].is_about(*best(example=f"{clip}@1.2"))


def test_what_looks_like_a_wrong_answer_is_less_similar_once_another_is_right(footage, catalog):
    ask(footage, catalog)
    encoder = ToyEncoder()
    right, wrong = Judgement(footage / "blue1.mp4", 130, True), Judgement(footage / "red1.mp4", 130, False)
    red, blue = encoder.encode_images(
        np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in ((220, 20, 20), (20, 20, 220))])
    )

    def similar(*judgements):
        vector = encoder.encode_text(["white"])[0]
        moved, _ = judged_vector(vector, judgements, lambda path: catalog.load(path, "toy"), encoder.background)
        assert np.linalg.norm(moved) == pytest.approx(1)
        return moved @ blue - moved @ red

    assert similar() < similar(right) < similar(right, wrong)
    assert similar(wrong) == similar()


def test_a_right_answer_is_the_first_whatever_its_score(footage, catalog):
    last = ask(footage, catalog).moments[-1]
    segment = last.segment
    marked = Judgement(last.media.path, (segment.start_frame + segment.end_frame) // 2, True)
    wrong = Judgement(footage / "red1.mp4", 130, False)
    assert marked.is_about(ask(footage, catalog, marked, wrong).moments[0])


def test_a_right_answer_is_before_files_that_are_named(footage, catalog):
    write_clip(footage / "white.mp4", [("green", 120)])
    assert names(ask(footage, catalog))[0] == "white"
    right = Judgement(footage / "red2.mp4", 130, True)
    assert right.is_about(find("white", [footage], catalog, ToyEncoder(), top=1, judgements=[right]).moments[0])


def test_only_right_answers_among_the_searched_files_leave_the_others_similarities(footage, catalog):
    ask(footage, catalog)
    searches = []

    class Watching(TwoTower):
        def moments(self, search, *others):
            searches.append(search)
            return super().moments(search, *others)

    right = [Judgement(footage / f"red{number}.mp4", 130, True) for number in (1, 2)]
    grounder = Watching(catalog, ToyEncoder())
    paths = [footage / "red1.mp4", footage / "blue1.mp4"]
    find("white", paths, catalog, ToyEncoder(), grounder=grounder, judgements=right)
    assert [len(search.best) for search in searches] == [1, 1]


def test_marks_that_do_not_count_change_nothing(footage, catalog):
    before = ask(footage, catalog)
    gone = Judgement(footage / "gone.mp4", 3, True)
    too_late = Judgement(footage / "red1.mp4", 100_000, False)
    assert ask(footage, catalog, gone, too_late) == before and before.judgements == ()


def test_a_mark_on_a_copy_is_a_mark_on_the_answer(footage, catalog):
    ask(footage, catalog)
    shutil.copy(footage / "red2.mp4", footage / "zz.mp4")
    answer = ask(footage, catalog, Judgement(footage / "zz.mp4", 130, True))
    assert names(answer)[0] == "red2"


def test_a_mark_counts_in_a_search_of_a_copy(footage, catalog, tmp_path):
    ask(footage, catalog)
    for name in ("red1.mp4", "blue1.mp4"):
        (tmp_path / "other").mkdir(exist_ok=True)
        shutil.copy(footage / name, tmp_path / "other" / name)
    marks = Judgement(footage / "blue1.mp4", 130, True), Judgement(footage / "red1.mp4", 130, False)
    answer = ask(tmp_path / "other", catalog, *marks)
    right, wrong = (replace(mark, path=tmp_path / "other" / mark.path.name) for mark in marks)
    assert answer.judgements == (right, wrong) and right.is_about(answer.moments[0])
    assert not any(wrong.is_about(moment) for moment in answer.moments)


@pytest.mark.parametrize(
    ("place", "frame"), [("5.2", 130), ("0", 0), ("26/5", 130), ("01:00:05:05", 130), ("01:00:00:00", 0)]
)
def test_a_mark_is_a_file_and_a_place_in_it(footage, catalog, place, frame):
    ask(footage, catalog)
    expected = Judgement(footage / "red2.mp4", frame, True)
    for name in (footage / "red2.mp4", "red2.mp4", "footage/RED2.mp4"):
        assert judgement_of(f"{name}@{place}", True, catalog) == expected


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("red2.mp4", "isn't MEDIA@SECONDS"),
        ("@3", "isn't MEDIA@SECONDS"),
        ("red2.mp4@", "isn't MEDIA@SECONDS"),
        ("red2.mp4@soon", "neither seconds nor a timecode"),
        ("red2.mp4@1e999999999", "neither seconds nor a timecode"),
        ("red2.mp4@1E-999999999", "neither seconds nor a timecode"),
        ("red2.mp4@nan", "neither seconds nor a timecode"),
        ("red2.mp4@1/0", "neither seconds nor a timecode"),
        ("red2.mp4@01:00:99:00", "neither seconds nor a timecode"),
        ("red2.mp4@11", "lasts 11.00 s"),
        ("red2.mp4@-1", "lasts 11.00 s"),
        ("red2.mp4@00:59:59:24", "lasts 11.00 s"),
        ("other.mp4@1", "isn't in the library"),
    ],
)
def test_a_mark_that_means_nothing_is_refused(footage, catalog, what, sentence):
    ask(footage, catalog)
    with pytest.raises(UserError, match=sentence):
        judgement_of(what, True, catalog)


def test_a_name_is_known_in_any_unicode_form(catalog, tmp_path):
    clip = write_clip(tmp_path / "footage" / unicodedata.normalize("NFD", "Café.mp4"), [("red", 50)])
    find("red", [clip], catalog, ToyEncoder())
    assert judgement_of(unicodedata.normalize("NFC", "café.mp4@1"), True, catalog).path == clip


def test_a_name_that_two_files_have_needs_its_folder(footage, catalog, tmp_path):
    write_clip(tmp_path / "more" / "red2.mp4", [("red", 50), ("white", 50)])
    find("white", [footage, tmp_path / "more"], catalog, ToyEncoder(sample_fps=Fraction(2)))
    with pytest.raises(UserError, match="2 files of the library are called"):
        judgement_of("red2.mp4@1", True, catalog)
    assert judgement_of("more/red2.mp4@1", True, catalog).path == tmp_path / "more" / "red2.mp4"
