"""The store: reading and writing are two objects, and what is damaged is said."""

from fractions import Fraction

import numpy as np
import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.answer_json import as_json
from tr_desktop.commands import report
from tr_desktop.grounding import find
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.close_ups import as_stored
from tr_desktop.library.store.records import Source
from tr_desktop.library.store.writer import Writer
from tr_desktop.moments import Footage, FrameTimes, Media
from tr_desktop.timecode import Timecode


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def test_only_the_writer_can_change_what_is_known_of_footage():
    writes = {name for name in vars(Writer) if not name.startswith("_")} - {"known", "read_progress", "source_of"}
    assert len(writes) >= 8
    assert not writes & set(dir(Catalog))


def test_what_was_written_is_known_to_every_reader_at_once(tmp_path, catalog):
    clip = write_clip(tmp_path / "a.mp4", [("red", 50)])
    index_footage([clip], catalog, ToyEncoder())
    with Catalog(catalog.folder) as other:
        assert other.known("toy") == catalog.known("toy")
        assert other.load(clip, "toy").vectors.tobytes() == catalog.load(clip, "toy").vectors.tobytes()


def test_close_ups_come_back_as_they_were_used(tmp_path, catalog):
    clip = write_clip(tmp_path / "a.mp4", [("red", 50)])
    index_footage([clip], catalog, ToyEncoder())
    rows = as_stored(np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32))
    catalog.close_ups.keep(clip, "toy", dict(zip((3, 5, 8), rows, strict=True)))
    again = catalog.close_ups.read(clip, "toy")
    assert list(again) == [3, 5, 8]
    np.testing.assert_array_equal(np.stack(list(again.values())), rows)


def test_damage_that_was_passed_over_is_named(tmp_path, catalog):
    path = tmp_path / "damaged.mov"
    path.write_bytes(b"x" * 10)
    stat = path.stat()
    source = Source(path, stat.st_size, stat.st_mtime_ns, bytes(16))
    times = FrameTimes(range(100), 100, Fraction(1, 25))
    media = Media(path, stat.st_size, stat.st_mtime_ns, 64, 48, Fraction(25), Timecode(0, Fraction(25)))
    footage = Footage(media, times)
    rows = ToyEncoder().encode_images(np.full((8, 32, 32, 3), 90, np.uint8))
    with catalog.writing() as writer:
        writer.append(source, footage, "toy", Fraction(1, 2), 0, rows, decode_all=True)
        writer.finish(source, footage, ["3 pictures can't be decoded"], "toy")
    answer = find("red", [path], catalog, ToyEncoder(), read_new=False)
    assert answer.coverage.damaged == {path: ("3 pictures can't be decoded",)}
    text = report.coverage_text(answer.coverage)
    assert "damaged.mov" in text and "3 pictures can't be decoded" in text
    assert as_json(answer)["coverage"]["damaged"] == [{"path": str(path), "problems": ["3 pictures can't be decoded"]}]


def test_a_search_of_indexed_footage_asks_the_catalogue_a_few_times(tmp_path, catalog, monkeypatch):
    for number in range(3):
        write_clip(tmp_path / "footage" / f"{number}.mp4", [("red", 50), ("blue", 50 + number)])
    index_footage([tmp_path / "footage"], catalog, ToyEncoder())
    entered: list[str] = []
    for name in ("known", "best_files", "footage", "load", "nearest", "writing"):
        method = getattr(Catalog, name)

        def counted(self: Catalog, *arguments, name=name, method=method, **options):
            entered.append(name)
            return method(self, *arguments, **options)

        monkeypatch.setattr(Catalog, name, counted)
    find("blue", [tmp_path / "footage"], catalog, ToyEncoder())
    inside = ("load", "nearest", "footage")  # called by `best_files` itself
    assert [name for name in entered if name not in inside] == ["known", "best_files"]
