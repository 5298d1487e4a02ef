"""A library that can't be written says why: full, busy, not writable or damaged."""

import os
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import LibraryError
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.watch import watch_folders
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.lock import NotWritableError


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 400 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a disk can't be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


@pytest.mark.skipif(os.name != "posix", reason="mounts")
def test_a_full_disk_is_the_reason_in_every_later_run_too(tmp_path, small_disk):
    first = write_clip(tmp_path / "footage" / "first.mp4", [("red", 50)])
    with Catalog(small_disk / "library") as catalog:
        index_footage([first], catalog, ToyEncoder())
    fill(small_disk)
    new = write_clip(tmp_path / "footage" / "new.mp4", [("blue", 60)])
    for _ in range(3):
        with Catalog(small_disk / "library") as catalog:
            try:
                coverage = index_footage([tmp_path / "footage"], catalog, ToyEncoder())
            except LibraryError as error:
                reason = str(error)
            else:
                assert coverage.searched == [first]  # what is indexed can be searched all the same
                (reason,) = [skipped.reason for skipped in coverage.skipped]
        assert "full" in reason and "another TimeRefine" not in reason
    (small_disk / "filler").unlink()
    with Catalog(small_disk / "library") as catalog:
        assert index_footage([tmp_path / "footage"], catalog, ToyEncoder()).searched == [first, new]


@pytest.mark.skipif(os.name != "posix", reason="mounts")
def test_watching_outlives_a_full_disk(tmp_path, small_disk):
    clip = write_clip(tmp_path / "footage" / "clip.mp4", [("red", 50)])
    stop, notes, searched = threading.Event(), list[str](), list[Path]()
    with Catalog(small_disk / "library") as catalog:
        fill(small_disk)

        def note(text: str) -> None:
            notes.append(text)
            (small_disk / "filler").unlink()

        timer = threading.Timer(60, stop.set)
        timer.start()
        for coverage in watch_folders([clip.parent], catalog, ToyEncoder(), stop, every_s=0.05, on_note=note):
            searched += coverage.searched
            if searched:
                stop.set()
            elif coverage.skipped:
                note(coverage.skipped[0].reason)
        timer.cancel()
    assert searched == [clip]
    assert len(notes) == 1 and "full" in notes[0]


def test_a_busy_library_is_the_reason_while_it_is_busy(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 50)])
    with Catalog(tmp_path / "library") as catalog:
        with catalog.writing():
            (skipped,) = index_footage([clip], catalog, ToyEncoder()).skipped
            assert "another TimeRefine is indexing into this library" in skipped.reason
        assert index_footage([clip], catalog, ToyEncoder()).searched == [clip]


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR])
def test_each_cause_has_its_own_sentence(tmp_path, monkeypatch, code):
    sentences = {
        sqlite3.SQLITE_FULL: "the disk that holds the library is full",
        sqlite3.SQLITE_READONLY: "the library can't be written",
        sqlite3.SQLITE_IOERR: "the library can't be used",
    }

    class Failing:
        in_transaction = False

        def execute(self, *_):
            error = sqlite3.OperationalError("no luck")
            error.sqlite_errorcode = code
            raise error

    with closing(Catalog(tmp_path)) as catalog:
        connection = catalog._database._connection
        monkeypatch.setattr(catalog._database, "_connection", Failing())
        with pytest.raises(LibraryError, match=sentences[code]):
            catalog.places.set_exclusions(["x"])
        monkeypatch.setattr(catalog._database, "_connection", connection)


def test_a_read_only_library_says_why_it_is(tmp_path, monkeypatch):
    write_clip(tmp_path / "clip.mp4", [("red", 50)])
    with Catalog(tmp_path / "library") as catalog:
        index_footage([tmp_path / "clip.mp4"], catalog, ToyEncoder())
    real = sqlite3.connect

    def connect(name, *arguments, **options):
        if "mode=ro" not in str(name):
            error = sqlite3.OperationalError("attempt to write a readonly database")
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY
            raise error
        return real(name, *arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", connect)
    with Catalog(tmp_path / "library") as catalog:
        with pytest.raises(NotWritableError, match="not indexed: the library can't be written: attempt"):
            catalog.writing().__enter__()
        assert index_footage([tmp_path / "clip.mp4"], catalog, ToyEncoder()).searched
