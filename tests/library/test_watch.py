"""Folders are followed: what comes is indexed once it is whole, and nothing that a disk does ends it."""

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.library.index import watch
from tr_desktop.library.index.watch import watch_folders
from tr_desktop.library.store.catalog import Catalog


def test_new_files_are_indexed_once_copying_has_finished(tmp_path):
    folder, stop, seen = tmp_path / "footage", threading.Event(), []
    source = write_clip(tmp_path / "source.mp4", [("blue", 200)]).read_bytes()
    encoder = ToyEncoder()

    def follow() -> None:
        with Catalog(tmp_path / "library") as catalog:
            for coverage in watch_folders([folder], catalog, encoder, stop, every_s=0.2):
                seen.append(({path.name for path in coverage.searched}, {s.path.name for s in coverage.skipped}))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        write_clip(folder / "first.mp4", [("red", 50)])  # the folder comes later, as a drive would
        with (folder / "slow.mp4").open("wb") as file:
            for start in range(0, len(source), 400):
                file.write(source[start : start + 400])
                file.flush()
                time.sleep(0.05)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and ({"first.mp4", "slow.mp4"}, set()) not in seen:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(5)
    assert seen[-1] == ({"first.mp4", "slow.mp4"}, set())
    assert all("slow.mp4" not in skipped for _, skipped in seen)
    assert encoder.encoded_frames == 4 + 16
    assert not thread.is_alive()


class Follower:
    """Watches `folders` in a thread; `names` are the files searched last, `notes` the sentences said."""

    def __init__(self, folders: list[Path], library: Path) -> None:
        self.names: set[str] = set()
        self.notes: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, args=(folders, library), daemon=True)

    def _follow(self, folders: list[Path], library: Path) -> None:
        with Catalog(library) as catalog:
            for coverage in watch_folders(
                folders, catalog, ToyEncoder(), self._stop, every_s=0.05, on_note=self.notes.append
            ):
                self.names = {path.name for path in coverage.searched}

    def wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not is_so() and time.monotonic() < deadline:
            assert self._thread.is_alive()
            time.sleep(0.02)
        assert is_so(), (self.names, self.notes)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_files_that_disappear_between_look_and_index_do_not_end_it(tmp_path, monkeypatch):
    folder = tmp_path / "footage"
    write_clip(folder / "kept.mp4", [("red", 50)])
    gone = [folder / f"frame{number}.txt" for number in range(20)]
    for path in gone:
        path.write_text("an editor's cache")
    index, is_first = watch.index_footage, [True]

    def index_late(*arguments, **options):
        if is_first.pop() if is_first else False:
            for path in gone:
                path.unlink()
        return index(*arguments, **options)

    monkeypatch.setattr(watch, "index_footage", index_late)
    with Follower([folder], tmp_path / "library") as follower:
        follower.wait(lambda: follower.names == {"kept.mp4"})
        write_clip(folder / "new.mp4", [("blue", 50)])
        follower.wait(lambda: follower.names == {"kept.mp4", "new.mp4"})
        (folder / "kept.mp4").unlink()
        follower.wait(lambda: follower.names == {"new.mp4"})
    assert not follower.notes


def test_what_cannot_be_followed_is_said_once(tmp_path, monkeypatch):
    locked, later, folder = tmp_path / "footage" / "locked", tmp_path / "later", tmp_path / "footage"
    write_clip(folder / "clip.mp4", [("red", 50)])
    locked.mkdir()
    scandir = os.scandir

    def refuse(path="."):
        if Path(path) == locked:
            raise OSError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with Follower([folder, later], tmp_path / "library") as follower:
        follower.wait(lambda: follower.names == {"clip.mp4"})
        write_clip(later / "more.mp4", [("blue", 50)])
        follower.wait(lambda: follower.names == {"clip.mp4", "more.mp4"})
    assert sorted(follower.notes) == sorted(
        [
            f"{later}: no such folder yet: waiting for it",
            f"{locked}: the folder can't be opened: Permission denied",
        ]
    )


def test_a_share_that_goes_down_is_said_and_followed_again(tmp_path, monkeypatch):
    folder = tmp_path / "share"
    write_clip(folder / "clip.mp4", [("red", 50)])
    is_down, stat = threading.Event(), os.stat

    def fail(path, *arguments, **options):
        if is_down.is_set() and isinstance(path, str | Path) and Path(path).is_relative_to(folder):
            raise OSError(errno.EHOSTDOWN, "Host is down", str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", fail)
    with Follower([folder], tmp_path / "library") as follower:
        follower.wait(lambda: follower.names == {"clip.mp4"})
        is_down.set()
        follower.wait(lambda: follower.notes == [f"{folder}: can't be opened: Host is down"])
        is_down.clear()
        write_clip(folder / "new.mp4", [("blue", 50)])
        follower.wait(lambda: follower.names == {"clip.mp4", "new.mp4"})


def test_unchanged_files_are_looked_at_but_not_indexed_again(tmp_path, monkeypatch):
    folder = tmp_path / "footage"
    folder.mkdir()
    for number in range(500):
        (folder / f"{number}.txt").write_text("text")
    asked, looks = [], []
    index, look = watch.index_footage, watch._look

    def counted(*arguments, **options):
        asked.append(len(arguments[0]))
        return index(*arguments, **options)

    def looked(*arguments):
        looks.append(0)
        return look(*arguments)

    monkeypatch.setattr(watch, "index_footage", counted)
    monkeypatch.setattr(watch, "_look", looked)
    with Follower([folder], tmp_path / "library") as follower:
        follower.wait(lambda: len(looks) >= 6)
        assert asked == [500]
        (folder / "more.txt").write_text("text")
        follower.wait(lambda: asked == [500, 501] or asked == [500, 500, 501])


@pytest.mark.parametrize("reading_s", [0.0, 0.4])
def test_the_pause_follows_the_cost_of_looking_and_indexing(tmp_path, monkeypatch, reading_s):
    (tmp_path / "notes.txt").write_text("text")
    stop, waits = threading.Event(), list[float]()
    index = watch.index_footage

    def slow(paths, catalog, encoder, on_progress, *rest, **options):
        time.sleep(0.1 + reading_s)
        if reading_s:  # new footage was read
            on_progress(watch.IndexProgress(tmp_path, 1, 1, 1, 1, 0, reading_s))
        return index(paths, catalog, encoder, on_progress, *rest, **options)

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            stop.set()

    monkeypatch.setattr(watch, "index_footage", slow)
    monkeypatch.setattr(stop, "wait", wait)
    with Catalog(tmp_path / "library") as catalog:
        list(watch_folders([tmp_path], catalog, ToyEncoder(), stop, every_s=0.01))
    assert 1.0 <= waits[1] < 3.0


def failing(monkeypatch, is_so: Callable[[list[str]], bool]) -> None:
    """Indexing fails by an error of this program, if `is_so` for the names that are to be indexed."""
    index = watch.index_footage

    def index_or_fail(paths, *arguments, **options):
        if is_so([path.name for path in paths]):
            raise ZeroDivisionError("nobody thought of this")
        return index(paths, *arguments, **options)

    monkeypatch.setattr(watch, "index_footage", index_or_fail)


def test_a_file_that_fails_unexpectedly_is_said_once_and_the_rest_is_followed(tmp_path, monkeypatch):
    folder = tmp_path / "footage"
    bad = write_clip(folder / "bad.mp4", [("red", 50)])
    for number in range(5):
        write_clip(folder / f"{number}.mp4", [("red", 51 + number)])
    failing(monkeypatch, lambda names: "bad.mp4" in names and bad.stat().st_mtime_ns != 5)
    good = {f"{number}.mp4" for number in range(5)}
    with Follower([folder], tmp_path / "library") as follower:
        follower.wait(lambda: follower.names == good)
        write_clip(folder / "new.mp4", [("blue", 50)])
        follower.wait(lambda: follower.names == good | {"new.mp4"})
        os.utime(bad, ns=(5, 5))
        follower.wait(lambda: follower.names == good | {"new.mp4", "bad.mp4"})
    what = "an error of this program: ZeroDivisionError('nobody thought of this')"
    assert follower.notes == [f"{bad} is left out until it changes: {what}"]


def test_an_error_of_the_program_is_said_once_and_does_not_end_it(tmp_path, monkeypatch):
    folder, is_broken = tmp_path / "footage", [True]
    for number in range(10):
        write_clip(folder / f"{number}.mp4", [("red", 51 + number)])
    asked = []
    failing(monkeypatch, lambda names: asked.append(names) or is_broken[0])
    with Follower([folder], tmp_path / "library") as follower:
        follower.wait(lambda: sum(len(names) == 10 for names in asked) > 2)
        is_broken[0] = False
        follower.wait(lambda: len(follower.names) == 10)
    assert [note.partition(":")[0] for note in follower.notes] == ["Nothing can be indexed"]
