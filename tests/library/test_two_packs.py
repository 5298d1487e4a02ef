"""The indexes of two packs in one library: side by side, neither changes what the other one answers."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.engine import Lacking, lacking
from tr_desktop.errors import UserError
from tr_desktop.evidence import evidence_for
from tr_desktop.grounding import find, refine
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.search.by_picture import load_example
from tr_desktop.library.store.catalog import Catalog

ONE, TWO = "1" * 64, "2" * 64


class Turned(ToyEncoder):
    """Another space: the same colours on other axes, so that vectors of the two packs don't fit together."""

    def encode_images(self, pictures):
        return np.roll(super().encode_images(pictures), 1, axis=1)

    def encode_text(self, texts):
        return np.roll(super().encode_text(texts), 1, axis=1)


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", [("blue", 500), ("red", 300), ("green", 1000), ("red", 200)])


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def index(catalog: Catalog, clip: Path, encoder: ToyEncoder, until_s: int | None = None):
    """Index `clip`, or only about its first `until_s` seconds."""
    stop = threading.Event()

    def on_progress(progress):
        if until_s is not None and progress.footage_s >= until_s:
            stop.set()

    return index_footage([clip], catalog, encoder, on_progress, stop)


def answers(catalog: Catalog, clip: Path, encoder: ToyEncoder):
    return find("red", [clip], catalog, encoder, read_new=False).moments


def test_changing_to_the_other_pack_and_back_reads_nothing_again(catalog, clip):
    one, two = ToyEncoder(ONE), Turned(TWO)
    index(catalog, clip, one)
    before = answers(catalog, clip, one)
    index(catalog, clip, two)
    assert [moment.segment for moment in answers(catalog, clip, two)] == [moment.segment for moment in before]
    read = one.encoded_frames
    coverage = index(catalog, clip, one)
    assert coverage.searched == [clip] and not coverage.incomplete and one.encoded_frames == read
    assert answers(catalog, clip, one) == before


def test_a_pack_that_has_read_less_takes_nothing_from_one_that_has_read_more(catalog, clip):
    one, two = ToyEncoder(ONE), Turned(TWO, Fraction(1))
    index(catalog, clip, one, until_s=60)
    before = catalog.load(clip, ONE)
    assert not before.footage.is_whole and float(before.times.duration_s) > 50
    index(catalog, clip, two, until_s=20)
    after = catalog.load(clip, ONE)
    assert after.times == before.times and np.array_equal(after.vectors, before.vectors)
    assert float(catalog.load(clip, TWO).times.duration_s) < 40

    index(catalog, clip, two)  # beyond what the first has read, and to the end
    index(catalog, clip, one)
    assert index(catalog, clip, one).searched_s == index(catalog, clip, two).searched_s == 80
    assert len(catalog.footage(clip)) == 2000


def test_what_a_pack_has_not_read_yet_is_no_part_of_its_answers(catalog, clip):
    one, two = ToyEncoder(ONE), Turned(TWO, Fraction(1))
    index(catalog, clip, one)
    coverage = index(catalog, clip, two, until_s=30)
    read_s = float(coverage.incomplete[clip])
    assert 25 < read_s < 50 and coverage.searched_s == coverage.incomplete[clip]
    item = catalog.load(clip, TWO)
    assert not item.footage.is_whole and abs(float(item.times.duration_s) - read_s) <= 1
    found = answers(catalog, clip, two)
    assert found and all(moment.segment.end_frame <= len(item.footage) < 2000 for moment in found)
    assert catalog.load(clip, ONE).footage.is_whole


def test_a_moment_of_the_other_pack_is_explained_in_the_vectors_of_this_one(catalog, clip):
    one, two = ToyEncoder(ONE), Turned(TWO)
    index(catalog, clip, one)
    (moment, *_) = answers(catalog, clip, one)
    with pytest.raises(UserError, match="isn't indexed with toy yet"):
        next(evidence_for(moment, catalog, two))
    with pytest.raises(UserError, match="isn't indexed with toy yet"):
        refine(moment, catalog, two)

    index(catalog, clip, two, until_s=4)
    with pytest.raises(UserError, match="isn't indexed with toy yet"):
        refine(moment, catalog, two)
    index(catalog, clip, two)
    curves = [next(evidence_for(moment, catalog, encoder)).curve for encoder in (one, two)]
    assert np.allclose(*curves, atol=1e-2)  # vectors of two spaces would give another curve
    unknown = write_clip(clip.with_name("unknown.mp4"), [("red", 50)])
    with Catalog(clip.with_name("elsewhere")) as elsewhere:
        index(elsewhere, unknown, one)
        (stranger, *_) = answers(elsewhere, unknown, one)
    with pytest.raises(UserError, match="isn't in the library"):
        refine(stranger, catalog, two)


def test_an_example_in_footage_of_the_other_pack_is_looked_at_without_indexing_it(catalog, clip):
    one, two = ToyEncoder(ONE), Turned(TWO)
    index(catalog, clip, one)
    example = load_example(f"{clip}@22", catalog, two)
    assert two.encoded_frames == 1 and np.allclose(example.vector, two.encode_text(["red"])[0], atol=0.05)
    with pytest.raises(KeyError):
        catalog.load(clip, TWO)


def test_what_a_pack_lacks_counts_files_once_and_only_the_footage_that_is_left(catalog, clip, tmp_path):
    one, two = ToyEncoder(ONE), Turned(TWO, Fraction(1))
    copy = clip.with_name("copy.mp4")
    copy.write_bytes(clip.read_bytes())
    short = write_clip(tmp_path / "short.mp4", [("red", 50)])
    coverage = index_footage([clip, copy, short], catalog, one)
    assert lacking(catalog, one.pack, coverage) == Lacking()
    assert lacking(catalog, two.pack, coverage).files == 3
    index(catalog, clip, two, until_s=30)
    left = lacking(catalog, two.pack, coverage)
    assert left.files == 3 and 40 < left.footage_s < 60
    index(catalog, clip, two)
    assert lacking(catalog, two.pack, coverage) == Lacking(1, Fraction(2))
