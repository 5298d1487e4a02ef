"""A wheel holds what the program needs beside its modules, and works away from its sources."""

import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.processes import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]
_SOURCES = ("tr_desktop", "exporters", "plugins", "pyproject.toml", "setup.py", "README.md", "LICENSE")
_BUILDER = 77  # of setuptools, as pyproject.toml has it


def _has_builder() -> bool:
    try:
        return int(version("setuptools").partition(".")[0]) >= _BUILDER
    except ModuleNotFoundError:
        return False


def test_every_file_beside_the_modules_is_packed(monkeypatch):
    setuptools = pytest.importorskip("setuptools")
    asked: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: asked.update(options))
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / "setup.py"))
    folders = {name: ROOT / asked["package_dir"].get(name, name.replace(".", "/")) for name in asked["package_data"]}
    packed = {
        path
        for name, patterns in asked["package_data"].items()
        for pattern in patterns
        for path in folders[name].glob(pattern)
    }
    lying_there = {
        path
        for path in (ROOT / "tr_desktop").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and path.name != "py.typed"  # setuptools takes that
    }
    assert {path for path in packed if path.is_relative_to(ROOT / "tr_desktop")} == lying_there
    for name in ("footage/sample.mp4", "footage/sample.npz", "models/packs/mini/pack.json", "licences/libraries.csv"):
        assert ROOT / "tr_desktop" / name in packed


@pytest.mark.skipif(not _has_builder(), reason=f"needs setuptools {_BUILDER}")
def test_the_wheel_works_away_from_its_sources(tmp_path):
    sources, place = tmp_path / "sources", tmp_path / "site"
    sources.mkdir()
    for name in _SOURCES:
        if (ROOT / name).is_dir():
            leave = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / name, sources / name, ignore=leave)
        else:
            shutil.copy(ROOT / name, sources / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run(
        [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(tmp_path), str(sources)],
        check=True,
        timeout=PATIENCE_S,
    )
    (wheel,) = tmp_path.glob("*.whl")
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"tr_desktop", "exporters", wheel.name.partition("-py3")[0] + ".dist-info"}
    subprocess.run([*pip, "install", *offline, "--target", str(place), str(wheel)], check=True, timeout=PATIENCE_S)
    program = [sys.executable, "-m", "tr_desktop"]
    environment = os.environ | {"PYTHONPATH": str(place), "XDG_DATA_HOME": str(tmp_path / "data")}
    for arguments, said in (
        (["find", "a cat", "--export", "hits.edl"], "01:00:09:00"),
        (["plugins", "list"], "resolve"),
        (["licences"], "Apache-2.0"),
    ):
        done = subprocess.run(
            [*program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert done.returncode == 0 and said in done.stdout, done.stderr
    assert (tmp_path / "hits.edl").read_text().startswith("TITLE")
