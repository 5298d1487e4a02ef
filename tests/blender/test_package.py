"""Blender's own validator and builder of extensions take the folder."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.blender.footage import needs_blender
from tests.processes import PATIENCE_S

pytestmark = needs_blender

SOURCE = Path(__file__).resolve().parents[2] / "plugins" / "blender"


def extension_tool(*arguments: str | Path) -> str:
    spec = importlib.util.find_spec("bpy")
    assert spec is not None and spec.origin is not None
    [tool] = Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    command = [sys.executable, str(tool), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_validator_takes_the_folder_and_the_package_that_is_built_of_it(tmp_path: Path) -> None:
    assert "Success" in extension_tool("validate", SOURCE)
    extension_tool("build", "--source-dir", SOURCE, "--output-filepath", tmp_path / "timerefine.zip")
    assert "Success" in extension_tool("validate", tmp_path / "timerefine.zip")
    with zipfile.ZipFile(tmp_path / "timerefine.zip") as package:
        names = set(package.namelist())
    assert names == {"blender_manifest.toml", "__init__.py", "hand_over.py", "placing.py", "LICENSE"}


def test_what_is_installed_is_the_whole_package(add_on) -> None:
    folder = add_on.installed[0].parent
    assert {path.parent for path in add_on.installed} == {folder}
    assert "Success" in extension_tool("validate", folder)
    sources = {path.name for path in SOURCE.iterdir() if path.is_file()} - {"README.md"}
    assert {path.name for path in add_on.installed} == sources
