"""This program as a child process: the same code, wherever this one came from."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import tr_desktop

if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0


def start(
    module: str, arguments: Sequence[str], *, errors: IO[bytes] | int = subprocess.DEVNULL, python: str = ""
) -> subprocess.Popen[bytes]:
    """Start `module` with `arguments`; its standard input and output are pipes. errors: its standard error.

    python: another Python, in whose environment this program is installed too. A frozen build has no Python of its own:
    it starts itself with the arguments, without the module. Raises OSError if no process can be started.
    """
    is_frozen = getattr(sys, "frozen", False)
    # Never a module that lies in the current folder (-P).
    command = [sys.executable] if is_frozen and not python else [python or sys.executable, "-P", "-m", module]
    # Another Python doesn't look here: the packages beside this one are built for this Python.
    own = "" if python else str(Path(tr_desktop.__file__).parents[1])
    search = os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=os.environ | ({"PYTHONPATH": search} if search else {}),
        creationflags=_CREATION_FLAGS,
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
