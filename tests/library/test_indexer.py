import os
import sqlite3
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import LibraryError, UserError
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.schema import MIGRATIONS


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def test_an_indexed_file_loads_completely(tmp_path, catalog):
    clip = write_clip(tmp_path / "clip.mov", [("red", 50), ("blue", 25)], Fraction(30000, 1001), "01:00:00;00")
    encoder = ToyEncoder()
    assert index_footage([clip], catalog, encoder).searched == [clip]
    item = catalog.load(clip, "toy")
    assert item.media.path == clip and item.media.rate == Fraction(30000, 1001)
    assert str(item.media.start_tc) == "01:00:00;00"
    assert len(item.times) == 75 and item.times.duration_s == 75 * Fraction(1001, 30000)
    assert item.vectors.shape == (6, 3) and item.every_s == Fraction(1, 2)  # 2.5 s at two a second
    assert item.vectors.dtype == np.float16
    # The cut is after frame 50 = 1.668 s: rows 0-3 (0 to 1.5 s) are red, rows 4 and 5 blue.
    assert np.argmax(item.vectors, axis=1).tolist() == [0, 0, 0, 0, 2, 2]


def test_a_second_run_decodes_nothing(tmp_path, catalog, monkeypatch):
    write_clip(tmp_path / "clip.mp4", [("red", 25)])
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    encoder = ToyEncoder()
    first = index_footage([tmp_path], catalog, encoder)
    seen = encoder.encoded_frames

    def never(*_):
        raise AssertionError("the file was opened again")

    monkeypatch.setattr("tr_desktop.library.index.reading.probe", never)
    again = index_footage([tmp_path], catalog, encoder)
    assert encoder.encoded_frames == seen > 0
    assert again == first


def test_a_changed_file_is_read_again_and_the_others_are_not(tmp_path, catalog):
    kept, changed = (write_clip(tmp_path / name, [("red", 25)]) for name in ("kept.mp4", "changed.mp4"))
    encoder = ToyEncoder()
    index_footage([tmp_path], catalog, encoder)
    write_clip(changed, [("blue", 50)])
    encoder.encoded_frames = 0
    index_footage([kept, changed], catalog, encoder)
    assert encoder.encoded_frames == 4
    assert len(catalog.load(changed, "toy").times) == 50


def test_a_repaired_file_is_searched(tmp_path, catalog):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"not yet copied whole")
    encoder = ToyEncoder()
    assert [s.path for s in index_footage([clip], catalog, encoder).skipped] == [clip]
    write_clip(clip, [("red", 25)])
    assert index_footage([clip], catalog, encoder).searched == [clip]


def test_another_pack_has_its_own_vectors(tmp_path, catalog):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 50)])
    index_footage([clip], catalog, ToyEncoder("one"))
    index_footage([clip], catalog, ToyEncoder("two", sample_fps=Fraction(4)))
    assert len(catalog.load(clip, "one").vectors) == 4
    assert len(catalog.load(clip, "two").vectors) == 8


def test_coverage_adds_up_with_unusual_files(tmp_path, catalog):
    footage = tmp_path / "footage"
    write_clip(footage / "good.mp4", [("red", 25)])
    write_clip(footage / "sub" / "naïve “name” & #1.mkv", [("red", 25)])
    (footage / "empty.mp4").touch()
    (footage / "text.mp4").write_text("not a video")
    (footage / "notes.txt").write_text("notes")
    write_clip(footage / "folder.mp4" / "inside.mp4", [("red", 25)])
    (footage / "loop").symlink_to(footage)
    (footage / "circle.mp4").symlink_to(footage / "itself.mp4")
    (footage / "itself.mp4").symlink_to(footage / "circle.mp4")
    (footage / "dangling.mp4").symlink_to(tmp_path / "nowhere.mp4")
    os.mkfifo(footage / "pipe.mp4")
    unreadable = footage / os.fsdecode(b"bad\xff.mp4")
    write_clip(tmp_path / "ascii.mp4", [("red", 25)]).rename(unreadable)

    coverage = index_footage([footage], catalog, ToyEncoder())
    reasons = {s.path.name: s.reason for s in coverage.skipped}
    searched = {"good.mp4", "naïve “name” & #1.mkv", "inside.mp4", unreadable.name}
    assert {p.name for p in coverage.searched} == searched
    circles = {"circle.mp4", "itself.mp4"}
    assert set(reasons) == {"empty.mp4", "text.mp4", "notes.txt", "loop", "dangling.mp4", "pipe.mp4", *circles}
    assert all(reasons.values())
    assert coverage.files == len(coverage.searched) + len(coverage.skipped) == 12


def test_an_interrupted_run_keeps_complete_files_and_a_valid_database(tmp_path):
    for name, colour in zip("abc", ("red", "green", "blue"), strict=True):
        write_clip(tmp_path / "footage" / f"{name}.mp4", [(colour, 50)])

    class Interrupted(ToyEncoder):
        def encode_images(self, pictures):
            if self.encoded_frames >= 4:
                raise KeyboardInterrupt
            return super().encode_images(pictures)

    with Catalog(tmp_path / "library") as catalog, pytest.raises(KeyboardInterrupt):
        index_footage([tmp_path / "footage"], catalog, Interrupted())
    database = sqlite3.connect(tmp_path / "library" / "library.sqlite3")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("SELECT count(*) FROM media").fetchone() == (1,)
    database.close()
    with Catalog(tmp_path / "library") as catalog:
        encoder = ToyEncoder()
        assert len(index_footage([tmp_path / "footage"], catalog, encoder).searched) == 3
        assert encoder.encoded_frames == 8  # the first file was not read again


def test_progress_reaches_the_end_of_the_new_files(tmp_path, catalog):
    clips = [write_clip(tmp_path / f"{n}.mp4", [("red", 200 + n)]) for n in range(2)]
    seen = []
    index_footage(clips, catalog, ToyEncoder(), seen.append)
    assert seen[-1].done_bytes == seen[-1].total_bytes == sum(clip.stat().st_size for clip in clips)
    assert seen[-1].footage_s == 16.5  # 17 and 16 rows of half a second
    assert [p.done_bytes for p in seen] == sorted(p.done_bytes for p in seen)


def test_a_missing_path_is_a_user_error(tmp_path, catalog):
    with pytest.raises(UserError, match=r"no such file or folder.*nowhere"):
        index_footage([tmp_path / "nowhere"], catalog, ToyEncoder())


def test_a_newer_library_is_refused_and_left_unchanged(tmp_path):
    Catalog(tmp_path).close()
    path = tmp_path / "library.sqlite3"
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    database.close()
    before = path.read_bytes()
    with pytest.raises(LibraryError, match="newer version"):
        Catalog(tmp_path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "library.sqlite3").write_bytes(b"this is no database, but long enough to be looked at" * 10)
    with pytest.raises(LibraryError, match="can't be opened"):
        Catalog(tmp_path)


@pytest.mark.skipif(not Path("/proc").exists() or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LibraryError, match="can't be opened"):
        Catalog(tmp_path / "library")


def test_a_file_given_by_two_paths_is_one_file(tmp_path, catalog, monkeypatch):
    clip = write_clip(tmp_path / "a" / "clip.mp4", [("red", 25)])
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    encoder = ToyEncoder()
    for spelling in (Path("../a/clip.mp4"), clip, tmp_path / "b" / ".." / "a"):
        assert index_footage([spelling], catalog, encoder).searched == [clip]
    assert encoder.encoded_frames == 2
