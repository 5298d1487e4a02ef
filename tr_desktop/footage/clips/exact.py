"""Clips cut by decoding and encoding again. Each is then decoded and compared with its source.

`cut_exact` encodes exactly the requested frames of any footage, in a mezzanine or a delivery codec. `cut_cfr` does so
at a constant rate, for variable-frame-rate footage.

Frames are counted and recognised by time stamp, never by seconds. Nothing is hidden behind an edit list. The clip's
timecode is that of its own first frame (writers that copy the source's start timecode shift the clip). Reel, rotation,
fields, pixel aspect, colour tags, language and title are kept, and so is every audio track that can be decoded, exact
to the sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av.error
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from tr_desktop.errors import ExportError
from tr_desktop.footage.clips.check import verify_clip
from tr_desktop.footage.clips.cut import Cut, FrameProgress, on_own_clock, open_clip
from tr_desktop.footage.clips.describe import clip_timecode, describe, hdr10
from tr_desktop.footage.clips.facts import with_facts
from tr_desktop.footage.clips.fields import mark_fields
from tr_desktop.footage.clips.joined_sound import find_joints
from tr_desktop.footage.clips.picture import describe_encoded, finish_clip, is_rgb, mark_matrix, written
from tr_desktop.footage.clips.sound import EncodedTrack
from tr_desktop.footage.clips.tracks import copy_chapters, left_behind, other_streams
from tr_desktop.footage.container import open_video
from tr_desktop.footage.seek import find_frames
from tr_desktop.moments import FieldOrder, Footage, Media, Segment, steady_frames
from tr_desktop.timecode import SMPTE_RATES, Timecode

_NEAR = Fraction(1, 40)
_FULL_COLOUR = {"ap4h", "ap4x"}
_BITS = 10  # of the mezzanine codecs
_CODED_BY_FIELDS = {"prores_ks", "libx264"}
"""Encoders that code two fields of a frame apart. DNxHR has no such mode, and HEVC's wants fields instead of frames."""


@dataclass(frozen=True)
class Preset:
    """How `cut_exact` encodes. bits_per_pixel: approximate, for the check of free space."""

    name: str
    title: str
    suffix: str
    codec: str
    pix_fmt: str
    options: dict[str, str]
    bits_per_pixel: float
    audio_codec: str = ""  # PCM of the source's depth

    @property
    def min_width(self) -> int:
        return 256 if self.codec == "dnxhd" else 16


_HEVC = {"crf": "18", "tag": "hvc1", "x265-params": "log-level=error"}
PRESETS = {
    preset.name: preset
    for preset in (
        Preset("prores", "ProRes 422 HQ", ".mov", "prores_ks", "yuv422p10le", {"profile": "3", "vendor": "apl0"}, 5),
        Preset("dnxhr", "DNxHR HQX", ".mov", "dnxhd", "yuv422p10le", {"profile": "dnxhr_hqx"}, 5),
        Preset("h264", "H.264", ".mp4", "libx264", "yuv420p", {"crf": "16", "preset": "medium"}, 1.5, "aac"),
        Preset("hevc", "HEVC 10-bit", ".mp4", "libx265", "yuv420p10le", _HEVC, 1.5, "aac"),
    )
}


def cut_exact(
    footage: Footage,
    segment: Segment,
    out: Path,
    preset: Preset,
    on_progress: FrameProgress | None = None,
) -> Cut:
    """Encode the frames of `segment` to `out`, which is overwritten, and verify it.

    footage: as a finished `Sampler` gave it. Variable rates keep their times.
    ExportError: nothing can be decoded there, the encoder or the disk fails, or the clip fails verification.
    """
    footage = with_facts(footage)
    media, times = footage.media, footage.times
    frames = range(segment.start_frame, segment.end_frame)
    start_tick = times.ticks[segment.start_frame]
    made = _Made(
        media=media,
        frames=frames,
        ticks=[times.ticks[n] - start_tick for n in frames] if media.is_vfr else range(len(frames)),
        time_base=times.tick_s if media.is_vfr else 1 / media.rate,
        start_tc=clip_timecode(footage, segment.start_frame),
        start_s=times.time_s(segment.start_frame),
        length_s=times.time_s(segment.end_frame) - times.time_s(segment.start_frame),
    )
    notes = _encode(Footage(made.media, times), made, out, preset, on_progress)
    verify_clip(footage, frames, out, made.start_tc, lossless=False)
    return Cut(out, segment, made.start_tc, notes)


def cut_cfr(
    footage: Footage,
    first: int,
    count: int,
    out: Path,
    preset: Preset,
    on_progress: FrameProgress | None = None,
) -> Cut:
    """Encode variable-frame-rate footage at a constant rate, `cfr_rate`. The cut's segment: the frames that it shows.

    Frame k of the result lasts from k / rate to (k + 1) / rate after the first frame of the file, and shows the picture
    that is on screen in the middle of that time. first, count: the frames to cut. Otherwise as `cut_exact`.
    """
    footage = with_facts(footage)
    media, times = footage.media, footage.times
    rate = cfr_rate(media)
    frames = [times.frame_at((2 * frame + 1) / (2 * rate)) for frame in range(first, first + count)]
    made = _Made(
        media=replace(media, rate=rate, start_tc=media.start_tc.at_rate(rate), is_vfr=False),
        frames=frames,
        ticks=range(count),
        time_base=1 / rate,
        start_tc=(media.start_tc.at_rate(rate) + first).in_day,
        start_s=first / rate,
        length_s=count / rate,
    )
    notes = _encode(Footage(made.media, times), made, out, preset, on_progress)
    verify_clip(Footage(made.media, times), frames, out, made.start_tc, lossless=False)
    return Cut(out, Segment(frames[0], frames[-1] + 1), made.start_tc, notes)


def cfr_rate(media: Media) -> Fraction:
    """The constant rate for variable-frame-rate footage: one that editors have, near its nominal rate or above it.

    Time stamps in whole milliseconds make 30 look like 30.3, so the nearest rate is taken if it is that close.
    """
    nearest = min(SMPTE_RATES, key=lambda rate: abs(rate - media.rate))
    if abs(nearest - media.rate) <= _NEAR * media.rate:
        return nearest
    return min((rate for rate in SMPTE_RATES if rate >= media.rate), default=nearest)


def cfr_segment(footage: Footage, segment: Segment) -> Segment:
    """`segment` in frames of the footage at a constant rate, `cfr_rate`.

    It holds exactly the frames that show the segment: at least one, and none after the end.
    """
    last = cfr_frames(footage)
    start, end = (
        steady_frames(footage.times.time_s(frame), cfr_rate(footage.media))
        for frame in (segment.start_frame, segment.end_frame)
    )
    start = min(start, last - 1)
    return Segment(start, min(max(end, start + 1), last))


def cfr_frames(footage: Footage) -> int:
    """How many frames the whole footage has at a constant rate, `cfr_rate`."""
    return max(steady_frames(footage.times.duration_s, cfr_rate(footage.media)), 1)


def estimated_bytes(footage: Footage, segment: Segment, preset: Preset | None) -> int:
    """The approximate size of a cut; preset None: a lossless one."""
    media = footage.media
    frames = segment.frames
    if preset is None:
        return media.size_bytes * (frames + 250) // (len(footage) + 250)
    sound = sum(track.channels * track.rate_hz * 3 for track in media.audio) * frames / media.rate
    bits_per_pixel = preset.bits_per_pixel * (2 if media.has_alpha or media.codec_tag in _FULL_COLOUR else 1)
    return int(media.width * media.height * frames * bits_per_pixel / 8 + sound)


@dataclass(frozen=True)
class _Made:
    """A clip to encode.

    frames: the source frame that each of its frames shows, never decreasing. ticks: when each starts, in units of
    time_base. start_s: its start, seconds after the source's first frame.
    """

    media: Media
    frames: Sequence[int]
    ticks: Sequence[int]
    time_base: Fraction
    start_tc: Timecode
    start_s: Fraction
    length_s: Fraction


def _encode(
    footage: Footage, made: _Made, out: Path, preset: Preset, on_progress: FrameProgress | None
) -> tuple[str, ...]:
    """Write the clip; sentences on what it can't hold."""
    media = made.media
    count = len(made.frames)
    try:
        with ExitStack() as stack:
            writing = stack.enter_context(open_clip(out))
            frames = iter(_source_frames(footage, made.frames))
            if media.fields.is_interlaced:
                frames = mark_fields(frames, media.fields)
            first = next(frames)
            preset = _fitting(preset, media, first)
            picture = _add_picture(writing, media, preset, first, made.time_base, count)
            describe(media, writing, picture, made.start_tc)
            start_s = on_own_clock(footage.times, made.start_s)
            joints = find_joints(footage) if footage.times.start_pts is None and media.audio else None
            sounds = [
                EncodedTrack(stack, media, index, writing, start_s, made.length_s, preset.audio_codec, joints)
                for index in range(len(media.audio))
            ]
            copy_chapters(media, writing, start_s, made.length_s)
            with open_video(media.path) as (reading, _):
                left = left_behind(other_streams(reading, media))
            to_preset = VideoReformatter()
            for done, shown in enumerate(chain((first,), frames)):
                frame = to_preset.reformat(
                    shown,
                    picture.codec_context.width,
                    picture.codec_context.height,
                    preset.pix_fmt,
                    src_color_range=shown.color_range,
                    dst_color_range=ColorRange.MPEG,
                    dst_colorspace=Colorspace.ITU709 if is_rgb(shown) else None,
                )
                frame.pts = made.ticks[done]
                frame.dts = None
                frame.time_base = made.time_base
                frame.duration = (made.ticks[done + 1] - frame.pts) if done + 1 < count else 0
                frame.pict_type = PictureType.NONE  # the encoder chooses its own keyframes
                coded = picture.encode(frame)
                if preset.codec == "dnxhd":
                    mark_matrix(coded, picture.codec_context.colorspace)
                writing.mux(coded)
                for sound in sounds:
                    sound.write_until(frame.pts * made.time_base)
                if on_progress:
                    on_progress(done + 1, count)
            coded = picture.encode(None)
            if preset.codec == "dnxhd":
                mark_matrix(coded, picture.codec_context.colorspace)
            writing.mux(coded)
            for sound in sounds:
                sound.write_until(None)
            meant = written(writing)
        finish_clip(out, media, preset.codec, meant)
    except (av.error.FFmpegError, OSError, ValueError, StopIteration) as error:
        reason = f"The clip can't be encoded as {preset.title}: {error}"
        raise ExportError(reason, path=media.path, remedy="Try another clip format") from error
    return (*_losses(preset, media, first), *left)


def _source_frames(footage: Footage, frames: Sequence[int]) -> Iterator[VideoFrame]:
    """The decoded frame for each of `frames`, which may repeat but never go back."""
    decoded = find_frames(footage, frames)
    number, frame = next(decoded)
    for wanted in frames:
        while number < wanted:
            number, frame = next(decoded)
        yield frame


def _add_picture(
    writing: OutputContainer, media: Media, preset: Preset, first: VideoFrame, time_base: Fraction, count: int
) -> VideoStream:
    options = {name: value for name, value in preset.options.items() if name != "tag"}
    if preset.codec == "libx264" and media.fields is FieldOrder.LOWER_FIRST:
        options["x264-params"] = "bff=1"  # otherwise the first frame has the upper field first
    if preset.codec == "libx265":
        options["x265-params"] += hdr10(first)
        if count < 8:  # x265 4.1 invents decoding times for clips shorter than its reordering
            options["x265-params"] += ":bframes=0"
    stream = writing.add_stream(preset.codec, rate=media.rate, options=options)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    if first.width < preset.min_width:
        raise ValueError(f"pictures must be at least {preset.min_width} wide")
    if preset.codec == "libx264" and media.fields.is_interlaced and first.height % 4:
        raise ValueError(f"interlaced pictures must have a multiple of 4 lines, not {first.height}")
    context.width, context.height = first.width & ~1, first.height & ~1  # chroma is subsampled by two
    context.pix_fmt = preset.pix_fmt
    context.time_base = time_base
    if "tag" in preset.options:
        context.codec_tag = preset.options["tag"]
    if media.fields.is_interlaced and preset.codec in _CODED_BY_FIELDS:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    describe_encoded(stream, media, first, (first.width, first.height))
    return stream


def _fitting(preset: Preset, media: Media, first: VideoFrame) -> Preset:
    """The preset, or for ProRes the kind of it that keeps transparency and full colour resolution."""
    parts = first.format.components
    is_full = len(parts) >= 3 and all((part.width, part.height) == (first.width, first.height) for part in parts)
    has_alpha = any(part.is_alpha for part in parts)
    if preset.codec != "prores_ks" or not (has_alpha or is_full):
        return preset
    options = {**preset.options, "profile": "5" if media.codec_tag == "ap4x" else "4"}
    if has_alpha:
        options["alpha_bits"] = "16"
    return replace(preset, options=options, pix_fmt="yuva444p10le" if has_alpha else "yuv444p10le")


def _losses(preset: Preset, media: Media, first: VideoFrame) -> Iterator[str]:
    """Sentences on what this encoding can't keep, beside what its name implies."""
    bits = max(component.bits for component in first.format.components)
    if bits > _BITS and preset.pix_fmt.endswith(f"{_BITS}le") and not preset.audio_codec:
        yield f"Colours of {bits} bits are kept in {_BITS}. A lossless clip keeps all"
    if media.has_alpha and "yuva" not in preset.pix_fmt:
        yield "Transparency is lost. A lossless clip keeps it"
    if media.fields.is_interlaced and preset.codec not in _CODED_BY_FIELDS:
        yield (
            f"Both fields are coded in one frame: {preset.title} has no better way. The file names the field order, "
            "but not every program reads it there"
        )
