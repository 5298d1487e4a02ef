"""Search over the library gives what comparing every frame would give, whatever it does to be fast."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.grounding import find
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.records import Source
from tr_desktop.moments import Footage, FrameTimes, Media
from tr_desktop.timecode import Timecode

WIDTH = 48


def fill(catalog: Catalog, files: list[np.ndarray], batch: int = 30) -> None:
    """Put files of these vectors into the library, batch by batch in turns, so that their rows lie scattered."""
    rate = Fraction(2)
    with catalog.writing() as writer:
        for first in range(0, max(map(len, files)), batch):
            for number, rows in enumerate(files):
                if len(rows) <= first:
                    continue
                path = Path(f"/footage/{number}.mp4")
                source = Source(path, 1, 1, number.to_bytes(16, "big"))
                media = Media(path, 1, 1, 640, 480, rate, Timecode(0, rate))
                times = FrameTimes(range(len(rows)), len(rows), 1 / rate)
                some = rows[first : first + batch]
                writer.append(source, Footage(media, times), "pack", 1 / rate, first, some, decode_all=False)
                writer.finish(source, Footage(media, times), (), "pack")


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.mark.parametrize("spread", [1.0, 0.05, 0.0])  # from unlike frames to all the same but for rounding
def test_the_best_files_equal_those_of_comparing_every_frame(catalog, spread):
    random = np.random.default_rng(1)
    centre = random.normal(size=WIDTH)
    files = [unit(centre + spread * random.normal(size=(random.integers(1, 90), WIDTH))) for _ in range(60)]
    fill(catalog, files)
    ids = {known.media_id: path for path, known in catalog.known("pack").items()}
    for query in unit(random.normal(size=(5, WIDTH))):
        all_of_them = {
            media_id: float((catalog.load(Path(path.decode()), "pack").vectors.astype(np.float32) @ query).max())
            for media_id, path in ids.items()
        }
        for limit in (1, 7, 60, 100):
            found = catalog.nearest("pack", query, ids, limit)
            expected = sorted(all_of_them.values(), reverse=True)[:limit]
            assert [score for _, score in found] == pytest.approx(expected, abs=1e-6)
            assert all(score == pytest.approx(all_of_them[media_id], abs=1e-6) for media_id, score in found)


def test_stored_vectors_are_finer_than_fp16(catalog):
    rows = unit(np.random.default_rng(2).normal(size=(100, WIDTH)))
    rows[3] = 0
    rows[3, 5] = 1  # the steepest vector there is
    fill(catalog, [rows])
    stored = catalog.load(Path("/footage/0.mp4"), "pack").vectors
    assert stored.dtype == np.float16 and stored.shape == rows.shape
    assert np.abs(stored.astype(np.float32) - rows).max() <= 2.0**-11
    assert stored[3].tolist() == rows[3].tolist()


def test_only_the_requested_files_are_searched(catalog):
    random = np.random.default_rng(3)
    fill(catalog, [unit(random.normal(size=(20, WIDTH))) for _ in range(10)])
    query = unit(random.normal(size=WIDTH))
    every = [media_id for media_id, _ in catalog.nearest("pack", query, range(1, 11), 10)]
    assert sorted(every) == list(range(1, 11))
    assert [m for m, _ in catalog.nearest("pack", query, every[1::2], 10)] == every[1::2]
    assert catalog.nearest("pack", query, [], 3) == []
    assert catalog.nearest("other pack", query, every, 3) == []


def test_a_moment_is_found_among_more_files_than_are_refined(tmp_path, catalog):
    folder = tmp_path / "footage"
    for number in range(40):
        write_clip(folder / f"{number:02}.mp4", [("red", 30), ("green" if number == 33 else "white", 20 + number)])
    best = find("green", [folder], catalog, ToyEncoder()).moments[0]
    assert best.media.path.name == "33.mp4"


def test_an_hour_of_footage_takes_at_most_six_megabytes(catalog):
    hour = unit(np.random.default_rng(4).normal(size=(7200, 384)))
    rate, path = Fraction(30), Path("/footage/hour.mp4")
    source = Source(path, 1, 1, bytes(16))
    media = Media(path, 1, 1, 1920, 1080, rate, Timecode(0, rate))
    times = FrameTimes(range(3600 * 30), 3600 * 30, 1 / rate)
    with catalog.writing() as writer:
        for first in range(0, len(hour), 400):
            part = hour[first : first + 400]
            so_far = FrameTimes(range((first + 400) * 15), (first + 400) * 15, 1 / rate)
            writer.append(source, Footage(media, so_far), "pack", Fraction(1, 2), first, part, decode_all=False)
        writer.finish(source, Footage(media, times), (), "pack")
    catalog.close()
    assert sum(path.stat().st_size for path in catalog.folder.iterdir()) < 6e6


def test_copies_are_one_moment(tmp_path, catalog):
    clip = write_clip(tmp_path / "footage" / "a.mp4", [("red", 50), ("blue", 50)])
    (tmp_path / "footage" / "b.mp4").write_bytes(clip.read_bytes())
    encoder = ToyEncoder()
    answer = find("blue", [tmp_path / "footage"], catalog, encoder)
    assert encoder.encoded_frames == 8
    assert len(answer.coverage.searched) == 2
    spans = [(m.segment.start_frame, m.segment.end_frame) for m in answer.moments]
    assert len(spans) == len(set(spans))
    assert index_footage([tmp_path / "footage" / "b.mp4"], catalog, encoder).searched == [
        tmp_path / "footage" / "b.mp4"
    ]
