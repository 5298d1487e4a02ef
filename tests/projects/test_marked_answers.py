"""Marked answers in a project: they are kept by query, undone like any edit, and never lost."""

import json

import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import ProjectError
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Judgement
from tr_desktop.projects.project import Project
from tr_desktop.projects.recovery import Recovery, left_behind


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def moments(tmp_path, catalog):
    for name, last in (("one", 60), ("two", 70)):
        write_clip(tmp_path / f"{name}.mov", [("blue", 60), ("red", 50), ("green", last)])
    return list(find("red", [tmp_path], catalog, ToyEncoder()).moments)


@pytest.fixture
def marked(moments):
    project = Project()
    project.mark(moments[0], True)
    project.mark(moments[1], False)
    return project


def test_marks_are_kept_by_query_and_read_back(marked, moments, tmp_path):
    marked.save(tmp_path / "cut.trproj")
    again = Project.load(tmp_path / "cut.trproj")
    assert again.marks == marked.marks and not again.is_changed
    assert [again.verdict(moment) for moment in moments[:2]] == [True, False]
    assert again.judgements("red") == marked.judgements("red") and again.judgements("blue") == ()
    assert all(judgement.is_about(moment) for judgement, moment in zip(again.judgements("red"), moments, strict=False))


def test_every_mark_is_an_edit(marked, moments):
    assert marked.is_changed and marked.undoes == "Less like this"
    marked.undo()
    assert marked.verdict(moments[1]) is None and marked.redoes == "Less like this"
    marked.redo()
    assert marked.verdict(moments[1]) is False


def test_the_other_mark_replaces_the_first_and_the_same_again_removes_it(marked, moments):
    marked.mark(moments[0], False)
    assert marked.verdict(moments[0]) is False and len(marked.marks) == 2
    marked.mark(moments[0], False)
    assert marked.verdict(moments[0]) is None and marked.undoes == "Remove mark"


def test_marks_are_cleared_for_one_query_or_for_all(marked, moments, tmp_path, catalog):
    other = find("blue", [tmp_path], catalog, ToyEncoder()).moments[0]
    marked.mark(other, True)
    marked.clear_marks("red")
    assert [mark.query for mark in marked.marks] == ["blue"] and marked.undoes == "Clear marks"
    marked.clear_marks()
    assert marked.marks == ()
    marked.undo()
    marked.undo()
    assert len(marked.marks) == 3
    marked.clear_marks("green")
    assert marked.redoes == "Clear marks"  # nothing was cleared: no edit


def test_a_project_without_marks_is_written_as_before(moments, tmp_path):
    project = Project()
    project.accept(moments[0])
    assert "marks" not in json.loads(project.snapshot().content())


def test_keys_of_newer_versions_stay(marked, tmp_path):
    path = tmp_path / "cut.trproj"
    document = json.loads(marked.snapshot().content())
    document["marks"][0]["why"] = "the hat"
    path.write_text(json.dumps(document))
    project = Project.load(path)
    project.save()
    assert json.loads(path.read_bytes())["marks"][0]["why"] == "the hat"


@pytest.mark.parametrize("wrong", [{"right": 1}, {"frame": -1}, {"media": None}, {"query": 3}])
def test_a_damaged_mark_is_reported(marked, tmp_path, wrong):
    path = tmp_path / "cut.trproj"
    document = json.loads(marked.snapshot().content())
    document["marks"][0] |= wrong
    path.write_text(json.dumps(document))
    with pytest.raises(ProjectError, match="damaged"):
        Project.load(path)


def test_marks_survive_a_crash(marked, tmp_path):
    Recovery(tmp_path / "recovery").keep(marked.snapshot().content(), None)
    for held in (tmp_path / "recovery").iterdir():  # as after a kill: nobody holds the copy
        held.rename(tmp_path / "recovery" / "left")
    with left_behind(tmp_path / "recovery") as found:
        assert [left.project().marks for left in found] == [marked.marks]


def test_marks_follow_a_file_that_moved(marked, moments, tmp_path, catalog):
    snapshot = marked.snapshot().identified(catalog)
    snapshot.save(tmp_path / "cut.trproj")
    marked = Project.load(tmp_path / "cut.trproj")
    old = moments[0].media.path
    new = old.rename(tmp_path / "moved.mov")
    find("red", [tmp_path], catalog, ToyEncoder())
    marked.relink(marked.moved_files(catalog))
    assert Judgement(new, marked.marks[0].frame, True) in marked.judgements("red")
    marked.mark(moments[1], True)
    marked.undo()
    assert marked.judgements("red")[0].path == new
