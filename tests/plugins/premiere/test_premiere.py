"""The panel for Premiere Pro: its own tests by Node, its types, and what it makes of what the app hands over."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from exporters.outbox import JSON_NAME, XML_NAME, send
from tests.exporters.build import AWKWARD_NAMES, AXES, STARTS, media, moment
from tests.plugins.node import needs_node, run_node
from tr_desktop import paths
from tr_desktop.commands.main import main
from tr_desktop.editor_plugins import PANEL_FILES, PREMIERE, RESOLVE, packed
from tr_desktop.moments import Moment
from tr_desktop.serving.ports import PORTS

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PLUGIN = ROOT / "plugins" / "premiere"
PANEL = PLUGIN / "panel"
TSC = PLUGIN / "node_modules" / "typescript" / "bin" / "tsc"
TICKS_A_SECOND = 254016000000
SETTINGS = 288  # of what isn't known of Premiere


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home ü"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(folder))
    return folder


@needs_node
@pytest.mark.parametrize("name", [path.name for path in sorted(HERE.glob("*.test.js"))])
def test_the_panel_passes_its_own_tests(name: str, tmp_path: Path) -> None:
    said = run_node("--test", "--test-reporter=tap", HERE / name, temporary=tmp_path)
    passed = re.search("^# pass ([0-9]+)$", said, re.MULTILINE)
    assert passed and int(passed[1]) >= 5 and "# fail 0" in said, said


@needs_node
@pytest.mark.skipif(not TSC.exists(), reason="needs tsc: npm ci --ignore-scripts in plugins/premiere")
def test_the_panel_fits_the_types_of_premiere(tmp_path: Path) -> None:
    run_node(TSC, "--noEmit", "--checkJs", "--strict", "-p", PLUGIN, temporary=tmp_path)


@needs_node
def test_what_the_app_hands_over_is_placed_and_marked_to_the_tick(tmp_path: Path) -> None:
    """At every rate, from every timecode, under awkward names, also far into a file, where a double is ticks off."""
    axes = [(rate, drop, start) for rate, drop in AXES for start in STARTS]
    moments = []
    for number, (rate, drop, start) in enumerate(axes):
        source = media(f"{number} {AWKWARD_NAMES[number % len(AWKWARD_NAMES)]}", rate, start, drop)
        first = number + 1_700_000 * (number % 2)
        moments.append(moment(source, first, first + 1 + 2 * number, frames=1_700_200))
    outbox = tmp_path / "outbox"
    send(moments, outbox, name="all", handles_s=Fraction(1, 5))
    handed = json.loads((outbox / JSON_NAME).read_text())["moments"]
    facts = {each["media"]: known_to_premiere(each) for each in handed}
    (tmp_path / "media.json").write_text(json.dumps(facts))
    lines = run_node(HERE / "place_all.js", outbox, tmp_path / "media.json", temporary=tmp_path).strip().split("\n")
    assert len(lines) == SETTINGS and len(handed) == len(axes)
    at, placed, markers = 0, [], []
    for each in handed:
        rate = Fraction(each["rate"])
        first, length = ticks(each["in_frame"], rate), ticks(each["out_frame"] - each["in_frame"], rate)
        placed.append((each["media"], at, first, length))
        found = ticks(each["start_frame"], rate), ticks(each["end_frame"] - each["start_frame"], rate)
        markers.append((each["media"], each["name"], *found))
        at += length
    for line in lines:
        done = json.loads(line)
        assert done["said"] == [] and done["clips"] == len(handed)
        assert [(e["path"], int(e["at"]), int(e["from"]), int(e["length"])) for e in done["placed"]] == placed
        assert [(e["path"], e["name"], int(e["frame"]), int(e["length"])) for e in done["markers"]] == markers


def ticks(frames: int, rate: Fraction) -> int:
    exact = frames * TICKS_A_SECOND / rate
    assert exact.denominator == 1
    return int(exact)


def known_to_premiere(handed: dict[str, Any]) -> dict[str, Any]:
    """What Premiere finds in the file: its timecode as a time, and its length."""
    rate = Fraction(handed["rate"])
    hours, minutes, seconds, frame = map(int, re.split("[:;]", handed["media_start_tc"]))
    start = (hours * 3600 + minutes * 60 + seconds) * TICKS_A_SECOND + ticks(frame, rate)
    return {"start": str(start), "duration": str(ticks(handed["frames"], rate)), "fps": float(rate)}


def test_the_package_has_the_panel_and_is_the_same_each_time(home: Path) -> None:
    files = PREMIERE.files()
    [package] = files.values()
    assert PREMIERE.files() == files
    assert set(PANEL_FILES) == {path.name for path in PANEL.iterdir()}
    with zipfile.ZipFile(BytesIO(package)) as archive:
        assert archive.testzip() is None and archive.namelist() == sorted(PANEL_FILES)
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: (PANEL / name).read_bytes() for name in PANEL_FILES
        }


def test_a_package_depends_on_the_files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"b.js": b"2" * 5000, "a.js": b"1"}
    package = packed(files)
    monkeypatch.setattr("zipfile.sys.platform", "win32")
    monkeypatch.setattr("zipfile.time.time", lambda: 2e9)
    assert packed(dict(reversed(files.items()))) == package
    assert packed({**files, "a.js": b"3"}) != package


def test_the_manifest_asks_for_what_the_panel_needs() -> None:
    manifest = json.loads((PANEL / "manifest.json").read_text())
    assert manifest["manifestVersion"] == 5
    assert manifest["host"] == {"app": "premierepro", "minVersion": "25.6.0"}
    origins = [f"http://127.0.0.1:{port}" for port in PORTS]
    assert manifest["requiredPermissions"] == {"localFileSystem": "request", "network": {"domains": origins}}
    asked = re.search(r"^const PORTS = \[(.+)\];", (PANEL / "server.js").read_text(), re.MULTILINE)
    assert asked and tuple(map(int, asked[1].split(", "))) == PORTS
    assert (PANEL / manifest["main"]).is_file()
    [entry] = manifest["entrypoints"]
    assert f"{entry['id']}: {{" in (PANEL / "main.js").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert manifest["version"] == project["version"]


def test_the_panel_needs_nothing_that_it_does_not_carry() -> None:
    for path in PANEL.glob("*.js"):
        wanted = re.findall(r"""require\(["'](.+?)["']\)""", path.read_text())
        assert all(name in ("premierepro", "uxp") or (PANEL / name).is_file() for name in wanted), path
    scripts = re.findall('src="(.+?)"', (PANEL / "index.html").read_text())
    assert scripts == ["main.js"]


def test_install_writes_the_package_and_says_what_to_do_with_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [target] = PREMIERE.targets
    assert target == paths.plugins_folder() / "TimeRefine.ccx"
    assert main(["plugins", "install", "premiere"]) == 0
    said = capsys.readouterr()
    assert said.out == f"Wrote {target}\n" and "Double-click TimeRefine.ccx" in said.err
    assert "Premiere Pro has no folder here yet" in said.err and PREMIERE.next_step in said.err
    PREMIERE.home().mkdir(parents=True)
    assert main(["plugins", "list"]) == 0
    said = capsys.readouterr()
    assert "premiere  Premiere Pro: found, plugin written" in said.out and PREMIERE.by_hand in said.out
    assert f"{RESOLVE.name}  " in said.out
    assert main(["plugins", "remove", "premiere"]) == 0
    assert "remove it there as well" in capsys.readouterr().err and not target.exists()


def test_the_sequence_of_the_hand_over_is_the_export_of_the_same_moments(tmp_path: Path) -> None:
    from exporters.hand_off import hand_off

    moments: list[Moment] = [moment(media(), 5, 30), moment(media("b.mov", Fraction(24)), 7, 31)]
    send(moments, tmp_path / "outbox", name="dogs", handles_s=Fraction(1))
    hand_off(moments, tmp_path / "dogs.xml", name="dogs", handles_s=Fraction(1))
    assert (tmp_path / "outbox" / XML_NAME).read_bytes() == (tmp_path / "dogs.xml").read_bytes()
