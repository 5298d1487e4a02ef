"""The focus never falls on a control that the user didn't choose: the next Space or Enter would press it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit

from tests.app.conftest import all_widgets, settle
from tr_desktop.app.shell.side_panel import Side


def test_after_accept_by_key_the_focus_is_on_the_timeline(run_app, sample, library):
    def script(hands):
        stage, project = hands.stage, hands.session.editing.project
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.wait(lambda: stage.moment is not None)
        stage.transport.accept.setFocus(Qt.FocusReason.TabFocusReason)
        hands.press("Space")
        assert len(project.selects) == 1 and stage.scrubber.isAncestorOf(QApplication.focusWidget())
        decided = project.decisions
        hands.press("Return", "Return")
        assert project.decisions == decided
        hands.press("Space")
        hands.wait(stage.player.is_playing)
        hands.press("K")
        assert project.decisions == decided and len(project.selects) == 1

    run_app(script, sample, library=library)


def test_a_control_that_is_disabled_or_hidden_gives_the_focus_to_the_timeline(make_window, qtbot):
    window = make_window("clip.mov")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    tried = 0
    for side in Side:
        window.show_side(side)
        settle()
        for control in all_widgets(window):
            is_part = window.stage.scrubber.isAncestorOf(control) or control.objectName().startswith("qt_")
            if is_part or not isinstance(control, QAbstractButton | QLineEdit | QComboBox):
                continue
            for switch in (control.setEnabled, control.setVisible):
                control.setFocus()
                if control.hasFocus():
                    switch(False)
                    assert window.stage.scrubber.isAncestorOf(QApplication.focusWidget()), control
                    switch(True)
                    tried += 1
    assert tried > 20
