"""A file that ends its reader costs that file: new files are read in a process of their own."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S, ending
from tests.toy import write_clip
from tr_desktop.commands.main import main
from tr_desktop.errors import LibraryError, UserError
from tr_desktop.library.index.coverage import NOT_YET
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.isolated import ENDS_ITS_READER, read_isolated
from tr_desktop.library.index.watch import watch_folders
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.devices import AUTO
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

# Imported by each child as it starts: breaks what the names of files ask for, and notes each file that is opened.
SITECUSTOMIZE = """
import os, signal, time
import av
from tr_desktop.errors import LibraryError
from tr_desktop.library.store.writer import Writer
from tr_desktop.models.encoder import Encoder

real_open, real_append = av.open, Writer.append

def open_(file, *arguments, **options):
    name = os.path.basename(str(getattr(file, "name", file)))
    with open(os.environ["OPENED"], "a") as notes:
        notes.write(name + "\\n")
    if "aborts" in name:
        os.write(1, b"not for anybody"), os.write(2, b"free(): double free detected")
        os.abort()
    if name.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("raises"):
        raise RuntimeError("nobody thought of this")
    if name.startswith("hangs"):
        time.sleep(600)
    return real_open(file, *arguments, **options)

def append(self, source, footage, pack, every_s, first_row, rows, **options):
    if source.path.name.startswith("late") and first_row >= 4:
        os.abort()
    if source.path.name.startswith("full"):
        raise LibraryError("The library can't be written: No space left on device", path="here", remedy="Free space")
    real_append(self, source, footage, pack, every_s, first_row, rows, **options)

av.open, Writer.append = open_, append
if "GREETING" in os.environ:
    print(os.environ["GREETING"], flush=True)
if "NO_MODEL" in os.environ:
    Encoder.encode_images = lambda *_: os.abort()
if "BAD_DRIVER" in os.environ:
    import onnxruntime

    real_session, real_providers = onnxruntime.InferenceSession, onnxruntime.get_available_providers()

    def session(*arguments, providers, **options):
        if "CUDA" in str(providers):
            with open(os.environ["OPENED"], "a") as notes:
                notes.write("driver\\n")
            os.abort()
        return real_session(*arguments, providers=providers, **options)

    onnxruntime.InferenceSession = session
    onnxruntime.get_available_providers = lambda: ["CUDAExecutionProvider", *real_providers]
"""


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Names of the files that children opened, so far."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "hooks"), root]))
    monkeypatch.setenv("OPENED", str(tmp_path / "opened"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "opened").touch()
    return lambda: (tmp_path / "opened").read_text().split()


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(load_pack("mini"), "cpu")


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def clips(folder: Path, *names: str, frames: int = 25) -> list[Path]:
    return [write_clip(folder / name, [("red", frames + number)]) for number, name in enumerate(names)]


def reasons(coverage) -> dict[str, str]:
    return {skipped.path.name: skipped.reason for skipped in coverage.skipped}


def test_one_file_of_twenty_ends_its_reader(tmp_path, catalog, encoder, opened):
    names = [f"{number:02}.mp4" for number in range(19)]
    clips(tmp_path / "footage", *names, "09 aborts.mp4")
    seen = []
    coverage = index_footage([tmp_path / "footage"], catalog, encoder, seen.append, read=read_isolated)
    assert [path.name for path in coverage.searched] == names
    assert reasons(coverage) == {"09 aborts.mp4": ENDS_ITS_READER}
    assert {progress.files for progress in seen} == {20} and {progress.total_bytes for progress in seen} == {
        sum(path.stat().st_size for path in (tmp_path / "footage").iterdir())
    }
    done = [progress.done_bytes for progress in seen]
    assert done == sorted(done)
    count = len(opened())
    again = index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated)
    assert again == coverage and len(opened()) == count


def test_several_files_end_their_readers_at_once_and_in_the_middle(tmp_path, catalog, encoder, opened):
    clips(tmp_path / "footage", "aborts_1.mp4", "aborts_2.mp4", "good.mp4", "z.mp4")
    write_clip(tmp_path / "footage" / "late.mp4", [("blue", 400)])
    coverage = index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated)
    assert {path.name for path in coverage.searched} == {"good.mp4", "z.mp4"}
    assert reasons(coverage) == dict.fromkeys(("aborts_1.mp4", "aborts_2.mp4", "late.mp4"), ENDS_ITS_READER)
    assert index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated) == coverage


def test_a_file_that_ends_its_reader_in_the_first_pass_is_skipped(tmp_path, catalog, encoder, opened):
    for name, frames in (("a.mp4", 400), ("b aborts.mp4", 100), ("c.mp4", 402)):
        write_clip(tmp_path / "footage" / name, [("red", frames)], Fraction(1))
    passes = set()
    coverage = index_footage(
        [tmp_path / "footage"], catalog, encoder, lambda each: passes.add(each.is_first_pass), read=read_isolated
    )
    assert passes == {True, False}
    assert [path.name for path in coverage.searched] == ["a.mp4", "c.mp4"] and not coverage.unread
    assert reasons(coverage) == {"b aborts.mp4": ENDS_ITS_READER}


def test_a_killed_child_and_an_unexpected_error_are_not_held_against_a_file(tmp_path, catalog, encoder, opened):
    clips(tmp_path / "footage", "good.mp4", "killed.mp4", "raises.mp4")
    coverage = index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated)
    assert [path.name for path in coverage.searched] == ["good.mp4"]
    why = reasons(coverage)
    assert "memory" in why["killed.mp4"] and "RuntimeError: nobody thought of this" in why["raises.mp4"]
    assert all("next run tries again" in reason for reason in why.values())
    before = opened().count("raises.mp4")
    assert reasons(index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated)) == why
    assert opened().count("raises.mp4") > before


def test_the_commands_go_on_and_stay_quiet(tmp_path, opened, capfd):
    footage, library = tmp_path / "footage", tmp_path / "library"
    clips(footage, "aborts.mp4", "good.mp4")
    main(["find", "a red picture", str(footage), "--library", str(library)])
    out, err = capfd.readouterr()
    assert "good.mp4" in out and f"skipped aborts.mp4: {ENDS_ITS_READER}" in err
    assert "double free" not in out + err and "not for anybody" not in out + err
    assert main(["index", str(footage), "--library", str(library)]) == 0
    assert "Searched 1 of 2 files" in capfd.readouterr().err


def test_watching_goes_on(tmp_path, catalog, encoder, opened):
    clips(tmp_path / "footage", "aborts.mp4", "good.mp4")
    stop = threading.Event()
    seen = watch_folders([tmp_path / "footage"], catalog, encoder, stop, every_s=0.2, read=read_isolated)
    coverage = next(seen)
    stop.set()
    assert [path.name for path in coverage.searched] == ["good.mp4"]
    assert reasons(coverage) == {"aborts.mp4": ENDS_ITS_READER}


def test_errors_of_the_library_come_back_as_themselves(tmp_path, catalog, encoder, opened):
    clips(tmp_path / "footage", "full.mp4")
    with pytest.raises(LibraryError, match="No space left") as raised:
        index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated)
    assert (raised.value.path, raised.value.remedy) == ("here", "Free space")


def test_a_model_that_crashes_is_not_blamed_on_files(tmp_path, catalog, encoder, opened, monkeypatch):
    clips(tmp_path / "footage", "good.mp4")
    monkeypatch.setenv("NO_MODEL", "1")
    with pytest.raises(UserError, match="ended at once"):
        index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated)
    monkeypatch.delenv("NO_MODEL")
    assert len(index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated).searched) == 1


@pytest.mark.parametrize("device", [AUTO, "cuda"])
def test_a_driver_that_ends_its_process_is_passed_over_at_once(tmp_path, catalog, opened, monkeypatch, device):
    (good,) = clips(tmp_path / "footage", "good.mp4")
    monkeypatch.setenv("BAD_DRIVER", "1")
    encoder = Encoder(load_pack("mini"), device)
    if device == AUTO:
        coverage = index_footage([good], catalog, encoder, read=read_isolated)
        assert coverage.searched == [good] and not coverage.skipped and opened().count("driver") == 1
    else:
        with pytest.raises(UserError, match="ended at once"):
            index_footage([good], catalog, encoder, read=read_isolated)
        assert opened() == ["driver"] * 2  # no file is blamed


@pytest.mark.parametrize("greeting", ["hello", "null", "{}"])
def test_what_python_prints_as_it_starts_is_no_message(tmp_path, opened, monkeypatch, greeting):
    clips(tmp_path / "footage", "good.mp4")
    monkeypatch.setenv("GREETING", greeting)
    command = [sys.executable, "-m", "tr_desktop", "index", str(tmp_path / "footage")]
    done = subprocess.run(
        [*command, "--library", str(tmp_path / "library")], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0 and "Searched 1 of 1 file" in done.stderr


def test_a_child_ends_though_the_last_words_of_its_parent_were_cut_off(tmp_path, encoder, opened):
    (clip,) = clips(tmp_path / "footage", "good.mp4")
    pack = {"pack": str(encoder.pack.location.absolute()), "sha256": encoder.pack.sha256}
    job = {"library": str(tmp_path / "library"), "device": "cpu", "hardware": False, "files": [str(clip)], **pack}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tr_desktop.library.index.reader_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with ending(child):
        child.stdin.write(json.dumps(job).encode() + b"\n")
        child.stdin.flush()
        lines = [child.stdout.readline() for _ in range(3)]  # two passes begin the file
        assert b"progress" in lines[-1]  # it waits for an answer now
        child.stdin.write(b'{"pau')
        child.stdin.close()
        assert child.wait() in (0, 1)  # not killed for being late


def test_stopping_ends_a_child_that_hangs(tmp_path, catalog, encoder, opened):
    clips(tmp_path / "footage", "good.mp4", "hangs.mp4")
    stop, asked_s = threading.Event(), []

    def ask() -> None:
        try:
            wait_for(lambda: "hangs.mp4" in opened())
        finally:
            asked_s.append(time.monotonic())
            stop.set()

    threading.Thread(target=ask, daemon=True).start()
    coverage = index_footage([tmp_path / "footage"], catalog, encoder, stop=stop, read=read_isolated)
    assert time.monotonic() - asked_s[0] < 60  # the child would sleep for ten minutes
    assert reasons(coverage)["hangs.mp4"] == NOT_YET
    with catalog.writing():
        pass


def test_an_error_while_reporting_ends_the_child(tmp_path, catalog, encoder, opened):
    clips(tmp_path / "footage", "a.mp4", "b.mp4")

    def report(_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        index_footage([tmp_path / "footage"], catalog, encoder, report, read=read_isolated)
    with catalog.writing():
        pass


def test_pausing_waits(tmp_path, catalog, encoder, opened):
    clips(tmp_path / "footage", *(f"{number}.mp4" for number in range(8)))
    pause, seen = threading.Event(), []

    def report(progress):
        if not seen:
            pause.set()
            threading.Timer(1.5, pause.clear).start()
        seen.append((pause.is_set(), progress.path.name))

    coverage = index_footage([tmp_path / "footage"], catalog, encoder, report, pause=pause, read=read_isolated)
    assert len(coverage.searched) == 8
    assert "7.mp4" not in {name for is_paused, name in seen if is_paused}


@posix_only
def test_a_child_ends_with_its_parent(tmp_path, encoder, opened):
    clips(tmp_path / "footage", "good.mp4", "hangs.mp4")
    command = [sys.executable, "-m", "tr_desktop", "index", str(tmp_path / "footage")]
    parent = subprocess.Popen([*command, "--library", str(tmp_path / "library")], stderr=subprocess.DEVNULL)
    with ending(parent):
        wait_for(lambda: "hangs.mp4" in opened())
    with Catalog(tmp_path / "library") as catalog:

        def is_free() -> bool:
            try:
                with catalog.writing():
                    return True
            except LibraryError:
                return False

        wait_for(is_free)
    database = sqlite3.connect(tmp_path / "library" / "library.sqlite3")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def wait_for(condition) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, f"not so after {PATIENCE_S} s"
        time.sleep(0.05)


@posix_only
def test_a_frozen_application_reads_files_as_a_process_of_itself(tmp_path, catalog, encoder, opened, monkeypatch):
    """It has no Python to start: its program is called, by a name of its own, with one argument."""
    program = tmp_path / "TimeRefine"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(tmp_path / 'calls')!r}, 'a').write(str(sys.argv[1:]))\n"
        "from tr_desktop.commands.main import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    good, _ = clips(tmp_path / "footage", "good.mp4", "aborts.mp4")
    coverage = index_footage([tmp_path / "footage"], catalog, encoder, read=read_isolated)
    assert coverage.searched == [good] and reasons(coverage) == {"aborts.mp4": ENDS_ITS_READER}
    assert "good.mp4" in opened() and set((tmp_path / "calls").read_text().split("]")) == {"['_read-files'", ""}
