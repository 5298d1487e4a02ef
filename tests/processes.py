"""Processes that tests start: none of them can outlive its test, or make it wait for good."""

from __future__ import annotations

import gc
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

FORK = multiprocessing.get_context("spawn" if sys.platform == "win32" else "fork")
needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="needs fork, signals and limits")
PATIENCE_S = 300
"""How long a process may take for what takes seconds: generous, for a loaded machine."""


@contextmanager
def ending(process: subprocess.Popen) -> Iterator[None]:
    """Kill `process` at the end of the block, or after PATIENCE_S, so that reading its output also ends."""
    impatience = threading.Timer(PATIENCE_S, process.kill)
    impatience.daemon = True
    impatience.start()
    try:
        yield
    finally:
        impatience.cancel()
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):  # what it never read
                    pipe.close()
        process.wait(PATIENCE_S)


def run_forked(
    target: Callable[..., None],
    *arguments: object,
    within_s: float = PATIENCE_S,
    until: Callable[[], bool] = lambda: False,
) -> int:
    """Run `target` in a process of its own; its exit status, -SIGKILL if it was killed.

    It is killed after `within_s`, or as soon as `until` returns True. The copy has one thread of this process alone: it
    must not wait for another one's lock. What it shares with this process must have no lock either, since a killed
    process never gives it back.
    """
    # A decoder that the garbage collector frees in the copy would wait for its threads, which the copy doesn't have.
    gc.collect()
    gc.freeze()
    try:
        process = FORK.Process(target=target, args=arguments, daemon=True)
        process.start()
    finally:
        gc.unfreeze()
    deadline_s = time.monotonic() + within_s
    while process.is_alive() and time.monotonic() < deadline_s and not until():
        process.join(min(0.002, max(deadline_s - time.monotonic(), 0)))
    process.kill()
    process.join(PATIENCE_S)
    if process.exitcode is None:
        pytest.fail(f"{target.__name__} can't be killed")
    return process.exitcode
