"""Scores: questions with known answers, and what their figures say."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="composing needs the train extra")
pytest.importorskip("tqdm", reason="composing needs the train extra")

from PIL import Image

from tests.toy import COLOURS, ToyEncoder, write_clip
from tests.training.refiner_toys import toy_sources
from tr_desktop.commands.main import main
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.training.annotations import read_annotations
from tr_desktop.training.encoder.corpus import read_corpus
from tr_desktop.training.refiner.sources import joined
from tr_desktop.training.scores import questions
from tr_desktop.training.scores.answers import Answered, answer
from tr_desktop.training.scores.figures import Figure, area_under_curve, figures, unavoidable_error
from tr_desktop.training.scores.material import encoded_clips, halves
from tr_desktop.training.scores.nonsense import nonsense
from tr_desktop.training.scores.questions import ComposedLibraries, Question, about_footage


@pytest.fixture(scope="module")
def libraries() -> ComposedLibraries:
    return ComposedLibraries(joined([toy_sources(80), toy_sources(80, seed=1)]), 30, 5, Fraction(1, 2))


def test_a_library_has_the_answer_and_nothing_else_that_could_be_one(libraries: ComposedLibraries) -> None:
    asked = [question for question in libraries.questions(5, 12) if question.kind == questions.LIBRARY]
    assert asked
    by_path = {video.item.media.path: video for video in libraries.videos}
    for question in asked:
        assert len({item.media.path for item in question.files}) == len(question.files) == 5
        own = by_path[next(iter(question.truths))]
        answers = {shot.source.key for shot in own.example.video.shots if question.query in _said(libraries, shot)}
        for item in question.files:
            if item is not own.item:
                held = {shot.source.key for shot in by_path[item.media.path].example.video.shots}
                assert not held & answers


def test_composed_questions_are_fixed_by_their_seed(libraries: ComposedLibraries) -> None:
    sources = joined([toy_sources(80), toy_sources(80, seed=1)])
    again, other = (ComposedLibraries(sources, 30, seed, Fraction(1, 2)) for seed in (5, 6))
    assert [v.example.query for v in again.videos] == [v.example.query for v in libraries.videos]
    assert [v.example.query for v in other.videos] != [v.example.query for v in libraries.videos]


def test_nonsense_is_of_three_kinds_and_fixed_by_its_seed() -> None:
    words = ["dog", "cat", "beach", "runs", "red", "car", "tree"]
    queries = nonsense(words, 30, seed=1)
    assert queries == nonsense(words, 30, seed=1) != nonsense(words, 30, seed=2)
    assert len(set(queries)) == 30
    assert sum(set(query.split()) <= set(words) for query in queries) == 10
    assert all(nonsense([], 30, seed=1))


def test_footage_is_asked_for_its_own_moments_and_for_those_of_others(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", [("red", 100), ("blue", 75), ("red", 100)])
    write_clip(tmp_path / "b.mp4", [("green", 100)])
    rows = [
        {"file": "a.mp4", "query": "something blue", "windows": [[4, 7]], "duration": 11},
        {"file": "a.mp4", "query": "a white wall", "windows": [], "duration": 11},
        {"file": "b.mp4", "query": "green all over", "windows": [[0, 4]], "duration": 4, "whole": True},
    ]
    (tmp_path / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)))
    encoder = ToyEncoder()
    with Catalog(tmp_path / "library") as catalog:
        index_footage([tmp_path], catalog, encoder)
        files = {name: catalog.load(tmp_path / name, "toy") for name in ("a.mp4", "b.mp4")}
        annotations = read_annotations(tmp_path / "annotations.jsonl", "footage")
        asked = list(about_footage(annotations, files, encoder.encode_text, 0, strange=3))
        given = answer(asked, TwoTower(catalog, encoder))
        answers = {(each.question.kind, each.question.query): each for each in given}
    assert answers[questions.OWN, "something blue"].right[0]
    assert answers[questions.LIBRARY, "something blue"].right[0]
    assert answers[questions.LIBRARY, "green all over"].right.any()
    assert not answers[questions.OTHER, "something blue"].right.any()
    assert (questions.ABSENT, "a white wall") in answers
    assert sum(kind == questions.NONSENSE for kind, _ in answers) == 3
    for each in answers.values():
        assert len(each.scores) == len(each.confident) == len(each.right) <= 5
        assert all(a >= b for a, b in pairwise(each.scores))


def test_figures_tell_a_score_that_holds_from_one_that_does_not() -> None:
    rng = np.random.default_rng(0)
    honest, boastful = [], []
    for number in range(400):
        chance = rng.random(5)
        right = rng.random(5) < chance
        honest.append(_answered(number, chance, chance > 0.5, right))
        boastful.append(_answered(number, np.full(5, 0.95), np.full(5, True), right))
    good, bad = _by_name(honest), _by_name(boastful)
    assert good["first five, ECE"].value < 0.04 < 0.35 < bad["first five, ECE"].value
    assert good["first five, area under the curve"].value > 0.75
    assert bad["first five, area under the curve"].value == 0.5
    # The first of five has the highest of five chances: 5/6 on average.
    assert good["confident first answers right"].value == pytest.approx(5 / 6, abs=0.05)
    assert bad["first answer confident"].value == 1
    assert good["first answer, Brier"].value < good["first answer, Brier of the base rate"].value
    for figure in good.values():
        assert figure.low <= figure.value <= figure.high
    assert area_under_curve([0.1, 0.2, 0.3], [False, True, True]) == 1


def test_nothing_to_evaluate_on_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "scores"]) == 2
    assert "nothing to evaluate on" in capsys.readouterr().err


def _by_name(answered: list[Answered]) -> dict[str, Figure]:
    return {figure.name.split(": ")[1]: figure for figure in figures(answered, "toy")}


def _answered(number: int, scores: np.ndarray, confident: np.ndarray, right: np.ndarray) -> Answered:
    order = np.argsort(-scores)
    question = Question(questions.OWN, "", np.zeros(3, np.float32), (), {Path("/a.mp4"): [(0, 1)]}, str(number))
    return Answered(question, scores[order], confident[order], right[order])


def _said(libraries: ComposedLibraries, shot: object) -> set[str]:
    captions = libraries._sources.captions
    return {captions[number] for number in shot.source.captions}  # type: ignore[attr-defined]


def test_what_is_fitted_on_and_what_is_tested_on_share_no_repository() -> None:
    toys = toy_sources(40)
    items = tuple(replace(item, group=f"owner/{number % 9}@1:{number}") for number, item in enumerate(toys.items))
    fit, test = halves(replace(toys, items=items))
    repositories = [{item.group.split("@")[0] for item in part.items} for part in (fit, test)]
    assert not repositories[0] & repositories[1]
    assert len(fit.items) + len(test.items) == 40 and abs(len(fit.items) - len(test.items)) <= 5


def test_the_kept_clips_that_no_encoder_learned_from_become_sources(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    with tarfile.open(folder / "clip-frames.tar", "w") as tar:
        for key in ("abc", "def", "ghi"):
            for number, colour in enumerate(["red", "green", "blue"]):
                content = io.BytesIO()
                Image.new("RGB", (40, 24), COLOURS[colour]).save(content, "WEBP", lossless=True)
                about = tarfile.TarInfo(f"{key}_{number}.webp")
                about.size = content.tell()
                content.seek(0)
                tar.addfile(about, content)
    common = {"captions_machine": ["colours"], "length": 6, "split": "val", "rights": "C"}
    entries = [
        common | {"key": "abc", "source": "o/r@1:a.mp4", "hist_steps": [0.1, 0.2]},
        common | {"key": "def", "source": "o/q@1:a.mp4", "hist_steps": [0.1, 0.2]},
        common | {"key": "ghi", "source": "o/q@1:b.mp4", "hist_steps": [0.1, 0.8]},  # probably cut
    ]
    with gzip.open(folder / "clip-frames.jsonl.gz", "wt") as lines:
        lines.writelines(json.dumps(entry) + "\n" for entry in entries)
    (folder / "manifest.jsonl").write_text("")
    (tmp_path / "images").mkdir()
    with gzip.open(tmp_path / "images" / "captions-machine.jsonl.gz", "wt"):
        pass
    encoder = ToyEncoder()
    found = encoded_clips(tmp_path, tmp_path / "cache", encoder)
    learned = read_corpus(tmp_path)
    assert [item.key for item in found.items] == ["abc"] and {picture.clip for picture in learned} == {"frames_def"}
    assert [round(picture.at, 1) for picture in learned] == [0.1, 0.3, 0.5]
    assert found.items[0].fps == 0.5 and found.items[0].group == "o/r@1:a.mp4"
    assert (found.items[0].vectors @ encoder.encode_text(["red", "green", "blue"]).T).argmax(1).tolist() == [0, 1, 2]


def test_a_few_answers_show_an_error_by_luck_alone() -> None:
    rng = np.random.default_rng(3)
    few, many = rng.random(40), rng.random(4000)
    assert unavoidable_error(few) > 0.08 > 0.02 > unavoidable_error(many)
