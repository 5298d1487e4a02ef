"""A screen that nobody sees, and hands at the keyboard: for checking the window as a user meets it (Xvfb, xdotool)."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from places import wait_until

NEEDED = ("Xvfb", "xdotool")
START_S, END_S = 30.0, 10.0
"""How long Xvfb may take to say that it is there, and to end when it is told to."""
_TITLE = "TimeRefine"


@contextmanager
def screen() -> Iterator[str]:
    """The name of a new X display, 1600 × 1000 pixels. Raises OSError if Xvfb doesn't start within START_S."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        number = _line(reading)
        if not number:
            raise OSError("Xvfb doesn't start")
        yield f":{number}"
    finally:
        os.close(reading)
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_S)


def _line(pipe: int) -> str:
    """The first line of the pipe; "" if there is none within START_S."""
    text, end_s = b"", time.monotonic() + START_S
    while not text.endswith(b"\n"):
        is_ready, _, _ = select.select([pipe], [], [], max(end_s - time.monotonic(), 0))
        more = os.read(pipe, 64) if is_ready else b""
        if not more:
            return ""
        text += more
    return text.decode().strip()


def missing() -> list[str]:
    """The programs that this needs and the system lacks."""
    return [name for name in NEEDED if shutil.which(name) is None]


class Hands:
    """A user at the keyboard of one display. There is no window manager: the window gets the keys once it is named."""

    def __init__(self, display: str) -> None:
        self._display = display

    def window(self, within_s: float = 60) -> str:
        """Wait for the app's window and give it the keyboard; its id, or "" if there is none."""
        if not wait_until(self._shown, within_s, every_s=0.02):
            return ""
        window = self._shown()[-1]
        self._do("windowfocus", "--sync", window)
        return window

    def wait_for_none(self) -> None:
        """Wait until no window of the app is shown."""
        wait_until(lambda: not self._shown(), 60, every_s=0.02)

    def _shown(self) -> list[str]:
        return self._do("search", "--onlyvisible", "--name", _TITLE).split()

    def press(self, *keys: str) -> None:
        for key in keys:
            self._do("key", "--clearmodifiers", key)
            time.sleep(0.2)

    def type(self, text: str) -> None:
        self._do("type", "--delay", "30", text)

    def _do(self, *words: str) -> str:
        environment = os.environ | {"DISPLAY": self._display}
        return subprocess.run(["xdotool", *words], env=environment, capture_output=True, text=True, timeout=60).stdout
