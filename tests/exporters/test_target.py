"""Nothing is destroyed by an export: what it may replace, and what it never replaces."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporters import ledger
from exporters.clips import WAYS
from exporters.hand_off import hand_off
from exporters.target import MEDIA_ENDINGS, Guard, TargetExistsError
from exporters.write import export_timeline
from tests.exporters.build import media, moment
from tests.exporters.build import timeline_from_moments as laid
from tests.media import make_video
from tr_desktop.errors import ExportError
from tr_desktop.files import replacing
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Media


@dataclass
class Shelf:
    """A library of some files."""

    folder: Path
    files: tuple[Path, ...] = ()

    def indexed_paths(self) -> tuple[Path, ...]:
        return self.files

    def has_other_content(self, media: Media) -> bool:
        return False


TIMELINE = laid([moment(media("a.mov"))], name="day one")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["precious.mp4", "PRECIOUS.MXF", "take.wav", "still.Dng", "a.edl.mov", "day.trproj"])
def test_no_list_is_called_like_footage_or_a_project(tmp_path: Path, name: str, overwrite: bool) -> None:
    out = tmp_path / name
    for exists in (False, True):
        if exists:
            out.write_bytes(b"precious")
        with pytest.raises(ExportError, match=r"footage|project"):
            export_timeline(TIMELINE, out, "fcpxml", Guard(overwrite=overwrite))
    assert out.read_bytes() == b"precious" and list(tmp_path.iterdir()) == [out]


def test_formats_never_share_an_ending_with_media() -> None:
    from exporters.formats import BUILT_IN

    assert not MEDIA_ENDINGS & {Path(f"x{exporter.suffix}").suffix for exporter in BUILT_IN}
    assert {".mov", ".mxf", ".braw", ".wav", ".png", ".dng"} <= MEDIA_ENDINGS


@pytest.mark.parametrize("disguise", ["same", "symlink", "hard link"])
def test_a_file_of_the_library_is_never_replaced(tmp_path: Path, disguise: str) -> None:
    indexed = tmp_path / "clip"  # found by its content: no ending
    indexed.write_bytes(b"footage")
    out = indexed if disguise == "same" else tmp_path / "hits.edl"
    if disguise == "symlink":
        out.symlink_to(indexed)
    if disguise == "hard link":
        out.hardlink_to(indexed)
    (tmp_path / "library").mkdir()
    shelf = Shelf(tmp_path / "library", (tmp_path / "unplugged.mov", indexed))
    with pytest.raises(ExportError, match="library searches"):
        export_timeline(TIMELINE, out, "edl", Guard(shelf, overwrite=True))
    assert indexed.read_bytes() == b"footage"


def test_nothing_in_the_librarys_folder_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "library" / "notes" / "hits.edl"
    out.parent.mkdir(parents=True)
    out.write_text("mine")
    linked = tmp_path / "linked"
    linked.symlink_to(out.parent)
    for path in (out, linked / "hits.edl"):
        with pytest.raises(ExportError, match="of the library"):
            export_timeline(TIMELINE, path, guard=Guard(Shelf(tmp_path / "library"), overwrite=True))
    assert out.read_text() == "mine"


def test_a_file_of_another_program_is_replaced_only_if_the_user_agrees(tmp_path: Path) -> None:
    out = tmp_path / "hits.edl"
    out.write_text("someone else's")
    guard = Guard(Shelf(tmp_path / "library"))
    (tmp_path / "library").mkdir()
    with pytest.raises(TargetExistsError, match="--overwrite") as asked:
        export_timeline(TIMELINE, out, guard=guard)
    assert asked.value.paths == (out,) and out.read_text() == "someone else's"
    export_timeline(TIMELINE, out, guard=Guard(guard.library, overwrite=True))
    assert out.read_text().startswith("TITLE: day one")


def test_the_same_export_is_replaced_until_somebody_edits_it(tmp_path: Path) -> None:
    out, other = tmp_path / "hits.edl", laid([moment(media("b.mov"), 5, 9)], name="day one")
    (tmp_path / "library").mkdir()
    guard = Guard(Shelf(tmp_path / "library"))
    export_timeline(TIMELINE, out, guard=guard)
    export_timeline(other, out, guard=guard)
    assert "b.mov" in out.read_text()
    for same in (laid([moment(media("a.mov"))], name="day two"), other):
        if same is other:
            out.write_text(out.read_text() + "* edited by hand\r\n")
        before = out.read_bytes()
        with pytest.raises(TargetExistsError):
            export_timeline(same, out, "edl", guard)
        assert out.read_bytes() == before
    with pytest.raises(TargetExistsError):
        export_timeline(other, out, "edl32", guard)  # another format


def test_of_several_files_none_is_written_if_one_is_in_the_way(tmp_path: Path) -> None:
    timeline = laid([moment(media("a.mov")), moment(media("b.mov", rate=media().rate * 2))])
    beside = tmp_path / "hits.50fps.edl"
    beside.write_text("mine")
    with pytest.raises(TargetExistsError):
        export_timeline(timeline, tmp_path / "hits.edl")
    assert beside.read_text() == "mine" and list(tmp_path.iterdir()) == [beside]


def test_a_damaged_record_of_exports_only_means_a_question(tmp_path: Path) -> None:
    for content in ("no json", "{}", "[1]", "\x00"):
        (tmp_path / ledger.FILE_NAME).write_text(content)
        assert not ledger.is_own(tmp_path, tmp_path / ledger.FILE_NAME, ledger.Export("edl", ""))
    ledger.remember(tmp_path / "missing", tmp_path / "hits.edl", ledger.Export("edl", ""), b"")


def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "hits.edl"
    for has_links in (True, False):
        with monkeypatch.context() as patch, pytest.raises(FileExistsError), replacing(out, is_new=True) as part:
            if not has_links:
                patch.setattr(os, "link", _no_links)
            part.write_text("ours")
            out.write_text("theirs")
        assert out.read_text() == "theirs" and list(tmp_path.iterdir()) == [out]
        out.unlink()
    with monkeypatch.context() as patch, replacing(out, is_new=True) as part:
        patch.setattr(os, "link", _no_links)
        part.write_text("ours")
    assert out.read_text() == "ours" and list(tmp_path.iterdir()) == [out]


def _no_links(*_: object) -> None:
    raise OSError(1, "Operation not permitted")


@pytest.mark.parametrize("way", WAYS)
def test_clips_never_replace_a_file(tmp_path: Path, way: str) -> None:
    source = make_video(tmp_path / "a.mov", frames=30, size=(256, 128))
    sampler = Sampler(probe(source), 10**6, 32)
    list(sampler)
    found = [moment(sampler.media, 5, 9, times=sampler.times)]
    folder = tmp_path / "clips"
    [first] = hand_off(found, folder, way, name="x").files
    first.write_bytes(b"mine")
    [second] = hand_off(found, folder, way, name="x").files
    assert first.read_bytes() == b"mine" and second.name == f"{first.stem} 2{first.suffix}"
    with pytest.raises(ExportError, match="Clips never replace"):
        hand_off(found, folder, way, name="x", guard=Guard(overwrite=True))
    with pytest.raises(ExportError, match="can't be made"):
        hand_off(found, source, way, name="x")
    assert source.stat().st_size > 1000
