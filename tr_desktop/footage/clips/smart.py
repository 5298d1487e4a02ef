"""Smart cuts: exact edges, and every coded picture that can be copied is. Each is then compared with its source.

A moment rarely starts at a keyframe. The frames before the first one in it are encoded, and those after the last
picture that needs none after it. All pictures between are the source's own packets. Sound is decoded to PCM, exact to
the sample. Why it is done in this way: docs/decisions/0010-smart-cut.md.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import av.error
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from tr_desktop.errors import ExportError
from tr_desktop.footage.bitstream import nal_length_bytes
from tr_desktop.footage.clips.check import verify_clip
from tr_desktop.footage.clips.check_pictures import verify_pictures
from tr_desktop.footage.clips.cut import Cut, FrameProgress, on_own_clock, open_clip
from tr_desktop.footage.clips.describe import clip_timecode, describe
from tr_desktop.footage.clips.facts import with_facts
from tr_desktop.footage.clips.parameter_sets import free_ids, packed, parameter_sets, sets_of, units_of, with_sets
from tr_desktop.footage.clips.picture import describe_copy, finish_clip, written
from tr_desktop.footage.clips.smart_parts import END_OF_SEQUENCE, PartEncoder, Style, refusal
from tr_desktop.footage.clips.smart_plan import Join, Picture, Plan, plan_cut
from tr_desktop.footage.clips.sound import EncodedTrack
from tr_desktop.footage.clips.tracks import CopiedTracks, copy_chapters, left_behind
from tr_desktop.footage.container import open_video
from tr_desktop.moments import Footage, Media, Segment

SUFFIX = ".mov"


def cut_smart(footage: Footage, segment: Segment, out: Path, on_progress: FrameProgress | None = None) -> Cut:
    """Copy and encode the frames of `segment` to `out`, a MOV file, which is overwritten, and verify it.

    The `Cut` notes how many frames were encoded. ExportError: the codec, its profile or its stream can't be joined with
    encoded pictures; or as for `cut_exact`.
    """
    footage = with_facts(footage)
    media, times = footage.media, footage.times
    if times.start_pts is None:
        raise _refused(media, "its time stamps are inconsistent")
    if media.fields.is_interlaced:
        raise _refused(media, "it is interlaced")
    start_tc = clip_timecode(footage, segment.start_frame)
    try:
        with ExitStack() as stack:
            _, source = stack.enter_context(open_video(media.path))
            style = _style(source, media)
            plan = plan_cut(footage, times.start_pts, segment)
            if plan.has_unusable_keyframes:
                raise _refused(media, "its keyframes between the edges aren't IDR pictures, so none can follow others")
            style = _with_free_ids(style, plan)
            progress = _Progress(on_progress, plan.encoded_frames + segment.frames)
            encoder = PartEncoder(footage, style, progress.step)
            pictures = _joined(plan, [encoder.encode(part) for part in plan.parts], style)
            writing = stack.enter_context(open_clip(out))
            picture = writing.add_stream_from_template(source, opaque=True)
            context = picture.codec_context
            context.extradata = with_sets(source.codec_context.extradata or b"", style.codec, encoder.sets)
            context.framerate = media.rate  # the muxer counts timecode by it
            picture.metadata.clear()
            describe(media, writing, picture, start_tc)
            describe_copy(picture, source, media, writing)
            others = _write(stack, footage, segment, pictures, writing, picture, progress)
            left, meant = left_behind(others.left), written(writing)
        finish_clip(out, media, media.codec, meant)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _refused(media, str(error)) from error
    frames = range(segment.start_frame, segment.end_frame)
    verify_clip(footage, frames, out, start_tc, lossless=False, others=others.written)
    verify_pictures(footage, segment, range(plan.copy_start, plan.copy_end), out)
    return Cut(out, segment, start_tc, (_note(plan), *left))


class _Progress:
    """Counts frames that were encoded, and pictures that were written."""

    def __init__(self, report: FrameProgress | None, steps: int) -> None:
        self._report, self._steps, self._done = report, steps, 0

    def step(self) -> None:
        self._done += 1
        if self._report:
            self._report(self._done, self._steps)


def _refused(media: Media, reason: str) -> ExportError:
    return ExportError(f"A smart cut isn't possible: {reason}", path=media.path, remedy="Use an exact cut")


def _style(source: VideoStream, media: Media) -> Style:
    """ValueError if encoded pictures can't be like the source's."""
    context = source.codec_context
    codec, pix_fmt = context.codec.canonical_name, context.pix_fmt or ""
    sets = sets_of(context.extradata or b"", codec) if codec in ("h264", "hevc") else []
    if why := refusal(codec, pix_fmt, sets):
        raise ValueError(why)
    aspect = context.sample_aspect_ratio
    return Style(codec, pix_fmt, aspect or None, media.rate, nal_length_bytes(source), tuple(sets), free_ids([], codec))


def _with_free_ids(style: Style, plan: Plan) -> Style:
    """With ids that neither the sample entry nor the copied pictures use."""
    sets = set(style.sets)
    for picture in plan.copied:
        sets.update(parameter_sets(units_of(picture.data, style.length_bytes), style.codec))
    return replace(style, ids=free_ids(sorted(sets), style.codec))


def _joined(plan: Plan, parts: list[list[Picture]], style: Style) -> list[Picture]:
    """All pictures of the clip in stored order."""
    head = parts[0] if plan.segment.start_frame < plan.copy_start else []
    tail = parts[-1] if plan.copied and plan.copy_end < plan.segment.end_frame else []
    if head and plan.join is Join.CRA:
        ended = head[-1].data + packed([END_OF_SEQUENCE], style.length_bytes)
        head = [*head[:-1], replace(head[-1], data=ended)]
    return [*head, *plan.copied, *tail]


def _write(
    stack: ExitStack,
    footage: Footage,
    segment: Segment,
    pictures: list[Picture],
    writing: OutputContainer,
    picture: VideoStream,
    progress: _Progress,
) -> CopiedTracks:
    """Write the pictures with the times of their frames, the sound and the other tracks.

    Decoding times are made anew: the times of all frames in order, as much earlier as the most delayed picture needs.
    """
    media, times = footage.media, footage.times
    frames = range(segment.start_frame, segment.end_frame)
    time_base = times.tick_s if media.is_vfr else 1 / media.rate
    start_tick = times.ticks[segment.start_frame]
    ticks = [times.ticks[n] - start_tick for n in frames] if media.is_vfr else list(range(len(frames)))
    end_s = times.time_s(segment.end_frame) - times.time_s(segment.start_frame)
    ends = [*ticks[1:], int(end_s / time_base) if media.is_vfr else len(ticks)]
    delay = max(ticks[at] - ticks[each.frame - segment.start_frame] for at, each in enumerate(pictures))
    start_s = on_own_clock(times, times.time_s(segment.start_frame))
    copy_chapters(media, writing, start_s, end_s)
    sounds = [EncodedTrack(stack, media, n, writing, start_s, end_s, "") for n in range(len(media.audio))]
    others = CopiedTracks(stack, media, writing, start_s, end_s)
    tracks: list[EncodedTrack | CopiedTracks] = [*sounds, others]
    picture.time_base = time_base
    for at, each in enumerate(pictures):
        progress.step()
        place = each.frame - segment.start_frame
        packet: Packet[Any] = Packet(each.data)
        packet.time_base = time_base
        packet.pts, packet.dts = ticks[place], ticks[at] - delay
        packet.duration = ends[place] - ticks[place]
        packet.is_keyframe = each.is_keyframe
        packet.stream = picture
        for track in tracks:
            track.write_until(ticks[at] * time_base)
        writing.mux(packet)
    for track in tracks:
        track.write_until(None)
    return others


def _note(plan: Plan) -> str:
    frames = plan.segment.frames
    if not plan.copied:
        return f"all {frames} frames were encoded: between the edges is no keyframe at which copying can begin"
    return f"{plan.encoded_frames} of {frames} frames were encoded, the others copied"
