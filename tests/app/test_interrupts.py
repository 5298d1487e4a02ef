"""Ctrl-C in the terminal ends the app as its close button does."""

import signal
import subprocess
import sys

import pytest

from tests.processes import ending

STARTED = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from tr_desktop.app.shell.main import Window
from tr_desktop.commands.main import main

def look():
    if any(isinstance(widget, Window) and widget.session.engine for widget in QApplication.topLevelWidgets()):
        timer.stop()
        print("open", flush=True)

app = QApplication([])
timer = QTimer(interval=50)
timer.timeout.connect(look)
timer.start()
sys.exit(main(["app", *sys.argv[1:]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts with a signal")
def test_control_c_closes_the_idle_window(tmp_path):
    arguments = ["--library", str(tmp_path / "library"), "--settings", str(tmp_path / "settings")]
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with ending(process):
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 0 and "Traceback" not in said
    assert list((tmp_path / "settings").iterdir())  # as after closing it, the window's place is kept
