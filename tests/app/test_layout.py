"""The layout holds in small windows and with long names: nothing overlaps, nothing is cut off, nothing jumps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTreeWidget,
    QWidget,
)

from tests.app.conftest import all_widgets, settle
from tr_desktop.app.shell.side_panel import Side
from tr_desktop.engine import LibraryStatus
from tr_desktop.library.index.coverage import NOT_YET, Coverage, Skipped

SIZES = [(1024, 700), (1024, 640), (1280, 800)]


def place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint()), widget.size())


def controls(window: QWidget) -> list[QWidget]:
    kinds = QAbstractButton | QLineEdit | QComboBox | QAbstractSpinBox | QProgressBar | QLabel
    return [
        widget
        for widget in all_widgets(window)
        if isinstance(widget, kinds)
        and not isinstance(widget.parent(), QAbstractSpinBox | QComboBox | QLineEdit)
        and not widget.window().isHidden()
        and widget.window() is window
        and widget.parentWidget().objectName() != "notice"
    ]


def wrong(window: QWidget) -> list[str]:
    """What overlaps or is cut off."""
    found = []
    shown = [(widget, place(widget, window)) for widget in controls(window)]
    for widget, box in shown:
        name = f"{type(widget).__name__} “{widget.accessibleName() or getattr(widget, 'text', str)()}”"
        if not in_scroll_area(widget):
            around = place(widget.parentWidget(), window)
            if not around.contains(box) or not window.rect().contains(box):
                found.append(f"{name} at {box} leaves its parent {around}")
            least = widget.minimumSizeHint()
            has_room = widget.width() >= least.width() and widget.height() >= least.height()
            if isinstance(widget, QPushButton | QComboBox | QAbstractSpinBox) and not has_room:
                found.append(f"{name} needs {least}, has {widget.size()}")
            if isinstance(widget, QLabel) and widget.wordWrap() and widget.heightForWidth(box.width()) > box.height():
                found.append(f"{name} needs {widget.heightForWidth(box.width())} px, has {box.height()}")
            is_line = isinstance(widget, QLabel) and not widget.wordWrap()
            if is_line and widget.fontMetrics().horizontalAdvance(widget.text()) > box.width() + 1:
                found.append(f"{name} is cut off at {box.width()} px")
        for other, theirs in shown:
            is_inside = widget.isAncestorOf(other) or other.isAncestorOf(widget)
            may_scroll = in_scroll_area(widget) or in_scroll_area(other)
            if id(widget) < id(other) and not is_inside and not may_scroll and box.intersects(theirs):
                found.append(f"{name} at {box} overlaps {other} at {theirs}")
    return found


def in_scroll_area(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            return True
        parent = parent.parentWidget()
    return False


@pytest.mark.parametrize("name", ["clip.mov", "n" * 200 + ".mov"], ids=["short", "long"])
def test_nothing_overlaps_or_is_cut_off_at_any_size(make_window, name):
    window = make_window(name)
    assert window.devicePixelRatioF() == float(os.environ.get("QT_SCALE_FACTOR", "1"))
    problems = {}
    for width, height in SIZES:
        window.resize(width, height)
        for side in Side:
            window.show_side(side)
            settle()
            assert (window.width(), window.height()) == (width, height)
            if folder := os.environ.get("LAYOUT_PICTURES"):
                window.grab().save(f"{folder}/{len(name)}-{width}-{side.value}.png")
            if found := wrong(window):
                problems[width, height, side.value] = found
    assert not problems, "\n".join(f"{at}: {each}" for at, found in problems.items() for each in found)


def test_long_texts_change_no_width(make_window):
    window = make_window("clip.mov")
    window.resize(1024, 700)
    window.show_export()
    settle()
    columns = (window.library, window.results, window.stage.player, window.export)
    before = [column.width() for column in columns]
    window.export._say(("o" * 200 + ".csv ") * 2)
    window.library.set_status(LibraryStatus(Coverage(skipped=[Skipped(Path("a"), NOT_YET)] * 345)))
    settle()
    assert [column.width() for column in columns] == before
    assert not wrong(window)


def test_the_same_holds_at_twice_the_scale():
    # Qt reads the scale once, when the application starts.
    scaled = {**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__, "-k", "overlaps and long"]
    done = subprocess.run(command, env=scaled, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout[-4000:]


def test_the_export_button_stays_where_it_is_in_every_state(make_window, qtbot):
    window = make_window("clip.mov")
    window.resize(1024, 700)
    window.show_export()
    panel, places = window.export, {}

    def look(state: str) -> None:
        settle()
        assert panel.start.isVisible()
        places[state] = place(panel.start, window)

    look(panel.start.text())
    panel._say("short")
    look("message")
    panel._say(("o" * 200 + ".csv ") * 4)
    look("long message")
    panel._progress.show()
    look("progress")
    panel._progress.hide()
    panel._unfinished.show()
    look("waiting")
    panel._unfinished.hide()
    for name in ("csv", "h264", "lossless", "edl"):
        panel.choose_format(name)
        look(name)
    panel.files.set_files(tuple(Path(f"{number}.mov") for number in range(30)))
    panel._show_written(True)
    look("written")
    window.stage.remove()
    look(panel.start.text())
    assert len(places) == 11 and len(set(map(QRect.getRect, places.values()))) == 1, places


def test_the_message_of_an_export_leaves_with_its_format(make_window):
    window = make_window("clip.mov")
    window.show_export()
    panel = window.export
    panel._say("cut.edl written and read back.")
    panel._show_written(True)
    settle()
    assert panel._says.isVisible() and panel.files.isVisible()
    panel.choose_format("csv")
    settle()
    assert panel.message() == "" and not panel._says.isVisible() and not panel.files.isVisible()


def test_reasons_are_shown_in_full_in_the_narrowest_library(make_window):
    window = make_window("clip.mov")
    window.resize(1024, 700)
    reason = "the file is damaged or was not written to its end, and its pictures can't be read by any decoder"
    window.library.set_status(LibraryStatus(Coverage(skipped=[Skipped(Path("/a/b.mov"), reason)])))
    window.library._why.setChecked(True)
    settle()
    (tree,) = window.library.findChildren(QTreeWidget)
    (top,) = (tree.topLevelItem(row) for row in range(tree.topLevelItemCount()))
    shown = tree.visualItemRect(top)
    assert reason in top.text(0) and top.toolTip(0) == reason and shown.right() <= tree.viewport().width()
    needed = tree.fontMetrics().boundingRect(QRect(0, 0, shown.width(), 10_000), Qt.TextFlag.TextWordWrap, top.text(0))
    assert needed.height() > 2 * tree.fontMetrics().height()  # it wraps
    assert shown.height() >= needed.height()


def test_the_export_goes_beside_the_project_until_another_place_is_chosen(make_window, tmp_path):
    window = make_window("clip.mov")
    project, export = window.session.editing.project, window.export
    for name in ("one", "two"):
        project.path = tmp_path / name / f"{name}.trproj"
        export.refresh()
        assert export.out.text() == str(tmp_path / name / f"{name}.edl")
    export.choose_format("csv")
    assert export.out.text() == str(tmp_path / "two" / "two.csv")
    export.out.setText(str(tmp_path / "chosen" / "mine.csv"))
    project.path = tmp_path / "three" / "three.trproj"
    export.refresh()
    export.choose_format("edl")
    assert export.out.text() == str(tmp_path / "chosen" / "mine.edl")
