"""Long footage can be searched after a first pass over its keyframes; the index is then the same as without it."""

import errno
import random
import signal
import sqlite3
import threading
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.footage.recipes import FIRST_NUMBER, MAKERS
from tests.media import make_video, read_number
from tests.processes import FORK, needs_fork, run_forked
from tests.toy import ToyEncoder, write_clip
from tr_desktop.answer_json import as_json
from tr_desktop.commands import report
from tr_desktop.errors import MediaError
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.keyframes import KeyframeSampler
from tr_desktop.footage.probe import probe
from tr_desktop.grounding import find
from tr_desktop.library import upkeep
from tr_desktop.library.index.counts import count
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.index.watch import watch_folders
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.vectors import file_names
from tr_desktop.moment_json import moments_of

RATE = Fraction(2)  # frames a second, so that long footage is small; a keyframe every six seconds
WITHOUT_TIMES = {"h264.avi", "mpeg2.mpg"}


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> Path:
    """Three files, 450 s in all; each has a colour of its own in frames 80 to 140."""
    folder = tmp_path_factory.mktemp("footage")
    for name, colour in (("a.mp4", "green"), ("b.mp4", "blue"), ("c.mp4", "white")):
        write_clip(folder / name, [("red", 80), (colour, 60), ("red", 160)], RATE)
    return folder


def look_at(footage: Path, catalog: Catalog, encoder: ToyEncoder | None = None):
    """Index until all footage was looked at."""
    stop = threading.Event()

    def on_progress(progress) -> None:
        assert progress.is_first_pass
        if progress.done_bytes == progress.total_bytes:
            stop.set()

    return index_footage([footage], catalog, encoder or ToyEncoder(), on_progress, stop)


def contents(library: Path) -> dict[str, tuple]:
    """All that is stored of some files."""
    with Catalog(library) as catalog:
        items = [catalog.load(path, "toy") for path in catalog.paths()]
    return {item.media.path.name: (item.footage, item.problems, item.vectors.tobytes()) for item in items}


def vectors_on_disk(library: Path) -> list[bytes]:
    return [(library / name).read_bytes() for name in file_names("toy")]


def is_sound(library: Path) -> bool:
    return upkeep.check(library) == []


def test_footage_is_searched_after_a_first_pass(tmp_path, footage):
    encoder = ToyEncoder()
    with Catalog(tmp_path) as catalog:
        coverage = look_at(footage, catalog, encoder)
        assert coverage.searched == coverage.coarse == sorted(footage.iterdir())
        assert not coverage.skipped and not coverage.incomplete and coverage.searched_s == 450
        assert (count(coverage).coarse, count(coverage).whole, count(coverage).searchable) == (3, 0, 3)
        assert encoder.encoded_frames < 3 * 30  # a keyframe in twelve frames, and one for the change of picture
        answer = find("blue", [footage], catalog, encoder, read_new=False)
        moment = answer.moments[0]
        assert moment.media.path.name == "b.mp4" and moment.is_coarse and len(moment.times) == 300
        assert abs(moment.segment.start_frame - 80) <= 12 and abs(moment.segment.end_frame - 140) <= 12
        document = as_json(answer)
        assert document["moments"][0]["coarse"] is True
        assert [Path(path).name for path in document["coverage"]["coarse"]] == ["a.mp4", "b.mp4", "c.mp4"]
        assert "coarse" in report.as_text(answer) and "a.mp4" in report.coverage_text(coverage)
        assert moments_of(document, catalog.footage)[0].is_coarse

        index_footage([footage], catalog, encoder)
        answer = find("blue", [footage], catalog, encoder)
        segment = answer.moments[0].segment
        assert abs(segment.start_frame - 80) <= 1 and abs(segment.end_frame - 140) <= 1
        document = as_json(answer)
        assert "coarse" not in document["moments"][0] and "coarse" not in document["coverage"]
        assert "coarse" not in report.as_text(answer) + report.coverage_text(answer.coverage)


@pytest.fixture(scope="module")
def plain_library(tmp_path_factory, footage) -> Path:
    """The footage indexed without a first pass."""
    library = tmp_path_factory.mktemp("library")
    with Catalog(library) as catalog, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tr_desktop.library.index.first_pass.FROM_S", 10**6)
        index_footage([footage], catalog, ToyEncoder(), lambda progress: pytest.fail() if progress.is_first_pass else 0)
    return library


def test_the_index_is_the_same_with_and_without_a_first_pass(tmp_path, footage, plain_library):
    passes = []
    with Catalog(tmp_path) as catalog:
        coverage = index_footage(
            [footage], catalog, ToyEncoder(), lambda progress: passes.append(progress.is_first_pass)
        )
    assert passes == sorted(passes, reverse=True) and set(passes) == {True, False}
    assert not coverage.coarse
    assert contents(tmp_path) == contents(plain_library) and is_sound(tmp_path)
    assert vectors_on_disk(tmp_path) == vectors_on_disk(plain_library)
    assert [index.files for index in upkeep.models(tmp_path)] == [3]


@pytest.mark.parametrize("after", [10, 40, 74, 90, 400, 700, 1000])
def test_a_run_that_breaks_off_anywhere_is_taken_up_again(tmp_path, footage, plain_library, after):
    class Breaking(ToyEncoder):
        def encode_images(self, pictures):
            if self.encoded_frames >= after:
                raise KeyboardInterrupt
            return super().encode_images(pictures)

    with Catalog(tmp_path) as catalog:
        if after < 975:
            with pytest.raises(KeyboardInterrupt):
                index_footage([footage], catalog, Breaking())
        assert is_sound(tmp_path)
        survey = index_footage([footage], catalog, ToyEncoder(), read_new=False)
        if 90 <= after < 975:  # all of each file can be searched, in whatever state it is
            assert len(survey.searched) == 3 and survey.coarse and not survey.incomplete
            for path, colour in zip(survey.searched, ("green", "blue", "white"), strict=True):
                moment = find(colour, [path], catalog, ToyEncoder(), read_new=False).moments[0]
                assert abs(moment.segment.start_frame - 80) <= 12 and abs(moment.segment.end_frame - 140) <= 12
        index_footage([footage], catalog, ToyEncoder())
    assert contents(tmp_path) == contents(plain_library) and is_sound(tmp_path)


class CountingEncoder(ToyEncoder):
    """Counts the pictures in memory that processes share."""

    def __init__(self, count) -> None:
        super().__init__()
        self._count = count

    def encode_images(self, pictures):
        self._count.value += len(pictures)
        return super().encode_images(pictures)


def index_counting(library: Path, footage: Path, pictures) -> None:
    with Catalog(library) as catalog:
        index_footage([footage], catalog, CountingEncoder(pictures))


@needs_fork
@pytest.mark.parametrize("first, last", [(1, 70), (100, 900)], ids=["first pass", "exact pass"])
def test_kills_at_random_moments_of_a_pass(tmp_path, footage, plain_library, first, last):
    chance = random.Random(first)
    for number in range(3):
        library, pictures, enough = tmp_path / str(number), FORK.Value("q", 0, lock=False), chance.randint(first, last)

        def is_enough(pictures=pictures, enough=enough) -> bool:
            return pictures.value >= enough

        status = run_forked(index_counting, library, footage, pictures, until=is_enough)
        assert status in (0, -signal.SIGKILL) and is_sound(library)  # 0: it got to its end before the signal
        with Catalog(library) as catalog:
            searched = index_footage([footage], catalog, ToyEncoder(), read_new=False).searched
            assert first == 1 or len(searched) == 3
            for path in searched:
                assert find("red", [path], catalog, ToyEncoder(), read_new=False).moments[0].confident
        index_counting(library, footage, pictures)
        assert contents(library) == contents(plain_library) and is_sound(library)


def test_a_watched_folder_is_searched_between_the_passes(tmp_path, footage):
    stop, passes, found = threading.Event(), list[bool](), list[str]()

    def on_progress(progress) -> None:
        if passes and passes[-1] and not progress.is_first_pass:
            with Catalog(tmp_path) as other:
                answer = find("white", [footage], other, ToyEncoder(), read_new=False)
                found.extend(moment.media.path.name for moment in answer.moments if moment.is_coarse)
        passes.append(progress.is_first_pass)

    with Catalog(tmp_path) as catalog:
        for coverage in watch_folders([footage], catalog, ToyEncoder(), stop, on_progress, every_s=0.05):
            if len(coverage.searched) == 3:
                stop.set()
                assert not coverage.coarse and not coverage.incomplete
    assert passes == sorted(passes, reverse=True) and found[0] == "c.mp4"


def order_of_reading(footage: Path, catalog: Catalog, on_first=lambda: None) -> list[str]:
    names: list[str] = []

    def on_progress(progress) -> None:
        if not names and not progress.is_first_pass:
            on_first()
        if not progress.is_first_pass and progress.path.name not in names:
            names.append(progress.path.name)

    index_footage([footage], catalog, ToyEncoder(), on_progress)
    return names


def test_files_in_which_searches_found_something_are_read_first(tmp_path, footage):
    with Catalog(tmp_path) as catalog:
        look_at(footage, catalog)
        find("green", [footage / "a.mp4"], catalog, ToyEncoder(), read_new=False)
        find("white", [footage / "c.mp4"], catalog, ToyEncoder(), read_new=False)
        assert [path.name for path in catalog.answered.paths()] == ["c.mp4", "a.mp4"]
        assert order_of_reading(footage, catalog) == ["c.mp4", "a.mp4", "b.mp4"]
        assert catalog.answered.paths() == []
        find("white", [footage], catalog, ToyEncoder())
        assert catalog.answered.paths() == []  # nothing is left to read


def test_a_file_that_another_model_has_read_is_put_in_front_too(tmp_path, footage):
    with Catalog(tmp_path) as catalog:
        index_footage([footage], catalog, ToyEncoder("other"))
        look_at(footage, catalog)
        find("white", [footage / "c.mp4"], catalog, ToyEncoder(), read_new=False)
        assert [path.name for path in catalog.answered.paths()] == ["c.mp4"]


def test_a_search_moves_its_file_up_while_others_are_read(tmp_path, footage):
    with Catalog(tmp_path) as catalog:
        look_at(footage, catalog)

        def search() -> None:
            with Catalog(tmp_path) as other:
                find("white", [footage / "c.mp4"], other, ToyEncoder(), read_new=False)

        assert order_of_reading(footage, catalog, search) == ["a.mp4", "c.mp4", "b.mp4"]


def test_a_search_of_a_library_that_cannot_be_written_succeeds(tmp_path, footage, monkeypatch):
    with Catalog(tmp_path) as catalog:
        look_at(footage, catalog)

    def no_writing(self):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tr_desktop.library.store.database.Database._open_to_write", no_writing)
    with Catalog(tmp_path) as catalog:
        assert catalog.is_read_only
        answer = find("blue", [footage], catalog, ToyEncoder())
        assert answer.moments[0].media.path.name == "b.mp4" and len(answer.coverage.coarse) == 3
        assert catalog.answered.paths() == []


def test_a_broken_file_is_reported_once(tmp_path, footage):
    for clip in footage.iterdir():
        (tmp_path / clip.name).symlink_to(clip)
    (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(500))
    with Catalog(tmp_path / "library") as catalog:
        assert len(look_at(tmp_path, catalog).coarse) == 3
        coverage = index_footage([tmp_path], catalog, ToyEncoder())
        reasons = [skipped.reason for skipped in coverage.skipped if skipped.path.name == "broken.mp4"]
        assert len(reasons) == 1 and "cut off or damaged" in reasons[0]
        assert index_footage([tmp_path], catalog, ToyEncoder()) == coverage


def test_a_moved_file_is_found_by_the_first_pass(tmp_path):
    folder = tmp_path / "footage"
    clip = write_clip(folder / "one.mp4", [("red", 700)], RATE)
    with Catalog(tmp_path / "library") as catalog:
        look_at(folder, catalog)
        clip.rename(folder / "other.mp4")
        encoder = ToyEncoder()
        coverage = look_at(folder, catalog, encoder)
        assert coverage.coarse == [folder / "other.mp4"] and encoder.encoded_frames == 0
        assert catalog.paths() == [folder / "other.mp4"]


def test_a_file_that_got_longer_is_read_on(tmp_path):
    clip = make_video(tmp_path / "clip.ts", frames=700, rate=RATE, gop=12)
    recorded, length = clip.read_bytes(), len(clip.read_bytes()) // 2
    clip.write_bytes(recorded[: length - length % 188])
    encoder = ToyEncoder()
    with Catalog(tmp_path / "library") as catalog:
        index_footage([clip], catalog, encoder)
        before = encoder.encoded_frames
        clip.write_bytes(recorded)
        coverage = index_footage([clip], catalog, encoder)
        assert not coverage.coarse and not coverage.incomplete
        assert encoder.encoded_frames - before < before * 1.2
        assert len(catalog.footage(clip)) == 700


def test_libraries_of_the_version_before_keep_all(tmp_path, footage, plain_library):
    with Catalog(tmp_path) as catalog:
        index_footage([footage], catalog, ToyEncoder())
    with closing(sqlite3.connect(tmp_path / "library.sqlite3")) as database:
        database.execute("DROP TABLE answered")
        database.execute("ALTER TABLE vectors DROP COLUMN ticks")
        database.execute("PRAGMA user_version = 9")
    assert contents(tmp_path) == contents(plain_library)
    with Catalog(tmp_path) as catalog:
        assert find("blue", [footage], catalog, ToyEncoder()).moments[0].media.path.name == "b.mp4"


def test_pruning_a_model_drops_its_coarse_index(tmp_path, footage):
    with Catalog(tmp_path) as catalog:
        look_at(footage, catalog)
    upkeep.prune(tmp_path, ["toy"])
    assert not list(tmp_path.glob("vectors-*")) and is_sound(tmp_path)
    with Catalog(tmp_path) as catalog:
        assert len(look_at(footage, catalog).coarse) == 3


# What is decoded


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_keyframes_and_frame_times_are_exact(tmp_path, name):
    media = probe(MAKERS[name](tmp_path / name))
    keyframes, sampler = KeyframeSampler(media, Fraction(1, 2), 40), Sampler(media, Fraction(10**6), 40)
    list(sampler)
    if name in WITHOUT_TIMES:
        with pytest.raises(MediaError, match="no time stamps"):
            list(keyframes)
        return
    found = list(keyframes)
    assert found and keyframes.footage.times == sampler.times and keyframes.footage.media == sampler.media
    assert not keyframes.footage.is_whole
    ticks = list(sampler.times.ticks)
    for key in found:
        frame = ticks.index(key.pts - sampler.times.start_pts)
        assert read_number(key.picture) == frame + FIRST_NUMBER.get(name, 0)
    pts = np.array([key.pts for key in found])
    assert (np.diff(pts) * sampler.times.tick_s >= Fraction(1, 2)).all()


@pytest.mark.parametrize("codec", ["prores_ks", "mjpeg"])
def test_of_intra_codecs_only_the_wanted_frames_are_decoded(tmp_path, codec, monkeypatch):
    pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuvj420p"
    media = probe(make_video(tmp_path / "clip.mov", frames=240, codec=codec, pix_fmt=pix_fmt, rate=Fraction(24)))
    keyframes = KeyframeSampler(media, Fraction(2), 40)
    assert [read_number(key.picture) for key in keyframes] == [0, 48, 96, 144, 192]
    assert keyframes.decoded_packets == 5


def test_a_file_with_one_keyframe_has_one_picture(tmp_path):
    media = probe(make_video(tmp_path / "clip.mp4", frames=700, rate=RATE, gop=10_000))
    keyframes = KeyframeSampler(media, Fraction(2), 40)
    assert [read_number(key.picture) for key in keyframes] == [0]
    assert len(keyframes.footage) == 700


def test_files_with_only_keyframes_and_with_one_are_searched_after_both_passes(tmp_path):
    folder, rows = tmp_path / "footage", {}
    folder.mkdir()
    make_video(folder / "intra.mov", frames=400, rate=RATE, codec="mjpeg", pix_fmt="yuvj420p")
    make_video(folder / "one.mp4", frames=400, rate=RATE, gop=10_000, options={"sc_threshold": "0"})
    with Catalog(tmp_path / "library") as catalog:
        coverage = look_at(folder, catalog)
        assert [path.name for path in coverage.coarse] == ["intra.mov", "one.mp4"] and coverage.searched_s == 400
        for path in coverage.coarse:
            rows[path.name] = catalog.load(path, "toy").vectors
            assert len(rows[path.name]) == 400
        assert len(np.unique(rows["one.mp4"], axis=0)) == 1 < len(np.unique(rows["intra.mov"], axis=0))
        assert not index_footage([folder], catalog, ToyEncoder()).unread
        assert len(np.unique(catalog.load(folder / "one.mp4", "toy").vectors, axis=0)) > 1


def test_a_clock_that_starts_again_is_left_to_the_exact_pass(tmp_path):
    clip = make_video(tmp_path / "clip.ts", frames=60, gop=30)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(clip.read_bytes() * 2)
    with av.open(str(joined)) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == 120
    with pytest.raises(MediaError):
        list(KeyframeSampler(probe(joined), Fraction(2), 40))
