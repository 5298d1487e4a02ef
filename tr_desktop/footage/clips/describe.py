"""A clip's metadata: timecode, reel, title and dates, and the light levels of HDR10."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

from av.container import OutputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tr_desktop.footage.container import open_video
from tr_desktop.moments import Footage, Media
from tr_desktop.timecode import Timecode, is_smpte_rate

# Not copied from the source: the clip has values of its own.
_OWN_KEYS = {"timecode", "major_brand", "minor_version", "compatible_brands", "encoder", "reel_name", "duration"}


def describe(media: Media, writing: OutputContainer, picture: VideoStream, start_tc: Timecode) -> None:
    """Write the source's title and dates, the timecode of the clip's first frame, and the reel."""
    with open_video(media.path) as (reading, _):
        kept = {key: value for key, value in reading.metadata.items() if key.lower() not in _OWN_KEYS}
        writing.metadata.update(kept)
    if is_smpte_rate(media.rate):  # muxers accept no other labels
        if writing.format.name == "matroska":
            writing.metadata["timecode"] = str(start_tc)
        else:
            picture.metadata["timecode"] = str(start_tc)
    if media.reel:
        picture.metadata["reel_name"] = media.reel


def clip_timecode(footage: Footage, frame: int) -> Timecode:
    """The label of a source frame, wrapped at 24 hours, for a clip that starts with it."""
    return footage.timecode_at(frame).in_day


def hdr10(frame: VideoFrame) -> str:
    """Mastering display and light levels of HDR10 (SMPTE ST 2086, CTA-861.3) as parameters of x265, or "".

    FFmpeg stores them as `AVMasteringDisplayMetadata` (ten fractions: x and y of red, green, blue and white, then
    minimum and maximum luminance, and two flags) and `AVContentLightMetadata` (MaxCLL, MaxFALL).
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
