"""What editors should know of an export, as sentences that several formats share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from exporters.timeline import Clip, Timeline
from tr_desktop.moments import Media, OtherTrack, TrackKind

WITH_PATHS = "FCPXML, Final Cut Pro 7 XML or OpenTimelineIO"
_LISTED = 8
_STILLS = {"mjpeg", "png", "bmp", "gif"}  # covers and previews, which nobody edits


def listed(items: Iterable[str]) -> str:
    """The items in one line, the first ones only if there are many."""
    items = list(items)
    more = [f"and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return ", ".join([*items[:_LISTED], *more])


def found_by_label(timeline: Timeline) -> Iterator[str]:
    """For lists that know footage by name, reel and timecode only: files without timecode, and files alike."""
    clips = [clips[0] for clips in timeline.by_file()]
    if unlabelled := [clip.name for clip in clips if not clip.media.has_timecode]:
        yield (
            f"No source timecode: {listed(unlabelled)}. Labels count from zero. The list finds footage by timecode: "
            f"start these files at zero in your editor, or export {WITH_PATHS}, which find files by path."
        )
    for alike in _groups((clip.name.casefold(), clip) for clip in clips):
        yield (
            f"Files of the same name: {listed(str(clip.media.path) for clip in alike)}. The list has names without "
            f"folders: check which file your editor takes, or export {WITH_PATHS}."
        )
    for tape in _groups((clip.media.reel, clip) for clip in clips if clip.media.reel):
        if any(_overlap(one, other) for one, other in combinations(tape, 2)):
            yield (
                f"Files of reel {tape[0].media.reel} with the same timecode: "
                f"{listed(str(clip.media.path) for clip in tape)}. The list can't tell them apart: check which file "
                f"your editor takes, or export {WITH_PATHS}."
            )


def left_behind(timeline: Timeline, *, channels: int | None = None, tracks: int | None = None) -> Iterator[str]:
    """For timelines: the tracks of each file that aren't in them.

    channels, tracks: the limit of audio channels or tracks for each file, or None for all.
    """
    first = [clips[0] for clips in timeline.by_file()]
    parts = ((clip.name, list(_left(clip.media, channels, tracks))) for clip in first)
    if files := [f"{name} ({', '.join(left)})" for name, left in parts if left]:
        yield f"Not on the timeline, but still in the files: {listed(files)}."


def _left(media: Media, channels: int | None, tracks: int | None) -> Iterator[str]:
    has = sum(track.channels for track in media.audio)
    if channels is not None and has > channels:
        yield f"audio channels {channels + 1} to {has}" if has > channels + 1 else f"audio channel {has}"
    if tracks is not None and len(media.audio) > tracks:
        languages = [track.language for track in media.audio[tracks:] if track.language]
        yield " ".join(["further audio tracks", *languages])
    others = media.other_tracks
    if any(track.kind is TrackKind.AUDIO for track in others):
        yield "audio that can't be decoded"
    if subtitles := [track for track in others if track.kind is TrackKind.SUBTITLES]:
        yield " ".join(["subtitles", *_languages(subtitles)])
    if any(track.kind is TrackKind.VIDEO and track.codec not in _STILLS for track in others):
        yield "a second picture"


def _languages(tracks: Iterable[OtherTrack]) -> list[str]:
    return list(dict.fromkeys(track.language for track in tracks if track.language))


def _groups(keyed: Iterable[tuple[str, Clip]]) -> list[list[Clip]]:
    """The clips that share a key with others."""
    groups: dict[str, list[Clip]] = {}
    for key, clip in keyed:
        groups.setdefault(key, []).append(clip)
    return [group for group in groups.values() if len(group) > 1]


def _overlap(one: Clip, other: Clip) -> bool:
    """Whether a label is in both files."""
    starts = [clip.media.start_tc.frame / clip.rate for clip in (one, other)]
    ends = [start + clip.media_frames / clip.rate for start, clip in zip(starts, (one, other), strict=True)]
    return max(starts) < min(ends)
