"""Writing files whole or not at all, and one writer at a time."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ending
from tr_desktop.files import LOCK_NAME, LockedError, ReadBackError, flush, replacing, sole_writer, write_verified


def _full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("before", [None, b"yesterday"])
def test_a_file_holds_what_was_written_and_nothing_else_is_left(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "a.txt"
    if before is not None:
        path.write_bytes(before)
    write_verified(path, b"today")
    assert path.read_bytes() == b"today" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, b"yesterday"])
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes | None, step: str
) -> None:
    path = tmp_path / "a.txt"
    if before is not None:
        path.write_bytes(before)
    with monkeypatch.context() as patch:
        owner, name = {"write": (Path, "write_bytes"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[step]
        patch.setattr(owner, name, _full_disk)
        with pytest.raises(OSError, match="No space left"):
            write_verified(path, b"today")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([] if before is None else [before])


def test_other_bytes_read_back_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"yesterday")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: b"rotten")
        with pytest.raises(ReadBackError, match="read back"):
            write_verified(path, b"today")
    assert path.read_bytes() == b"yesterday" and list(tmp_path.iterdir()) == [path]


def test_any_exception_in_the_block_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"yesterday")
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"yesterday" and list(tmp_path.iterdir()) == [path]


def test_the_new_path_is_beside_the_old_one_and_ends_like_it(tmp_path: Path) -> None:
    with replacing(tmp_path / "clip.mov") as part:
        assert part.parent == tmp_path and part.suffix == ".mov" and not part.exists()
        part.touch()


@pytest.mark.parametrize("name", ["missing/a.txt", "folder", "x" * 300])
def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_verified(tmp_path / name, b"today")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_folder_without_permission_is_an_error(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            write_verified(tmp_path / "a.txt", b"today")
        with pytest.raises(OSError) as caught, sole_writer(tmp_path):
            pass
        assert not isinstance(caught.value, LockedError)
    finally:
        tmp_path.chmod(0o700)


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "folder" / "real.txt", tmp_path / "link.txt"
    target.parent.mkdir()
    target.write_bytes(b"yesterday")
    link.symlink_to(target)
    write_verified(link, b"today")
    assert link.is_symlink() and target.read_bytes() == b"today" and list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_of_a_replaced_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    path.chmod(0o640)
    write_verified(path, b"today")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_files_and_folders_can_be_flushed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    flush(tmp_path / "a.txt")
    flush(tmp_path)
    with pytest.raises(FileNotFoundError):
        flush(tmp_path / "missing")


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    with sole_writer(tmp_path), pytest.raises(LockedError), sole_writer(tmp_path):
        pass
    with sole_writer(tmp_path):
        pass


def test_a_killed_writer_frees_the_folder(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tr_desktop.files import sole_writer\n"
        "with sole_writer(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with ending(other):
        assert other.stdout is not None and other.stdout.readline().strip() == b"held"
        with pytest.raises(LockedError), sole_writer(tmp_path):
            pass
    with sole_writer(tmp_path):
        pass


def test_a_missing_folder_has_no_writer(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, sole_writer(tmp_path / "missing"):
        pass
    assert not isinstance(caught.value, LockedError)


def test_a_damaged_lock_is_an_error_of_the_disk(tmp_path):
    (tmp_path / LOCK_NAME).write_text("not a lock")
    with pytest.raises(OSError, match="can't be taken") as caught, sole_writer(tmp_path):
        pass
    assert not isinstance(caught.value, LockedError)
