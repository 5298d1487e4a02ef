"""Whatever stops an index run, the library stays sound and the next run ends where an uninterrupted one would have."""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.footage.recipes import MAKERS
from tests.footage.test_damage import damaged_packets
from tests.media import make_video
from tests.processes import FORK, needs_fork, run_forked
from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import LibraryError
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.grounding import find
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.reading import BATCH_FRAMES
from tr_desktop.library.store.catalog import Catalog


def contents(library: Path) -> dict[str, tuple]:
    """All that a library knows of its files, for comparing."""
    with Catalog(library) as catalog:
        items = [catalog.load(Path(os.fsdecode(path)), "toy") for path in catalog.known("toy")]
    return {
        item.media.path.name: (item.media, item.times, item.every_s, item.problems, item.vectors.tobytes())
        for item in items
    }


def assert_sound(library: Path) -> None:
    database = sqlite3.connect(library / "library.sqlite3")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    write_clip(folder / "long.mp4", [(colour, 400) for colour in ("red", "green", "blue", "white", "red")])
    write_clip(folder / "short.mp4", [("blue", 60)])
    make_video(folder / "h264.mp4", frames=500, codec="libx264", options={"g": "12", "bf": "2"})
    damaged = make_video(folder / "whole.ts", frames=300, codec="libx264", options={"g": "12"})
    (folder / "damaged.ts").write_bytes(damaged_packets(damaged.read_bytes(), 0.02, 1))
    damaged.unlink()
    return folder


class SlowEncoder(ToyEncoder):
    """Takes as long for a batch as a real one would for a few frames, so that a kill meets work in progress."""

    def encode_images(self, pictures):
        time.sleep(0.01)
        return super().encode_images(pictures)


def index_alone(library: Path, footage: Path) -> None:
    with Catalog(library) as catalog:
        index_footage([footage], catalog, SlowEncoder(sample_fps=Fraction(5)))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, footage) -> dict[str, tuple]:
    library = tmp_path_factory.mktemp("reference")
    index_alone(library, footage)
    return contents(library)


@needs_fork
@pytest.mark.parametrize("kills", [12, pytest.param(50, marks=pytest.mark.slow)])
def test_kills_at_random_moments(tmp_path, footage, uninterrupted, kills):
    moments = random.Random(kills)
    killed, number = 0, 0
    while killed < kills:
        library = tmp_path / f"library-{number}"
        status = run_forked(index_alone, library, footage, within_s=moments.uniform(0.02, 0.35))
        if library.exists():
            assert_sound(library)
        if status == 0:  # it got to its end in spite of all: once more from the start
            assert contents(library) == uninterrupted
            number += 1
        else:
            assert status == -signal.SIGKILL
            killed += 1
    index_alone(library, footage)
    assert contents(library) == uninterrupted


def index_counting(library: Path, footage: Path, decoded: Any) -> None:
    """Index, and count in shared memory the rows that came out of the decoder."""

    class Counting(Sampler):
        def __iter__(self):
            for sample in super().__iter__():
                decoded.value += sample.repeat
                yield sample

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tr_desktop.library.index.reading.Sampler", Counting)
        index_alone(library, footage)


def _has_reached(count: Any, enough: int) -> bool:
    return count.value >= enough


@needs_fork
def test_a_kill_loses_at_most_one_batch(tmp_path, footage):
    chance, lost = random.Random(7), []
    for number in range(8):
        library, decoded, enough = tmp_path / str(number), FORK.Value("q", 0, lock=False), chance.randrange(20, 350)
        is_enough = partial(_has_reached, decoded, enough)
        assert run_forked(index_counting, library, footage / "long.mp4", decoded, until=is_enough) == -signal.SIGKILL
        with Catalog(library) as catalog:
            stored = sum(known.rows for known in catalog.known("toy").values())
        lost.append(decoded.value - stored)
    assert max(lost) <= BATCH_FRAMES and any(lost)


@pytest.mark.parametrize("name", ["gop30.mp4", "open_gop.mp4", "vfr.mp4", "offset.ts", "mpeg2.mpg", "h264.avi"])
def test_resumed_reading_gives_the_same_samples(tmp_path, name):
    path = MAKERS[name](tmp_path / name)
    whole = Sampler(probe(path), Fraction(1, 4), 40)
    samples = list(whole)
    row = 0
    for number, sample in enumerate(samples):
        if number in (1, len(samples) // 2, len(samples) - 1):
            pause = Sampler(probe(path), Fraction(1, 4), 40, decode_all=whole.decode_all, first_row=row)
            again = list(pause)
            assert [(s.frame, s.tick, s.repeat) for s in again] == [
                (s.frame, s.tick, s.repeat) for s in samples[number:]
            ]
            assert all(np.array_equal(a.picture, b.picture) for a, b in zip(again, samples[number:], strict=True))
            assert (pause.times, pause.problems, pause.media) == (whole.times, whole.problems, whole.media)
        row += sample.repeat


def test_stored_frames_are_not_encoded_again(tmp_path, footage):
    class Breaking(ToyEncoder):
        def encode_images(self, pictures):
            if self.encoded_frames > 100:
                raise RuntimeError("a bug")
            return super().encode_images(pictures)

    breaking, again = Breaking(sample_fps=Fraction(5)), ToyEncoder(sample_fps=Fraction(5))
    with Catalog(tmp_path) as catalog:
        with pytest.raises(RuntimeError, match="a bug"):
            index_footage([footage / "long.mp4"], catalog, breaking)
        index_footage([footage / "long.mp4"], catalog, again)
    assert breaking.encoded_frames + again.encoded_frames == 400


def test_damage_before_the_resume_point_is_still_reported(tmp_path):
    clip = make_video(tmp_path / "clip.mp4", frames=600, gop=12)
    with av.open(str(clip)) as container:
        keyframes = [packet for packet in container.demux(video=0) if packet.is_keyframe and packet.size]
    content, middle = bytearray(clip.read_bytes()), keyframes[4].pos + keyframes[4].size // 2
    content[middle : middle + 20] = random.Random(0).randbytes(20)  # only the decoder notices
    clip.write_bytes(content)
    with Catalog(tmp_path / "whole") as catalog:
        index_footage([clip], catalog, ToyEncoder(sample_fps=Fraction(10)))
    stop = threading.Event()
    with Catalog(tmp_path / "stopped") as catalog:
        encoder = SlowEncoder(sample_fps=Fraction(10))
        index_footage([clip], catalog, encoder, lambda progress: progress.footage_s > 8 and stop.set(), stop)
        assert 80 < encoder.encoded_frames < 200
        index_footage([clip], catalog, encoder)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert contents(tmp_path / "whole")["clip.mp4"][3]


def test_a_partly_indexed_file_is_searched_as_far_as_it_was_read(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 400), ("blue", 200), ("red", 2400)])
    stop = threading.Event()
    with Catalog(tmp_path / "library") as catalog:
        encoder = SlowEncoder()
        index_footage([clip], catalog, encoder, lambda progress: progress.footage_s > 30 and stop.set(), stop)
        # As if another process were indexing.
        with catalog.writing(), Catalog(tmp_path / "library") as other:
            answer = find("blue", [clip], other, encoder)
        assert answer.coverage.searched == [clip]
        read_s = answer.coverage.incomplete[clip]
        assert 30 < read_s < 120 and answer.searched_s == read_s
        segment = answer.moments[0].segment
        assert abs(segment.start_frame - 400) <= 7 and abs(segment.end_frame - 600) <= 7
        assert len(answer.moments[0].times) == read_s * 25
        assert not find("blue", [clip], catalog, encoder).coverage.incomplete


def test_a_second_writer_gets_a_message_and_can_still_search(tmp_path):
    done = write_clip(tmp_path / "footage" / "done.mp4", [("red", 50), ("blue", 50)])
    with Catalog(tmp_path / "library") as first, Catalog(tmp_path / "library") as second:
        index_footage([tmp_path / "footage"], first, ToyEncoder())
        new = write_clip(tmp_path / "footage" / "new.mp4", [("green", 50)])
        with first.writing():
            answer = find("blue", [tmp_path / "footage"], second, ToyEncoder())
        assert answer.coverage.searched == [done] and answer.moments
        assert [(s.path, "another TimeRefine is indexing" in s.reason) for s in answer.coverage.skipped] == [
            (new, True)
        ]
        assert index_footage([tmp_path / "footage"], second, ToyEncoder()).searched == [done, new]


def test_stopping_takes_less_than_a_second(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 4000)])
    stop, asked = threading.Event(), []

    def on_progress(_):
        asked.append(time.monotonic())
        stop.set()

    with Catalog(tmp_path / "library") as catalog:
        coverage = index_footage([clip], catalog, SlowEncoder(), on_progress, stop)
        assert time.monotonic() - asked[0] < 1 and len(asked) == 1
        assert coverage.incomplete.keys() == {clip}


def test_a_paused_run_resumes_where_it_stopped(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 2000), ("blue", 2000)])
    pause, stop, seen = threading.Event(), threading.Event(), []

    def on_progress(progress):
        seen.append(progress)
        if len(seen) == 3:
            pause.set()
            threading.Timer(1.0, pause.clear).start()

    with Catalog(tmp_path / "library") as catalog:
        encoder = SlowEncoder()
        started_s = time.monotonic()
        coverage = index_footage([clip], catalog, encoder, on_progress, stop, pause=pause)
        took_s = time.monotonic() - started_s
        assert not coverage.incomplete and encoder.encoded_frames == 320
        assert seen[-1].elapsed_s < took_s - 0.8  # a pause is no work
        assert catalog.load(clip, "toy").vectors.argmax(axis=1).tolist() == [0] * 160 + [2] * 160


@pytest.mark.parametrize("before", [True, False])
def test_a_paused_run_stops_within_a_second(tmp_path, before):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 4000)])
    pause, stop, asked = threading.Event(), threading.Event(), []
    if before:
        pause.set()

    def ask():
        asked.append(time.monotonic())
        stop.set()

    def on_progress(_):
        pause.set()

    threading.Timer(0.7, ask).start()
    with Catalog(tmp_path / "library") as catalog:
        encoder = SlowEncoder()
        coverage = index_footage([clip], catalog, encoder, on_progress, stop, pause=pause)
        assert asked and time.monotonic() - asked[0] < 1
        assert encoder.encoded_frames == 0 if before else 0 < encoder.encoded_frames < 40
        assert [s.reason for s in coverage.skipped] == ["not indexed yet"] * before


def with_small_files(library: Path, footage: Path, result: multiprocessing.SimpleQueue) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing then fails with "File too large", as on a full disk
    with Catalog(library) as catalog:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        try:
            index_footage([footage], catalog, ToyEncoder(sample_fps=Fraction(25)))
        except LibraryError as error:
            result.put(str(error))


@needs_fork
def test_a_failed_write_is_reported_and_indexing_resumes_later(tmp_path, footage):
    library, result = tmp_path / "library", FORK.SimpleQueue()
    assert run_forked(with_small_files, library, footage, result) == 0
    assert not result.empty() and "can't be written" in result.get()
    assert_sound(library)
    full = {}
    for folder in (library, tmp_path / "other"):
        with Catalog(folder) as catalog:
            index_footage([footage], catalog, ToyEncoder(sample_fps=Fraction(25)))
        full[folder] = contents(folder)
    assert full[library] == full[tmp_path / "other"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with room for little more than an empty library, and a function that gives it more."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> int:
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True).returncode

    if sys.platform != "linux" or shutil.which("mount") is None or mount("size=300k"):
        pytest.skip("no file system can be mounted here")
    yield folder, lambda: mount("remount,size=64m")
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_reported_and_loses_nothing(tmp_path, footage, small_disk):
    disk, enlarge = small_disk
    with Catalog(disk / "library") as catalog, pytest.raises(LibraryError, match="can't be written"):
        index_footage([footage], catalog, ToyEncoder(sample_fps=Fraction(25)))
    assert_sound(disk / "library")
    assert enlarge() == 0
    for library in (disk / "library", tmp_path / "other"):
        with Catalog(library) as catalog:
            index_footage([footage], catalog, ToyEncoder(sample_fps=Fraction(25)))
    assert contents(disk / "library") == contents(tmp_path / "other")
