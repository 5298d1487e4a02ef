"""Subtitle tracks inside footage, as text, read together with the pictures."""

from __future__ import annotations

import html
import re
from fractions import Fraction
from typing import Any, NamedTuple

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Stream
from av.subtitles.subtitle import AssSubtitle

# Subtitles stored as pictures aren't read.
_PICTURES = {"dvdsub", "dvd_subtitle", "dvbsub", "dvb_subtitle", "pgssub", "hdmv_pgs_subtitle", "xsub", "dvb_teletext"}
_MAX_CUES = 100_000
# Only tags that subtitles have: "x < 3 and y > 2" has none.
_TAG = re.compile(
    r"</?(?:b|i|u|s|em|strong|ruby|rt|c)(?:\.[^<>\s]*)?/?>|</?(?:font|span|div|p|c|v|lang)(?:[\s.][^<>\n]*)?>"
    r"|<[\d:.]+>|\{\\[^{}\n]*\}",
    re.IGNORECASE,
)
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}[^{}]*")  # a shape, as numbers
_BREAK = re.compile(r"\\[Nnh]|<br\s*/?>")


class Cue(NamedTuple):
    """One subtitle: from `start_s` to `end_s` from the footage's first frame, in seconds."""

    start_s: Fraction
    end_s: Fraction
    text: str


def plain_text(text: str) -> str:
    """A subtitle's words on one line, without the tags and entities of SubRip, WebVTT and SubStation Alpha."""
    spaced = _BREAK.sub(" ", _DRAWING.sub("", text))
    return " ".join(html.unescape(_TAG.sub("", spaced)).split())


class Captions:
    """Collects the texts of a container's subtitle tracks, packet by packet. streams: those tracks."""

    def __init__(self, container: InputContainer) -> None:
        self.streams: list[Stream] = [
            stream
            for stream in container.streams.subtitles
            if stream.codec_context is not None and stream.codec_context.name not in _PICTURES
        ]
        for stream in self.streams:
            stream.discard = Discard.default
        self._cues: dict[Cue, None] = {}  # tracks often repeat each other

    def take(self, packet: Packet[Any]) -> None:
        """Keep the text of a packet of one of the tracks. Packets that are damaged or have no time are skipped."""
        if packet.pts is None or packet.time_base is None or not packet.duration or len(self._cues) >= _MAX_CUES:
            return
        try:
            shown = packet.decode()
        except (av.error.FFmpegError, UnicodeDecodeError):
            return
        start_s = packet.pts * packet.time_base
        for part in shown:
            if isinstance(part, AssSubtitle) and (text := plain_text(part.dialogue.decode(errors="replace"))):
                self._cues[Cue(start_s, start_s + packet.duration * packet.time_base, text)] = None

    def cues(self, first_s: Fraction) -> tuple[Cue, ...]:
        """All cues, in seconds from the first frame, which is shown at `first_s` of the file's own clock."""
        return tuple(sorted(Cue(cue.start_s - first_s, cue.end_s - first_s, cue.text) for cue in self._cues))
