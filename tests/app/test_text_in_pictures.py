"""Reading text in pictures: a switch, progress that can be paused, and a hint if the extra isn't installed."""

import threading

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton

from tests.cards import card, install_reader, uninstall_reader, write_cards
from tr_desktop.app.look.settings import Settings
from tr_desktop.moments import TextKind


def switch(window) -> QAction:
    return next(action for action in window.actions() if action.objectName() == "library.read-text")


def test_text_is_read_once_it_is_switched_on_and_waits_while_paused(run_app, tmp_path, monkeypatch):
    goes_on, read = threading.Event(), []

    def reader(picture):
        read.append(picture)
        assert goes_on.wait(60)
        return ["GRAND HOTEL"]

    install_reader(monkeypatch, reader)
    clips = [write_cards(tmp_path / "clips" / f"{at}.mp4", (card("blue"), 50 + at)) for at in range(3)]
    settings = Settings(tmp_path / "settings")
    settings.reads_text = False
    settings.save()

    def script(hands):
        panel, indexing = hands.window.library, hands.session.indexing
        hands.wait(lambda: len(indexing.status.coverage.searched) == 3 and indexing.at_work is None)
        assert not switch(hands.window).isChecked() and not read
        hands.press("Ctrl+Shift+R")
        assert switch(hands.window).isChecked()
        hands.wait(lambda: panel.progress.isVisible() and read)
        hands.wait(lambda: panel.pace() == "Reading text in pictures: 1 of 3 files")
        pause = next(b for b in panel.progress.findChildren(QToolButton) if b.accessibleName().startswith("Pause"))
        pause.click()
        assert "paused" in panel.pace()
        goes_on.set()  # the picture at hand is read to its end
        hands.qtbot.wait(500)
        assert len(read) == 1 and panel.progress.isVisible()
        pause.click()
        hands.wait(lambda: not panel.progress.isVisible())
        assert len(read) == 3
        hands.search("sign that says grand hotel")
        quotes = [moment.quote for moment in hands.session.searching.results.moments]
        assert [quote.kind for quote in quotes[:3]] == [TextKind.SCREEN] * 3
        hands.press("Ctrl+Shift+R")
        assert not switch(hands.window).isChecked()

    run_app(script, *clips)
    assert not Settings(tmp_path / "settings").reads_text


def test_without_the_extra_the_switch_and_the_first_query_for_text_say_what_to_install(
    run_app, sample, library, monkeypatch
):
    uninstall_reader(monkeypatch)

    def script(hands):
        notice, action = hands.window.notice, switch(hands.window)
        assert "[ocr]" in action.toolTip() and not action.isChecked()
        hands.wait(lambda: hands.session.engine is not None)
        hands.press("Ctrl+Shift+R")
        assert "[ocr]" in notice.text() and not action.isChecked()
        notice.hide()
        hands.search("a cat")
        assert not notice.isVisible()
        searching = hands.session.searching
        searching.search("-sign.mp4", example=f"{sample}@1")  # the name of an example is no query
        hands.wait(lambda: searching.results.query == "-sign.mp4" and searching.results.is_final)
        assert searching.results.moments and not notice.isVisible()
        hands.search("sign that says cat")
        hands.wait(notice.isVisible)
        assert "[ocr]" in notice.text()
        notice.hide()
        hands.search("a title")
        assert not notice.isVisible()

    run_app(script, sample, library=library)
