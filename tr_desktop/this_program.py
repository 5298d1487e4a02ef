"""This program itself: the way in which it was installed, what that lets users add, and how it starts as a child."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import tr_desktop

if TYPE_CHECKING:
    import queue
    import subprocess


_CLONE = Path(tr_desktop.__file__).parents[1]
# Environments of a clone's run.py that run any command.
_OWN_ENVIRONMENTS = ("convert", "llm")


def is_frozen() -> bool:
    """Whether this is a build that holds its Python, and to which nothing can be added."""
    return bool(getattr(sys, "frozen", False))


def is_clone() -> bool:
    """Whether this runs from a clone of the repository."""
    return not is_frozen() and (_CLONE / "run.py").is_file()


def how_to_get(extra: str) -> str:
    """A sentence on how to get what `extra` of pyproject.toml brings; it depends on how this program was installed."""
    if is_frozen():
        return f'This build can\'t be extended: install TimeRefine with Python, pip install "tr-desktop[{extra}]"'
    if not is_clone():
        if not (Path(sys.prefix) / "uv-receipt.toml").is_file():
            return f'Install it with: pip install "tr-desktop[{extra}]"'
        # uv installs what is named, and nothing that was there before.
        extras = f"app,{extra}" if extra != "app" and find_spec("PySide6") is not None else extra
        return f'Install it with: uv tool install "tr-desktop[{extras}]"'
    if extra == "app":
        return "Start it with: python3 run.py app"
    install = f'{_quoted(sys.executable)} -m pip install --editable "{_CLONE}[{extra}]"'
    if extra in _OWN_ENVIRONMENTS:
        return f"Use python3 run.py {extra} …, or install it with: {install}"
    return f"Install it with: {install}"


def how_to_run_grounders() -> str:
    """A sentence on how to get what runs video language models, which may be another Python."""
    other = 'install "tr-desktop[llm]" in a Python of its own and let TR_GROUNDER_PYTHON name that Python'
    return f"Use python3 run.py llm …, or {other}" if is_clone() else f"{other[0].upper()}{other[1:]}"


def restore_library_path() -> None:
    """Let the programs that this one starts find the system's libraries. Call it once, at the start.

    The starter of a frozen build has set the library path to its own folder, and this process has read it already.
    """
    if is_frozen() and sys.platform == "linux":
        # A child that is this build again would rely on that path, unless its starter is told to begin anew.
        os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
        os.environ.pop("LD_LIBRARY_PATH", None)
        if (original := os.environ.pop("LD_LIBRARY_PATH_ORIG", None)) is not None:
            os.environ["LD_LIBRARY_PATH"] = original


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def start(
    module: str, arguments: Sequence[str], *, errors: IO[bytes] | None = None, python: str = ""
) -> subprocess.Popen[bytes]:
    """Start `module` with `arguments`; its standard input and output are pipes. errors: takes its standard error.

    python: another Python, in whose environment this program is installed too. A frozen build has no Python of its own:
    it starts itself with the arguments, without the module. Raises OSError if no process can be started.
    """
    import subprocess  # most commands start nothing

    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW
    # Never a module that lies in the current folder (-P).
    command = [sys.executable] if is_frozen() and not python else [python or sys.executable, "-P", "-m", module]
    # Another Python doesn't look here: the packages beside this one are built for this Python.
    own = "" if python else str(_CLONE)
    search = os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if errors is None else errors,
        env=os.environ | ({"PYTHONPATH": search} if search else {}),
        creationflags=flags,
    )


def listen(pipe: IO[bytes], messages: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Put what a child prints into `messages`: each line that is a JSON object, and None at the end."""
    try:
        for line in pipe:
            with suppress(ValueError):  # what Python or a library prints, or a last line that was cut off
                if isinstance(message := json.loads(line), dict):
                    messages.put(message)
    finally:
        messages.put(None)
