"""A screen that doesn't start, or doesn't end, holds nobody up."""

import os
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Xvfb is for Linux")


@pytest.fixture
def xvfb(tmp_path, monkeypatch):
    """Makes a program that stands for Xvfb and ignores that it is to end; gives a way to ask whether it is gone."""
    import screen

    monkeypatch.setattr(screen, "START_S", 2.0)
    monkeypatch.setattr(screen, "END_S", 0.5)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def make(says: bytes):
        program = tmp_path / "Xvfb"
        program.write_text(
            f"#!{sys.executable}\n"
            "import os, pathlib, signal, sys, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "pathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))\n"
            f"os.write(int(sys.argv[2]), {says!r})\n"
            "time.sleep(60)\n"
        )
        program.chmod(0o755)

        def is_gone() -> bool:
            return not Path("/proc", (tmp_path / "pid").read_text()).exists()

        return screen.screen, is_gone

    return make


@pytest.mark.parametrize("says", [b"", b"7"])
def test_a_screen_that_does_not_start_is_an_error_in_time(xvfb, says):
    screen, is_gone = xvfb(says)
    begin_s = time.monotonic()
    with pytest.raises(OSError, match="doesn't start"), screen():
        raise AssertionError("there is no screen")
    assert time.monotonic() - begin_s < 20 and is_gone()


def test_a_screen_that_does_not_end_is_ended(xvfb):
    screen, is_gone = xvfb(b"7\n")
    begin_s = time.monotonic()
    with screen() as display:
        assert display == ":7" and not is_gone()
    assert time.monotonic() - begin_s < 20 and is_gone()
