"""The text of subtitle files: SubRip, WebVTT and SubStation Alpha, in any common encoding."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from itertools import pairwise

import av
import av.error

from tr_desktop.footage.captions import Captions, Cue, plain_text
from tr_desktop.library.index.encoding import decoded

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")

_TIME = r"(-?)(?:(\d+):)?(\d{1,2}):(\d{2})[,.](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_STYLED = re.compile(r"^\s*\[(script info|v4\+? styles|events)\]", re.IGNORECASE | re.MULTILINE)


class UnknownEncodingError(ValueError):
    """The bytes of a file are no text in an encoding that is known."""


def read_cues(content: bytes) -> list[Cue]:
    """The subtitles of a file, without tags; other text is ignored. Raises UnknownEncodingError."""
    text = decoded(content)
    if text is None:
        raise UnknownEncodingError
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _styled_cues(text) if _STYLED.search(text) else _plain_cues(text)


def _plain_cues(text: str) -> list[Cue]:
    """SubRip and WebVTT, as players read them.

    A line with times begins a subtitle, whether or not a blank line is before it. A blank line ends one in WebVTT only.
    """
    lines = text.split("\n")
    is_vtt = text.lstrip("\ufeff").startswith("WEBVTT")
    starts = [number for number, line in enumerate(lines) if _TIMES.match(line)]
    cues = []
    for start, next_start in pairwise([*starts, len(lines)]):
        words = lines[start + 1 : next_start]
        if is_vtt:
            words = words[: next((at for at, line in enumerate(words) if not line.strip()), None)]
        elif next_start < len(lines) and words and words[-1].strip().isdecimal():
            del words[-1]  # the number of the next subtitle
        times = _TIMES.match(lines[start])
        assert times is not None
        start_s, end_s = _seconds(times.groups()[:5]), _seconds(times.groups()[5:])
        shown = plain_text(" ".join(words))
        if shown and start_s < end_s and end_s > 0:
            cues.append(Cue(start_s, end_s, shown))
    return cues


def _styled_cues(text: str) -> list[Cue]:
    """SubStation Alpha, read by FFmpeg."""
    try:
        with av.open(io.BytesIO(text.encode()), mode="r", format="ass") as container:
            captions = Captions(container)
            for packet in container.demux(captions.streams):
                captions.take(packet)
    except av.error.FFmpegError:
        return []
    return list(captions.cues(Fraction(0)))


def _seconds(groups: tuple[str | None, ...]) -> Fraction:
    sign, hours, minutes, seconds, fraction = groups
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    size_s = whole + Fraction(int((fraction or "0").ljust(3, "0")), 1000)
    return -size_s if sign else size_s
