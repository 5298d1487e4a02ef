"""Processes that tests start: none of them can outlive its test, or make it wait for good."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

PATIENCE_S = 300
"""How long a process may take for what takes seconds: generous, for a loaded machine."""


@contextmanager
def ending(process: subprocess.Popen) -> Iterator[None]:
    """Kill `process` at the end of the block, or after PATIENCE_S: whoever reads what it prints then gets an end."""
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


def run_forked(context, target: Callable[..., None], *arguments: object, within_s: float = PATIENCE_S) -> int:
    """Run `target` in a process of its own, killed after `within_s`; its exit status, -SIGKILL if it was killed.

    The copy has one thread of this process alone: it must not wait for another one's lock. What it shares with this
    process must have no lock either, since a killed process never gives it back.
    """
    process = context.Process(target=target, args=arguments, daemon=True)
    process.start()
    process.join(within_s)
    process.kill()
    process.join(PATIENCE_S)
    if process.exitcode is None:
        pytest.fail(f"{target.__name__} can't be killed")
    return process.exitcode
