"""The properties of a video file, read once from its header and its first frame."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, decode_packet, read_packets
from tr_desktop.footage.drive import drive_error
from tr_desktop.footage.orientation import orientation
from tr_desktop.footage.picture_facts import Declared, codec_tag, colour, field_order, has_alpha, pixel_aspect
from tr_desktop.footage.picture_files import A_STILL, may_be_still
from tr_desktop.footage.rate import header_rate
from tr_desktop.footage.source_tc import reel_name, source_timecode
from tr_desktop.footage.tracks import audio_tracks, other_tracks
from tr_desktop.moments import Media

_FIRST_FRAME_PACKETS = 600  # how far to look for a frame that decodes


def probe(path: Path) -> Media:
    """Read the properties of `path` and check that it can be decoded.

    MediaError: the reason, for `coverage.skipped`, why the file can't be searched. DriveError: the drive failed.
    """
    path = path.absolute()
    with open_video(path) as (container, stream):
        if may_be_still(container.format.name, container.metadata) and _holds_one_picture(path):
            raise MediaError(A_STILL, path=path)
        rate, is_vfr = header_rate(stream)
        try:
            status = path.stat()
            start_tc, has_timecode = source_timecode(path, container, stream, rate)
        except OSError as error:
            raise drive_error(error, path) from error
        declared = Declared.of(stream)
        frame = _first_frame(path, container, stream)
        rotation, mirrored = orientation(frame)
        aspect = pixel_aspect(stream)
        width, height = max(round(frame.width * aspect), 1), frame.height
        if rotation % 180:
            width, height = height, width
        return Media(
            path=path,
            size_bytes=status.st_size,
            mtime_ns=status.st_mtime_ns,
            width=width,
            height=height,
            rate=rate,
            start_tc=start_tc,
            has_timecode=has_timecode,
            rotation=rotation,
            mirrored=mirrored,
            is_vfr=is_vfr,
            codec=stream.codec_context.codec.canonical_name,
            reel=reel_name(container, stream),
            audio=audio_tracks(container),
            duration_s=_duration_s(container, stream, rate),
            stored_width=frame.width,
            stored_height=frame.height,
            pixel_aspect=aspect,
            codec_tag=codec_tag(container, stream),
            fields=field_order(stream, declared, frame),
            colour=colour(declared, frame),
            has_alpha=has_alpha(stream, frame),
            other_tracks=other_tracks(container, stream),
        )


def _holds_one_picture(path: Path) -> bool:
    with open_video(path) as (container, stream):
        return None in islice(read_packets(container, stream, Reading()), 2)


def _duration_s(container: InputContainer, stream: VideoStream, rate: Fraction) -> Fraction | None:
    """How long the pictures last by the header. Some files give only the length of all, in whole frames then."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if not container.duration:
        return None
    frames = Fraction(container.duration, 1_000_000) * rate + Fraction(1, 8)  # rounded to milliseconds
    return (frames.numerator // frames.denominator) / rate


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> VideoFrame:
    reading = Reading()
    for tried, packet in enumerate(read_packets(container, stream, reading)):
        if packet is not None and packet.has_sidedata("encryption_info"):
            raise MediaError("encrypted", path=path)
        if frames := decode_packet(packet, stream, reading):
            return frames[0]
        if tried >= _FIRST_FRAME_PACKETS:
            break
    raise MediaError("the file is cut off or damaged: none of its frames can be decoded", path=path)
