"""Marking answers right or wrong in the window: the list follows at once, and every mark can be taken back."""

import json

from PySide6.QtCore import Qt

from tr_desktop.projects.project import Project


def searched(hands, query="a cat"):
    hands.wait(lambda: hands.session.engine is not None)
    hands.search(query)
    hands.wait(lambda: hands.stage.moment is not None)
    return hands.stage.moment


def ranked(hands):
    hands.wait(lambda: hands.session.searching.results.is_final)


def shows(hands, moment) -> bool:
    return any(each.segment == moment.segment for each in hands.session.searching.results.moments)


def test_a_wrong_answer_leaves_at_once_and_undo_brings_it_back(run_app, sample, library):
    def script(hands):
        cat = searched(hands)
        panel, bars = hands.results, hands.stage.steps
        assert panel.marks() == "" and not panel.clear_marks.isVisible()
        hands.press("N")
        assert not shows(hands, cat) and panel.marks() == "1 mark"  # before the search has answered again
        ranked(hands)
        assert not shows(hands, cat) and panel.clear_marks.isVisible()
        assert hands.stage.moment is not None and hands.stage.moment.segment != cat.segment
        assert not bars.less_like.isChecked()
        hands.press("Ctrl+Z")
        ranked(hands)
        assert shows(hands, cat) and panel.marks() == ""
        hands.press("Ctrl+Shift+Z")
        ranked(hands)
        assert not shows(hands, cat)
        panel.clear_marks.click()
        ranked(hands)
        assert shows(hands, cat) and panel.marks() == ""
        assert hands.session.editing.project.undoes == "Clear marks"

    run_app(script, sample, library=library)


def test_a_right_answer_comes_first_and_is_marked_as_such(run_app, sample, library):
    def script(hands):
        searched(hands)
        hands.press("Ctrl+G") if hands.results.more_guesses.isVisible() else None
        hands.results.select(hands.results.list.moments.rowCount() - 1)
        last = hands.stage.moment
        hands.press("Y")
        ranked(hands)
        model = hands.results.list.moments
        first = model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
        assert model.moment(0).segment.start_frame <= (last.segment.start_frame + last.segment.end_frame) // 2
        assert "marked right" in first
        assert "marked right" not in (model.index(1).data(Qt.ItemDataRole.AccessibleTextRole) or "")
        hands.results.select(0)
        assert hands.stage.steps.more_like.isChecked() and not hands.stage.steps.less_like.isChecked()
        hands.press("Y")
        ranked(hands)
        assert hands.results.marks() == "" and not hands.stage.steps.more_like.isChecked()

    run_app(script, sample, library=library)


def test_marks_are_saved_with_the_project_and_apply_again(run_app, sample, library, tmp_path):
    path = tmp_path / "cut.trproj"
    wrong = []

    def mark(hands):
        wrong.append(searched(hands))
        hands.press("N")
        ranked(hands)
        hands.session.editing.save(path)
        hands.wait(lambda: not hands.session.editing.is_saving)

    run_app(mark, sample, library=library)
    marks = json.loads(path.read_bytes())["marks"]
    assert [(each["query"], each["media"], each["right"]) for each in marks] == [("a cat", str(sample), False)]

    def again(hands):
        searched(hands)
        assert not shows(hands, wrong[0]) and hands.results.marks() == "1 mark"
        hands.session.editing.use(Project())  # another project: its marks, and no others
        ranked(hands)
        assert shows(hands, wrong[0]) and hands.results.marks() == ""

    run_app(again, sample, path, library=library)


def test_a_mark_of_a_file_that_left_the_library_is_named(run_app, sample, library, tmp_path):
    path = tmp_path / "cut.trproj"
    mark = {"query": "a cat", "media": str(tmp_path / "gone.mov"), "frame": 3, "right": True}
    path.write_text(json.dumps({"schema": 1, "selects": [], "marks": [mark]}))

    def script(hands):
        hands.wait(lambda: hands.session.editing.project.marks)
        searched(hands)
        ranked(hands)
        assert hands.results.marks() == "1 mark (1 isn’t in use: its file isn’t in the library)"
        hands.window.session.editing.clear_marks()
        assert hands.results.marks() == ""

    run_app(script, sample, path, library=library)
