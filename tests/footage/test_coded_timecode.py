"""Timecode that cameras keep in the coded pictures: MPEG-2 groups of pictures, H.264 and HEVC messages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import make_video
from tests.tools import NEEDS_FFMPEG, ffmpeg, output
from tr_desktop.footage.probe import probe
from tr_desktop.timecode import Timecode

PAL, NTSC = Fraction(25), Fraction(30000, 1001)
GROUP = re.compile(rb"\x00\x00\x01\xb8....", re.DOTALL)


def mpeg2(path: Path, label: str, *, rate: Fraction = PAL, seconds: int = 2) -> Path:
    """Groups of 12 pictures with two B pictures between the others."""
    source = ("-f", "lavfi", "-i", f"testsrc2=s=128x96:r={rate}:d={seconds}")
    source += ("-c:v", "mpeg2video", "-bf", "2", "-g", "12")
    return ffmpeg(path, *source, "-sc_threshold", "1000000000", *(("-timecode", label) if label else ()))


def said_by_ffprobe(path: Path, entries: str) -> str:
    command = ("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", entries, "-of", "csv=p=0")
    return output(*command, str(path))


def start(path: Path) -> tuple[str, bool]:
    media = probe(path)
    return str(media.start_tc), media.has_timecode


@NEEDS_FFMPEG
@pytest.mark.parametrize("suffix", ["ts", "mpg", "m2v"])
def test_the_label_of_the_first_group_is_the_timecode(tmp_path: Path, suffix: str) -> None:
    path = mpeg2(tmp_path / f"a.{suffix}", "10:20:30:00")
    assert start(path) == ("10:20:30:00", True)
    if shutil.which("mediainfo"):
        assert "10:20:30:00" in output("mediainfo", str(path))
    assert start(mpeg2(tmp_path / f"b.{suffix}", "01:00:59;28", rate=NTSC)) == ("01:00:59;28", True)


@NEEDS_FFMPEG
def test_pictures_of_an_open_group_that_cant_be_decoded_are_counted(tmp_path: Path) -> None:
    """Cut without encoding, a stream begins with a group whose first pictures refer to what was cut off."""
    whole = mpeg2(tmp_path / "whole.ts", "10:00:00:00", seconds=4)
    cut = ffmpeg(tmp_path / "cut.ts", "-ss", "1", "-i", str(whole), "-c", "copy")
    shown = len(said_by_ffprobe(cut, "frame=pts").split())
    assert probe(cut).start_tc == Timecode.parse("10:00:04:00", PAL) - shown


@NEEDS_FFMPEG
def test_labels_from_zero_and_labels_that_stand_still_are_no_timecode(tmp_path: Path) -> None:
    """Encoders have to write a label: without a clock they count from zero, or repeat one."""
    assert start(mpeg2(tmp_path / "zero.ts", "")) == ("00:00:00:00", False)
    running = mpeg2(tmp_path / "a.m2v", "10:00:00:00")
    first = GROUP.search(running.read_bytes())
    assert first is not None
    still = tmp_path / "still.m2v"
    still.write_bytes(GROUP.sub(lambda _: first[0], running.read_bytes()))
    assert (start(running), start(still)) == (("10:00:00:00", True), ("00:00:00:00", False))


@NEEDS_FFMPEG
def test_the_containers_timecode_counts_first(tmp_path: Path) -> None:
    stream = mpeg2(tmp_path / "a.ts", "10:00:00:00")
    for suffix in ("mov", "mxf", "mkv"):
        path = ffmpeg(tmp_path / f"a.{suffix}", "-i", str(stream), "-c", "copy", "-timecode", "02:00:00:00")
        assert start(path) == ("02:00:00:00", True)


class Bits:
    def __init__(self) -> None:
        self._text = ""

    def add(self, value: int, width: int) -> Bits:
        self._text += f"{value:0{width}b}"
        return self

    def payload(self) -> bytes:
        """Ended as a message is, and filled to whole bytes."""
        text = self._text if len(self._text) % 8 == 0 else self._text + "1"
        text += "0" * (-len(text) % 8)
        return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def unit(head: bytes, kind: int, payload: bytes) -> bytes:
    """A unit that holds one message, with the bytes that keep start codes out of it."""
    body = bytes([kind, len(payload)]) + payload + b"\x80"
    return b"\0\0\1" + head + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\0\0\3", body)


def clock(bits: Bits, frames_bits: int, label: tuple[int, int, int, int], drop: bool) -> Bits:
    hours, minutes, seconds, frames = label
    bits.add(0, 1).add(4 if drop else 0, 5).add(1, 1).add(0, 1).add(drop, 1)  # field, counting, full, break, dropped
    return bits.add(frames, frames_bits).add(seconds, 6).add(minutes, 6).add(hours, 5)


def h264_message(label: tuple[int, int, int, int], drop: bool) -> bytes:
    bits = Bits().add(0, 4).add(1, 1).add(0, 2)  # a frame, its time, a progressive scan
    return unit(b"\x06", 1, clock(bits, 8, label, drop).add(0, 24).payload())


def hevc_message(label: tuple[int, int, int, int], drop: bool) -> bytes:
    return unit(b"\x4e\x01", 136, clock(Bits().add(1, 2).add(1, 1), 9, label, drop).add(0, 5).payload())


def labelled(
    tmp_path: Path, codec: str, rate: Fraction, label_of: Callable[[int], Timecode | None], suffix: str = "ts"
) -> Path:
    """Pictures in their coded order without B pictures, each with the message of its label."""
    is_h264 = codec == "libx264"
    params = {"x264-params": "pic-struct=1:bframes=0:scenecut=0:aud=1"} if is_h264 else {}
    params |= {} if is_h264 else {"x265-params": "log-level=none:bframes=0:aud=1:pools=1"}
    raw = make_video(
        tmp_path / ("a.h264" if is_h264 else "a.hevc"),
        frames=10,
        rate=rate,
        codec=codec,
        options={"preset": "ultrafast", **params},
    )
    own = re.compile(
        rb"\x00\x00\x01\x06\x01\x01.\x80" if is_h264 else rb"(?!)", re.DOTALL
    )  # x264's message without a time
    delimiter = re.compile(rb"\x00\x00\x01\x09." if is_h264 else rb"\x00\x00\x01\x46\x01.", re.DOTALL)
    pictures = delimiter.split(own.sub(b"", raw.read_bytes()))
    starts = delimiter.findall(raw.read_bytes())
    message = h264_message if is_h264 else hevc_message
    stream = pictures[0]
    for number, (begin, content) in enumerate(zip(starts, pictures[1:], strict=True)):
        tc = label_of(number)
        said = b""
        if tc is not None:
            parts = [int(part) for part in re.split("[:;]", str(tc))]
            said = message((parts[0], parts[1], parts[2], parts[3]), tc.drop)
        at = content.find(b"\0\0\1\x65") if is_h264 else content.find(b"\0\0\1\x26")
        at = max(at, 0)  # after the parameters, before the picture
        stream += begin + content[:at] + said + content[at:]
    raw.write_bytes(stream)
    return ffmpeg(tmp_path / f"a.{suffix}", "-r", str(rate), "-i", str(raw), "-c", "copy")


@NEEDS_FFMPEG
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize(("rate", "drop"), [(PAL, False), (NTSC, True)])
def test_messages_of_h264_and_hevc_give_the_timecode(tmp_path: Path, codec: str, rate: Fraction, drop: bool) -> None:
    first = Timecode.parse("10:11:12:13", rate, drop)
    path = labelled(tmp_path, codec, rate, lambda number: first + number)
    assert start(path) == (str(first), True)
    assert str(first) in said_by_ffprobe(path, "frame_tags=timecode:frame_side_data=timecode:frame_side_data_list")


@NEEDS_FFMPEG
def test_two_pictures_may_share_a_label(tmp_path: Path) -> None:
    """Cameras label 50p with 25 labels a second."""
    first, rate = Timecode.parse("10:11:12:13", PAL), Fraction(50)
    path = labelled(tmp_path, "libx265", rate, lambda number: first + number // 2)
    assert probe(path).start_tc == Timecode(first.frame * 2, rate)
    path = labelled(tmp_path, "libx265", rate, lambda number: first + (number + 1) // 2)
    assert probe(path).start_tc == Timecode(first.frame * 2 + 1, rate)


@NEEDS_FFMPEG
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_messages_that_say_zero_or_stand_still_are_no_timecode(tmp_path: Path, codec: str) -> None:
    zero, other = Timecode(0, PAL), Timecode.parse("10:11:12:13", PAL)
    assert start(labelled(tmp_path, codec, PAL, lambda number: zero + number)) == ("00:00:00:00", False)
    assert start(labelled(tmp_path, codec, PAL, lambda number: other)) == ("00:00:00:00", False)
    assert start(labelled(tmp_path, codec, PAL, lambda number: None)) == ("00:00:00:00", False)
