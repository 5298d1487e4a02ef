"""Clips cut out of footage, each decoded after writing and compared with its source.

Two ways:
- `cut_exact` decodes the frames asked for and encodes them anew, in a mezzanine or a delivery codec: exactly these
  frames, for any footage. `cut_cfr` does so at a constant rate, for footage of a variable one.
- `cut_lossless` copies the coded pictures. Where every picture is coded by itself that is exact; else it starts at a
  keyframe and ends before one, and says which frames it really holds.

Frames are counted and recognised by time stamp, never by seconds; nothing is hidden behind an edit list. The clip's
timecode is that of its own first frame (writers that copy the source's start shift the clip), reel, rotation, pixel
aspect, colour tags, language and title come along, and every audio track does: sample-exact where it's encoded, to the
packet (21 ms for AAC) where it's copied.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import OutputContainer
from av.packet import Packet
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream

from tr_desktop.errors import ExportError
from tr_desktop.footage.clips.check import verify_clip
from tr_desktop.footage.clips.sound import CopiedTrack, EncodedTrack
from tr_desktop.footage.container import open_video
from tr_desktop.footage.encoder_note import encoder_note, with_note
from tr_desktop.footage.seek import find_frames
from tr_desktop.moments import Footage, FrameTimes, Media, Segment
from tr_desktop.timecode import SMPTE_RATES, Timecode, is_smpte_rate

FrameProgress = Callable[[int, int], None]
"""Called with (frames done, frames in all); an exception raised in it stops the cut."""


@dataclass(frozen=True)
class Preset:
    """How `cut_exact` encodes. bits_per_pixel: about how large it gets, for the check of free space."""

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


@dataclass(frozen=True)
class Cut:
    """A clip that was written and verified. segment: the source frames it holds; start_tc: the label of its first."""

    path: Path
    segment: Segment
    start_tc: Timecode


def cut_exact(
    footage: Footage,
    segment: Segment,
    out: Path,
    preset: Preset,
    on_progress: FrameProgress | None = None,
) -> Cut:
    """Encode the frames of `segment` to `out`, which is overwritten, and verify it.

    footage: as a finished `Sampler` gave it. Variable rates keep their times.
    ExportError: nothing can be decoded there, the encoder or the disk refuses, or what was written isn't the segment.
    """
    media, times = footage.media, footage.times
    frames = range(segment.start_frame, segment.end_frame)
    start_tick = times.ticks[segment.start_frame]
    made = _Made(
        media=media,
        frames=frames,
        ticks=[times.ticks[n] - start_tick for n in frames] if media.is_vfr else range(len(frames)),
        time_base=times.tick_s if media.is_vfr else 1 / media.rate,
        start_tc=_timecode(footage, segment.start_frame),
        start_s=times.time_s(segment.start_frame),
        length_s=times.time_s(segment.end_frame) - times.time_s(segment.start_frame),
    )
    _encode(Footage(made.media, times), made, out, preset, on_progress)
    verify_clip(footage, frames, out, made.start_tc, lossless=False)
    return Cut(out, segment, made.start_tc)


def cut_cfr(
    footage: Footage,
    first: int,
    count: int,
    out: Path,
    preset: Preset,
    on_progress: FrameProgress | None = None,
) -> Timecode:
    """Encode footage of variable rate at a constant one, `cfr_rate`; the timecode of the clip's first frame.

    Frame k of the constant footage lasts from k / rate to (k + 1) / rate after the first frame of the file, and shows
    what is on screen in the middle of that. first, count: which of these frames. The rest is as for `cut_exact`.
    """
    media, times = footage.media, footage.times
    rate = cfr_rate(media)
    frames = [times.frame_at((2 * frame + 1) / (2 * rate)) for frame in range(first, first + count)]
    start = media.start_tc.at_rate(rate) + first
    made = _Made(
        media=replace(media, rate=rate, start_tc=media.start_tc.at_rate(rate), is_vfr=False),
        frames=frames,
        ticks=range(count),
        time_base=1 / rate,
        start_tc=replace(start, frame=start.frame % start.frames_per_day),
        start_s=first / rate,
        length_s=count / rate,
    )
    _encode(Footage(made.media, times), made, out, preset, on_progress)
    verify_clip(Footage(made.media, times), frames, out, made.start_tc, lossless=False)
    return made.start_tc


def cfr_rate(media: Media) -> Fraction:
    """The rate that footage of variable rate is made constant at: one that editors have, near its nominal one or above.

    Time stamps in whole milliseconds make 30 look like 30.3, so the nearest is taken where it is as near as that.
    """
    nearest = min(SMPTE_RATES, key=lambda rate: abs(rate - media.rate))
    if abs(nearest - media.rate) <= _NEAR * media.rate:
        return nearest
    return min((rate for rate in SMPTE_RATES if rate >= media.rate), default=nearest)


_NEAR = Fraction(1, 40)


@dataclass(frozen=True)
class _Made:
    """A clip to encode. frames: the source frame that each of its frames shows, never going back; ticks: when, in
    time_base seconds. start_s: where it starts after the source's first frame."""

    media: Media
    frames: Sequence[int]
    ticks: Sequence[int]
    time_base: Fraction
    start_tc: Timecode
    start_s: Fraction
    length_s: Fraction


def _encode(footage: Footage, made: _Made, out: Path, preset: Preset, on_progress: FrameProgress | None) -> None:
    media, times, count = made.media, footage.times, len(made.frames)
    try:
        with ExitStack() as stack:
            writing = stack.enter_context(_writing(out))
            frames = _source_frames(footage, made.frames)
            first = next(frames)
            picture = _add_picture(writing, media, preset, first, made.time_base, count)
            _describe(media, writing, picture, made.start_tc)
            start_s = _on_own_clock(times, made.start_s)
            sounds = [
                EncodedTrack(stack, media, index, writing, start_s, made.length_s, preset.audio_codec)
                for index in range(len(media.audio))
            ]
            to_preset = VideoReformatter()
            for done, shown in enumerate(chain((first,), frames)):
                frame = to_preset.reformat(
                    shown,
                    picture.codec_context.width,
                    picture.codec_context.height,
                    preset.pix_fmt,
                    src_color_range=shown.color_range,
                    dst_color_range=ColorRange.MPEG,
                )
                frame.pts, frame.time_base, frame.dts = made.ticks[done], made.time_base, None
                frame.duration = (made.ticks[done + 1] - frame.pts) if done + 1 < count else 0
                frame.pict_type = PictureType.NONE  # the encoder chooses its own keyframes
                writing.mux(picture.encode(frame))
                for sound in sounds:
                    sound.write_until(frame.pts * made.time_base)
                if on_progress:
                    on_progress(done + 1, count)
            writing.mux(picture.encode(None))
            for sound in sounds:
                sound.write_until(None)
    except (av.error.FFmpegError, OSError, ValueError, StopIteration) as error:
        reason = f"the clip can't be encoded as {preset.title}: {error}"
        raise ExportError(reason, path=media.path, remedy="Try another preset, or a lossless cut") from error


def cut_lossless(footage: Footage, segment: Segment, out: Path, on_progress: FrameProgress | None = None) -> Cut:
    """Copy coded pictures to `out`, which is overwritten, and verify it.

    The `Cut` says which frames it holds: `segment` itself for footage whose pictures are all keyframes, else outward to
    the nearest places where the stream can be parted. ExportError: as for `cut_exact`, or the stream can't be parted.
    """
    media, times = footage.media, footage.times
    if times.start_pts is None:
        raise ExportError(
            "The file's time stamps contradict each other, so it can't be cut without encoding",
            path=media.path,
            remedy="Use an exact cut",
        )
    try:
        with ExitStack() as stack:
            source, packets, held = _packets_of(stack, footage, times.start_pts, segment)
            start_tc = _timecode(footage, held.start_frame)
            writing = stack.enter_context(_writing(out))
            picture = writing.add_stream_from_template(source, opaque=True)  # some have a decoder only
            picture.metadata.clear()
            picture.codec_context.framerate = media.rate  # the muxer counts timecode by it
            _describe(media, writing, picture, start_tc)
            if media.rotation or media.mirrored:
                picture.set_display_rotation(-media.rotation, hflip=media.mirrored)
            start_s = _on_own_clock(times, times.time_s(held.start_frame))
            length_s = times.time_s(held.end_frame) - times.time_s(held.start_frame)
            sounds = [CopiedTrack(stack, media, n, writing, start_s, length_s) for n in range(len(media.audio))]
            shift = times.start_pts + times.ticks[held.start_frame]
            for done, packet in enumerate(packets, 1):
                packet.pts, packet.dts, packet.stream = _minus(packet.pts, shift), _minus(packet.dts, shift), picture
                for sound in sounds:
                    sound.write_until((packet.dts or 0) * times.tick_s)
                writing.mux(packet)
                if on_progress:
                    on_progress(done, len(packets))
            for sound in sounds:
                sound.write_until(None)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = f"the clip can't be copied into {out.suffix}: {error}"
        raise ExportError(reason, path=media.path, remedy="Use an exact cut") from error
    verify_clip(footage, range(held.start_frame, held.end_frame), out, start_tc, lossless=True)
    return Cut(out, held, start_tc)


def lossless_suffix(media: Media) -> str:
    """The container that a lossless cut of `media` goes into: one that editors read, if it can hold what's there."""
    suffix = media.path.suffix.lower()
    if suffix in {".mp4", ".m4v"}:
        return ".mp4"
    sound = all(track.codec in _MOV_SOUND or track.codec.startswith("pcm_") for track in media.audio)
    return ".mov" if suffix == ".mov" or (media.codec in _MOV_PICTURES and sound) else ".mkv"


_MOV_PICTURES = {"h264", "hevc", "prores", "dnxhd", "mjpeg", "mpeg2video", "mpeg4", "dvvideo", "qtrle", "jpeg2000"}
_MOV_SOUND = {"aac", "ac3", "eac3", "alac", "mp3", "mp3float", "mp2", "mp2float"}


def estimated_bytes(footage: Footage, segment: Segment, preset: Preset | None) -> int:
    """About how much room a cut needs; preset None: a lossless one."""
    media, frames = footage.media, segment.frames
    if preset is None:
        return media.size_bytes * (frames + 250) // (len(footage) + 250)
    sound = sum(track.channels * track.rate_hz * 3 for track in media.audio) * frames / media.rate
    return int(media.width * media.height * frames * preset.bits_per_pixel / 8 + sound)


def _source_frames(footage: Footage, frames: Sequence[int]) -> Iterator[VideoFrame]:
    """The decoded frame for each of `frames`, which may repeat but never go back."""
    decoded = find_frames(footage, frames)
    number, frame = next(decoded)
    for wanted in frames:
        while number < wanted:
            number, frame = next(decoded)
        yield frame


def _writing(out: Path) -> OutputContainer:
    options = {"movflags": "use_metadata_tags"} if out.suffix in {".mov", ".mp4"} else {}
    return av.open(str(out), "w", container_options=options)


def _add_picture(
    writing: OutputContainer, media: Media, preset: Preset, first: VideoFrame, time_base: Fraction, count: int
) -> VideoStream:
    options = {name: value for name, value in preset.options.items() if name != "tag"}
    if preset.codec == "libx265":
        options["x265-params"] += _hdr10(first)
        if count < 8:  # x265 4.1 makes up decoding times where its reordering isn't filled
            options["x265-params"] += ":bframes=0"
    stream = writing.add_stream(preset.codec, rate=media.rate, options=options)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    if first.width < preset.min_width:
        raise ValueError(f"pictures must be at least {preset.min_width} wide")
    context.width, context.height = first.width & ~1, first.height & ~1  # chroma is subsampled by two
    context.pix_fmt = preset.pix_fmt
    context.time_base = time_base
    if "tag" in preset.options:
        context.codec_tag = preset.options["tag"]
    context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
    context.colorspace = first.colorspace
    context.color_range = ColorRange.MPEG  # editors take coded footage for video range, whatever it says
    if first.width * first.height != media.width * media.height:  # pixels that aren't square
        turned = media.rotation % 180
        shown = (media.height, media.width) if turned else (media.width, media.height)
        context.sample_aspect_ratio = Fraction(shown[0] * first.height, shown[1] * first.width)
    if media.rotation or media.mirrored:
        stream.set_display_rotation(-media.rotation, hflip=media.mirrored)
    return stream


def _hdr10(frame: VideoFrame) -> str:
    """Mastering display and light levels of HDR10 (SMPTE ST 2086, CTA-861.3) as x265 wants them, or "".

    FFmpeg keeps them as `AVMasteringDisplayMetadata` (ten fractions: x and y of red, green, blue and white, then the
    least and the most luminance, and two flags) and `AVContentLightMetadata` (MaxCLL, MaxFALL).
    """
    sides: Any = frame.side_data  # keyed by type; PyAV's stubs say by string
    params = ""
    if display := sides.get(SideDataType.MASTERING_DISPLAY_METADATA):
        numbers = struct.unpack_from("=22i", bytes(display))
        if all(numbers[1:20:2]) and all(numbers[20:]):
            parts = [Fraction(numbers[at], numbers[at + 1]) for at in range(0, 20, 2)]
            red, green, blue, white = (
                f"{round(parts[at] * 50000)},{round(parts[at + 1] * 50000)}" for at in (0, 2, 4, 6)
            )
            darkest, brightest = (round(part * 10000) for part in parts[8:])
            params += f":hdr10=1:master-display=G({green})B({blue})R({red})WP({white})L({brightest},{darkest})"
    if levels := sides.get(SideDataType.CONTENT_LIGHT_LEVEL):
        params += ":max-cll={},{}".format(*struct.unpack_from("=2I", bytes(levels)))
    return params


def _describe(media: Media, writing: OutputContainer, picture: VideoStream, start_tc: Timecode) -> None:
    """Title and dates of the source, the timecode of the clip's first frame, and the reel."""
    with open_video(media.path) as (reading, _):
        kept = {key: value for key, value in reading.metadata.items() if key.lower() not in _OWN_KEYS}
        writing.metadata.update(kept)
    if is_smpte_rate(media.rate):  # muxers know no other labels
        if writing.format.name == "matroska":
            writing.metadata["timecode"] = str(start_tc)
        else:
            picture.metadata["timecode"] = str(start_tc)
    if media.reel:
        picture.metadata["reel_name"] = media.reel


_OWN_KEYS = {"timecode", "major_brand", "minor_version", "compatible_brands", "encoder", "reel_name", "duration"}


def _timecode(footage: Footage, frame: int) -> Timecode:
    start = footage.timecode_at(frame)
    return replace(start, frame=start.frame % start.frames_per_day)


def _on_own_clock(times: FrameTimes, time_s: Fraction) -> Fraction:
    """Seconds on the file's own clock of what is `time_s` after its first frame."""
    return (times.start_pts or 0) * times.tick_s + time_s


def _minus(stamp: int | None, shift: int) -> int | None:
    return None if stamp is None else stamp - shift


def _packets_of(
    stack: ExitStack, footage: Footage, start_pts: int, segment: Segment
) -> tuple[VideoStream, list[Packet[VideoStream]], Segment]:
    """Coded pictures that decode by themselves and cover `segment`, as they are stored, and the frames they hold."""
    media, times = footage.media, footage.times
    first_pts = start_pts + times.ticks[segment.start_frame]
    end_pts = start_pts + int(times.time_s(segment.end_frame) / times.tick_s)
    with open_video(media.path) as opened:
        note = encoder_note(*opened)
    for back_s in (0, 1, 4, 16, None):  # a seek goes by decoding time and may land after the keyframe that is needed
        reading, source = stack.enter_context(open_video(media.path))
        if back_s is not None:  # None: from where a newly opened file stands
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
    """(from the last keyframe shown by `first_pts` to where the stream can be parted, when that is; None: its end).

    It can be parted before a keyframe, but pictures stored after a keyframe and shown before it (open GOP) go with it:
    those of the first keyframe are left out, and the end is where those of the last one begin.
    """
    kept: list[Packet[VideoStream]] = []
    beyond: list[Packet[VideoStream]] = []  # a keyframe after the moment, and what is shown ahead of it
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
        raise ValueError("a coded picture isn't a frame that is shown")
    return frame
