"""Drives and networks that fail while footage is read: never a verdict on the file, never the end of a run."""

import errno
import io
import os
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import make_video
from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands import report
from tr_desktop.errors import DriveError
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import read_frames
from tr_desktop.library.index import indexer
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def drive(monkeypatch):
    """A drive that fails: `drive[name] = offset` makes reading across that offset fail; None fails to open."""
    bad = dict[str, int | None]()

    class Failing(io.FileIO):
        def read(self, size=-1):
            start = bad.get(Path(self.name).name)
            if start is not None and self.tell() <= start < self.tell() + size:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    real_open = Path.open

    def failing_open(path, mode="r", buffering=-1, *more, **options):
        if path.name not in bad or mode != "rb":
            return real_open(path, mode, buffering, *more, **options)
        if bad[path.name] is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return Failing(path, "rb")

    monkeypatch.setattr(Path, "open", failing_open)
    # The samples of the digest lie everywhere; here the bad sector lies between them.
    monkeypatch.setattr("tr_desktop.library.index.identity._SAMPLES", 2)
    monkeypatch.setattr("tr_desktop.library.index.identity._SAMPLE_BYTES", 16)
    return bad


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts", "avi"])
def test_a_bad_sector_in_the_middle_keeps_what_was_read_and_is_tried_again(tmp_path, catalog, drive, suffix, capfd):
    whole = make_video(tmp_path / f"whole.{suffix}", frames=600, size=(320, 240), codec="mpeg4", gop=1)
    clip = tmp_path / f"clip.{suffix}"
    shutil.copy(whole, clip)
    encoder = ToyEncoder()
    expected = index_footage([whole], catalog, encoder)
    assert expected.searched == [whole]
    right = catalog.load(whole, "toy")
    with Catalog(tmp_path / "other") as other:
        drive[clip.name] = clip.stat().st_size * 6 // 10
        for _ in range(2):
            coverage = index_footage([clip], other, encoder)
            read = other.known("toy")[os.fsencode(clip)]
            assert coverage.searched == [clip] and coverage.incomplete[clip] == read.duration_s
            assert not read.is_whole and 8 < read.duration_s < 13
            assert coverage.damaged[clip] == ("can't be read: Input/output error; the next run tries again",)
            assert "the next run tries again" in report.coverage_text(coverage)
            part = other.load(clip, "toy")
            assert (part.vectors == right.vectors[: len(part.vectors)]).all()
        drive.clear()
        coverage = index_footage([clip], other, encoder)
        assert not (coverage.incomplete or coverage.damaged)
        healed = other.load(clip, "toy")
        assert healed.times == right.times and (healed.vectors == right.vectors).all()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("offset", [None, 0, 40])
def test_an_error_at_the_start_is_no_verdict(tmp_path, catalog, drive, offset):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 50)])
    drive[clip.name] = offset
    for _ in range(2):
        coverage = index_footage([clip], catalog, ToyEncoder())
        assert [s.reason for s in coverage.skipped] == ["can't be read: Input/output error"]
    drive.clear()
    assert index_footage([clip], catalog, ToyEncoder()).searched == [clip]


def test_a_failing_drive_is_told_from_damage_everywhere(tmp_path, drive):
    clip = make_video(tmp_path / "clip.mkv", frames=600, size=(320, 240), codec="mpeg4", gop=1)
    media = probe(clip)
    sampler = Sampler(media, Fraction(1), 32)
    list(sampler)
    drive[clip.name] = clip.stat().st_size * 6 // 10
    with pytest.raises(DriveError, match="Input/output error"):
        list(read_frames(sampler.footage, list(range(300, 420)), 32))
    drive[clip.name] = 100
    with pytest.raises(DriveError, match="Input/output error"):
        probe(clip)


def test_a_remembered_reason_is_tried_again_on_request_and_by_another_decoder(tmp_path, catalog, monkeypatch):
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    opened = []
    real = indexer.read_files

    def counted(files, *more):
        opened.extend(files)
        return real(files, *more)

    monkeypatch.setattr(indexer, "read_files", counted)
    for expected, retry, decoder in ((1, False, "old"), (1, False, "old"), (2, True, "old"), (3, False, "new")):
        monkeypatch.setattr(indexer, "DECODER", decoder)
        coverage = index_footage([tmp_path], catalog, ToyEncoder(), retry=retry)
        assert opened == [text] * expected
        assert [s.path for s in coverage.skipped if s.path == text] == [text]


@pytest.mark.parametrize("offset", [40, 0.6])
def test_a_copy_on_another_drive_is_read_instead(tmp_path, catalog, drive, offset):
    whole = make_video(tmp_path / "whole.mkv", frames=600, size=(320, 240), codec="mpeg4", gop=1)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        shutil.copy2(whole, tmp_path / name / f"{name}.mkv")
    size_bytes = whole.stat().st_size
    drive["a.mkv"] = offset if offset > 1 else int(size_bytes * offset)
    seen = []
    coverage = index_footage([tmp_path / name for name in "abc"], catalog, ToyEncoder(), seen.append)
    a, b, c = (tmp_path / name / f"{name}.mkv" for name in "abc")
    if offset > 1:
        assert coverage.searched == [b, c]
        assert {each.path: each.reason for each in coverage.skipped} == {a: "can't be read: Input/output error"}
    else:  # its beginning was read, and so it is known what it contains
        assert coverage.searched == [a, b, c]
    assert not coverage.incomplete and len(coverage.media) == 1
    assert [each.done_bytes for each in seen] == sorted(each.done_bytes for each in seen)
    assert seen[-1].done_bytes == seen[-1].total_bytes
    with Catalog(tmp_path / "other") as other:
        index_footage([whole], other, ToyEncoder())
        right, read = other.load(whole, "toy"), catalog.load(b, "toy")
        assert read.times == right.times and (read.vectors == right.vectors).all()
