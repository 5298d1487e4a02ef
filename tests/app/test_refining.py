"""Accepted moments are refined to their last step, whatever is done meanwhile, and nothing rough is exported unsaid."""

import threading

import pytest
from PySide6.QtWidgets import QApplication

from tests.app.test_stories import CAT
from tr_desktop.app.panels import export_panel
from tr_desktop.app.scrubber.state import YOURS
from tr_desktop.confidence import edges
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.moments import Segment
from tr_desktop.projects.project import Project


@pytest.fixture
def look(monkeypatch):
    """Looking closer waits until this is set."""
    may_look, look_closer = threading.Event(), TwoTower.look_closer

    def look_later(*arguments):
        assert may_look.wait(60)
        return look_closer(*arguments)

    monkeypatch.setattr(TwoTower, "look_closer", look_later)
    yield may_look
    may_look.set()


def begin_search(hands, query):
    hands.wait(lambda: hands.session.engine is not None)
    hands.press("Ctrl+F")
    hands.type(query)
    hands.press("Return")
    hands.wait(lambda: hands.stage.moment is not None and hands.stage.moment.query == query)


def test_a_moment_accepted_early_is_refined_though_another_search_begins(run_app, sample, library, look, tmp_path):
    out, rough_out, project = tmp_path / "all.csv", tmp_path / "rough.csv", tmp_path / "cut.trproj"

    def script(hands):
        session, export = hands.session, hands.window.export
        begin_search(hands, "a cat")
        early = hands.stage.decision.segment
        hands.stage.accept()
        begin_search(hands, "a rocket")
        (select,) = session.editing.project.selects
        assert select.segment == early != CAT and session.refining.unfinished() == (select,)
        assert "still refining" in hands.window.selects.model.data(hands.window.selects.model.index(0), 11)
        session.editing.save(project)

        hands.window.show_export()
        export.choose_format("csv")
        export.out.setText(str(rough_out))
        export.run()
        assert "1 select is still being refined" in export._unfinished.text() and export._unfinished.isVisible()
        export._unfinished.now.click()
        hands.wait(lambda: "written and read back" in export.message())
        assert "Rough edges, not refined yet: a cat" in export.message() and not export._unfinished.isVisible()
        export.out.setText(str(out))
        export.run()
        assert export._unfinished.is_waiting and not out.exists()
        look.set()
        hands.wait(out.exists)
        hands.wait(lambda: "written and read back" in export.message())
        assert "Rough" not in export.message()
        assert session.editing.project.selects[0].segment == CAT and not session.refining.unfinished()
        assert session.editing.project.undoes == "Accept"

    run_app(script, sample, library=library)
    assert ",216," not in rough_out.read_text(encoding="utf-8-sig") or rough_out.read_text() != out.read_text()
    assert Project.load(project).selects[0].is_unfinished

    def another_day(hands):
        hands.wait(lambda: hands.session.editing.project.selects)
        hands.wait(lambda: hands.session.editing.project.selects[0].segment == CAT)

    run_app(another_day, project, library=library)


def test_edges_set_by_hand_stay_and_a_cancelled_wait_exports_nothing(run_app, sample, library, look, tmp_path):
    def script(hands):
        stage, session, export = hands.stage, hands.session, hands.window.export
        begin_search(hands, "a cat")
        hands.stage.accept()
        stage.adjust(Segment(220, stage.decision.segment.end_frame))
        hands.window.show_export()
        export.choose_format("csv")
        export.out.setText(str(tmp_path / "never.csv"))
        export.run()
        assert export._unfinished.is_waiting
        export._unfinished.cancel()
        look.set()
        hands.wait(lambda: not session.refining.unfinished())
        assert session.editing.project.selects[0].segment == Segment(220, CAT.end_frame)
        assert stage.scrubber.selected_step() == YOURS
        assert not (tmp_path / "never.csv").exists() and export.start.isEnabled()

    run_app(script, sample, library=library)


def test_a_query_can_be_repeated_after_its_moment_was_decided_on(run_app, sample, library, look):
    look.set()

    def script(hands):
        stage = hands.stage
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: stage.decision.segment == CAT)
        hands.press("Return")
        hands.search("a rocket")
        look.clear()
        begin_search(hands, "a cat")  # it has fewer steps so far than the select
        assert stage.decision.segment == CAT
        assert len(stage.moment.refinement.steps) > stage.decision.kept_step == stage.scrubber.selected_step()
        look.set()
        hands.wait(lambda: hands.session.searching.results.is_final)

    run_app(script, sample, library=library)


def test_a_moment_is_shown_on_the_step_that_was_kept(run_app, sample, library):
    def script(hands):
        stage = hands.stage
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: stage.decision.segment == CAT)
        stage.keep_step(0)
        rough = stage.moment.refinement.steps[0]
        hands.press("Return")
        hands.press("Ctrl+G", "Down")
        hands.wait(lambda: stage.decision.kept_step != 0 or stage.moment.refinement.steps[0] != rough)
        hands.press("Up")
        assert stage.scrubber.selected_step() == 0 and stage.scrubber.segment() == rough.segment
        start, end = (word.value for word in edges(stage.moment, rough))
        assert stage.steps.step.text() == f"Rough, kept: in {start}, out {end}"
        hands.shown(rough.segment.start_frame)

    run_app(script, sample, library=library)


def test_the_picture_at_an_edge_goes_with_the_edge(run_app, sample, library, look):
    def script(hands):
        stage = hands.stage
        begin_search(hands, "a cat")
        hands.shown(stage.decision.segment.start_frame)
        assert stage.decision.segment.start_frame != CAT.start_frame
        stage.accept()
        look.set()
        hands.wait(lambda: stage.decision.segment == CAT)
        hands.shown(CAT.start_frame)
        stage.go_to_out()
        stage.keep_step(0)
        hands.shown(stage.decision.segment.end_frame - 1)

    run_app(script, sample, library=library)


def test_space_and_enter_after_export_never_cancel_it(run_app, sample, library, tmp_path, monkeypatch):
    may_cut, cut = threading.Event(), export_panel.hand_off

    def cut_later(*arguments, **options):
        assert may_cut.wait(60)
        return cut(*arguments, **options)

    monkeypatch.setattr(export_panel, "hand_off", cut_later)

    def script(hands):
        export = hands.window.export
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: hands.stage.decision.segment == CAT)
        hands.stage.accept()
        hands.window.show_export()
        export.choose_format("h264")
        export.out.setText(str(tmp_path / "clips"))
        export.start.setFocus()
        hands.press("Space", "Space", "Return", "Space")
        assert QApplication.focusWidget() is export.start
        may_cut.set()
        hands.wait(lambda: "written and read back" in export.message())
        assert export.start.hasFocus()

    run_app(script, sample, library=library)
    assert len(list((tmp_path / "clips").iterdir())) == 1
