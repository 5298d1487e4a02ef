"""Codecs of constant size: a new export over the old file, and two masters that differ only between the samples."""

import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from tests.toy import COLOURS, ToyEncoder
from tr_desktop.library.index import identity
from tr_desktop.library.index.identity import content_digest
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.kept_files import KeptFiles
from tr_desktop.library.store.catalog import Catalog

FRAMES = 1000


def write_master(path: Path, corrected: range = range(0)) -> Path:
    """Uncompressed red pictures; `corrected` frames are blue. 4.6 MB, whatever the pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), COLOURS["blue" if number in corrected else "red"], np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


CORRECTED = range(20, 60)  # 0.8 to 2.4 s; the second sample begins at frame 65


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def encoder():
    return ToyEncoder()


def colours(catalog: Catalog, path: Path) -> list[int]:
    return catalog.load(path, "toy").vectors.argmax(axis=1).tolist()[:6]


def test_a_new_export_over_the_old_file_is_read_again(tmp_path, catalog, encoder):
    clip = write_master(tmp_path / "master.avi")
    sampled = content_digest(clip, clip.stat().st_size)
    index_footage([clip], catalog, encoder)
    write_master(clip, CORRECTED)
    assert content_digest(clip, clip.stat().st_size) == sampled
    assert index_footage([clip], catalog, encoder).searched == [clip]
    assert colours(catalog, clip) == [0, 0, 2, 2, 2, 0]
    assert not KeptFiles(catalog).has_other_content(catalog.footage(clip).media)  # it can be exported
    decoded = encoder.encoded_frames
    os.utime(clip, ns=(1, 1))
    moved = clip.rename(tmp_path / "moved.avi")
    assert index_footage([tmp_path], catalog, encoder).searched == [moved]
    assert colours(catalog, moved) == [0, 0, 2, 2, 2, 0]
    os.utime(moved, ns=(2, 2))
    assert index_footage([tmp_path], catalog, encoder).searched == [moved]
    assert encoder.encoded_frames == decoded


@pytest.mark.parametrize("runs", [1, 2])
def test_two_masters_of_one_size_are_no_copies(tmp_path, catalog, encoder, runs):
    first, second = write_master(tmp_path / "a.avi"), write_master(tmp_path / "b.avi", CORRECTED)
    copy = Path(shutil.copy(second, tmp_path / "copy of b.avi"))
    for paths in [[tmp_path]] if runs == 1 else [[first], [second], [copy]]:
        index_footage(paths, catalog, encoder)
    assert [colours(catalog, path) for path in (first, second, copy)] == [
        [0] * 6,
        [0, 0, 2, 2, 2, 0],
        [0, 0, 2, 2, 2, 0],
    ]
    assert encoder.encoded_frames == 2 * FRAMES // 25 * 2


def test_a_moved_file_keeps_its_date_and_is_not_read(tmp_path, catalog, encoder, monkeypatch):
    clip = write_master(tmp_path / "master.avi")
    index_footage([clip], catalog, encoder)
    monkeypatch.setattr(identity, "_packets_digest", None)
    moved = clip.rename(tmp_path / "moved.avi")
    assert index_footage([tmp_path], catalog, encoder).searched == [moved]


def test_copies_of_unreadable_footage_get_their_reason_in_the_same_run(tmp_path, catalog, encoder):
    for name in "abc":
        (tmp_path / "footage").mkdir(exist_ok=True)
        (tmp_path / "footage" / f"{name}.avi").write_bytes(b"\0\0\0\x18ftypqt  " + bytes(3000))
    coverage = index_footage([tmp_path / "footage"], catalog, encoder)
    assert [s.reason for s in coverage.skipped] == [
        "the file is cut off or damaged: its index (moov) can't be read"
    ] * 3
    assert not coverage.waiting
    assert index_footage([tmp_path / "footage"], catalog, encoder, read_new=False) == coverage
