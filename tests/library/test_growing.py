"""Recordings that still run: read on from where they were, searchable all the time."""

import os
from fractions import Fraction

import pytest

from tests.media import make_video
from tests.toy import ToyEncoder
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("recording") / "whole.ts"
    return make_video(path, frames=1500, rate=Fraction(25), gop=25, options={"bf": "2"}).read_bytes()


def part(recording: bytes, share: float) -> bytes:
    return recording[: int(len(recording) * share) // 188 * 188]


def test_a_file_that_only_grew_is_read_on(tmp_path, recording):
    clip = tmp_path / "footage" / "clip.ts"
    clip.parent.mkdir()
    with Catalog(tmp_path / "library") as catalog:
        encoder = ToyEncoder()
        for step in range(1, 11):
            clip.write_bytes(part(recording, step / 10))
            if step > 1:  # not read on yet, but what was there is still found
                survey = index_footage([clip], catalog, encoder, read_new=False)
                assert survey.searched == [clip] and survey.incomplete[clip] > 6 * (step - 1) - 3
            assert index_footage([clip], catalog, encoder).searched == [clip]
        assert encoder.encoded_frames < 120 + 10 * 6  # the end of each part is read again
        grown = catalog.load(clip, "toy")
    with Catalog(tmp_path / "other") as catalog:
        index_footage([clip], catalog, ToyEncoder())
        whole = catalog.load(clip, "toy")
    assert list(grown.times.ticks) == list(whole.times.ticks) and grown.times.end_tick == whole.times.end_tick
    assert grown.vectors.shape == whole.vectors.shape and grown.problems == whole.problems
    assert abs(grown.vectors.astype(float) - whole.vectors).max() < 1e-2


def test_a_file_that_grows_while_it_is_read_keeps_what_was_read(tmp_path, recording):
    clip = tmp_path / "clip.ts"
    clip.write_bytes(part(recording, 0.5))

    class Recording(ToyEncoder):
        def encode_images(self, pictures):
            with clip.open("ab") as file:
                file.write(recording[clip.stat().st_size :][: 188 * 10])
            return super().encode_images(pictures)

    with Catalog(tmp_path / "library") as catalog:
        coverage = index_footage([clip], catalog, Recording())
        assert coverage.searched == [clip] and coverage.incomplete[clip] > 25
        clip.write_bytes(recording)
        encoder = ToyEncoder()
        coverage = index_footage([clip], catalog, encoder)
        assert coverage.searched == [clip] and not coverage.incomplete
        assert encoder.encoded_frames < 70
        assert len(catalog.load(clip, "toy").times) == 1500


def test_a_longer_file_with_another_beginning_is_read_from_its_start(tmp_path, recording):
    clip = tmp_path / "clip.ts"
    clip.write_bytes(part(recording, 0.3))
    with Catalog(tmp_path / "library") as catalog:
        index_footage([clip], catalog, ToyEncoder())
        clip.write_bytes(part(recording[188 * 400 :], 0.9))
        os.utime(clip, (5, 5))
        assert not index_footage([clip], catalog, ToyEncoder(), read_new=False).searched
        encoder = ToyEncoder()
        assert index_footage([clip], catalog, encoder).searched == [clip]
        assert encoder.encoded_frames == len(catalog.load(clip, "toy").vectors)
