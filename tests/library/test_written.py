"""What indexing writes stays in proportion to what the library keeps."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tr_desktop.library.index.reading import STORED_ROWS
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.records import Source
from tr_desktop.moments import Footage, FrameTimes, Media
from tr_desktop.timecode import Timecode

WIDTH = 512


def written_bytes() -> int:
    """By this process, handed to the system."""
    line = next(line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("wchar"))
    return int(line.split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts the bytes written as Linux shows them")
@pytest.mark.parametrize("minutes", [4, pytest.param(120, marks=pytest.mark.slow)])
def test_the_times_of_a_recording_of_variable_rate_are_written_once(tmp_path, minutes):
    random = np.random.default_rng(1)
    steps = random.integers(1, 60, minutes * 60 * 30)
    ticks = np.concatenate([[0], np.cumsum(steps)[:-1]])
    tick_s, end_tick = Fraction(1, 900), int(steps.sum())
    clip = tmp_path / "clip.mp4"
    media = Media(clip, 10, 1, 1920, 1080, Fraction(30), Timecode(0, Fraction(30), False), codec="h264", is_vfr=True)
    source = Source(clip, 10, 1, bytes(16))
    rows = int(end_tick * tick_s * 2) + 1
    folder = tmp_path / "library"
    before = written_bytes()
    with Catalog(folder) as catalog, catalog.writing() as writer:
        for row in range(0, rows, STORED_ROWS):
            count = min(STORED_ROWS, rows - row)
            frames = int(np.searchsorted(ticks, Fraction(row + count, 2) / tick_s))
            end = int(ticks[frames]) if frames < len(ticks) else end_tick
            times = FrameTimes(ticks[:frames].tolist(), end, tick_s)
            vectors = random.normal(size=(count, WIDTH)).astype(np.float32)
            writer.append(source, Footage(media, times), "toy", Fraction(1, 2), row, vectors, decode_all=False)
            if row == 4 * STORED_ROWS:
                assert list(catalog.load(clip, "toy").times.ticks) == list(times.ticks)
        whole = FrameTimes(ticks.tolist(), end_tick, tick_s)
        writer.finish(source, Footage(media, whole), (), "toy")
    with Catalog(folder) as catalog:
        assert list(catalog.footage(clip).times.ticks) == list(whole.ticks)
    written = written_bytes() - before
    kept = sum(file.stat().st_size for file in folder.iterdir())
    assert written <= 3 * kept
