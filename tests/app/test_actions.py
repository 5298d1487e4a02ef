"""Actions and their keys, which keys.json changes."""

import json

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel, QPlainTextEdit, QToolButton

from tr_desktop.app.shell.actions import ACTIONS
from tr_desktop.app.shell.keys import KEYS_FILE, keys_of, read_keys
from tr_desktop.errors import UserError


def test_every_key_is_valid_and_belongs_to_one_action():
    given = [QKeySequence(key).toString() for keys in keys_of().values() for key in keys]
    assert len(given) == len(set(given)) and all(given)
    names = [action.name for action in ACTIONS]
    assert len(names) == len(set(names))


def test_the_file_changes_keys(tmp_path):
    (tmp_path / KEYS_FILE).write_text(json.dumps({"play.toggle": ["P"], "mark.in": []}))
    keys = read_keys(tmp_path)
    assert keys["play.toggle"] == ("P",) and keys["mark.in"] == () and keys["mark.out"] == ("O",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"play.toggle": ["J"]}', "J is assigned to both"),
        ('{"play.toggle": ["Hyper+Nothing"]}', "is not a key"),
        ('{"no.such": ["P"]}', "no action called"),
        ("[1]", "can't be read"),
        ("{", "can't be read"),
        ('{"play.toggle": 3}', "can't be read"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(tmp_path, content, sentence):
    (tmp_path / KEYS_FILE).write_text(content)
    with pytest.raises(UserError, match=sentence) as raised:
        read_keys(tmp_path)
    assert raised.value.path == tmp_path / KEYS_FILE


def test_changed_keys_work_and_a_wrong_file_leaves_the_defaults(run_app, sample, library, tmp_path):
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / KEYS_FILE).write_text(json.dumps({"view.counter": ["Ctrl+Alt+T"]}))

    def script(hands):
        hands.press("Ctrl+Alt+T")
        assert hands.stage.counting.value == "frames"

    run_app(script, sample, library=library)
    (settings / KEYS_FILE).write_text("{")

    def wrong(hands):
        hands.wait(lambda: "keys can't be read" in hands.window.notice.text())
        hands.press("Escape", "T")

    run_app(wrong, sample, library=library)


def test_buttons_show_the_keys_that_their_actions_have(run_app, sample, library, tmp_path):
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / KEYS_FILE).write_text(json.dumps({"mark.in": ["P"], "view.counter": [], "play.toggle": ["Q", "Space"]}))

    def script(hands):
        transport = hands.stage.transport
        assert transport.mark_in.toolTip() == "Set in (P)" and transport.mark_in.accessibleName() == "Set in"
        assert transport.mark_out.toolTip() == "Set out (O)"
        assert transport.play.toolTip() == "Play or pause (Q)"
        tips = {button.toolTip() for button in hands.window.statusBar().findChildren(QToolButton)}
        assert tips == {"Count in timecode, frames or seconds"}

    run_app(script, sample, library=library)


def test_the_sheet_names_every_action_that_has_a_key(run_app):
    from PySide6.QtWidgets import QApplication, QLabel

    from tr_desktop.app.shell.key_sheet import KeySheet

    def script(hands):
        hands.press("F1")
        sheet = next(w for w in QApplication.topLevelWidgets() if isinstance(w, KeySheet) and w.isVisible())
        texts = {label.text() for label in sheet.findChildren(QLabel)}
        assert {action.text.rstrip("…") for action in ACTIONS if action.keys} <= texts

    run_app(script)


def test_help_shows_version_and_pack_and_the_licences(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        for name, said in (("help.about", "Model pack mini"), ("help.licences", "GNU LESSER GENERAL PUBLIC LICENSE")):
            next(action for action in hands.window.actions() if action.objectName() == name).trigger()
            dialog = QApplication.activeModalWidget()
            assert dialog is not None
            labels = [label.text() for label in dialog.findChildren(QLabel)]
            texts = [field.toPlainText() for field in dialog.findChildren(QPlainTextEdit)]
            assert said in "\n".join(labels + texts)
            dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Close).click()
            hands.wait(lambda: QApplication.activeModalWidget() is None)

    run_app(script, sample, library=library)
