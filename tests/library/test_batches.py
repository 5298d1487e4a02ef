"""A device that encodes many pictures at once gets those that are ready, and the index is the same."""

import time

import numpy as np
import pytest

from tests.processes import PATIENCE_S
from tests.toy import ToyEncoder, write_clip
from tr_desktop.footage.frames import Sampler
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog


class Device(ToyEncoder):
    """Waits in its first batch until the decoder has run ahead, as far as it may."""

    def __init__(self, batch: int, is_ahead=lambda: True) -> None:
        super().__init__()
        self.batch, self.batches, self._is_ahead = batch, list[int](), is_ahead

    def encode_images(self, pictures: np.ndarray) -> np.ndarray:
        until_s = time.monotonic() + PATIENCE_S
        while not self.batches and not self._is_ahead() and time.monotonic() < until_s:
            time.sleep(0.01)
        self.batches.append(len(pictures))
        return super().encode_images(pictures)


@pytest.fixture
def decoded(monkeypatch):
    """A list that grows with each decoded sample."""
    samples = []

    class Counting(Sampler):
        def __iter__(self):
            for sample in super().__iter__():
                samples.append(sample.repeat)
                yield sample

    monkeypatch.setattr("tr_desktop.library.index.reading.Sampler", Counting)
    return samples


def test_a_large_batch_changes_neither_rows_nor_their_order(tmp_path, decoded):
    clips = [
        write_clip(tmp_path / f"{number}.mp4", [("red", 50 * number), ("blue", 75), ("green", 60), ("red", 10)])
        for number in (5, 4, 3, 2, 1)  # the first one fills a batch by itself
    ]
    found = {}
    for batch in (4, 16):
        decoded.clear()
        device = Device(batch, lambda decoded_ahead=4 + batch: len(decoded) > decoded_ahead)  # all of it is in line
        with Catalog(tmp_path / str(batch)) as catalog:
            index_footage(clips, catalog, device)
            found[batch] = [catalog.load(clip, "toy").vectors.copy() for clip in clips]
        assert max(device.batches) == batch
    for one, other in zip(found[4], found[16], strict=True):
        np.testing.assert_array_equal(one, other)
