"""Pictures of the app's main states, to be looked at: `python -m tests.app.screenshots OUT [FOOTAGE…]`.

1280 × 800, and 2560 × 1440 pixels at twice the scale with `--large`; `--light` in the light theme. Without FOOTAGE, of
the generated sample. The footage is searched for what is given with --query. Plugins for editors are installed in an
empty home folder, or in --home, whose name the pictures show.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("footage", nargs="*", type=Path)
    parser.add_argument("--query", default="a cat")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if arguments.large:
        os.environ["QT_SCALE_FACTOR"] = "2"
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        home = arguments.home or Path(name) / "home"
        os.environ.update(dict.fromkeys(("HOME", "USERPROFILE"), str(home)), APPDATA=str(home / "AppData" / "Roaming"))
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            os.environ.pop(variable, None)
        take(arguments, Path(name))


def take(arguments: argparse.Namespace, folder: Path) -> None:
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtWidgets import QApplication

    from tr_desktop.app.look.settings import Settings
    from tr_desktop.app.look.theme import Theme
    from tr_desktop.app.shell.dialogs import bring_up
    from tr_desktop.app.shell.key_sheet import KeySheet
    from tr_desktop.app.shell.side_panel import Side
    from tr_desktop.app.shell.window import Window
    from tr_desktop.commands.main import main as command
    from tr_desktop.editor_plugins import BLENDER, RESOLVE
    from tr_desktop.footage.sample import copy_sample
    from tr_desktop.projects.project import Project

    app = QApplication([])
    if arguments.light:
        settings = Settings(folder / "settings")
        settings.theme = Theme.LIGHT
        settings.save()
    footage = arguments.footage
    if not footage:
        footage = [folder / "sample.mp4"]
        copy_sample(footage[0])

    def pause(ms: int) -> None:
        loop = QEventLoop()  # QTest.qWait would keep Python's other threads from running
        QTimer.singleShot(ms, loop.quit)
        loop.exec()

    def wait(condition: Callable[[], object], seconds: int = 300) -> None:
        for _ in range(seconds * 50):
            if condition():
                return
            pause(20)
        raise TimeoutError

    def shoot(name: str, rest_ms: int = 4000) -> None:
        pause(rest_ms)  # thumbnails arrive, what moves comes to rest
        window().grab().save(str(arguments.out / f"{name}.png"))

    def window() -> Window:
        return next(w for w in app.topLevelWidgets() if isinstance(w, Window))

    def script() -> None:
        w = window()
        try:
            states(w)
        except BaseException as error:  # noqa: BLE001 (the window has to be closed first)
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            w.session.editing.use(Project())
            w.close()

    def states(w: Window) -> None:
        w.resize(1280, 720 if arguments.large else 800)
        shoot("1-first-start")
        w.session.indexing.add(footage)
        wait(w.library.progress.isVisible)
        wait(w.library.bar.value)
        shoot("2-indexing", 100)
        wait(lambda: not w.library.progress.isVisible())
        w.search.ask(arguments.query)
        wait(lambda: w.session.searching.results.is_final)
        w.results.select(0)
        shoot("3-results")
        w.stage.nudge(end=-14)
        w.stage.toggle_marker()
        shoot("4-edges-by-hand")
        w.stage.accept()
        w.stage.rate(4)
        w.stage.mark_out()
        w.results.toggle_guesses()
        w.results.select(1)
        w.stage.accept()
        second = w.session.editing.project.selects[1]
        w.session.editing.edit(lambda project: project.describe(second, name="Take two", note="for the opening"))
        w.show_side(Side.SELECTS)
        shoot("5-selects")
        w.show_export()
        w.export.choose_format("h264")
        w.export.out.setText(str(folder / "clips"))
        w.export.run()
        wait(lambda: w.export.files.count())
        shoot("6-export")
        editors(w)
        w.search.ask("people playing chess under water")
        wait(lambda: w.session.searching.results.is_final)
        w.search.filters_button.setChecked(True)
        shoot("7-no-match-and-filters")
        w.search.filters_button.setChecked(False)
        w.show_keys()
        pause(200)
        sheet = next(each for each in app.topLevelWidgets() if isinstance(each, KeySheet))
        sheet.grab().save(str(arguments.out / "8-keys.png"))
        sheet.close()
        w.models.show()
        wait(lambda: w.models.dialog.rows)
        w.models.dialog.rows["mini"].measure_button.click()
        wait(lambda: not w.session.packs.measuring)
        pause(200)
        w.models.dialog.grab().save(str(arguments.out / "10-models.png"))
        w.models.dialog.close()
        shutil.move(footage[0], footage[0].with_suffix(".away")) if not arguments.footage else None
        w.files.open(folder / "nothing.trproj")
        shoot("9-error")

    def editors(w: Window) -> None:
        for folder in (RESOLVE.home(), BLENDER.home() / "4.5", BLENDER.home() / "5.0"):
            (folder / "config").mkdir(parents=True)
        rows = w.editors.plugins.rows
        bring_up(w.editors)
        wait(rows["resolve"].install_button.isVisible)
        for name in ("resolve", "premiere"):
            rows[name].install_button.click()
            wait(rows[name].remove_button.isVisible)
        pause(200)
        w.editors.grab().save(str(arguments.out / "11-editors.png"))
        w.editors.resize(w.editors.width(), 900)
        access = w.editors.access
        access.switch.click()
        wait(access.code_button.isEnabled)
        w.session.serving.pairing.pair(w.session.serving.pairing.new_code(), "Premiere")
        access.code_button.click()
        wait(lambda: access.plugins)
        pause(200)
        access.grab().save(str(arguments.out / "15-access.png"))
        access.switch.click()
        w.editors.resize(w.editors.minimumSize())
        pause(200)
        w.editors.grab().save(str(arguments.out / "12-editors-small.png"))
        w.editors.close()
        w.sending.send(RESOLVE)
        wait(lambda: RESOLVE.next_step in w.notice.text())
        pause(200)
        around = w.notice.geometry().adjusted(-16, -16, 16, 16)
        w.grab(around).save(str(arguments.out / "13-sent.png"))
        size = w.size()
        w.resize(w.minimumSize())
        shoot("14-sent-small", 500)
        w.resize(size)
        w.notice.hide()

    QTimer.singleShot(0, script)
    command(["app", "--settings", str(folder / "settings"), "--library", str(folder / "library")])


if __name__ == "__main__":
    main()
