"""Installing plugins into the folders of editors, on the layouts of three systems, and removing them again."""

from __future__ import annotations

import hashlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.lua import needs_luajit, run_lua
from tr_desktop import paths
from tr_desktop.commands.main import main
from tr_desktop.editor_plugins import BLENDER, PANEL_FILES, PLUGINS, RESOLVE

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {
    "linux": ".local/share/DaVinciResolve/Fusion/Scripts/Utility",
    "darwin": "Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility",
    "win32": "AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts/Utility",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own folder, empty."""
    folder = tmp_path / 'a "home" ü ]]'
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.setenv("APPDATA", str(folder / "AppData" / "Roaming"))
    return folder


@pytest.fixture(params=SCRIPTS)
def target(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the script belongs on one of the systems."""
    monkeypatch.setattr("tr_desktop.editor_plugins.sys.platform", request.param)
    return home / SCRIPTS[request.param] / "TimeRefine.lua"


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_install_makes_the_folders_and_remove_leaves_no_trace(target, home, capsys) -> None:
    assert main(["plugins", "install", "resolve"]) == 0
    assert capsys.readouterr().out == f"Wrote {target}\n"
    assert "@OUTBOX@" not in target.read_text() and target.read_text().isascii()
    assert main(["plugins", "remove", "resolve"]) == 0
    assert f"Removed {target}\n" in capsys.readouterr().out
    assert not everything(home)
    assert main(["plugins", "remove", "resolve"]) == 2
    assert "isn't installed" in capsys.readouterr().err


def test_folders_that_were_there_or_hold_something_else_stay(target, home) -> None:
    target.parents[1].mkdir(parents=True)
    assert main(["plugins", "install", "resolve"]) == 0
    other = target.with_name("other.lua")
    other.write_text("mine")
    assert main(["plugins", "remove", "resolve"]) == 0
    assert not target.exists() and other.read_text() == "mine"
    other.unlink()
    assert main(["plugins", "install", "resolve"]) == 0
    assert main(["plugins", "remove", "resolve"]) == 0
    assert target.parents[1].is_dir() and other.parent.is_dir()  # the user's own by now


def test_installing_again_replaces_an_older_copy_and_removes_as_much(target, home) -> None:
    assert main(["plugins", "install", "resolve"]) == 0
    current = target.read_bytes()
    old = b"-- an older version"
    target.write_bytes(old)
    record = paths.settings_folder() / "plugins.json"
    records = json.loads(record.read_text())
    records["resolve"]["files"][str(target)] = hashlib.sha256(old).hexdigest()
    record.write_text(json.dumps(records))
    assert main(["plugins", "install", "resolve"]) == 0
    assert target.read_bytes() == current
    assert main(["plugins", "remove", "resolve"]) == 0
    assert not everything(home)


def test_what_somebody_changed_is_neither_replaced_nor_removed(target, home, capsys) -> None:
    assert main(["plugins", "install", "resolve"]) == 0
    target.write_text("mine now")
    assert main(["plugins", "install", "resolve"]) == 2
    assert str(target) in capsys.readouterr().err
    assert main(["plugins", "remove", "resolve"]) == 0
    assert f"Kept {target}" in capsys.readouterr().err and target.read_text() == "mine now"


def test_a_file_of_somebody_else_is_in_the_way(target, capsys) -> None:
    target.parent.mkdir(parents=True)
    target.write_text("theirs")
    assert main(["plugins", "install", "resolve"]) == 2
    assert "in the way" in capsys.readouterr().err and target.read_text() == "theirs"


def test_a_folder_that_cannot_be_written_is_a_sentence(home, target, capsys) -> None:
    (home / target.relative_to(home).parts[0]).write_text("a file where a folder belongs")
    assert main(["plugins", "install", "resolve"]) == 2
    assert "can't be changed" in capsys.readouterr().err


def test_list_says_which_editors_are_here_and_what_is_installed(target, capsys) -> None:
    def listed() -> str:
        assert main(["plugins", "list"]) == 0
        return capsys.readouterr().out

    assert "resolve  DaVinci Resolve: not found, plugin not installed" in listed()
    main(["plugins", "install", "resolve"])
    assert "DaVinci Resolve: not found, plugin installed" in listed()  # though its folder is there
    started = target.parents[2] / "logs"
    started.mkdir()
    assert "DaVinci Resolve: found, plugin installed" in listed()
    started.rmdir()
    main(["plugins", "remove", "resolve"])
    target.parent.mkdir(parents=True)
    assert "DaVinci Resolve: found, plugin not installed" in listed() and str(target) in listed()
    main(["plugins", "install", "resolve"])
    assert "DaVinci Resolve: found, plugin installed" in listed()
    target.write_text("changed")
    assert "install it again" in listed()


def test_an_unknown_editor_is_named_with_those_that_are_known(capsys) -> None:
    for command in (["plugins", "install", "avid"], ["plugins", "remove", "avid"], ["send", "avid", "x.json"]):
        assert main(command) == 2
        assert "avid" in (said := capsys.readouterr().err) and all(name in said for name in PLUGINS)


@needs_luajit
def test_the_installed_script_has_the_path_of_the_outbox(home, monkeypatch, capsys) -> None:
    """Whatever is in the path: the installed script asks Lua for exactly this file."""
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    assert main(["plugins", "install", "resolve"]) == 0
    [script] = RESOLVE.targets
    test = home / "test.lua"
    test.write_text(
        "local run = dofile\nresolve, print = {}, function() end\n"
        "dofile = function(path) io.write(path) return {} end\nrun(arg[1])\n"
    )
    assert run_lua(test, script).decode() == str(paths.outbox_folder() / "latest.lua")
    if sys.platform == "linux":
        assert str(home) in str(paths.outbox_folder())


@needs_luajit
@pytest.mark.parametrize("name", ["plain", "two\nlines \\ %s", '"]] .. os.exit(1) .. [["', "\\", "é 日 \udcff\t"])
def test_the_line_for_the_console_runs_the_installed_script(tmp_path, monkeypatch, capsys, name) -> None:
    """Whatever is in the path."""
    monkeypatch.setenv("HOME", str(tmp_path / name))
    monkeypatch.setattr("tr_desktop.editor_plugins.sys.platform", "linux")
    assert main(["plugins", "list"]) == 0
    assert "dofile(" not in capsys.readouterr().out
    assert main(["plugins", "install", "resolve"]) == 0
    line = capsys.readouterr().err.splitlines()[-1].strip()
    assert line.startswith("dofile(") and line.isascii() and line == RESOLVE.console.line()
    assert b"run this script inside DaVinci Resolve" in run_lua("-e", line)
    assert main(["plugins", "list"]) == 0
    assert f"    {line}\n" in capsys.readouterr().out


def test_an_installed_program_has_its_copy_inside_the_package(home, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("tr_desktop.__file__", str(tmp_path / "site" / "tr_desktop" / "__init__.py"))
    assert main(["plugins", "install", "resolve"]) == 2
    assert "no plugin resolve" in capsys.readouterr().err and not everything(home)
    copy = tmp_path / "site" / "tr_desktop" / "plugins" / "resolve" / "TimeRefine.lua"
    copy.parent.mkdir(parents=True)
    copy.write_text("-- from the package")
    assert main(["plugins", "install", "resolve"]) == 0
    assert [path.read_text() for path in RESOLVE.targets] == ["-- from the package"]


def test_packages_contain_the_files_of_the_plugins(monkeypatch) -> None:
    setuptools = pytest.importorskip("setuptools")
    asked: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: asked.update(options))
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / "setup.py"))
    folder = ROOT / asked["package_dir"]["tr_desktop.plugins"]
    packed = {path for pattern in asked["package_data"]["tr_desktop.plugins"] for path in folder.glob(pattern)}
    assert {"tr_desktop.commands", "exporters", "tr_desktop.plugins"} <= set(asked["packages"])
    wanted = {
        "resolve": RESOLVE.files(),
        "premiere/panel": PANEL_FILES,
        "blender": {name.rpartition("/")[2] for name in BLENDER.files()},
    }
    assert {folder / plugin / name for plugin, names in wanted.items() for name in names} == packed
