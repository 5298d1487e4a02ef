"""What an export says about footage that a format describes in part, or that editors could mix up."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import pytest

from exporters.formats import formats
from exporters.timeline import timeline_from_moments
from exporters.write import ExportReport, export_timeline, planned_files
from tests.exporters.build import NTSC_60, media, moment
from tr_desktop.commands import options
from tr_desktop.commands.export import write
from tr_desktop.errors import ExportError
from tr_desktop.moments import AudioTrack, Media, OtherTrack, TrackKind
from tr_desktop.timecode import Timecode

NTSC_120 = Fraction(120000, 1001)
BY_LABEL = {"edl": "hits.edl", "edl32": "hits.32.edl", "edl-ascii": "hits.ascii.edl", "ale": "hits.ale"}
TWO_DIGITS = {**BY_LABEL, "resolve-markers": "hits.markers.edl"}
BY_PATH = ["hits.xml", "hits.fcpxml", "hits.otio", "hits.mlt", "hits.csv"]


def exported(folder: Path, name: str, sources: Iterable[Media]) -> ExportReport:
    return export_timeline(timeline_from_moments([moment(source) for source in sources], name="x"), folder / name)


@pytest.mark.parametrize("name", TWO_DIGITS.values())
def test_labels_of_two_digits_refuse_rates_above_100(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"has two digits for the frame, too few for fast\.mov \(119\.88 fps\)"):
        exported(tmp_path, name, [media("fast.mov", NTSC_120)])
    assert list(tmp_path.iterdir()) == []
    assert exported(tmp_path, name, [media(rate=Fraction(100))]).notes == ()
    text = (tmp_path / name).read_text()
    assert re.search(r"\d\d:\d\d:\d\d:\d\d\s", text) and not re.search(r":\d{3}\s", text)


@pytest.mark.parametrize("name", TWO_DIGITS.values())
def test_other_rates_are_written_and_a_note_names_what_was_left_out(name: str, tmp_path: Path) -> None:
    sources = [media("fast.mov", NTSC_120), media("slow.mov"), media("mid.mov", NTSC_60)]
    report = exported(tmp_path, name, sources)
    exporter = next(each for each in formats().values() if each.suffix == name.removeprefix("hits"))
    planned = planned_files(exporter, tmp_path / name, [source.rate for source in sources])
    assert list(report.files) == planned == [tmp_path / name, tmp_path / name.replace("hits", "hits.59.94fps")]
    assert report.left_out == 1 and "Left out" in report.notes[0] and "fast.mov (119.88 fps)" in report.notes[0]
    for path, source in zip(report.files, sources[1:], strict=True):
        text = path.read_text()
        assert source.path.name in text and "fast.mov" not in text


@pytest.mark.parametrize("name", BY_PATH)
def test_other_formats_hold_high_rates(name: str, tmp_path: Path) -> None:
    report = exported(tmp_path, name, [media("fast.mov", NTSC_120), media("fast.mov", NTSC_120, folder=Path("/other"))])
    assert report.notes == ()


@pytest.mark.parametrize("name", BY_LABEL.values())
def test_lists_without_paths_name_files_that_editors_could_mix_up(name: str, tmp_path: Path) -> None:
    one, other = media("C0001.MOV", folder=Path("/a")), media("c0001.mov", folder=Path("/b"))
    notes = exported(tmp_path, name, [one, other, one, media("C0002.MOV")]).notes
    assert [note for note in notes if "/a/C0001.MOV, /b/c0001.mov" in note and "same name" in note] == list(notes)


@pytest.mark.parametrize("name", BY_LABEL.values())
def test_lists_without_paths_name_reels_with_the_same_timecode(name: str, tmp_path: Path) -> None:
    first = media("1.mov", start="01:00:00:00", reel="A001")
    inside, after = (media(f"{start}.mov", start=f"01:00:{start}:00", reel="A001") for start in ("39", "40"))
    assert exported(tmp_path, name, [first, after]).notes == ()  # 1000 frames at 25: the tape goes on
    (tmp_path / name).unlink()
    [note] = exported(tmp_path, name, [first, inside]).notes
    assert "reel A001" in note and "/footage/1.mov, /footage/39.mov" in note


@pytest.mark.parametrize("name", BY_LABEL.values())
def test_lists_without_paths_name_files_without_timecode(name: str, tmp_path: Path) -> None:
    zero = media("zero.mov", has_timecode=False, start_tc=Timecode(0, Fraction(25)))
    [note] = exported(tmp_path, name, [zero, media("has.mov"), zero]).notes
    assert note.startswith("No source timecode: zero.mov. Labels count from zero.")


def test_a_long_list_of_files_is_cut_short(tmp_path: Path) -> None:
    [note] = exported(tmp_path, "hits.edl", [media(f"{n}.mov", has_timecode=False) for n in range(20)]).notes
    assert "7.mov, and 12 more." in note and "8.mov" not in note


@pytest.mark.parametrize("name", BY_PATH)
def test_formats_with_paths_need_no_such_notes(name: str, tmp_path: Path) -> None:
    sources = [media("C0001.MOV", folder=Path(folder), has_timecode=False, reel="A1") for folder in ("/a", "/b")]
    assert exported(tmp_path, name, sources).notes == ()


@pytest.mark.parametrize("name", ["hits.edl", "hits.xml", "hits.fcpxml", "hits.otio", "hits.ale", "hits.mlt"])
def test_a_timeline_names_the_tracks_that_it_lacks(name: str, tmp_path: Path) -> None:
    others = (
        OtherTrack(TrackKind.AUDIO, "", 2),
        OtherTrack(TrackKind.SUBTITLES, "mov_text", 3, "deu"),
        OtherTrack(TrackKind.SUBTITLES, "mov_text", 4, "eng"),
        OtherTrack(TrackKind.VIDEO, "h264", 5),
    )
    silent = (OtherTrack(TrackKind.DATA, "", 2), OtherTrack(TrackKind.VIDEO, "mjpeg", 3))
    rich = media("rich.mov", other_tracks=others)
    [note] = exported(tmp_path, name, [rich, media("plain.mov", other_tracks=silent), rich]).notes
    assert note == (
        "Not on the timeline, but still in the files: "
        "rich.mov (audio that can't be decoded, subtitles deu eng, a second picture)."
    )


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("hits.edl", "audio channels 3 to 8"),
        ("hits.mlt", "further audio tracks eng"),
        ("hits.xml", ""),
        ("hits.otio", ""),
    ],
)
def test_a_timeline_names_the_audio_that_it_lacks(name: str, left: str, tmp_path: Path) -> None:
    languages = ["deu", "", "eng", ""]
    audio = tuple(AudioTrack("pcm_s24le", 2, 48000, language=language) for language in languages)
    notes = exported(tmp_path, name, [media("eight.mov", audio=audio), media("two.mov", channels=(2,))]).notes
    assert list(notes) == ([f"Not on the timeline, but still in the files: eight.mov ({left})."] if left else [])


def test_the_command_line_counts_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=Path)
    options.add_export(parser)
    options.add_library(parser)
    arguments = parser.parse_args([str(tmp_path / "hits.edl"), "--library", str(tmp_path / "library")])
    write([moment(media("fast.mov", NTSC_120)), moment(media("slow.mov"))], "hits", arguments)
    assert f"Wrote 1 moment to {tmp_path / 'hits.edl'}\n" in capsys.readouterr().err
