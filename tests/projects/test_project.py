"""Projects: decisions survive, whatever happens to the program or the file."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporters.timeline import timeline_from_moments
from exporters.write import export_timeline
from tests.processes import ending
from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands.main import main
from tr_desktop.errors import ProjectError, UserError
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Refinement, Segment, StepSource
from tr_desktop.projects.decisions import as_decided, goes_on, known
from tr_desktop.projects.project import Project
from tr_desktop.projects.recovery import Recovery, discard, left_behind


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def moments(tmp_path, catalog):
    for name, timecode in {"one": "01:00:00:00", "two": "10:00:00:00"}.items():
        write_clip(tmp_path / f"{name}.mov", [("blue", 60), ("red", 50), ("green", 60)], timecode=timecode)
    return list(find("red", [tmp_path], catalog, ToyEncoder()).moments)


@pytest.fixture
def decided(moments, tmp_path):
    """A project with everything in it."""
    project = Project()
    one, two = moments[:2]
    project.accept(one)
    project.adjust(one, Segment(63, 101))
    project.accept(two)
    project.keep_step(two, 0)
    project.add_marker(two, 70)
    project.describe(project.decision(two), name="Réd — \U0001f534", note="second\nline")
    project.move(project.decision(two), -1)
    project.save(tmp_path / "cut.trproj")
    return project


def test_a_saved_project_reads_back_the_same(decided):
    again = Project.load(decided.path)
    assert again.decisions == decided.decisions and again.name == "cut"
    assert not again.is_changed and not decided.is_changed
    assert again.snapshot().content() == decided.path.read_bytes()


def test_undo_and_redo_go_through_every_edit(moments, decided):
    after = decided.decisions
    edits = []
    while what := decided.undo():
        edits.append((what, decided.decisions))
    assert [what for what, _ in edits] == [
        "Move",
        "Describe",
        "Add marker",
        "Keep step 0",
        "Accept",
        "Adjust edges",
        "Accept",
    ]
    assert decided.decisions == () and decided.undoes == "" and decided.redoes == "Accept"
    for _ in edits:
        decided.redo()
    assert decided.decisions == after and decided.redo() == ""
    decided.undo()
    decided.accept(moments[2] if len(moments) > 2 else replace(moments[0], query="another"))
    assert decided.redoes == ""  # another future has begun


def test_an_edit_that_changes_nothing_is_not_recorded(moments):
    project = Project()
    project.accept(moments[0])
    project.accept(moments[0])
    project.adjust(moments[0], moments[0].segment)
    assert project.undo() == "Accept" and project.undo() == ""


def test_the_editors_edges_are_exported(decided, catalog, moments):
    second, first = decided.moments(catalog.footage)
    assert first.segment == Segment(63, 101)
    assert first.refinement.kept.start_confidence == first.refinement.kept.end_confidence == 1.0
    assert len(first.refinement.steps) == len(moments[0].refinement.steps) + 1
    assert second.refinement.stop == 0 and second.segment == moments[1].refinement.steps[0].segment
    assert second.remarks.name == "Réd — \U0001f534" and second.query == moments[1].query


@pytest.mark.parametrize("name", ["hits.edl", "hits.xml", "hits.fcpxml", "hits.otio", "hits.csv", "hits.json"])
def test_the_command_writes_the_same_bytes_as_the_app(decided, catalog, tmp_path, name):
    out, ours = tmp_path / name, tmp_path / "app" / name
    ours.parent.mkdir()
    export_timeline(timeline_from_moments(decided.moments(catalog.footage), name=decided.name), ours)
    catalog.close()
    assert main(["export", str(decided.path), "--to", str(out), "--library", str(tmp_path / "library")]) == 0
    assert out.read_bytes() == ours.read_bytes()


def test_unknown_keys_are_kept(decided):
    document = json.loads(decided.path.read_bytes())
    document["later"] = {"a": [1]}
    document["selects"][0]["colour"] = "pink"
    document["selects"][0]["markers"][0]["flag"] = True
    decided.path.write_text(json.dumps(document))
    again = Project.load(decided.path)
    again.describe(again.selects[0], name="other", note="")
    again.save()
    kept = json.loads(decided.path.read_bytes())
    assert kept["later"] == {"a": [1]} and kept["selects"][0]["colour"] == "pink"
    assert kept["selects"][0]["markers"][0]["flag"] is True and kept["selects"][0]["name"] == "other"


def test_ratings_and_marker_colours_are_kept_and_may_be_missing(decided, catalog):
    document = json.loads(decided.path.read_bytes())
    for select in document["selects"]:
        del select["rating"]
        for marker in select["markers"]:
            del marker["colour"]
    document["selects"][0]["rating"] = 4
    document["selects"][0]["markers"] = [
        {"frame": 3, "name": "a", "colour": "red"},
        {"frame": 5, "name": "b", "colour": "ultraviolet"},  # of a newer version
        {"frame": 7, "name": "c"},
    ]
    decided.path.write_text(json.dumps(document))
    again = Project.load(decided.path)
    remarks = again.selects[0].moment(catalog.footage).remarks
    assert remarks.rating == 4 and [mark.colour for mark in remarks.marks] == ["red", "blue", "blue"]
    assert again.selects[1].rating == 0
    again.save()
    markers = json.loads(decided.path.read_bytes())["selects"][0]["markers"]
    assert [marker["colour"] for marker in markers] == ["red", "ultraviolet", ""]
    for wrong in (6, -1, "4", True, 2.5):
        document["selects"][0]["rating"] = wrong
        decided.path.write_text(json.dumps(document))
        with pytest.raises(ProjectError, match="damaged"):
            Project.load(decided.path)


def test_a_file_changed_by_another_program_is_not_overwritten(decided, moments):
    decided.path.write_text("{}")
    decided.undo()
    with pytest.raises(ProjectError, match="Another program changed"):
        decided.save()
    assert decided.path.read_text() == "{}" and decided.is_changed
    decided.save(decided.path.with_name("other.trproj"))
    assert not decided.is_changed


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff\xfe", b'{"schema": 1}', b'{"schema": 1, "selects": [{}]}', b"[" * 100_000, b"null"],
)
def test_a_file_that_is_no_project_is_refused(tmp_path, content):
    path = tmp_path / "bad.trproj"
    path.write_bytes(content)
    with pytest.raises(ProjectError, match="isn't a TimeRefine Desktop project"):
        Project.load(path)
    assert path.read_bytes() == content


def test_a_newer_project_is_refused(tmp_path):
    path = tmp_path / "new.trproj"
    path.write_text('{"schema": 2, "selects": [], "other": 1}')
    with pytest.raises(ProjectError, match="newer version"):
        Project.load(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 200) | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_project_is_read_or_refused_but_never_half_read(decided, tmp_path, data):
    document = json.loads(decided.path.read_bytes())
    place = data.draw(st.sampled_from([document, document["selects"][0], document["selects"][1]["moment"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    path = tmp_path / "fuzzed.trproj"
    path.write_text(json.dumps(document))
    try:
        project = Project.load(path)
    except ProjectError:
        return
    assert json.loads(project.snapshot().content()).keys() >= {"schema", "selects"}
    with Catalog(tmp_path / "library") as catalog:
        for decision in project.decisions:
            try:
                decision.moment(catalog.footage)
            except UserError as error:
                assert any(word in str(error) for word in ("esult", "library", "changed since the search"))


def test_a_project_is_not_lost_if_its_disk_is_full_or_missing(decided, tmp_path):
    decided.undo()
    with pytest.raises(ProjectError, match="can't be saved"):
        decided.save(tmp_path / "nowhere" / "cut.trproj")
    assert decided.is_changed and decided.path == tmp_path / "cut.trproj"


def test_unsaved_changes_of_a_killed_program_are_offered_once(tmp_path, decided):
    code = (
        "import os, sys; from pathlib import Path; from tr_desktop.projects.recovery import Recovery\n"
        "keeper = Recovery(Path(sys.argv[1])); keeper.keep(Path(sys.argv[2]).read_bytes(), Path(sys.argv[2]))\n"
        "print('kept', flush=True); sys.stdin.read()"
    )
    root = tmp_path / "recovery"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(root), str(decided.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with ending(process):
        assert process.stdout is not None and process.stdout.readline() == b"kept\n"
        with left_behind(root) as found:
            assert found == []  # it is still at work
    with left_behind(root) as found:
        (left,) = found
        project = left.project()
        assert project.decisions == decided.decisions and project.path == decided.path and project.is_changed
        discard(left)
    with left_behind(root) as found:
        assert found == []
    assert list(root.iterdir()) == []


def test_a_program_that_exits_normally_leaves_nothing_behind(tmp_path):
    keeper = Recovery(tmp_path / "recovery")
    keeper.keep(b"{}", None)
    keeper.close()
    assert list((tmp_path / "recovery").iterdir()) == []


def grown(moment, *, by=4):
    """The moment as it is when its search has ended: one step more, `by` frames shorter."""
    last = moment.refinement.kept
    segment = Segment(last.segment.start_frame, last.segment.end_frame - by)
    step = replace(last, step=len(moment.refinement.steps), segment=segment, by=StepSource.FRAMES)
    return replace(moment, refinement=Refinement((*moment.refinement.steps, step), step.step))


def test_a_moment_accepted_during_its_search_gets_the_final_edges_unless_edited(moments):
    project = Project()
    early, touched = moments[:2]
    project.accept(early)
    project.accept(touched)
    project.adjust(touched, Segment(60, 70))
    assert project.follow([grown(early), grown(touched)]) == 1
    first, second = project.selects
    assert first.segment == grown(early).segment and len(first.found.steps) == first.kept_step + 1
    assert second.segment == Segment(60, 70)
    assert project.follow([grown(early), grown(touched)]) == 0
    assert project.undo() == "Adjust edges" and project.selects[1].segment == grown(touched).segment
    project.undo()
    assert [each.segment for each in project.selects] == [grown(early).segment]  # not an edit: it isn't undone
    project.redo()
    project.redo()
    assert project.selects[1].segment == Segment(60, 70)


def test_an_edge_that_was_not_set_still_follows_the_refinement(moments):
    project = Project()
    moment = moments[0]
    project.accept(moment)
    project.adjust(moment, Segment(63, moment.segment.end_frame))
    assert project.selects[0].is_unfinished
    project.follow([grown(moment)])
    (select,) = project.selects
    assert select.segment == Segment(63, grown(moment).segment.end_frame) and not select.is_unfinished
    far = grown(moments[1], by=moments[1].segment.frames - 1)
    project.accept(moments[1])
    project.adjust(moments[1], Segment(80, moments[1].segment.end_frame))
    project.follow([far])  # its out would come before the in that was set
    assert project.selects[1].segment == Segment(80, moments[1].segment.end_frame)
    assert not project.selects[1].is_unfinished


def test_an_export_names_the_selects_with_rough_edges(moments, tmp_path, capsys):
    project = Project()
    for moment in moments[:2]:
        project.accept(moment)
    project.describe(project.selects[1], name="Sunrise", note="")
    export = ["export", str(tmp_path / "cut.trproj"), "--to", str(tmp_path / "cut.edl")]
    export += ["--library", str(tmp_path / "library")]
    project.save(tmp_path / "cut.trproj")
    assert main(export) == 0
    assert "Rough edges, not refined yet: red, Sunrise. The app refines them" in capsys.readouterr().err
    project.follow([grown(moments[0])])
    project.save()
    assert main(export) == 0
    assert "Rough edges, not refined yet: Sunrise. " in capsys.readouterr().err
    project.follow([grown(moments[1])])
    project.save()
    assert main(export) == 0
    assert "Rough" not in capsys.readouterr().err


def test_a_kept_step_is_the_same_step_whatever_a_later_search_has_found_so_far(moments, catalog):
    project = Project()
    moment = moments[0]
    project.keep_step(moment, len(moment.refinement.steps) - 2)
    decision = project.decision(moment)
    first_steps = replace(moment, refinement=Refinement(moment.refinement.steps[:1], 0))
    other = replace(moment.refinement.steps[-1], segment=Segment(1, 2))
    others = replace(moment, refinement=Refinement((moment.refinement.steps[0], other), 1))
    for found in (first_steps, others, moment, grown(moment)):
        same = known(found, project.decision(found))
        assert same.refinement.steps[decision.kept_step].segment == decision.segment
        assert as_decided(same, decision).segment == decision.segment
    project.keep_step(first_steps, decision.kept_step - 1)
    assert project.decision(moment).segment == moment.refinement.steps[decision.kept_step - 1].segment
    assert goes_on(known(grown(moment), decision), moment) and not goes_on(others, moment)


def test_the_example_of_a_search_is_kept_with_its_select(moments, tmp_path):
    project = Project()
    project.accept(moments[0], "clip.mov@1/2")
    project.save(tmp_path / "like.trproj")
    assert Project.load(tmp_path / "like.trproj").decisions == project.decisions
    assert project.selects[0].example == "clip.mov@1/2"


def test_a_decision_on_a_kept_step_or_of_another_search_stays(moments):
    project = Project()
    kept, other = moments[:2]
    project.accept(kept)
    project.keep_step(kept, 0)
    project.accept(other)
    differently = replace(other.refinement.steps[-1], score=0.123)
    another = replace(other, refinement=Refinement((*other.refinement.steps[:-1], differently), 0))
    before = project.decisions
    assert project.follow([grown(kept), grown(another)]) == 0 and project.decisions == before
