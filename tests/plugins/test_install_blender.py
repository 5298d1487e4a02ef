"""The add-on for Blender in the folders of its versions, on the layouts of three systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.test_install import everything, home  # noqa: F401 (a fixture)
from tr_desktop import paths
from tr_desktop.commands.main import main
from tr_desktop.editor_plugins import BLENDER

ROOT = Path(__file__).resolve().parents[2]
HOMES = {
    "linux": ".config/blender",
    "darwin": "Library/Application Support/Blender",
    "win32": "AppData/Roaming/Blender Foundation/Blender",
}
FILES = {"blender_manifest.toml", "__init__.py", "hand_over.py", "placing.py", "LICENSE"}


@pytest.fixture(params=HOMES)
def blender(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """Where Blender keeps a folder for each of its versions on one of the systems."""
    monkeypatch.setattr("tr_desktop.editor_plugins.sys.platform", request.param)
    if request.param == "linux":
        monkeypatch.delenv("XDG_CONFIG_HOME")
    return home / HOMES[request.param]


def add_ons(blender: Path) -> dict[str, set[str]]:
    """The files of the add-on by version."""
    folders = blender.glob("*/extensions/user_default/timerefine")
    return {folder.parents[2].name: {path.name for path in folder.iterdir()} for folder in folders}


def test_every_version_that_ran_here_gets_the_add_on_and_gives_it_back(blender, capsys) -> None:
    for name in ("3.6", "4.2", "4.5", "5.0", "5.10", "backup", "5.0-old"):
        (blender / name / "config").mkdir(parents=True)
    before = everything(blender)
    assert main(["plugins", "install", "blender"]) == 0
    assert add_ons(blender) == {"4.5": FILES, "5.0": FILES, "5.10": FILES}
    assert (
        str(blender / "5.10" / "extensions" / "user_default" / "timerefine" / "__init__.py") in capsys.readouterr().out
    )
    assert main(["plugins", "list"]) == 0
    assert "blender  Blender: found, plugin installed" in capsys.readouterr().out
    compiled = blender / "5.0" / "extensions" / "user_default" / "timerefine" / "__pycache__"
    compiled.mkdir()
    (compiled / "placing.cpython-311.pyc").write_bytes(b"made by Blender's Python")
    assert main(["plugins", "remove", "blender"]) == 0
    assert everything(blender) == before


def test_a_newer_blender_makes_the_list_say_install_again(blender, capsys) -> None:
    (blender / "4.5").mkdir(parents=True)
    assert main(["plugins", "install", "blender"]) == 0
    (blender / "5.0").mkdir()
    assert main(["plugins", "list"]) == 0
    assert "install it again" in capsys.readouterr().out
    assert main(["plugins", "install", "blender"]) == 0
    assert set(add_ons(blender)) == {"4.5", "5.0"}


def test_without_a_blender_the_add_on_waits_for_one(blender, home, capsys) -> None:  # noqa: F811
    assert main(["plugins", "install", "blender"]) == 0
    assert "waits for it" in capsys.readouterr().err
    assert add_ons(blender) == {"5.0": FILES}
    assert main(["plugins", "remove", "blender"]) == 0
    assert not blender.exists()


def test_the_installed_add_on_has_the_path_of_the_outbox(home, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    assert main(["plugins", "install", "blender"]) == 0
    [source] = [path for path in BLENDER.targets if path.name == "__init__.py"]
    [line] = [line for line in source.read_text().splitlines() if line.startswith("OUTBOX = ")]
    found: dict[str, Any] = {}
    exec(line, found)
    assert found["OUTBOX"] == str(paths.outbox_folder() / "latest.json") and line.isascii()


def test_the_hand_over_goes_to_the_outbox_and_says_what_to_do_in_blender(home, sample, tmp_path, capsys) -> None:  # noqa: F811
    assert main(["find", "a cat", str(sample), "--json", "--library", str(tmp_path / "library")]) == 0
    result = tmp_path / "found.json"
    result.write_text(capsys.readouterr().out)
    assert main(["send", "blender", str(result), "--library", str(tmp_path / "library")]) == 0
    said = capsys.readouterr().err
    assert "tr-desktop plugins install blender" in said and BLENDER.next_step in said
    assert json.loads((paths.outbox_folder() / "latest.json").read_text())["moments"][0]["media"] == str(sample)
