"""Drives for tests: a folder that counts as a mounted drive while it holds anything."""

import os
from pathlib import Path

import pytest


def pretend_drive(monkeypatch: pytest.MonkeyPatch, root: Path) -> Path:
    """From now on, `root` is where a drive is mounted. Rename or empty it, and the drive is unplugged."""
    is_mount = os.path.ismount
    monkeypatch.setattr(
        os.path,
        "ismount",
        lambda path: is_mount(path) or (Path(path) == root and root.is_dir() and any(root.iterdir())),
    )
    return root
