"""Source timecode and reel name, from any of the places where files store them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from tr_desktop.footage.first_pictures import FirstPictures
from tr_desktop.footage.mov_atoms import sony_label
from tr_desktop.footage.mov_timecode import timecode_track
from tr_desktop.footage.tracks import audio_tracks
from tr_desktop.timecode import DROP_FRAME_RATES, Timecode, exact_rate

_REEL_KEYS = ("reel_name", "com.apple.proapps.reel", "com.apple.quicktime.reel")
_LABEL = re.compile(r"(-?)(\d{1,3})(:.*)")
_NTSC = Fraction(1000, 1001)
_MXF_TIMECODE_BASE = re.compile(rb"\x15\x02\x00\x02(..)", re.DOTALL)  # local tag 1502, length 2
_MXF_HEADER_BYTES = 1 << 20


def source_timecode(
    path: Path, container: InputContainer, stream: VideoStream, rate: Fraction, pictures: FirstPictures
) -> tuple[Timecode, bool]:
    """(timecode of the first frame counted at `rate`, whether the file has one); zero if it has none.

    A timecode track may count at another rate than the picture (29.97 drop-frame beside 59.94 footage, SMPTE ST 12-1).
    It is read at the track's rate and converted to the picture's. Phones set the drop-frame flag beside true 30 and 24,
    rates that have no drop-frame: there the flag is ignored and the track's frame number counts.

    Labels in the coded pictures count after all labels of the container. Raises OSError.
    """
    is_mov = container.format.name.startswith("mov")
    if is_mov and (track := timecode_track(path, stream.id)):
        track_rate = _same_family(track.rate, rate)
        return Timecode(track.frame, track_rate, track.drop and track_rate in DROP_FRAME_RATES).at_rate(rate), True
    label_rate = _mxf_rate(path) if container.format.name == "mxf" else None
    for text in _labels(container, stream):
        if found := _from_label(text, label_rate, rate):
            return found, True
    if is_mov and (sony := sony_label(path)) and (found := _from_label(sony[0], Fraction(sony[1]), rate)):
        return found, True
    if (coded := pictures.label()) and (found := _from_label(coded.text, rate / coded.pictures, rate)):
        return found + coded.late, True
    if (samples := _value(container.metadata, "time_reference")).isdecimal() and (sound := audio_tracks(container)):
        # Broadcast Wave: samples since midnight
        return Timecode(round(Fraction(int(samples), sound[0].rate_hz) * rate), rate), True
    return Timecode(0, rate), False


def _from_label(text: str, label_rate: Fraction | None, rate: Fraction) -> Timecode | None:
    """The timecode of a label, counted at `rate`; None if it isn't a valid label.

    Labels of files may be negative, or pass 24 hours if recording went on over midnight.
    """
    if (parts := _LABEL.fullmatch(text)) is None:
        return None
    sign, hours, others = parts.groups()
    days, hour = divmod(int(hours), 24)
    for counted in dict.fromkeys((_same_family(label_rate, rate), rate)):
        try:
            tc = Timecode.parse(f"{hour}{others}", counted, ";" in text and counted in DROP_FRAME_RATES)
            tc += days * tc.frames_per_day
            return (replace(tc, frame=-tc.frame) if sign else tc).at_rate(rate)
        except ValueError:
            continue
    return None


def reel_name(container: InputContainer, stream: VideoStream) -> str:
    """The tape or card name in the file, or "" if there is none."""
    for metadata in (stream.metadata, *(s.metadata for s in container.streams), container.metadata):
        for key in _REEL_KEYS:
            if reel := _value(metadata, key):
                return reel
    return ""


def _labels(container: InputContainer, stream: VideoStream) -> Iterator[str]:
    own = [stream.metadata, *(s.metadata for s in container.streams if s.type == "data"), container.metadata]
    yield from filter(None, (_value(metadata, "timecode") for metadata in own))


def _value(metadata: Mapping[str, str], key: str) -> str:
    """Both spellings of the key: Matroska writes its keys in capitals."""
    return (metadata.get(key) or metadata.get(key.upper()) or "").strip()


def _same_family(tc_rate: Fraction | None, rate: Fraction) -> Fraction:
    """The timecode track's rate, in the picture's family: trackers write 30 for 29.97 beside 59.94 footage."""
    if tc_rate is None:
        return rate
    tc_rate = exact_rate(tc_rate)
    is_ntsc = rate.denominator == 1001
    if is_ntsc and tc_rate.denominator == 1:
        return tc_rate * _NTSC
    return tc_rate


def _mxf_rate(path: Path) -> Fraction | None:
    """Frames a second that an MXF file's timecode counts, which FFmpeg doesn't expose (SMPTE ST 377-1, Rounded Timecode
    Base). Raises OSError."""
    with path.open("rb") as file:
        base = _MXF_TIMECODE_BASE.search(file.read(_MXF_HEADER_BYTES))
    return Fraction(int.from_bytes(base[1], "big")) or None if base else None
