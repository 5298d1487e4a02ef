"""Where the frozen programs run while they are checked: here, or in the root of another system, without Python."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

LIMIT_S = 300
"""For one run of a program, which takes seconds."""


@dataclass(frozen=True)
class Done:
    """A run that has ended. used_s: processor seconds of it and of its children."""

    status: int
    out: str
    err: str
    used_s: float

    def __str__(self) -> str:
        return f"status {self.status}: {(self.err or self.out).strip()[-500:]}"


@dataclass(frozen=True)
class Place:
    """A folder with the programs, and a home that they write to.

    folder, home: as the programs see them. root: of another system, in which both lie; None for this one.
    """

    folder: Path
    home: Path
    root: Path | None = None

    def start(self, program: str, *words: object, **more: str) -> subprocess.Popen[str]:
        """Start one of the folder's programs. more: of its environment."""
        command = [str(self.folder / program), *map(str, words)]
        if self.root is not None:
            command = [shutil.which("chroot") or "/usr/sbin/chroot", str(self.root), *command]
        return subprocess.Popen(
            command,
            env={"PATH": "/nonexistent", "HOME": str(self.home), "LANG": "C.UTF-8", **more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.here(self.home),
        )

    def run(self, program: str, *words: object, given: str = "", **more: str) -> Done:
        """Run one of the programs to its end. given: its standard input."""
        before_s = children_s()
        process = self.start(program, *words, **more)
        try:
            out, err = process.communicate(given, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"\nended after {LIMIT_S} s"
        return Done(process.returncode, out, err, children_s() - before_s)

    def here(self, path: Path) -> Path:
        """A path that the programs see, as this process sees it."""
        return path if self.root is None else self.root / path.relative_to("/")


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill `process` at the end of the block, or after LIMIT_S, which also ends any reading of its output."""
    impatience = Timer(LIMIT_S, process.kill)
    impatience.start()
    try:
        yield
    finally:
        impatience.cancel()
        said(process)


def said(process: subprocess.Popen[str]) -> str:
    """Kill `process`, if it still runs; how it ended and what it said last."""
    process.kill()
    if process.stdin is not None and process.stdin.closed:
        process.stdin = None
    out, err = process.communicate() if process.stdout and not process.stdout.closed else ("", "")
    return f"status {process.returncode}: {(err or out).strip()[-500:] or 'nothing'}"


def children_s() -> float:
    """Processor seconds of the child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def wait_until(condition: Callable[[], object], within_s: float = LIMIT_S, every_s: float = 0.1) -> bool:
    """Whether `condition` holds within that time."""
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(every_s)
    return True
