"""Footage is known by its content: moved, copied, renamed, unplugged, touched, replaced while it is read."""

import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.drives import pretend_drive
from tests.processes import FORK, run_forked
from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import UserError
from tr_desktop.grounding import find
from tr_desktop.library.index.coverage import Skipped
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store import schema
from tr_desktop.library.store.catalog import Catalog


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def encoder():
    return ToyEncoder()


def known_names(catalog: Catalog) -> set[str]:
    return {Path(os.fsdecode(path)).name for path in catalog.known("toy")}


def test_a_moved_file_is_not_decoded_again_and_its_old_path_is_dropped(tmp_path, catalog, encoder):
    old = write_clip(tmp_path / "a" / "old.mp4", [("red", 50)])
    write_clip(tmp_path / "a" / "other.mp4", [("blue", 50)])
    index_footage([tmp_path / "a"], catalog, encoder)
    seen = encoder.encoded_frames
    new = tmp_path / "b" / "renamed.mov"
    new.parent.mkdir()
    old.rename(new)
    assert index_footage([tmp_path / "b"], catalog, encoder).searched == [new]
    assert encoder.encoded_frames == seen
    assert known_names(catalog) == {"renamed.mov", "other.mp4"}
    assert catalog.load(new, "toy").media.path == new


def test_a_touched_file_is_not_decoded_again(tmp_path, catalog, encoder):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 50)])
    index_footage([clip], catalog, encoder)
    os.utime(clip, (1, 1))
    assert index_footage([clip], catalog, encoder).searched == [clip]
    assert encoder.encoded_frames == 4
    assert catalog.footage(clip).media.mtime_ns == 10**9


def test_copies_share_their_vectors(tmp_path, catalog, encoder):
    clip = write_clip(tmp_path / "a.mp4", [("red", 50)])
    for name in "bc":
        shutil.copy(clip, tmp_path / f"{name}.mp4")
    assert len(index_footage([tmp_path], catalog, encoder).searched) == 3
    assert encoder.encoded_frames == 4
    with closing(sqlite3.connect(catalog.folder / "library.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM span").fetchone() == (1,)
    clip.unlink()
    write_clip(clip, [("blue", 50)])
    index_footage([tmp_path], catalog, encoder)
    assert encoder.encoded_frames == 8
    assert catalog.load(tmp_path / "b.mp4", "toy").vectors[0].argmax() == 0


def test_the_space_of_changed_files_is_reused(tmp_path, encoder):
    clip = tmp_path / "clip.mp4"
    sizes = []
    for round_ in range(6):
        write_clip(clip, [("red" if round_ % 2 else "blue", 100 - round_)])
        with Catalog(tmp_path / "library") as catalog:
            index_footage([clip], catalog, encoder)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / "library").glob("vectors-*")))
    assert sizes[-1] <= 2.5 * sizes[0]


@pytest.mark.parametrize("unmounted", ["no folder", "an empty folder"])
def test_footage_on_a_missing_drive_is_kept_and_searched(tmp_path, catalog, encoder, unmounted, monkeypatch):
    drive = pretend_drive(monkeypatch, tmp_path / "drive")
    clip = write_clip(drive / "clip.mp4", [("red", 50), ("blue", 50)])
    index_footage([drive], catalog, encoder)
    drive.rename(tmp_path / "unplugged")
    if unmounted == "an empty folder":
        drive.mkdir()
    answer = find("blue", [drive], catalog, encoder)
    assert answer.coverage.offline == answer.coverage.searched == [clip]
    assert answer.moments[0].media.path == clip
    assert abs(answer.moments[0].segment.start_frame - 50) <= 7
    shutil.copytree(tmp_path / "unplugged", drive, dirs_exist_ok=True, copy_function=shutil.copy2)
    again = index_footage([drive], catalog, encoder)
    assert (again.searched, again.offline) == ([clip], [])
    assert encoder.encoded_frames == 8


@pytest.mark.parametrize("by", ["folder", "name"])
def test_footage_of_another_model_on_a_missing_drive_is_listed(tmp_path, catalog, encoder, by, monkeypatch):
    drive = pretend_drive(monkeypatch, tmp_path / "drive")
    both, one = (write_clip(drive / f"{c}.mp4", [(c, 50)]) for c in ("red", "blue"))
    index_footage([both, one], catalog, encoder)
    index_footage([both], catalog, ToyEncoder("other"))
    drive.rename(tmp_path / "unplugged")
    coverage = index_footage([drive] if by == "folder" else [both, one], catalog, ToyEncoder("other"))
    assert coverage.searched == coverage.offline == [both]
    assert coverage.skipped == [Skipped(one, "not indexed for this model; connect its drive")]
    assert sorted(index_footage([drive], catalog, encoder).searched) == [one, both]


def test_a_deleted_file_is_not_treated_as_on_an_unplugged_drive(tmp_path, catalog, encoder):
    kept, deleted = (write_clip(tmp_path / "a" / f"{c}.mp4", [(c, 50)]) for c in ("red", "blue"))
    index_footage([tmp_path / "a"], catalog, encoder)
    deleted.unlink()
    assert index_footage([tmp_path / "a"], catalog, encoder).searched == [kept]
    with pytest.raises(UserError, match="no such file"):
        index_footage([deleted], catalog, encoder)


@pytest.mark.parametrize("how", ["replaced", "removed", "cut short", "written on"])
def test_a_file_that_changes_while_it_is_read(tmp_path, catalog, how):
    clip = write_clip(tmp_path / "footage" / "clip.mp4", [("red", 1000)])
    other = write_clip(tmp_path / "other.mp4", [("blue", 100)])

    class Meddling(ToyEncoder):
        def encode_images(self, pictures):
            if not self.encoded_frames:
                if how == "replaced":
                    shutil.copy(other, tmp_path / "new.mp4")
                    (tmp_path / "new.mp4").rename(clip)
                elif how == "removed":
                    clip.unlink()
                elif how == "cut short":
                    os.truncate(clip, 3000)
                else:
                    with clip.open("ab") as file:
                        file.write(bytes(100))
            return super().encode_images(pictures)

    coverage = index_footage([tmp_path / "footage"], catalog, Meddling())
    assert coverage.files == 1
    assert not coverage.searched or clip in coverage.incomplete
    write_clip(clip, [("blue", 100)])
    assert index_footage([clip], catalog, ToyEncoder()).searched == [clip]
    item = catalog.load(clip, "toy")
    assert len(item.times) == 100 and set(item.vectors.argmax(axis=1)) == {2}


def test_file_names_may_be_long_and_of_any_bytes(tmp_path, catalog, encoder):
    folder = tmp_path / "footage"
    names = ["x" * 251 + ".mp4", "-rf.mp4", "new\nline.mp4", "‮gpj.mp4", "🎬.mp4", os.fsdecode(b"\xff\xfe.mp4")]
    for number, name in enumerate(names):
        write_clip(tmp_path / "plain.mp4", [("red", 25 + number)])
        folder.mkdir(exist_ok=True)
        (tmp_path / "plain.mp4").rename(folder / name)
    deep = folder.joinpath(*["d" * 200] * 5)
    deep.mkdir(parents=True)
    write_clip(deep / "deep.mp4", [("blue", 25)])
    coverage = index_footage([folder], catalog, encoder)
    assert {path.name for path in coverage.searched} == {*names, "deep.mp4"}
    assert not coverage.skipped
    assert index_footage([folder], catalog, encoder) == coverage


def search_as_nobody(library: Path, clip: Path, result: multiprocessing.SimpleQueue) -> None:
    os.setgid(65534)
    os.setuid(65534)
    with Catalog(library) as catalog:
        answer = find("blue", [clip.parent], catalog, ToyEncoder())
    result.put((catalog.is_read_only, len(answer.moments), [(s.path.name, s.reason) for s in answer.coverage.skipped]))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="has to become somebody who may not write")
def test_a_read_only_library_is_searched_and_lists_missing_files():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        clip = write_clip(folder / "footage" / "clip.mp4", [("red", 50), ("blue", 50)])
        with Catalog(folder / "library") as catalog:
            index_footage([clip], catalog, ToyEncoder())
        write_clip(folder / "footage" / "new.mp4", [("green", 50)])
        result = FORK.SimpleQueue()
        assert run_forked(search_as_nobody, folder / "library", clip, result) == 0
        is_read_only, moments, skipped = result.get()
    assert is_read_only and moments
    assert [name for name, _ in skipped] == ["new.mp4"] and "can't be written" in skipped[0][1]


def test_a_migration_is_applied_completely_or_not_at_all(tmp_path, encoder, monkeypatch):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 50)])
    with Catalog(tmp_path / "library") as catalog:
        index_footage([clip], catalog, encoder)
    path = tmp_path / "library" / "library.sqlite3"
    broken = "ALTER TABLE file ADD COLUMN note TEXT;\nALTER TABLE nothing ADD COLUMN note TEXT"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(UserError, match="can't be opened"):
        Catalog(tmp_path / "library")
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS) - 1,)
    assert "note" not in [row[1] for row in database.execute("PRAGMA table_info(file)")]
    database.close()
    right = "ALTER TABLE file ADD COLUMN note TEXT"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], right))
    with Catalog(tmp_path / "library") as catalog:
        assert index_footage([clip], catalog, encoder).searched == [clip]
        assert encoder.encoded_frames == 4
    with pytest.MonkeyPatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:-1])
        with pytest.raises(UserError, match="newer version"):
            Catalog(tmp_path / "library")
