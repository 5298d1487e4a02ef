"""Whether the frozen window opens, searches new footage, refines, saves and closes; and how soon it opens."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from places import LIMIT_S, Place, ending, said, wait_until
from screen import Hands, screen

ONLY_X = {"QT_QPA_PLATFORM": "xcb", "XDG_SESSION_TYPE": "x11"}


def problems(place: Place, program: str, clip: Path, query: str, around_s: float) -> list[str]:
    """Drive the window through a user's first minute. clip: new footage; `query` finds the second `around_s` of it.

    The project that it saves is the witness: it holds the select with its refinement steps.
    """
    project = place.home / "cut.trproj"
    place.here(project).write_text('{"schema": 1, "selects": []}\n')
    with screen() as display:
        own = ["--library", place.home / "window-library", "--settings", place.home / "window-settings"]
        process = place.start(program, *own, project, clip, DISPLAY=display, **ONLY_X)
        try:
            found = _session(Hands(display), process, place.here(project), query, around_s)
            if process.poll() is None and not found:
                found = [] if wait_until(lambda: process.poll() is not None, 60) else ["it doesn't close"]
        finally:
            process.kill()
            _, err = process.communicate()
    if not found and process.returncode:
        found = [f"it ends with status {process.returncode}"]
    return [f"window: {each}; it says: {err.strip()[-300:] or 'nothing'}" for each in found]


def _session(hands: Hands, process: subprocess.Popen[str], project: Path, query: str, around_s: float) -> list[str]:
    if not hands.window():
        return ["it doesn't open"]
    time.sleep(2)  # the project opens, and the index begins
    hands.press("ctrl+f")
    hands.type(query)
    hands.press("Return")

    def accepted() -> bool:
        hands.press("Return", "ctrl+s")
        return bool(_selects(project))

    def refined() -> bool:
        hands.press("ctrl+s")
        return any(step.get("looked_closer") for each in _selects(project) for step in each["moment"]["steps"])

    def becomes(condition: Callable[[], bool]) -> bool:
        wait_until(lambda: process.poll() is not None or condition(), LIMIT_S, every_s=1)
        return process.poll() is None and condition()

    if not becomes(accepted):
        return ["no moment is found, accepted and saved"]
    if not becomes(refined):
        return ["the moment isn't refined"]
    moment = _selects(project)[0]["moment"]
    if not moment["start_s"] <= around_s <= moment["end_s"]:
        return [f"it finds {moment['start_s']} to {moment['end_s']} s"]
    hands.press("ctrl+q")
    return []


def _selects(project: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(project.read_text())["selects"])
    except (OSError, ValueError, KeyError):
        return []


def start_times(starts: dict[str, Callable[[str], subprocess.Popen[str]]], runs: int) -> dict[str, tuple[float, float]]:
    """For each way to start the window: seconds until it is shown, and processor seconds until then; the least of each.

    All are started in turns on one display, after a first round that isn't counted. starts: called with the display.
    Raises TimeoutError.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    with screen() as display:
        hands = Hands(display)
        for _ in range(runs + 1):
            for name, start in starts.items():
                hands.wait_for_none()  # the one before may still be on the screen
                began_s = time.monotonic()
                process = start(display)
                with ending(process):
                    if not hands.window():
                        raise TimeoutError(f"{name}: no window, {said(process)}")
                    seconds[name].append((time.monotonic() - began_s, _used_s(process.pid)))
    return {name: (min(s for s, _ in each[1:]), min(s for _, s in each[1:])) for name, each in seconds.items()}


def _used_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
