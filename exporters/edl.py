"""CMX 3600 edit decision list: the cut list that every editor reads.

Notable choices (SMPTE 258M; what Resolve, Premiere and Avid write):
- Outs are exclusive. The source and record sides of an event have the same length; nothing is retimed.
- Drop-frame is marked twice, by `FCM: DROP FRAME` and by `;` in the label, because readers look at one or the other.
  Each label has its own mark: a non-drop source in a drop-frame timeline keeps its colons.
- A label has two digits for the frame, so the limit is 100 frames a second. At midnight it begins again at 00:00:00:00
  (ST 12-1), so an out can be before its in.
- Only `* FROM CLIP NAME:` names the file. With `* FROM CLIP:` or `* FROM FILE:`, Premiere loses the media.
- Columns are fixed, since readers slice them. A reel is padded to 8 characters; in File32 to 32, with event numbers of
  six digits. CMX 3600 can't number more than 999 events, so a longer list is a File32.
- The editor's name, note and rating are comments (`* COMMENT:`), which readers show or skip; then the query, the score
  (the chance that the moment is right among all that was searched) and the words for its edges. Markers are Avid's
  locators (`* LOC:`), at the record's label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from exporters.notes import found_by_label, left_behind
from exporters.registry import Exporter
from exporters.text import ascii_line, one_line, shortened
from exporters.timeline import Clip, Timeline

FIDELITY = {
    "frames": "exact",
    "source timecode": "exact, drop-frame kept",
    "rates": "one; a file for each",
    "tracks": "one video, audio channels 1 and 2",
    "fields, aspect, colour": "no",
    "reel": "8 characters, upper case (32 in File32)",
    "file": "name only: import the media first",
    "query, score, edges": "as a comment",
    "name, note, rating": "as comments",
    "markers": "as locators, with colour",
    "handles": "in the cut",
}
_MAX_EVENTS = 999  # event numbers have three digits: https://edlmax.com/edlmaxhelp/Edl/Edl_Overview.htm
_COLOURS = {"pink": "MAGENTA", "purple": "MAGENTA"}  # Avid has eight; the others have our names
_SPECIAL_REELS = {"AX", "BL", "BLACK", "BARS"}  # these mean an auxiliary source, black and colour bars


def render(timeline: Timeline, *, file32: bool = False, ascii_only: bool = False) -> str:
    """The list as text with CRLF line ends.

    file32: 32-character reels. ascii_only: clip names and queries in ASCII too, as Avid needs them.
    """
    file32 = file32 or len(timeline.clips) > _MAX_EVENTS
    clean = ascii_line if ascii_only else one_line
    reels = _reels(timeline.clips, 32 if file32 else 8)
    lines = [
        f"TITLE: {shortened(ascii_line(timeline.name), 70)}",
        f"FCM: {'DROP FRAME' if timeline.start_tc.drop else 'NON-DROP FRAME'}",  # SMPTE 258M: for all events below
        "",
    ]
    for number, (offset, clip) in enumerate(timeline.placed(), 1):
        lines += _event(number, timeline, offset, clip, reels[_reel_key(clip)], file32, clean)
    return "\r\n".join([*lines, ""])


def _event(
    number: int, timeline: Timeline, offset: int, clip: Clip, reel: str, file32: bool, clean: Callable[[str], str]
) -> list[str]:
    record_in = timeline.start_tc + offset
    labels = (clip.source_in, clip.source_out, record_in, record_in + clip.frames)
    # SMPTE 258M: event, reel, channels and edit type in columns, then source in and out, record in and out.
    event = f"{number:0{6 if file32 else 3}d}  {reel:<{32 if file32 else 8}} {_channels(clip):<5} {'C':<8} "
    remarks = clip.remarks
    words = {"NAME": remarks.name, "NOTE": remarks.note, "RATING": str(remarks.rating or "")}
    return [
        event + " ".join(map(str, labels)),
        f"* FROM CLIP NAME: {clean(clip.name)}",
        *(f"* COMMENT: {key} {shortened(clean(value), 240)}" for key, value in words.items() if value),
        f'* COMMENT: MOMENT {clip.rank} "{shortened(clean(clip.query), 120)}" SCORE {clip.score:.2f} '
        + ", ".join(filter(None, (clip.level.value, clip.edges_text, clip.part_text))).upper(),
        *(
            f"* LOC: {record_in + mark.frame - clip.start_frame} {_COLOURS.get(mark.colour, mark.colour.upper()):<7} "
            f"{shortened(clean(mark.name), 120)}".rstrip()
            for mark in clip.marks
        ),
    ]


def _channels(clip: Clip) -> str:
    """V: picture only; B: picture and one audio channel; AA/V: picture and two, the limit of an event."""
    return ("V", "B", "AA/V")[min(2, sum(track.channels for track in clip.media.audio))]


def _reel_key(clip: Clip) -> tuple[str, str]:
    """Clips with the same key share a reel: clips of the same tape or, without a tape name, of the same file."""
    return (clip.media.reel, "") if clip.media.reel else ("", str(clip.media.path))


def _reels(clips: Iterable[Clip], width: int) -> dict[tuple[str, str], str]:
    """A reel name for each source, distinct within `width` characters.

    Editors conform by reel and timecode, so two files shortened to the same name would be mixed up. Only letters,
    digits and `_` are safe in every system (on reel names: http://www.edlmax.com/MAXGUIDE.HTML).
    """
    reels: dict[tuple[str, str], str] = {}
    taken = set(_SPECIAL_REELS)
    for clip in clips:
        key = _reel_key(clip)
        if key not in reels:
            whole = re.sub(r"[^A-Z0-9_]+", "_", ascii_line(key[0] or clip.media.path.stem).upper()).strip("_") or "CLIP"
            reels[key] = next(name for name in _candidates(whole, width) if name not in taken)
            taken.add(reels[key])
    return reels


def _candidates(whole: str, width: int) -> Iterable[str]:
    yield whole[:width]
    number = 2
    while True:
        yield f"{whole[: width - len(str(number)) - 1]}_{number}"
        number += 1


def notes(timeline: Timeline) -> Iterator[str]:
    """What the list can't hold, and what makes footage hard to find by it."""
    yield from found_by_label(timeline)
    yield from left_behind(timeline, channels=2)


def _exporter(name: str, title: str, suffix: str, render: Callable[[Timeline], str]) -> Exporter:
    return Exporter(name, title, suffix, render, FIDELITY, notes=notes, max_fps=100)


EXPORTER = _exporter("edl", "CMX 3600 EDL", ".edl", render)
EXPORTER_32 = _exporter("edl32", "EDL with 32-character reels", ".32.edl", partial(render, file32=True))
EXPORTER_ASCII = _exporter("edl-ascii", "CMX 3600 EDL in ASCII", ".ascii.edl", partial(render, ascii_only=True))
