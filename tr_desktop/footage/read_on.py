"""The frame times beyond the part of a file that was read so far, for clips of it."""

from __future__ import annotations

from array import array
from dataclasses import replace
from fractions import Fraction

import av.error

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, read_packets
from tr_desktop.footage.frames import Sampler
from tr_desktop.moments import Footage, FrameTimes, Media

_BACK_OFF_S = (0, 1, 4, 16)  # a seek goes by decoding time, and may land too late
_KEYFRAMES = 3  # a lossless cut ends at the first or, if other pictures are in the way, the next


def read_on(footage: Footage, until_s: Fraction) -> Footage:
    """`footage` with the times of all frames up to the third keyframe after `until_s`, or to the end of the file.

    Nothing is decoded, and no more of the file is read, unless its time stamps can't be trusted. Footage that was read
    as a whole stays as it is. Raises MediaError if the file can't be read.
    """
    if footage.is_whole:
        return footage
    start_pts = footage.times.start_pts
    if start_pts is not None:
        for back_s in _BACK_OFF_S:
            if further := _read_from(footage, start_pts, back_s, until_s):
                return further
    return replace(footage, times=read_whole(footage.media).times, is_whole=True)


def read_whole(media: Media) -> Footage:
    """A file with the times of all its frames, of which as few as possible are decoded. Raises MediaError."""
    sampler = Sampler(media, Fraction(10**6), 16)
    for _ in sampler:
        pass
    return sampler.footage


def _read_from(footage: Footage, start_pts: int, back_s: int, until_s: Fraction) -> Footage | None:
    """The same for a seek to `back_s` seconds before the last known frame; None if that misses it."""
    media, times = footage.media, footage.times
    last_pts = start_pts + int(times.ticks[-1])
    until_pts = start_pts + int(until_s / times.tick_s)
    stamps: dict[int, int] = {}  # of each frame, with its duration
    keyframes: list[int] = []  # after the wanted time
    is_whole = True
    try:
        with open_video(media.path) as (container, stream):
            container.seek(max(last_pts - int(back_s / times.tick_s), start_pts), stream=stream)
            for packet in read_packets(container, stream, Reading()):
                if packet is None or packet.is_discard:
                    continue
                if packet.pts is None:
                    return None
                stamps[packet.pts] = packet.duration or 0
                if packet.is_keyframe and packet.pts >= max(until_pts, last_pts):
                    keyframes.append(packet.pts)
                    # Pictures shown before a keyframe may be stored after it, but never after the next one.
                    if is_whole := len(keyframes) <= _KEYFRAMES:
                        continue
                    break
    except av.error.FFmpegError as error:
        raise MediaError(f"can't be read: {error}", path=media.path) from error
    if last_pts not in stamps:
        return None
    ends_pts = None if is_whole else keyframes[_KEYFRAMES - 1]
    further = sorted(pts for pts in stamps if pts > last_pts and (ends_pts is None or pts < ends_pts))
    ticks = array("q", times.ticks)
    ticks.extend(pts - start_pts for pts in further)
    if ends_pts is None:
        last = further[-1] if further else last_pts
        ends_pts = last + (stamps[last] or max(round(1 / (media.rate * times.tick_s)), 1))
    return replace(footage, times=FrameTimes(ticks, ends_pts - start_pts, times.tick_s, start_pts), is_whole=is_whole)
