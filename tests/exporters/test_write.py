"""Writing a timeline in a format: complete, verified, and never over footage."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from exporters import write
from exporters.edl import EXPORTER
from exporters.target import Guard
from exporters.timeline import timeline_from_moments
from tests.exporters.build import NTSC_24, media, moment
from tr_desktop.errors import ExportError

AGREED = Guard(overwrite=True)


@pytest.fixture
def timeline():
    return timeline_from_moments([moment(media("a.mov")), moment(media("b.mov"))])


def test_the_file_has_the_rendered_content_and_nothing_else_is_left(tmp_path: Path, timeline) -> None:
    out = tmp_path / "hits.edl"
    report = write.export_timeline(timeline, out)
    assert report == write.ExportReport((out,), ())
    assert out.read_bytes() == EXPORTER.render(timeline).encode()
    assert list(tmp_path.iterdir()) == [out]


def test_several_rates_become_several_files_and_the_report_says_so(tmp_path: Path) -> None:
    moments = [moment(media("a.mov")), moment(media("b.mov", NTSC_24)), moment(media("c.mov"))]
    timeline = timeline_from_moments(moments)
    report = write.export_timeline(timeline, tmp_path / "hits.edl")
    assert [path.name for path in report.files] == ["hits.edl", "hits.23.976fps.edl"]
    for path, part in zip(report.files, timeline.by_rate(), strict=True):
        assert path.read_bytes() == EXPORTER.render(part).encode()
    assert "hits.23.976fps.edl (23.976 fps, 1 of 3 moments)" in report.notes[0]


def test_the_report_names_rates_that_no_label_counts(tmp_path: Path) -> None:
    moments = [moment(media("phone.mp4", is_vfr=True)), moment(media("gif.mp4", Fraction(28)))]
    notes = write.export_timeline(timeline_from_moments(moments), tmp_path / "hits.edl").notes
    assert any("phone.mp4 (25 fps)" in note and "Variable" in note for note in notes)
    assert any("gif.mp4 (28 fps)" in note for note in notes)


def test_a_previous_export_stays_until_the_new_one_is_complete(
    tmp_path: Path, timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "hits.edl"
    out.write_text("yesterday")
    for broken in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, broken, _fail)
            patch.setattr(Path, "replace", _fail) if broken == "replace" else None
            with pytest.raises(ExportError, match="no space left"):
                write.export_timeline(timeline, out, guard=AGREED)
        assert out.read_text() == "yesterday" and list(tmp_path.iterdir()) == [out]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: b"rotten")
        with pytest.raises(ExportError, match="read back"):
            write.export_timeline(timeline, out, guard=AGREED)
    assert out.read_text() == "yesterday" and list(tmp_path.iterdir()) == [out]
    write.export_timeline(timeline, out, guard=AGREED)
    assert out.read_bytes() == EXPORTER.render(timeline).encode()


def _fail(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("disguise", ["same", "symlink", "hard link"])
def test_footage_is_never_replaced(tmp_path: Path, disguise: str) -> None:
    footage = tmp_path / "clip.mov"
    footage.write_bytes(b"footage")
    out = footage if disguise == "same" else tmp_path / "hits.edl"
    if disguise == "symlink":
        out.symlink_to(footage)
    if disguise == "hard link":
        out.hardlink_to(footage)
    timeline = timeline_from_moments([moment(media("clip.mov", folder=tmp_path))])
    with pytest.raises(ExportError, match="footage"):
        write.export_timeline(timeline, out, "edl")
    assert footage.read_bytes() == b"footage"


def test_a_link_is_written_through(tmp_path: Path, timeline) -> None:
    target = tmp_path / "real.edl"
    target.write_text("old")
    link = tmp_path / "hits.edl"
    link.symlink_to(target)
    write.export_timeline(timeline, link, guard=AGREED)
    assert link.is_symlink() and target.read_bytes() == EXPORTER.render(timeline).encode()


def test_a_place_that_cannot_be_written_is_an_export_error(tmp_path: Path, timeline) -> None:
    (tmp_path / "folder.edl").mkdir()
    for out in (tmp_path / "missing" / "hits.edl", tmp_path / "folder.edl", tmp_path / f"{'x' * 300}.edl"):
        with pytest.raises(ExportError, match="can't be written"):
            write.export_timeline(timeline, out)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.edl"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_new_file_has_usual_permissions_and_an_old_one_keeps_its_own(tmp_path: Path, timeline) -> None:
    out, usual = tmp_path / "hits.edl", tmp_path / "usual"
    usual.touch()
    write.export_timeline(timeline, out)
    assert out.stat().st_mode == usual.stat().st_mode
    out.chmod(0o640)
    write.export_timeline(timeline, out, guard=AGREED)
    assert out.stat().st_mode & 0o777 == 0o640
