"""The list of licences: of what runs here, and of a frozen folder."""

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S
from tr_desktop import licences
from tr_desktop.commands.main import main
from tr_desktop.licences.listing import listing


def test_everything_that_runs_here_is_named():
    made = listing()
    assert made.unnamed == []
    for said in ("- av ", "x264: GPL-2.0-or-later", "Qt and PySide6: LGPL-3.0-only", "Apache-2.0", "sample clip"):
        assert said in made.text
    assert "pytest" not in made.text.partition("====")[0]  # it only tests
    for text in ("GNU GENERAL PUBLIC LICENSE", "GNU LESSER GENERAL PUBLIC LICENSE", "Permission is hereby granted"):
        assert text in made.text
    version = distribution("PySide6-Essentials").version
    assert f"PySide6_Essentials {version}" in made.text and "replace them" in made.text


def test_the_command_prints_the_list_and_the_texts_on_request(capsys):
    assert main(["licences"]) == 0
    short = capsys.readouterr().out
    assert main(["licences", "--texts"]) == 0
    assert short.strip() in capsys.readouterr().out and "Version 3, 29 June 2007" not in short


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A folder as a frozen build has it."""
    inner = tmp_path / "TimeRefine" / "_internal"
    (inner / "tr_desktop" / "licences" / "texts").mkdir(parents=True)
    folder = inner / f"av-{distribution('av').version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").touch()
    for name in ("libx264-d6533a8d.so.165", "libQt6Core.so.6", "libcrypto.so.3", "libXau-154567c4.so.6.0.0"):
        (inner / name).touch()
    (inner / "simsimd.cpython-311-x86_64-linux-gnu.so").touch()
    return inner.parent


def _generate(build: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tr_desktop.licences", str(build)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)


def test_a_build_gets_its_list_and_is_under_the_gpl_as_a_whole(build, monkeypatch):
    done = _generate(build)
    assert done.returncode == 0, done.stderr
    written = build / "_internal" / "tr_desktop" / "licences" / "THIRD-PARTY.txt"
    said = written.read_text(encoding="utf-8")
    assert "as a whole is distributed under the GNU General Public License, version 3" in said
    assert "- av " in said and "numpy" not in said.partition("====")[0] and "OpenSSL" in said
    monkeypatch.setattr(licences, "WRITTEN", written)
    assert licences.text() == said and licences.text(with_texts=False) == said.partition("\n\n====")[0]


def test_a_build_with_a_library_that_nobody_named_is_refused(build):
    (build / "_internal" / "libsurprise-1a2b3c4d.so.2").touch()
    done = _generate(build)
    assert done.returncode == 1 and "libsurprise" in done.stderr and "libraries.csv" in done.stderr


def test_a_build_without_x264_and_x265_is_not_called_gpl(build):
    (build / "_internal" / "libx264-d6533a8d.so.165").unlink()
    assert "the folder as a whole" not in listing(build).text
