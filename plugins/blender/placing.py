# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Placing moments in a scene's sequencer: picture and sound end to end, with a marker on each.

Blender counts the frames of a movie by the file's own rate, whatever the scene's rate is. A scene of another rate would
play it at the wrong speed, so such moments are refused. What Blender made of a cut is read back and compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import bpy

from .hand_over import Moment

SOUND_CHANNEL, PICTURE_CHANNEL = 1, 2  # as Blender's own Add > Movie
NAME_BYTES = 63  # Blender cuts longer names of markers and strips
ID, CUT, NOTE = "timerefine_id", "timerefine_cut", "timerefine_note"  # custom properties of our strips
# Blender keeps rates as 32-bit floats, and 29.97 counts as 30000/1001; 24 and 23.976 differ by 1/1000.
SAME_RATE = Fraction(1, 500_000)
SOUND_APART = 2  # frames: the last block of compressed sound may reach beyond the picture
MATROSKA, MATROSKA_FASTEST = (".mkv", ".webm"), 50  # faster: one frame in 60 was wrong in Blender 5.0


class RefusedError(Exception):
    """A moment can't be placed; the message says why and what to do."""


@dataclass
class Outcome:
    """placed: how many moments. said: a sentence for everything that differs from what was asked."""

    placed: int = 0
    said: list[str] = field(default_factory=list)


def place(scene: bpy.types.Scene, moments: Sequence[Moment]) -> Outcome:
    """Place `moments` after what is in the sequencer; an empty one gets the rate of the first that can be placed."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    outcome = Outcome()
    here = {(strip.get(ID), strip.get(CUT)) for strip in editor.strips_all if strip.get(ID)}
    was_empty = not len(editor.strips)
    at = max([scene.frame_start, *(strip.frame_final_end for strip in editor.strips)])
    for moment in moments:
        try:
            if (moment.id, moment.cut) in here:
                raise RefusedError("is in this scene already, with the same cut")
            sentences = _place(scene, moment, at, sets_rate=not len(editor.strips))
        except RefusedError as error:
            outcome.said.append(f"{_label(moment)} wasn't placed: it {error}")
            continue
        if any(moment.id == known for known, _ in here):
            sentences.append("was placed again with its new cut; the earlier one is still there")
        outcome.said += [f"{_label(moment)}: it {sentence}" for sentence in sentences]
        outcome.placed += 1
        here.add((moment.id, moment.cut))
        at += moment.length
    if outcome.placed:
        scene.frame_end = at - 1 if was_empty else max(scene.frame_end, at - 1)
    return outcome


def rate_text(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def rate_of(scene: bpy.types.Scene) -> Fraction:
    """Nearly the scene's rate: Blender keeps 30000/1001 as 30 over a 32-bit 1.001."""
    return Fraction(scene.render.fps) / Fraction(scene.render.fps_base)


def _place(scene: bpy.types.Scene, moment: Moment, at: int, *, sets_rate: bool) -> list[str]:
    """Place one moment at frame `at`; what differs. Raises RefusedError, and then leaves the scene as it was."""
    path = moment.media
    if path is None:
        raise RefusedError(
            f"has no footage here: {moment.spellings[0]} is missing. Connect its drive, or send it again"
        )
    if moment.is_vfr:
        raise RefusedError(
            "has a variable frame rate, which Blender can't place exactly. Make it constant: export it with --cfr to a "
            ".handover.json, and choose that file here"
        )
    if not sets_rate and not _is_same(rate_of(scene), moment.rate):
        raise RefusedError(
            f"runs at {rate_text(moment.rate)} frames a second and this scene at {rate_text(rate_of(scene))}. "
            "Choose an empty scene for it"
        )
    strips = scene.sequence_editor.strips
    picture = strips.new_movie(
        _short(moment.name or moment.file_name, NAME_BYTES),
        path,
        channel=PICTURE_CHANNEL,
        frame_start=at - moment.in_frame,
        fit_method="FIT",
    )
    try:
        sentences = _check_frames(picture, moment)
    except RefusedError:
        strips.remove(picture)
        raise
    if sets_rate:  # before there is sound: its length in frames is counted once
        _set_rate(scene, moment.rate)
    _cut(picture, moment.in_frame, moment.length)
    picture[ID], picture[CUT], picture[NOTE] = moment.id, moment.cut, _clean(moment.note)
    if (picture.frame_final_start, picture.frame_final_duration) != (at, moment.length):
        sentences.append(f"should begin at {at} with {moment.length} frames. Blender made another cut: check it")
    if moment.has_audio:
        sentences += _place_sound(strips, picture, moment, path, at)
    _mark(scene, moment, at)
    return sentences


def _check_frames(picture: bpy.types.MovieStrip, moment: Moment) -> list[str]:
    """Whether Blender counts the file's frames as TimeRefine does. Raises RefusedError."""
    if not picture.fps:
        raise RefusedError("can't be read by Blender. Cut it into a clip with TimeRefine")
    if not _is_same(Fraction(picture.fps), moment.rate):
        rate = rate_text(Fraction(picture.fps))
        raise RefusedError(
            f"has another rate for Blender, {rate} and not {rate_text(moment.rate)}. Cut it into a clip with TimeRefine"
        )
    counted = f"has {picture.frame_duration} frames for Blender and {moment.frames} for TimeRefine"
    if picture.frame_duration < moment.frames:  # seen in Matroska that doesn't begin at 0: then all pictures are wrong
        raise RefusedError(f"{counted}. Cut it into a clip with TimeRefine")
    if moment.rate > MATROSKA_FASTEST and moment.file_name.lower().endswith(MATROSKA):
        raise RefusedError(
            "is a Matroska file, whose times are whole milliseconds: at its rate Blender shows some frames twice. "
            "Cut it into a clip with TimeRefine"
        )
    return [f"{counted}: check the cut"] if picture.frame_duration > moment.frames else []


def _place_sound(strips: Any, picture: bpy.types.MovieStrip, moment: Moment, path: str, at: int) -> list[str]:
    sound = strips.new_sound(picture.name, path, channel=SOUND_CHANNEL, frame_start=at - moment.in_frame)
    length = min(moment.length, sound.frame_duration - moment.in_frame)
    if not sound.sound.samplerate or length <= 0:
        reason = "ends before the cut" if sound.sound.samplerate else "can't be read by Blender"
        strips.remove(sound)
        return [f"was placed without sound, which {reason}"]
    _cut(sound, moment.in_frame, length)
    _connect(strips, picture, sound)
    # Blender lets sound begin with the picture, whatever the file says, and doesn't tell where it would begin.
    apart = abs(sound.frame_duration - picture.frame_duration)
    if apart > SOUND_APART:
        return [f"has sound and picture of different lengths, by {apart} frames. If one begins later, check the sync"]
    return []


def _cut(strip: bpy.types.Strip, in_frame: int, length: int) -> None:
    strip.frame_offset_start = in_frame
    strip.frame_final_duration = length


def _connect(strips: Any, *pair: bpy.types.Strip) -> None:
    """Let picture and sound be selected and moved together. Blender offers that inside a sequencer only."""
    if bpy.ops.sequencer.connect.poll():
        for strip in strips:
            strip.select = strip in pair
        bpy.ops.sequencer.connect()


def _mark(scene: bpy.types.Scene, moment: Moment, at: int) -> None:
    """The moment's marker, with its id after its name (markers have no custom properties), and the editor's own."""
    zero = at - moment.in_frame
    name = f"{_short(moment.name, NAME_BYTES - 1 - len(moment.id))} {moment.id}".strip()
    scene.timeline_markers.new(name, frame=zero + moment.start_frame)
    for frame, text in moment.marks:
        scene.timeline_markers.new(_short(text, NAME_BYTES) or "marker", frame=zero + frame)


def _set_rate(scene: bpy.types.Scene, rate: Fraction) -> None:
    """As Blender has it: 30000/1001 is 30 frames in 1.001 seconds."""
    whole = max(1, round(rate))
    scene.render.fps, scene.render.fps_base = whole, float(whole / rate)


def _is_same(one: Fraction, other: Fraction) -> bool:
    return abs(one / other - 1) < SAME_RATE


def _label(moment: Moment) -> str:
    return f"{_clean(moment.name)} ({_clean(moment.file_name)})"


def _clean(text: str) -> str:
    """Without what would end or break a line, or can't be UTF-8."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _short(text: str, size_bytes: int) -> str:
    return _clean(text).encode()[:size_bytes].decode(errors="ignore")
