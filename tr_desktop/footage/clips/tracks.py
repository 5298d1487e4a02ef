"""Tracks beside the picture and its sound: subtitles, data, other pictures, undecodable sound; and chapters.

A copy takes those that its container can hold. Any other is named, so nothing gets lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from fractions import Fraction
from typing import Any

import av.error
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Stream

from tr_desktop.footage.container import open_video
from tr_desktop.footage.languages import language_for
from tr_desktop.moments import Media, TrackKind

_EARLY_S = 30  # subtitles may have begun so long before they are seen
_CHAPTER_TICK_S = Fraction(1, 1000)
_KEPT_KEYS = {"language", "title", "handler_name"}
_BINARY = "bin_data"  # as a MOV file stores the names of chapters, and a GoPro its telemetry


def other_streams(container: InputContainer, media: Media) -> list[Stream]:
    """The streams of `media`, opened, that aren't the main picture, its sound, timecode or the names of chapters."""
    has_chapters = bool(container.chapters())
    others = [container.streams[track.index] for track in media.other_tracks]
    return [stream for stream in others if not (has_chapters and stream.type == "data" and _codec(stream) == _BINARY)]


def left_behind(streams: Sequence[Stream]) -> tuple[str, ...]:
    """A sentence that names these streams of the source, if there are any."""
    return (f"Not in the clip: {', '.join(_name(stream) for stream in streams)}",) if streams else ()


def kinds_of_others(media: Media) -> list[TrackKind]:
    """What other tracks a file has, without the names of its chapters, sorted by name."""
    with open_video(media.path) as (container, _):
        indices = {stream.index for stream in other_streams(container, media)}
    return sorted((track.kind for track in media.other_tracks if track.index in indices), key=lambda kind: kind.value)


def copy_chapters(media: Media, writing: OutputContainer, start_s: Fraction, length_s: Fraction) -> None:
    """Give the clip the chapters that lie in it, cut to its edges. start_s: on the source's own clock."""
    with open_video(media.path) as (reading, _):
        chapters: list[Any] = list(reading.chapters())
    kept: list[Any] = []
    for chapter in chapters:
        first_s = max(chapter["start"] * chapter["time_base"] - start_s, Fraction(0))
        end_s = min(chapter["end"] * chapter["time_base"] - start_s, length_s)
        if first_s < end_s:
            times = {"start": round(first_s / _CHAPTER_TICK_S), "end": round(end_s / _CHAPTER_TICK_S)}
            kept.append({**chapter, **times, "time_base": _CHAPTER_TICK_S})
    if kept:
        writing.set_chapters(kept)


class CopiedTracks:
    """The other tracks of a copied clip.

    left: the source's streams that the clip's container can't hold. written: the kinds of those with something in the
    clip. start_s: the clip's start on the source's own clock.
    """

    def __init__(
        self, stack: ExitStack, media: Media, writing: OutputContainer, start_s: Fraction, length_s: Fraction
    ) -> None:
        self.left: list[Stream] = []
        self.written: list[TrackKind] = []
        self._writing = writing
        self._tracks: list[Iterator[tuple[Fraction, Packet[Any]]]] = []
        self._kinds: list[TrackKind] = []
        self._begun: set[int] = set()
        self._next: list[tuple[Fraction, Packet[Any]] | None] = []
        reading, _ = stack.enter_context(open_video(media.path))
        for stream in other_streams(reading, media):
            copy = _copied(stream, writing)
            if copy is None:
                self.left.append(stream)
                continue
            copy.metadata.clear()
            copy.metadata.update({key: value for key, value in stream.metadata.items() if key in _KEPT_KEYS})
            if language := copy.metadata.get("language"):
                copy.metadata["language"] = language_for(language, writing.format.name)
            copy.disposition = stream.disposition
            own, _ = stack.enter_context(open_video(media.path))
            self._tracks.append(_packets(own, stream.index, copy, start_s, length_s))
            self._next.append(None)
            self._kinds.append(TrackKind.SUBTITLES if stream.type == "subtitle" else TrackKind.DATA)

    def write_until(self, time_s: Fraction | None) -> None:
        """Write packets up to `time_s` after the clip's start; None: all of them."""
        for number, track in enumerate(self._tracks):
            while (following := self._next[number] or next(track, None)) is not None:
                self._next[number] = following
                if time_s is not None and following[0] > time_s:
                    break
                if number not in self._begun:
                    self._begun.add(number)
                    self.written.append(self._kinds[number])
                self._writing.mux(following[1])
                self._next[number] = None


def _copied(stream: Stream, writing: OutputContainer) -> Any:
    """The stream of the clip for a copy of this one; None if the container can't hold it."""
    if stream.type == "subtitle" and stream.codec_context is not None:
        with suppress(ValueError, av.error.FFmpegError):
            return writing.add_stream_from_template(stream)
    if stream.type == "data" and _codec(stream) == _BINARY and writing.format.name in ("mov", "mp4"):
        with suppress(ValueError, av.error.FFmpegError):
            return writing.add_stream_from_template(stream)
    return None


def _packets(
    reading: InputContainer, index: int, copy: Stream, start_s: Fraction, length_s: Fraction
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """(time after the clip's start, packet) of those that are shown within the clip, cut to its edges."""
    stream = reading.streams[index]
    stream.discard = Discard.default
    picture = reading.streams.video[0]
    with suppress(av.error.FFmpegError):  # a container that can't seek is read from its start
        reading.seek(max(0, int((start_s - _EARLY_S) * 1_000_000)))
    wanted = [stream] if reading.format.name.startswith("mov") else [stream, picture]  # the picture shows where to stop
    for packet in reading.demux(*wanted):
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or packet.time_base is None:
            continue
        first_s = stamp * packet.time_base - start_s
        if first_s >= length_s + (0 if packet.stream.index == index else 1):
            return
        if packet.stream.index != index or not packet.size:
            continue
        end_s = first_s + (packet.duration or 0) * packet.time_base
        if first_s < 0 and end_s <= 0:
            continue
        shown_s, until_s = max(first_s, Fraction(0)), min(max(end_s, first_s), length_s)
        packet.pts = packet.dts = round(shown_s / packet.time_base)
        if packet.duration:
            packet.duration = round(until_s / packet.time_base) - packet.pts
        packet.stream = copy
        yield shown_s, packet


def _codec(stream: Stream) -> str:
    return getattr(stream, "name", None) or ""


def _name(stream: Stream) -> str:
    kinds = {"subtitle": "subtitles", "audio": "sound that can't be decoded", "video": "a second picture"}
    language = stream.metadata.get("language", "und")
    details = [detail for detail in (_codec(stream), "" if language == "und" else language) if detail]
    kind = kinds.get(stream.type, stream.type)
    return f"track {stream.index + 1} ({', '.join([kind, *details])})"
