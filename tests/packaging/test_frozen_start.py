"""The two frozen programs are one: the name of its file says which."""

import subprocess
import sys
from pathlib import Path

import pytest
import start

from tests.processes import PATIENCE_S


@pytest.mark.parametrize(
    ("program", "words", "suffix"),
    [
        ("tr-desktop", ["find", "a cat"], ""),
        ("TimeRefine", ["app", "find", "a cat"], ""),
        ("TimeRefine.exe", ["app", "find", "a cat"], ".exe"),
    ],
)
def test_the_window_is_the_command_app(monkeypatch, tmp_path, program, words, suffix):
    monkeypatch.setattr(sys, "argv", [program, "find", "a cat"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / program))
    start.prepare(tmp_path / program)
    assert sys.argv[1:] == words
    # What starts this program for a job of its own starts the command, never a second window.
    assert Path(sys.executable) == tmp_path / f"tr-desktop{suffix}"


def test_a_program_without_a_console_may_print():
    code = (
        "import sys, pathlib; sys.path.append(sys.argv[1]); import start;"
        "sys.stdout = sys.stderr = None; start.prepare(pathlib.Path('TimeRefine.exe'));"
        "print('lost'); print('lost', file=sys.stderr); sys.exit(7)"
    )
    folder = str(Path(start.__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b"")
