"""x264's note about itself in a stream's first picture, needed to start decoding at a later one.

Before build 151, x264 coded 4:4:4 pictures differently from the standard, and decoders go by the build in the note.
Only the first packet has it. Decoding from a later keyframe gives noise without it, here and in a copy.
"""

from __future__ import annotations

from typing import Any

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from tr_desktop.footage.bitstream import NAL_START, X264_NOTE, nal_length_bytes, nal_spans

_SUPPLEMENTAL = 6
_EARLY_S = 10  # seeking in a transport stream is a guess: asked for its very start, it lands after it


def encoder_note(container: InputContainer, stream: VideoStream) -> bytes:
    """The note as `with_note` takes it, b"" if there is none or none is needed. Seek before you read on."""
    context = stream.codec_context
    if context.codec.canonical_name != "h264" or "444" not in (context.pix_fmt or ""):
        return b""
    try:
        container.seek((stream.start_time or 0) - int(_EARLY_S / (stream.time_base or 1)), stream=stream)
        first = next((packet for packet in container.demux(stream) if packet.size), None)
    except av.error.FFmpegError:
        return b""
    data = bytes(first) if first is not None else b""
    length_bytes = nal_length_bytes(stream)
    for start, end in nal_spans(data, length_bytes):
        unit = data[start:end]
        if unit[:1] and unit[0] & 31 == _SUPPLEMENTAL and X264_NOTE in unit:
            return (len(unit).to_bytes(length_bytes, "big") if length_bytes else NAL_START) + unit
    return b""


def with_note(packet: Packet[VideoStream], note: bytes, stream: VideoStream) -> Packet[VideoStream]:
    """The packet with the note in the place of supplemental information: before the first slice (H.264, 7.4.1.2.3)."""
    data = bytes(packet)
    length_bytes = nal_length_bytes(stream)
    if not note or X264_NOTE in data:
        return packet
    slices = (start for start, end in nal_spans(data, length_bytes) if end > start and 1 <= data[start] & 31 <= 5)
    at = next(slices, None)
    if at is None:
        return packet
    at -= length_bytes or len(NAL_START)
    noted: Packet[Any] = Packet(data[:at] + note + data[at:])
    noted.pts = packet.pts
    noted.dts = packet.dts
    noted.duration = packet.duration
    noted.time_base = packet.time_base
    noted.is_keyframe = packet.is_keyframe
    noted.stream = packet.stream
    return noted
