"""The channels of a sound track, read so that unusual orders of channels can't end the process.

FFmpeg keeps an unusual order in a list on the heap. PyAV (to 18.1 at least) copies the pointer to it into each layout
object that it hands out, and frees the list with the object: twice in all. So `layout` and `channels` of a codec
context are read here only.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from av import AudioLayout
from av.audio.codeccontext import AudioCodecContext

# FFmpeg's native order.
_NATIVE = [
    "FL",
    "FR",
    "FC",
    "LFE",
    "BL",
    "BR",
    "FLC",
    "FRC",
    "BC",
    "SL",
    "SR",
    "TC",
    "TFL",
    "TFC",
    "TFR",
    "TBL",
    "TBC",
    "TBR",
    "DL",
    "DR",
    "WL",
    "WR",
    "SDL",
    "SDR",
    "LFE2",
    "TSL",
    "TSR",
    "BFC",
    "BFL",
    "BFR",
]

_UNNAMED = {"NONE", "UNK", "UNSD"}  # FFmpeg's names for channels that the file doesn't declare


@dataclass(frozen=True)
class ChannelLayout:
    """The channels of a track. name: FFmpeg's name of their layout in native order; "" if the file declares none that
    has one. order: the track's channel for each channel of `name`. is_declared: whether the file declares its channels,
    in whatever order.
    """

    channels: int
    name: str
    order: tuple[int, ...]
    is_declared: bool = True


def channel_layout(context: AudioCodecContext) -> ChannelLayout:
    """The channels that a decoder's context declares."""
    layout = context.layout
    # This object must never free the list, which the context owns: it stays forever, some 64 bytes.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    names = [channel.name for channel in layout.channels]
    if len(set(names)) == len(names) and set(names) <= set(_NATIVE):
        order = sorted(range(len(names)), key=lambda channel: _NATIVE.index(names[channel]))
        return ChannelLayout(len(names), "+".join(names[channel] for channel in order), tuple(order))
    return ChannelLayout(len(names), "", tuple(range(len(names))), is_declared=not set(names) <= _UNNAMED)


def usual_layout(channels: int) -> str:
    """The usual layout of so many channels; "" if there is none."""
    try:
        return AudioLayout(f"{channels}c").name
    except ValueError:
        return ""
