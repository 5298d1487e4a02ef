"""Subtitle files beside footage: clip.srt or clip.en.vtt for clip.mov."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

from tr_desktop.footage.captions import Cue, plain_text

SUFFIXES = (".srt", ".vtt")
MAX_BYTES = 16 << 20  # larger files aren't subtitles

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})[,.](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")


def read_cues(content: bytes) -> list[Cue]:
    """The subtitles of an SRT or WebVTT file, without tags; other text is ignored."""
    cues = []
    for block in re.split(r"\n\s*\n", _text(content).replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.split("\n")
        for number, line in enumerate(lines[:3]):  # before it: a number, a name, the file's head
            if times := _TIMES.match(line):
                start_s, end_s = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
                text = plain_text(" ".join(lines[number + 1 :]))
                if text and start_s < end_s:
                    cues.append(Cue(start_s, end_s, text))
                break
    return cues


def sidecars(footage: Iterable[Path], files: Iterable[Path]) -> Mapping[Path, Path]:
    """Which of `files` are subtitles of which of `footage`: {subtitle file: footage}."""
    by_name = {(path.parent, path.stem): path for path in footage}
    found = {}
    for path in files:
        if path.suffix.lower() in SUFFIXES:
            # clip.srt, or with a language: clip.en.srt
            owner = by_name.get((path.parent, path.stem)) or by_name.get((path.parent, Path(path.stem).stem))
            if owner is not None:
                found[path] = owner
    return found


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", "replace")


def _seconds(groups: tuple[str | None, ...]) -> Fraction:
    hours, minutes, seconds, fraction = groups
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return whole + Fraction(int((fraction or "0").ljust(3, "0")), 1000)
