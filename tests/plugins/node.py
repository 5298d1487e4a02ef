"""Node, which runs the tests of plugins that are written in JavaScript."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S

NODE = shutil.which("node") or ""


def _major() -> int:
    """Of Node's version; 0 without Node."""
    if not NODE:
        return 0
    said = subprocess.run([NODE, "--version"], capture_output=True, text=True, timeout=PATIENCE_S, check=False).stdout
    return int(said.lstrip("v").split(".")[0] or 0)


needs_node = pytest.mark.skipif(_major() < 18, reason="needs node 18 or newer")


def run_node(*arguments: str | Path, temporary: Path) -> str:
    """What Node prints; the test fails if it ends with an error. temporary: for its files."""
    done = subprocess.run(
        [NODE, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout
