"""The timecode track of MOV and MP4: edit lists, signs, several samples and descriptions, and days of timecode."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import make_video
from tests.tools import NEEDS_MEDIAINFO, output
from tr_desktop.footage.probe import probe
from tr_desktop.timecode import Timecode

NTSC = Fraction(30000, 1001)
PAL = Fraction(25)
HOUR = 25 * 3600
DROP, NEGATIVE = 1, 4  # flags
_INSIDE = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")


def atom(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + kind + body


def table(kind: bytes, *rows: tuple[int, ...]) -> bytes:
    columns = [struct.pack(f">{len(row)}i", *row) for row in rows]
    return atom(kind, bytes(4), struct.pack(">I", len(rows)), *columns)


def rewritten(data: bytes, edits: dict[bytes, bytes], is_inside: bool = False) -> bytes:
    """The atoms of `data` with those of the timecode track replaced by kind. `edts` is put before `mdia`."""
    out, at = b"", 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + size]
        is_timecode = is_inside or (kind == b"trak" and b"tmcd" in content[content.index(b"stsd") :][:32])
        if is_timecode and kind in edits:
            out += edits[kind]
        elif kind == b"mdia" and is_timecode:
            out += edits.get(b"edts", b"") + atom(kind, rewritten(content, edits, is_inside=True))
        elif kind == b"edts" and is_timecode:
            pass
        elif kind in _INSIDE:
            out += atom(kind, rewritten(content, edits, is_timecode))
        else:
            out += data[at : at + size]
        at += size
    return out


def movie(
    path: Path,
    *,
    numbers: Sequence[int] = (HOUR,),
    sample_ticks: Sequence[int] = (50,),
    edits: Sequence[tuple[int, int]] = (),
    flags: int = 0,
    rate: Fraction = PAL,
    description_of: Sequence[int] = (),
    descriptions: Sequence[tuple[int, int]] = ((25, 1),),
    per_chunk: int = 1,
    is_wide: bool = False,
    late_s: int = 0,
) -> Path:
    """A MOV whose timecode track, of 25 ticks a second, stores these frame numbers.

    sample_ticks: how long each number holds. edits: (ticks of the movie, of 1000 a second; media time). description_of:
    the number of each sample's description, from 1; descriptions: (timescale, frame duration). per_chunk: samples in a
    chunk. is_wide: whether the edit list has 64 bits. late_s: when the first picture is shown.
    """
    ticks = range(late_s * 25, late_s * 25 + 50)
    data = make_video(path, frames=50, rate=rate, codec="mpeg4", timecode="01:00:00:00", ticks=ticks).read_bytes()
    at = data.index(b"moov") - 4
    samples = atom(b"mdat", struct.pack(f">{len(numbers)}i", *numbers))
    entries = [
        atom(b"tmcd", bytes(6), b"\0\1", bytes(4), struct.pack(">IIIBx", flags, scale, duration, scale // duration))
        for scale, duration in descriptions
    ]
    kinds = description_of or [1] * -(-len(numbers) // per_chunk)
    edit_list = table(b"elst", *((*edit, 1 << 16) for edit in edits))
    if is_wide:
        wide = b"".join(struct.pack(">qqi", *edit, 1 << 16) for edit in edits)
        edit_list = atom(b"elst", b"\1\0\0\0", struct.pack(">I", len(edits)), wide)
    places = {
        b"mdhd": atom(b"mdhd", bytes(12), struct.pack(">IIHH", 25, sum(sample_ticks), 0, 0)),
        b"stsd": atom(b"stsd", bytes(4), struct.pack(">I", len(entries)), *entries),
        b"stts": table(b"stts", *((1, ticks) for ticks in sample_ticks)),
        b"stsc": table(b"stsc", *((n, per_chunk, kind) for n, kind in enumerate(kinds, 1))),
        b"stsz": atom(b"stsz", struct.pack(">III", 0, 4, len(numbers))),
        b"stco": table(b"stco", *((at + 8 + 4 * n,) for n in range(0, len(numbers), per_chunk))),
        b"edts": atom(b"edts", edit_list) if edits else b"",
    }
    path.write_bytes(data[:at] + samples + rewritten(data[at:], places))
    return path


def start(path: Path) -> Timecode:
    media = probe(path)
    assert media.has_timecode
    return media.start_tc


def label_by_mediainfo(path: Path) -> str:
    return output("mediainfo", "--Inform=Other;%TimeCode_FirstFrame%", str(path)).strip()


def test_the_edit_list_of_the_timecode_track_counts(tmp_path: Path) -> None:
    """A MOV trimmed by edit lists, as QuickTime does, starts at the label that its edit list points to."""
    assert start(movie(tmp_path / "a.mov", edits=[(1200, 20)])) == Timecode(HOUR + 20, PAL)
    assert start(movie(tmp_path / "b.mov", edits=[(2000, 0)])) == Timecode(HOUR, PAL)
    assert start(movie(tmp_path / "c.mov")) == Timecode(HOUR, PAL)


def test_a_late_timecode_track_is_counted_back(tmp_path: Path) -> None:
    """An empty edit: the timecode begins 400 ms after the first picture, whose label is 10 frames before."""
    assert start(movie(tmp_path / "a.mov", edits=[(400, -1), (1600, 0)])) == Timecode(HOUR - 10, PAL)
    assert start(movie(tmp_path / "b.mov", edits=[(400, -1), (1600, 5)])) == Timecode(HOUR - 5, PAL)
    assert start(movie(tmp_path / "c.mov", edits=[(400, -1), (1600, 5)], is_wide=True)) == Timecode(HOUR - 5, PAL)


def test_a_late_picture_has_the_label_that_its_writer_gave_it(tmp_path: Path) -> None:
    """If both are late, by their distance. Without an edit list of the timecode, its number is the first picture's."""
    both = movie(tmp_path / "a.mov", edits=[(3000, -1), (2000, 0)], late_s=3)
    assert start(both) == Timecode(HOUR, PAL)
    assert start(movie(tmp_path / "b.mov", late_s=3)) == Timecode(HOUR, PAL)


@pytest.mark.parametrize(
    ("media_time", "frame"),
    [(9, HOUR + 9), (10, 5 * HOUR), (19, 5 * HOUR + 9), (24, 9 * HOUR + 4), (60, 9 * HOUR + 40)],
)
def test_edits_choose_among_samples(tmp_path: Path, media_time: int, frame: int) -> None:
    numbers, ticks = (HOUR, 5 * HOUR, 9 * HOUR), (10, 10, 30)
    for per_chunk in (1, 2, 3):
        samples = {"numbers": numbers, "sample_ticks": ticks, "per_chunk": per_chunk}
        path = movie(tmp_path / "a.mov", edits=[(1000, media_time)], **samples)  # type: ignore[arg-type]
        assert start(path) == Timecode(frame, PAL)


def test_each_sample_has_its_description(tmp_path: Path) -> None:
    samples = {"numbers": (1, HOUR), "sample_ticks": (20, 30), "description_of": (1, 2)}
    path = movie(tmp_path / "a.mov", edits=[(1000, 25)], descriptions=((24, 1), (25, 1)), **samples)  # type: ignore[arg-type]
    assert start(path) == Timecode(HOUR + 5, PAL)


@pytest.mark.parametrize(
    ("number", "flags", "label"),
    [
        (-50, NEGATIVE, "23:59:58:00"),
        (-50, 0, "23:59:58:00"),
        (24 * HOUR, 0, "00:00:00:00"),
        (25 * HOUR + 10, 0, "01:00:00:10"),
    ],
)
def test_numbers_below_zero_and_past_a_day_count_on_and_their_labels_wrap(
    tmp_path: Path, number: int, flags: int, label: str
) -> None:
    tc = start(movie(tmp_path / "a.mov", numbers=[number], flags=flags))
    assert (tc.frame, str(tc)) == (number, label)
    assert tc.in_day == Timecode.parse(label, PAL)
    assert str(tc.in_day) == label


@NEEDS_MEDIAINFO
@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({"edits": [(1200, 20)]}, "01:00:00:20"),
        ({"numbers": [-50], "flags": NEGATIVE}, "-00:00:02:00"),
        ({"numbers": [25 * HOUR + 10]}, "25:00:00:10"),
    ],
)
def test_mediainfo_reads_the_same_frame(tmp_path: Path, options: dict[str, list[int]], label: str) -> None:
    path = movie(tmp_path / "a.mov", **options)  # type: ignore[arg-type]
    assert label_by_mediainfo(path) == label
    sign = -1 if label.startswith("-") else 1
    hours, minutes, seconds, frames = map(int, label.lstrip("-").split(":"))
    assert start(path).frame == sign * (((hours * 60 + minutes) * 60 + seconds) * 25 + frames)


def test_the_picture_chooses_its_timecode_track(tmp_path: Path) -> None:
    """With two timecode tracks the picture's reference decides, not their order."""
    path = movie(tmp_path / "a.mov")
    data = path.read_bytes()
    moov, first, second = data.index(b"moov") - 4, data.index(b"trak") - 4, data.rindex(b"trak") - 4
    timecode = data[second:][: int.from_bytes(data[second : second + 4], "big")]
    id_at = timecode.index(b"tkhd") + 16
    own = timecode[id_at : id_at + 4]
    referring = atom(b"tmcd", own)
    assert referring in data[first:second]
    other = timecode[:id_at] + b"\0\0\0\7" + timecode[id_at + 4 :]
    # the track's own number is the last thing before `moov`; that of the other comes next
    other = other.replace(table(b"stco", (moov - 4,)), table(b"stco", (moov + 8,)))
    size = struct.pack(">I", len(data) - moov + len(other))
    number = atom(b"mdat", struct.pack(">i", 7 * HOUR))
    both = data[:moov] + number + size + data[moov + 4 : first] + other + data[first:]
    path.write_bytes(both)
    assert start(path) == Timecode(HOUR, PAL)
    path.write_bytes(both.replace(referring, atom(b"free", bytes(4))))
    assert start(path) == Timecode(7 * HOUR, PAL)


def test_labels_of_text_may_pass_a_day_too(tmp_path: Path) -> None:
    for label, frame in (("24:00:00:00", 24 * HOUR), ("25:00:00:10", 25 * HOUR + 10), ("10:11:12:13", None)):
        path = make_video(tmp_path / "a.mkv", frames=3, rate=PAL, timecode=label)
        assert start(path).frame == (Timecode.parse(label, PAL).frame if frame is None else frame)


def test_drop_frame_below_zero_and_past_a_day(tmp_path: Path) -> None:
    options = {"rate": NTSC, "flags": DROP | NEGATIVE, "descriptions": [(30000, 1001)]}
    tc = start(movie(tmp_path / "a.mov", numbers=[-2], **options))  # type: ignore[arg-type]
    assert (tc.frame, tc.drop, str(tc)) == (-2, True, "23:59:59;28")
    day = tc.frames_per_day
    tc = start(movie(tmp_path / "b.mov", numbers=[day + 1800], **options))  # type: ignore[arg-type]
    assert (tc.frame, str(tc), tc.in_day.frame) == (day + 1800, "00:01:00;02", 1800)
