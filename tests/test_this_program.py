"""The program knows the way in which it was installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import tr_desktop
from tests.processes import PATIENCE_S
from tr_desktop import this_program
from tr_desktop.commands.main import main
from tr_desktop.library.index.screen_text import not_installed
from tr_desktop.models import pack
from tr_desktop.this_program import how_to_get, how_to_run_grounders
from tr_desktop.version import this_version


@pytest.fixture
def frozen(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("PYINSTALLER_RESET_ENVIRONMENT", "0")  # the program sets it


@pytest.fixture
def installed(monkeypatch, tmp_path) -> Path:
    """By pip or uv; the environment's folder."""
    monkeypatch.setattr(this_program, "_CLONE", tmp_path / "site-packages")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


def test_in_a_clone_remedies_name_run_py_or_the_clone():
    assert "run.py app" in how_to_get("app")
    assert "run.py convert" in how_to_get("convert")
    root = Path(__file__).parents[1]
    assert f'pip install --editable "{root}[ocr]"' in not_installed().remedy and sys.executable in how_to_get("ocr")
    assert "run.py llm" in how_to_run_grounders()


def test_installed_by_pip_remedies_name_the_extra(installed):
    assert how_to_get("app") == 'Install it with: pip install "tr-desktop[app]"'
    assert "run.py" not in how_to_get("convert") + how_to_run_grounders()
    assert "TR_GROUNDER_PYTHON" in how_to_run_grounders()


def test_installed_as_a_tool_of_uv_remedies_use_uv_and_keep_the_app(installed, monkeypatch):
    (installed / "uv-receipt.toml").touch()
    for has_qt, extras in ((None, "ocr"), ("PySide6", "app,ocr")):
        monkeypatch.setattr(this_program, "find_spec", lambda _, found=has_qt: found)
        assert how_to_get("ocr") == f'Install it with: uv tool install "tr-desktop[{extras}]"'
    assert how_to_get("app") == 'Install it with: uv tool install "tr-desktop[app]"'


def test_a_build_says_that_it_cannot_be_extended(frozen):
    for extra in ("app", "ocr", "convert"):
        assert "can't be extended" in how_to_get(extra) and "run.py" not in how_to_get(extra)
    assert "TR_GROUNDER_PYTHON" in how_to_run_grounders() and "run.py" not in how_to_run_grounders()


def test_a_build_offers_no_training(frozen, capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out
    assert "doctor" in listed and "train" not in listed and "evaluate" not in listed


def test_without_torch_only_what_runs_is_listed_and_the_rest_says_what_it_needs(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tr_desktop.training.commands.find_spec", lambda name: None if name == "torch" else name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out
    assert "evaluate" in listed and "    train" not in listed
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    listed = capsys.readouterr().out
    assert "grounder" in listed and "    refiner" not in listed
    assert main(["train", "encoder", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "Training needs torch" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such path")
@pytest.mark.parametrize("original", ["/of/the/system", None])
def test_what_a_build_starts_finds_the_libraries_of_the_system(frozen, monkeypatch, capsys, original):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/build")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", original or "")
    if original is None:
        monkeypatch.delenv("LD_LIBRARY_PATH_ORIG")
    main(["plugins", "list"])
    child = subprocess.run(["env"], capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout.splitlines()
    assert [line for line in child if "LD_LIBRARY" in line] == (
        [f"LD_LIBRARY_PATH={original}"] if original is not None else []
    )
    assert "PYINSTALLER_RESET_ENVIRONMENT=1" in child  # this build, as a child, looks for its own libraries anew


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such path")
def test_a_library_path_of_the_user_is_left_alone(monkeypatch, capsys):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/user")
    main(["plugins", "list"])
    assert os.environ["LD_LIBRARY_PATH"] == "/of/the/user"


def test_a_program_without_its_packs_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pack, "EMBEDDED", tmp_path / "none")
    assert main(["find", "a cat", "--library", str(tmp_path / "library")]) == 2
    said = capsys.readouterr().err
    assert "comes with is missing" in said and "again" in said and "Traceback" not in said
    assert main(["models", "list"]) in (0, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_a_build_knows_its_commit_and_an_installation_without_one_says_nothing(frozen, monkeypatch):
    assert this_version().commit == "" and "(" not in str(this_version())
    monkeypatch.setitem(sys.modules, "tr_desktop._build", SimpleNamespace(COMMIT="1a2b3c4", DATE="2026-11-30"))
    monkeypatch.setattr(tr_desktop, "_build", sys.modules["tr_desktop._build"], raising=False)
    assert str(this_version()).endswith(" (1a2b3c4, 2026-11-30)")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_an_unpacked_archive_does_not_claim_the_commit_of_the_repository_around_it(tmp_path):
    archive = tmp_path / "archive"
    (archive / "tr_desktop").mkdir(parents=True)
    for name in ("run.py", "tr_desktop/__init__.py", "tr_desktop/version.py", "tr_desktop/this_program.py"):
        shutil.copy(Path(tr_desktop.__file__).parents[1] / name, archive / name)

    def git(folder: Path, *words: str) -> str:
        own = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(folder), *own, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout.strip()

    def commit(folder: Path) -> str:
        git(folder, "init", "--quiet")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", str(folder))
        return git(folder, "log", "-1", "--format=%h")

    def known() -> str:
        code = "from tr_desktop.version import this_version; print(this_version().commit)"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=archive, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        return done.stdout.strip()

    commit(tmp_path)
    assert known() == ""
    assert commit(archive) == known() != ""  # a repository itself


def test_without_a_pack_the_version_is_said_all_the_same(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pack, "EMBEDDED", tmp_path / "none")
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and "no model pack" in capsys.readouterr().out
