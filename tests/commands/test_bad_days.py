"""Whatever a user types or a disk does: a sentence and status 2, never a traceback and never status 1."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S, ending
from tests.toy import write_clip
from tr_desktop import paths
from tr_desktop.commands import find as find_command
from tr_desktop.commands.main import main

COMMAND = [sys.executable, "-m", "tr_desktop"]


@pytest.fixture
def share(tmp_path) -> Path:
    """Indexed footage on a share."""
    write_clip(tmp_path / "share" / "clip.mp4", [("red", 50), ("blue", 50)])
    assert main(["index", str(tmp_path / "share"), "--library", str(tmp_path / "library")]) == 0
    return tmp_path / "share"


@pytest.fixture(autouse=True)
def log(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(paths, "settings_folder", lambda: tmp_path / "settings")
    return tmp_path / "settings" / "errors.log"


def fail_below(monkeypatch, folder: Path, code: int) -> None:
    """Every look at `folder` or below it fails, as on a share that is down."""
    for name in ("stat", "lstat", "scandir"):
        real = getattr(os, name)

        def failing(path=".", *arguments, real=real, **options):
            if isinstance(path, str | Path) and Path(path).is_relative_to(folder):
                raise OSError(code, os.strerror(code), str(path))
            return real(path, *arguments, **options)

        monkeypatch.setattr(os, name, failing)


@pytest.mark.parametrize("code", [errno.EHOSTDOWN, errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EACCES])
@pytest.mark.parametrize("named", ["share", "file"])
def test_a_share_that_is_down_is_searched_from_the_library(share, tmp_path, capsys, monkeypatch, code, named):
    fail_below(monkeypatch, share, code)
    path = share if named == "share" else share / "clip.mp4"
    assert main(["find", "a blue picture", str(path), "--library", str(tmp_path / "library")]) in (0, 1)
    printed = capsys.readouterr()
    assert "clip.mp4" in printed.out and "offline, known from the library: clip.mp4" in printed.err


@pytest.mark.parametrize("code", [errno.EHOSTDOWN, errno.EIO, errno.EACCES])
def test_an_unknown_share_that_is_down_is_a_sentence(tmp_path, capsys, monkeypatch, code):
    fail_below(monkeypatch, tmp_path / "other", code)
    for path in (tmp_path / "other", tmp_path / "other" / "clip.mp4"):
        assert main(["find", "a cat", str(path), "--library", str(tmp_path / "library")]) == 2
        assert os.strerror(code) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x" * 300], "File name too long"),
        (["{clip}", "--longer", "1/0"], "invalid seconds value"),
        (["{clip}", "--longer", "1e999999999"], "invalid seconds value"),
        (["{clip}", "--longer", "nan"], "invalid seconds value"),
        (["{clip}", "--handles", "1/0"], "invalid seconds value"),
        (["{clip}", "--after", "0001-01-01"], "invalid date value"),
        (["{clip}", "--before", "9999-12-31T23:59:59.999999"], ""),
        (["{clip}", "--top", "9" * 30], "invalid positive value"),
        (["--like", "x" * 300], "too long"),
    ],
)
def test_what_is_typed_is_understood_or_a_sentence(tmp_path, capsys, arguments, sentence):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 25)])
    arguments = [argument.format(clip=clip) for argument in arguments]
    try:
        status = main(["find", "a cat", *arguments, "--library", str(tmp_path / "library")])
    except SystemExit as ended:
        status = ended.code
    error = capsys.readouterr().err
    assert status == (2 if sentence else 1) and sentence in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("caf\udce9", "not valid text"),
        ("cat^0", "weight 0"),
        ("cat^0 -dog", "weight 0"),
        ('-"a dog"', "only has terms to leave out"),
    ],
)
def test_a_query_that_says_nothing_is_refused_before_anything_is_indexed(tmp_path, capsys, query, sentence):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 25)])
    assert main(["find", query, str(clip), "--library", str(tmp_path / "library")]) == 2
    assert sentence in capsys.readouterr().err
    assert not list((tmp_path / "library").glob("vectors-*"))


def test_a_reader_that_ends_early_is_no_error(share, tmp_path):
    find = [*COMMAND, "find", "red", str(share), "--library", str(tmp_path / "library"), "--json"]
    process = subprocess.Popen(find, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with ending(process):
        process.stdout.close()
        error = process.stderr.read()
        status = process.wait()
    assert status == 141 and "Traceback" not in error and "BrokenPipe" not in error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_output_that_cannot_be_written_is_said(share, tmp_path):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        find = [*COMMAND, "find", "red", str(share), "--library", str(tmp_path / "library"), "--json"]
        done = subprocess.run(
            find,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": str(tmp_path)},
            timeout=PATIENCE_S,
        )
    assert done.returncode == 2 and "No space left" in done.stderr and "Traceback" not in done.stderr


def test_an_error_of_the_program_leaves_its_traceback_in_a_file(tmp_path, capsys, monkeypatch, log):
    def fail(_):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(find_command, "run", fail)
    assert main(["find", "a cat", str(tmp_path)]) == 3
    error = capsys.readouterr().err
    assert "nobody thought of this" in error and str(log) in error and "Traceback" not in error
    assert "Traceback" in log.read_text() and "nobody thought of this" in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--name", "*.mov"], "No file is left by the filters: its name isn't *.mov (1 file)"),
        (["--longer", "60"], "No file is left by the filters: shorter than 60 s (1 file)"),
    ],
)
def test_filters_that_leave_out_everything_are_the_reason(share, tmp_path, capsys, arguments, sentence):
    (share / ".DS_Store").write_bytes(b"Bud1")
    (share / "._clip.mp4").write_bytes(b"\0\5\x16\7")
    assert main(["find", "a cat", str(share), *arguments, "--library", str(tmp_path / "library")]) == 2
    assert sentence in capsys.readouterr().err


def test_the_most_common_reason_of_footage_is_the_reason(tmp_path, capsys):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.txt", "b.txt", "c.txt", "._d.mov"):
        (folder / name).write_text("text")
    for name in ("x.mov", "y.mov"):
        (folder / name).touch()
    assert main(["find", "a cat", str(folder), "--library", str(tmp_path / "library")]) == 2
    assert "None of the 6 files can be searched: x.mov: an empty file (and 1 more like it)" in capsys.readouterr().err


def test_doctor_opens_the_library(share, tmp_path, capsys):
    library = tmp_path / "library"
    assert main(["doctor", "--library", str(library)]) == 0
    assert f"Library: {library}, whole" in capsys.readouterr().out
    next(library.glob("vectors-*.lower")).unlink()
    assert main(["doctor", "--library", str(library)]) == 2
    assert "hold 0 of" in capsys.readouterr().err
