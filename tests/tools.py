"""Other programs that make test footage and judge what the app wrote: ffmpeg, ffprobe, MediaInfo."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S

NEEDS_FFMPEG = pytest.mark.skipif(not shutil.which("ffmpeg") or not shutil.which("ffprobe"), reason="needs ffmpeg")
NEEDS_MEDIAINFO = pytest.mark.skipif(not shutil.which("mediainfo"), reason="needs mediainfo")


def output(*command: str) -> str:
    """What a program prints. It must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout


def ffmpeg(path: Path, *arguments: str) -> Path:
    """Make `path` with ffmpeg; arguments: all before the output."""
    output("ffmpeg", "-v", "error", "-y", *arguments, str(path))
    return path
