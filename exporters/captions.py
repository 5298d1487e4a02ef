"""SubRip subtitles and YouTube chapters of the moments laid end to end.

Both count clock time from 0 at the start of the timeline, whatever its start label is.
"""

from __future__ import annotations

from fractions import Fraction

from exporters.registry import Exporter
from exporters.text import one_line, shortened
from exporters.timeline import Clip, Timeline

FIDELITY = {
    "frames": "millisecond precision, enough for up to 500 fps (chapters: whole seconds)",
    "source timecode": "no",
    "rates": "one; a file for each",
    "tracks": "none",
    "fields, aspect, colour": "no",
    "reel": "no",
    "file": "name in the text",
    "query, score, edges": "in the text (chapters: query)",
    "name, note, rating": "in the text (chapters: name)",
    "markers": "no",
    "handles": "a caption covers the moment without them; a chapter starts with the cut",
}
# Players read these as styling, and `-->` as a time.
_MARKUP = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})


def render_srt(timeline: Timeline) -> str:
    """A caption for each moment. CRLF line ends, as SubRip writes them."""
    # A number, the times, the text, an empty line: https://www.matroska.org/technical/subtitles.html#srt-subtitles
    blocks = []
    for number, (frame, clip) in enumerate(timeline.marked(), 1):
        end = frame + clip.found.frames
        times = f"{_srt_time(frame / timeline.rate)} --> {_srt_time(end / timeline.rate)}"
        text = f"{_title(clip)}\r\n{clip.name}, {clip.comment}".translate(_MARKUP)
        blocks.append("\r\n".join([str(number), times, *(one_line(line) for line in text.split("\r\n", 1)), ""]))
    return "\r\n".join([*blocks, ""])


def render_chapters(timeline: Timeline) -> str:
    """A line for each cut, the first at 0:00.

    YouTube shows chapters if there are at least three, each of 10 s or more:
    https://support.google.com/youtube/answer/9884579
    """
    firsts: dict[int, tuple[int, Clip]] = {}  # of each moment
    for offset, clip in timeline.placed():
        firsts.setdefault(clip.rank, (offset, clip))
    lines = [
        f"{_clock(offset / timeline.rate)} {one_line(_title(clip)).translate(_MARKUP)}"
        for offset, clip in firsts.values()
    ]
    return "\n".join([*lines, ""])


def _title(clip: Clip) -> str:
    return shortened(one_line(clip.title), 90) or f"moment {clip.rank}"


def _srt_time(time_s: Fraction) -> str:
    seconds, ms = divmod(round(time_s * 1000), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{ms:03d}"


def _clock(time_s: Fraction) -> str:
    seconds = int(time_s)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


EXPORTER_SRT = Exporter("srt", "SubRip subtitles", ".srt", render_srt, FIDELITY)
EXPORTER_CHAPTERS = Exporter("youtube", "YouTube chapters", ".chapters.txt", render_chapters, FIDELITY)
