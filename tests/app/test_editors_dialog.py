"""*Editors*: the plugins inside other programs are installed and removed, and the dialog says what was done."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QLabel

from tests.app.test_layout import wrong
from tests.app.test_sending import home  # noqa: F401 (a fixture)
from tr_desktop import editor_plugins, paths
from tr_desktop.app.panels.plugin_rows import PluginRow
from tr_desktop.editor_plugins import BLENDER, PLUGINS, PREMIERE, RESOLVE


def open_editors(hands) -> None:
    hands.window.findChild(QAction, "editors").trigger()
    hands.wait(lambda: hands.window.editors.isActiveWindow() and hands.session.plugins.known)


def row(hands, plugin) -> PluginRow:
    return hands.window.editors.plugins.rows[plugin.name]


def shown(label: QLabel) -> str:
    """The text of a label that is on screen; "" if it isn't."""
    return label.text().replace("\u200b", "") if label.isVisible() else ""


def test_each_plugin_is_installed_and_removed_and_the_row_says_what_was_done(run_app):
    BLENDER.home().joinpath("5.0").mkdir(parents=True)

    def script(hands):
        open_editors(hands)
        for plugin in PLUGINS.values():
            each = row(hands, plugin)
            assert "The plugin isn’t installed" in shown(each.state) and not shown(each.steps)
            assert ("was found here" if plugin is BLENDER else "wasn’t found here") in shown(each.state)
            assert shown(each.places).startswith("To be written: ") and not each.remove_button.isVisible()
            each.install_button.click()
            assert not each.install_button.isEnabled()
            hands.wait(each.remove_button.isVisible)
            assert all(path.read_bytes() == content for path, content in plugin.targets.items())
            assert not each.install_button.isVisible()
            assert plugin.next_step in shown(each.steps) and plugin.by_hand in shown(each.steps)
        (script_path,) = RESOLVE.targets
        assert shown(row(hands, RESOLVE).said) == f"Wrote {script_path}."
        assert shown(row(hands, RESOLVE).places) == str(script_path)
        assert "waits for the editor" in shown(row(hands, RESOLVE).state)
        assert "package is written" in shown(row(hands, PREMIERE).state)
        add_on = next(iter(BLENDER.targets)).parent
        assert shown(row(hands, BLENDER).said) == f"Wrote {len(BLENDER.targets)} files in {add_on}."
        for plugin in PLUGINS.values():
            each = row(hands, plugin)
            each.remove_button.click()
            hands.wait(each.install_button.isVisible)
            assert not any(path.exists() for path in plugin.targets)
        assert shown(row(hands, RESOLVE).said).startswith(f"Removed {script_path}.\nRemoved ")
        assert "remove it there as well" in shown(row(hands, PREMIERE).said)

    assert run_app(script) == 0
    assert BLENDER.home().joinpath("5.0").is_dir() and not RESOLVE.home().exists()


def test_what_somebody_changed_is_in_the_way_of_an_installation_and_kept_by_a_removal(run_app):
    editor_plugins.install(RESOLVE)
    (path,) = RESOLVE.targets
    path.write_text("mine now")

    def script(hands):
        open_editors(hands)
        each = row(hands, RESOLVE)
        hands.wait(lambda: "was changed" in shown(each.state))
        assert each.install_button.text() == "Install again" and not each.copy_button.isEnabled()
        each.install_button.click()
        hands.wait(lambda: str(path) in shown(each.said))
        assert "is in the way" in shown(each.said)
        hands.wait(each.remove_button.isEnabled)
        each.remove_button.click()
        hands.wait(lambda: shown(each.said) == f"Kept {path}, changed since the installation.")
        hands.wait(lambda: not each.remove_button.isVisible())
        hands.window.editors.close()
        open_editors(hands)
        assert not shown(each.said)

    assert run_app(script) == 0
    assert path.read_text() == "mine now"


def test_the_line_for_resolves_console_is_copied_once_the_script_is_installed(run_app):
    def script(hands):
        QGuiApplication.clipboard().setText("before")
        open_editors(hands)
        each = row(hands, RESOLVE)
        each.copy_button.click()
        assert QGuiApplication.clipboard().text() == "before"
        each.install_button.click()
        hands.wait(each.copy_button.isEnabled)
        each.copy_button.click()
        assert QGuiApplication.clipboard().text() == RESOLVE.console.line()
        assert shown(each.said) == f"Copied {RESOLVE.console.line()}"
        assert [name for name in PLUGINS if row(hands, PLUGINS[name]).copy_button.isVisible()] == ["resolve"]

    assert run_app(script) == 0


def test_no_key_presses_a_button_that_the_user_did_not_choose(run_app):
    def script(hands):
        open_editors(hands)
        each = row(hands, RESOLVE)
        each.install_button.setFocus()
        hands.press("Space")
        hands.wait(each.remove_button.isVisible)
        hands.press("Space", "Return")
        hands.qtbot.wait(200)
        assert not hands.session.plugins.at_work
        assert [row(hands, each).remove_button.isHidden() for each in PLUGINS.values()] == [False, True, True]
        open_editors(hands)
        each.remove_button.setFocus()
        hands.press("Space")
        hands.wait(each.install_button.isVisible)
        hands.press("Space", "Return")
        hands.qtbot.wait(200)
        assert not hands.session.plugins.at_work and not any(path.exists() for path in RESOLVE.targets)

    assert run_app(script) == 0


def test_the_folder_of_a_package_that_the_user_opens_is_shown(run_app, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))

    def script(hands):
        open_editors(hands)
        for plugin in (PREMIERE, RESOLVE):
            row(hands, plugin).install_button.click()
            hands.wait(row(hands, plugin).remove_button.isVisible)
        assert not row(hands, RESOLVE).folder_button.isVisible()
        row(hands, PREMIERE).folder_button.click()

    assert run_app(script) == 0
    assert opened == [path.parent for path in PREMIERE.targets]


def test_the_work_is_done_outside_of_qts_thread_one_plugin_after_another(run_app, monkeypatch):
    at, threads, goes_on = [], [], threading.Event()
    install, content = editor_plugins.install, editor_plugins._content

    def install_later(plugin):
        at.append(plugin.name)
        assert goes_on.wait(60)
        return install(plugin)

    def noted(path: Path):
        threads.append(threading.current_thread())
        return content(path)

    monkeypatch.setattr(editor_plugins, "install", install_later)
    monkeypatch.setattr(editor_plugins, "_content", noted)

    def script(hands):
        open_editors(hands)
        first, second = row(hands, RESOLVE), row(hands, PREMIERE)
        first.install_button.click()
        second.install_button.click()
        hands.wait(lambda: at)
        hands.qtbot.wait(200)
        assert at == ["resolve"] and not second.install_button.isEnabled()
        goes_on.set()
        hands.wait(lambda: first.remove_button.isVisible() and second.remove_button.isVisible())

    assert run_app(script) == 0
    assert at == ["resolve", "premiere"] and threading.main_thread() not in threads
    assert set(editor_plugins._records()) == {"resolve", "premiere"}


def test_a_program_without_its_plugins_says_so_in_each_row(run_app, tmp_path, monkeypatch):
    def script(hands):
        monkeypatch.setattr("tr_desktop.__file__", str(tmp_path / "site" / "tr_desktop" / "__init__.py"))
        open_editors(hands)
        for plugin in PLUGINS.values():
            each = row(hands, plugin)
            assert f"no plugin {plugin.name}" in shown(each.state)
            assert not each.install_button.isVisible() and not each.copy_button.isEnabled()

    assert run_app(script) == 0


def test_one_dialog_stays_beside_the_window_and_closes_with_it(run_app):
    def script(hands):
        open_editors(hands)
        dialog = hands.window.editors
        hands.window.activateWindow()
        hands.wait(hands.window.isActiveWindow)
        open_editors(hands)
        hands.wait(dialog.isActiveWindow)
        hands.close()
        assert not dialog.isVisible()

    assert run_app(script) == 0


@pytest.mark.parametrize("size", [(420, 320), (720, 560)])
def test_long_paths_fit(run_app, tmp_path, monkeypatch, size):
    deep = tmp_path.joinpath(*["a-folder-with-a-very-long-name-and-no-spaces"] * 4)
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(deep))
    monkeypatch.delenv("XDG_CONFIG_HOME")
    for version in ("4.5", "5.0", "5.1"):
        (BLENDER.home() / version).mkdir(parents=True)

    def script(hands):
        open_editors(hands)
        dialog = hands.window.editors
        dialog.resize(*size)
        for plugin in PLUGINS.values():
            row(hands, plugin).install_button.click()
            hands.wait(row(hands, plugin).remove_button.isVisible)
        assert shown(row(hands, BLENDER).said).count(str(deep)) == 3
        hands.qtbot.wait(50)
        assert wrong(dialog) == []

    assert run_app(script) == 0


def test_the_sentences_of_plugins_are_translated(run_app, qapp):
    class Upper(QTranslator):
        """A language in capitals."""

        def isEmpty(self) -> bool:
            return False

        def translate(self, _context, text, _more=None, _count=-1):
            return text.upper() if "{" not in text else ""

    language = Upper()
    qapp.installTranslator(language)

    def script(hands):
        open_editors(hands)
        for plugin in PLUGINS.values():
            each = row(hands, plugin)
            each.install_button.click()
            hands.wait(each.remove_button.isVisible)
            assert plugin.next_step.upper() in shown(each.steps) and plugin.by_hand.upper() in shown(each.steps)
        advice = [label for label in row(hands, RESOLVE).findChildren(QLabel) if "CONSOLE, THEN LUA" in label.text()]
        assert advice

    try:
        assert run_app(script) == 0
    finally:
        qapp.removeTranslator(language)
    assert paths.plugins_folder().is_dir()
