"""LuaJIT, which is what DaVinci Resolve runs scripts with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S

LUAJIT = shutil.which("luajit") or ""
needs_luajit = pytest.mark.skipif(not LUAJIT, reason="needs luajit")


def run_lua(*arguments: str | Path) -> bytes:
    """What LuaJIT prints; the test fails if it ends with an error."""
    done = subprocess.run([LUAJIT, *map(str, arguments)], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout
