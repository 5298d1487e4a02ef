"""Checks a finished clip against its source."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from tr_desktop.errors import ExportError
from tr_desktop.footage.clips.facts import differences
from tr_desktop.footage.clips.fields import mark_fields
from tr_desktop.footage.clips.picture import is_rgb
from tr_desktop.footage.clips.tracks import kinds_of_others
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import find_frames
from tr_desktop.moments import FieldOrder, Footage, TrackKind
from tr_desktop.timecode import Timecode, is_smpte_rate

_SIDE_PX = 64
SIMILAR = 6.0
"""Mean difference of 8-bit brightness between a picture and its encoded form; these encoders stay below 2."""
NOISE = 0.5
"""By how much a neighbour of the source's picture may be more similar, likewise."""


def verify_clip(
    footage: Footage,
    frames: Sequence[int],
    clip: Path,
    start_tc: Timecode,
    *,
    lossless: bool,
    others: Sequence[TrackKind] = (),
) -> None:
    """Decode all of `clip` and compare it with the source: number of frames, first and last picture, timecode, facts.

    footage: the source, with its media as the clip should be. frames: the source frame that each of the clip's shows.
    others: the kinds of the other tracks that were copied.
    Small pictures are compared by brightness. A copied picture must not differ at all. An encoded one must
    be similar to its source frame, and not closer to a neighbour of it. ExportError: the differences; the caller then
    removes the clip.
    """
    media = footage.media
    count = len(frames)
    written = probe(clip)
    sampler = Sampler(written, Fraction(10**6), _SIDE_PX, decode_all=True)
    for _ in sampler:
        pass
    wrong = []
    if len(sampler.times) != count:
        wrong.append(f"it has {len(sampler.times)} frames instead of {count}")
    else:
        for at in {0, count - 1}:
            frame = frames[at]
            near = [n for n in (frame - 1, frame, frame + 1) if 0 <= n < len(footage)]
            pictures = {n: _small(decoded) for n, decoded in find_frames(footage, near)}
            [(_, decoded)] = find_frames(sampler.footage, [at])
            off = {n: float(np.abs(_small(decoded) - pictures[n]).mean()) for n in near}
            if off[frame] > (0 if lossless else SIMILAR) or off[frame] > min(off.values()) + NOISE:
                wrong.append(f"its frame {at} isn't frame {frame} of the source")
        if sampler.media.is_vfr and not media.is_vfr:
            wrong.append("its rate isn't constant")
    if sampler.problems:
        wrong.append(f"it is damaged ({sampler.problems[0]})")
    if (found := kinds_of_others(written)) != sorted(others, key=lambda kind: kind.value):
        wrong.append(f"it has {len(found)} other tracks instead of {len(others)}")
    wrong += differences(media, written, lossless=lossless)
    if is_smpte_rate(media.rate) and not media.is_vfr and str(written.start_tc) != str(start_tc):
        wrong.append(f"its timecode starts at {written.start_tc} instead of {start_tc}")
    if wrong:
        reason = f"The clip failed verification: {'; '.join(wrong)}"
        raise ExportError(reason, path=media.path, remedy="Try another clip format")


def _small(frame: VideoFrame) -> NDArray[np.int16]:
    """Brightness [S, S] in video range, which doesn't depend on colour tags (some encoders set their own).

    Both fields of a frame are averaged: the encoders that don't code by fields don't mark them either.
    """
    if frame.interlaced_frame:
        [frame] = mark_fields([frame], FieldOrder.PROGRESSIVE)
    square = frame.reformat(
        _SIDE_PX,
        _SIDE_PX,
        "yuv444p",
        interpolation=Interpolation.AREA,
        src_color_range=frame.color_range,
        dst_color_range=ColorRange.MPEG,
        dst_colorspace=Colorspace.ITU709 if is_rgb(frame) else None,
    )
    brightness: NDArray[np.int16] = square.to_ndarray()[0].astype(np.int16)
    return brightness
