"""Whether a graphics device may decode a file. It must first prove itself on this very file.

The beginning is decoded both ways. The device decodes the whole file only if it gives the same frames, with the same
times and pictures, and is faster. The sampler checks the times of all later frames too. If anything is wrong, the CPU
decodes the rest. Frames that aren't sampled stay on the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from time import perf_counter

import numpy as np
from av.codec import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.error import FFmpegError

from tr_desktop.footage.bitstream import kind_reader
from tr_desktop.footage.container import open_video
from tr_desktop.footage.frames import SampledFrame, Sampler
from tr_desktop.moments import Media
from tr_desktop.picture_shape import PictureShape

_SHORTEST_S = 60  # for shorter files, the trial takes longer than a device could save
_TRIED = 16  # sampled pictures
# Differences of 8-bit RGB. H.264 and HEVC decode to the same bits everywhere, MPEG-2 to a level or two.
_MEAN_OFF = 0.5
_MAX_OFF = 8


@dataclass(frozen=True)
class DecoderChoice:
    """device: by FFmpeg's name, "" for the CPU. why: the reason, following "decoded on …: "."""

    device: str
    why: str

    def __str__(self) -> str:
        return f"decoded on {self.device or 'the CPU'}: {self.why}"


def devices() -> dict[str, str]:
    """Kinds of device on which this FFmpeg decodes H.264, each with the reason why it can't be opened, "" if it can."""
    offered = {config.device_type.name for config in Codec("h264", "r").hardware_configs or () if config.is_supported}
    return {name: _why_not_opened(name, Codec("h264", "r")) for name in hwdevices_available() if name in offered}


def choose_decoder(media: Media, every_s: Fraction, shape: PictureShape | int) -> DecoderChoice:
    """The best decoder of `media` for a sampler with these settings. Raises MediaError if nothing can decode it."""
    with open_video(media.path) as (_, stream):
        codec = stream.codec_context.codec
        known_kinds = kind_reader(stream) is not None
        length_s = (stream.duration or 0) * (stream.time_base or 0)
    if not known_kinds:
        return DecoderChoice("", f"packets of {media.codec} don't show which frames to expect")
    if length_s < _SHORTEST_S:
        return DecoderChoice("", f"not known to be longer than {_SHORTEST_S} s, too short to try a device")
    offered = [config.device_type.name for config in codec.hardware_configs or () if config.is_supported]
    why = f"this FFmpeg has no device for {media.codec}"
    for name in offered:
        problem = _why_not_opened(name, codec) or _why_not_trusted(media, every_s, shape, name)
        if not problem:
            return DecoderChoice(name, "same frames as on the CPU, and faster")
        why = f"{name} {problem}"
    return DecoderChoice("", why)


def _why_not_opened(name: str, codec: Codec) -> str:
    try:
        HWAccel(name).create(codec)
    except (FFmpegError, NotImplementedError) as error:
        return f"can't be opened here ({getattr(error, 'strerror', None) or error})"
    return ""


def _why_not_trusted(media: Media, every_s: Fraction, shape: PictureShape | int, name: str) -> str:
    on_cpu = Sampler(media, every_s, shape)
    right, cpu_s = _beginning(on_cpu)
    if on_cpu.decode_all:
        return "isn't used: every frame of the file must be decoded"
    on_device = Sampler(media, every_s, shape, device=name)
    shown, device_s = _beginning(on_device)
    if on_device.device != name:
        return "can't decode this footage"
    if [(s.frame, s.tick, s.repeat) for s in shown] != [(s.frame, s.tick, s.repeat) for s in right]:
        return "gives other frames"
    off = [np.abs(a.picture.astype(np.int16) - b.picture) for a, b in zip(shown, right, strict=True)]
    if any(each.mean() > _MEAN_OFF or each.max() > _MAX_OFF for each in off):
        return "gives other pictures"
    return "is no faster than the CPU" if device_s >= cpu_s else ""


def _beginning(sampler: Sampler) -> tuple[list[SampledFrame], float]:
    """The first samples, and the seconds from the first to the last: opening takes little of a whole file's time."""
    samples = iter(sampler)
    beginning = list(islice(samples, 1))
    started_s = perf_counter()
    beginning += islice(samples, _TRIED - 1)
    return beginning, perf_counter() - started_s
