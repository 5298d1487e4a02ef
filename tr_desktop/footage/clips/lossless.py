"""Clips cut by copying coded pictures. Each is then decoded and compared with its source.

If every picture is coded by itself, the cut is exact. Otherwise the clip starts at a keyframe and ends before one, and
the `Cut` names the frames it holds. Audio is cut at packets (21 ms for AAC). Nothing is hidden behind an edit list.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av.error
from av.packet import Packet
from av.video.stream import VideoStream

from tr_desktop.errors import ExportError
from tr_desktop.footage.clips.check import verify_clip
from tr_desktop.footage.clips.cut import Cut, FrameProgress, on_own_clock, open_clip
from tr_desktop.footage.clips.describe import clip_timecode, describe
from tr_desktop.footage.clips.facts import has_same_aspect, with_facts
from tr_desktop.footage.clips.picture import describe_copy, finish_clip, written
from tr_desktop.footage.clips.sound import CopiedTrack
from tr_desktop.footage.clips.tracks import CopiedTracks, copy_chapters, left_behind
from tr_desktop.footage.container import open_video
from tr_desktop.footage.encoder_note import encoder_note, with_note
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, FrameTimes, Media, Segment

_MOV_PICTURES = {"h264", "hevc", "prores", "dnxhd", "mjpeg", "mpeg2video", "mpeg4", "dvvideo", "qtrle", "jpeg2000"}
_MOV_SOUND = {"aac", "ac3", "eac3", "alac", "mp3", "mp3float", "mp2", "mp2float"}


def cut_lossless(footage: Footage, segment: Segment, out: Path, on_progress: FrameProgress | None = None) -> Cut:
    """Copy coded pictures to `out`, which is overwritten, and verify it.

    The `Cut` names the frames it holds: `segment` itself if all pictures of the footage are keyframes. Otherwise it
    reaches outward to the nearest places where the stream can be split. ExportError: as for `cut_exact`, or the stream
    can't be split.
    """
    footage = with_facts(footage)
    media, times = footage.media, footage.times
    if times.start_pts is None:
        raise ExportError(
            "A file with inconsistent time stamps can't be cut without encoding",
            path=media.path,
            remedy="Use an exact cut",
        )
    try:
        with ExitStack() as stack:
            source, packets, held = _packets_of(stack, footage, times.start_pts, segment)
            start_tc = clip_timecode(footage, held.start_frame)
            writing = stack.enter_context(open_clip(out))
            picture = writing.add_stream_from_template(source, opaque=True)  # some codecs have a decoder only
            picture.metadata.clear()
            picture.codec_context.framerate = media.rate  # the muxer counts timecode by it
            describe(media, writing, picture, start_tc)
            describe_copy(picture, source, media, writing)
            start_s = on_own_clock(times, times.time_s(held.start_frame))
            length_s = times.time_s(held.end_frame) - times.time_s(held.start_frame)
            copy_chapters(media, writing, start_s, length_s)
            sounds = [CopiedTrack(stack, media, n, writing, start_s, length_s) for n in range(len(media.audio))]
            others = CopiedTracks(stack, media, writing, start_s, length_s)
            tracks: list[CopiedTrack | CopiedTracks] = [*sounds, others]
            tick_s = _to_clip_times(packets, footage, times.start_pts, held)
            picture.time_base = tick_s
            if any((packet.pts or 0) < packet.dts for packet in packets if packet.dts is not None):
                raise ValueError("the file shows a picture before its time to be decoded")
            for done, packet in enumerate(packets, 1):
                packet.stream = picture
                for track in tracks:
                    track.write_until((packet.dts or 0) * tick_s)
                writing.mux(packet)
                if on_progress:
                    on_progress(done, len(packets))
            for track in tracks:
                track.write_until(None)
            left, meant = left_behind(others.left), written(writing)
        finish_clip(out, media, media.codec, meant)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = f"The clip can't be copied into {out.suffix}: {error}"
        raise ExportError(reason, path=media.path, remedy="Use an exact cut") from error
    verify_clip(footage, range(held.start_frame, held.end_frame), out, start_tc, lossless=True, others=others.written)
    if out.suffix == ".mkv" and not has_same_aspect(media, probe(out)):
        left += (f"Pixel aspect {media.pixel_aspect} isn't in the clip: set it in your editor",)
    return Cut(out, held, start_tc, left)


def lossless_suffix(media: Media) -> str:
    """The container for a lossless cut of `media`: one that editors read, if it can hold its streams."""
    suffix = media.path.suffix.lower()
    if suffix in {".mp4", ".m4v"}:
        return ".mp4"
    sound = all(track.codec in _MOV_SOUND or track.codec.startswith("pcm_") for track in media.audio)
    return ".mov" if suffix == ".mov" or (media.codec in _MOV_PICTURES and sound) else ".mkv"


def _to_clip_times(packets: list[Packet[VideoStream]], footage: Footage, start_pts: int, held: Segment) -> Fraction:
    """Count the packets' times from the clip's first frame; the tick that they are in, seconds.

    If the container's clock is too coarse for a constant rate (milliseconds), the ticks become frames: its rounding
    would make the rate vary.
    """
    times, rate = footage.times, footage.media.rate
    first = times.ticks[held.start_frame]
    is_rounded = not footage.media.is_vfr and (1 / rate / times.tick_s).denominator > 1
    if is_rounded and _are_on_grid(times, held, rate):
        shown = [_frame(times, (packet.pts or 0) - start_pts) - held.start_frame for packet in packets]
        delay = max(stored - frame for stored, frame in enumerate(shown))
        for stored, (packet, frame) in enumerate(zip(packets, shown, strict=True)):
            packet.pts, packet.dts, packet.duration, packet.time_base = frame, stored - delay, 1, 1 / rate
        return 1 / rate
    for packet in packets:
        packet.pts = _minus(packet.pts, start_pts + first)
        packet.dts = _minus(packet.dts, start_pts + first)
    return times.tick_s


def _are_on_grid(times: FrameTimes, held: Segment, rate: Fraction) -> bool:
    """Whether each frame is at frame number / rate, but for rounding to a tick."""
    first_s = times.time_s(held.start_frame)
    return all(
        abs(times.time_s(frame) - first_s - (frame - held.start_frame) / rate) <= times.tick_s
        for frame in range(held.start_frame, held.end_frame)
    )


def _minus(stamp: int | None, shift: int) -> int | None:
    return None if stamp is None else stamp - shift


def _packets_of(
    stack: ExitStack, footage: Footage, start_pts: int, segment: Segment
) -> tuple[VideoStream, list[Packet[VideoStream]], Segment]:
    """(stream, coded pictures in stored order that decode by themselves and cover `segment`, the frames they hold)."""
    media, times = footage.media, footage.times
    first_pts = start_pts + times.ticks[segment.start_frame]
    end_pts = start_pts + int(times.time_s(segment.end_frame) / times.tick_s)
    with open_video(media.path) as opened:
        note = encoder_note(*opened)
    for back_s in (0, 1, 4, 16, None):  # a seek goes by decoding time and may land after the needed keyframe
        reading, source = stack.enter_context(open_video(media.path))
        if back_s is not None:  # None: read from the file's start
            reading.seek(max(start_pts, first_pts - int(back_s / times.tick_s)), stream=source)
        packets, shown_until = _group(reading.demux(source), first_pts, end_pts)
        if packets:
            packets[0] = with_note(packets[0], note, source)
            held_start = _frame(times, (packets[0].pts or 0) - start_pts)
            held_end = len(times) if shown_until is None else _frame(times, shown_until - start_pts)
            return source, packets, Segment(held_start, held_end)
    raise ValueError("there is no keyframe before the moment")


def _group(
    stored: Iterator[Packet[VideoStream]], first_pts: int, end_pts: int
) -> tuple[list[Packet[VideoStream]], int | None]:
    """(packets from the last keyframe shown by `first_pts` to the next split, time stamp of the split; None: the end).

    The stream can be split before a keyframe. Pictures stored after a keyframe and shown before it (open GOP) belong to
    it: those of the first keyframe are left out, and the clip ends where those of the last one begin.
    """
    kept: list[Packet[VideoStream]] = []
    beyond: list[Packet[VideoStream]] = []  # a keyframe after the moment, and the pictures shown before it
    for packet in stored:
        if not packet.size:
            continue
        if packet.pts is None:
            raise ValueError("a picture has no time stamp")
        if beyond:
            if packet.pts < (beyond[0].pts or 0):
                beyond.append(packet)
                continue
            if (ends := _earliest(beyond)) >= end_pts:
                return kept, ends
            kept, beyond = kept + beyond, []
        if packet.is_keyframe and packet.pts <= first_pts:
            kept = [packet]
        elif packet.is_keyframe and packet.pts >= end_pts and kept:
            beyond = [packet]
        elif kept and packet.pts > (kept[0].pts or 0):
            kept.append(packet)
    if beyond and (ends := _earliest(beyond)) >= end_pts:
        return kept, ends
    return kept + beyond, None


def _earliest(packets: list[Packet[VideoStream]]) -> int:
    return min(packet.pts for packet in packets if packet.pts is not None)


def _frame(times: FrameTimes, tick: int) -> int:
    frame = bisect.bisect_left(times.ticks, tick)
    if frame == len(times.ticks) or times.ticks[frame] != tick:
        raise ValueError("a coded picture is never shown")
    return frame
