"""Test footage whose every frame says which one it is: its number is burnt into the picture as black and white blocks.

`make_video` encodes it, `read_number` reads it back from a decoded picture of any size and shape. The code survives
lossy compression and rescaling. A picture that isn't clearly readable is refused: a mix of two frames, a turned or torn
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

CELLS = 5  # 5 × 5 blocks: 16 bits of number, 5 of checksum, and 4 corners that show which way is up
_CORNERS = {(0, 0): 1, (0, CELLS - 1): 1, (CELLS - 1, 0): 1, (CELLS - 1, CELLS - 1): 0}
_OTHERS = [(row, col) for row in range(CELLS) for col in range(CELLS) if (row, col) not in _CORNERS]
_MODULUS = 31


def numbered_picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """uint8 RGB [height, width, 3] that carries `number` (0 … 65535)."""
    bits = f"{number:016b}{number % _MODULUS:05b}"
    cells = np.zeros((CELLS, CELLS), np.uint8)
    for (row, col), bit in [*_CORNERS.items(), *zip(_OTHERS, map(int, bits), strict=True)]:
        cells[row, col] = 235 if bit else 16
    rows, cols = np.arange(height) * CELLS // height, np.arange(width) * CELLS // width
    return np.repeat(cells[rows][:, cols][..., None], 3, axis=2)


def read_number(picture: NDArray[np.uint8]) -> int:
    """The number burnt into `picture` [H, W, 3]; ValueError if it isn't clearly readable."""
    height, width = picture.shape[:2]
    bits = {}
    for row in range(CELLS):
        for col in range(CELLS):
            top, left = (3 * row + 1) * height // (3 * CELLS), (3 * col + 1) * width // (3 * CELLS)
            bottom, right = (3 * row + 2) * height // (3 * CELLS), (3 * col + 2) * width // (3 * CELLS)
            level = float(picture[top : max(bottom, top + 1), left : max(right, left + 1)].mean())
            if 95 < level < 160:
                raise ValueError(f"block {row}, {col} is grey ({level:.0f})")
            bits[row, col] = int(level > 127)
    if any(bits[corner] != bit for corner, bit in _CORNERS.items()):
        raise ValueError("the picture isn't upright")
    code = "".join(str(bits[cell]) for cell in _OTHERS)
    number, check = int(code[:16], 2), int(code[16:], 2)
    if number % _MODULUS != check:
        raise ValueError(f"number {number} with the wrong checksum")
    return number


def make_video(
    path: Path,
    *,
    frames: int = 60,
    rate: Fraction = Fraction(30),
    codec: str = "libx264",
    size: tuple[int, int] = (160, 120),
    pix_fmt: str = "yuv420p",
    gop: int = 30,
    options: dict[str, str] | None = None,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    timecode: str = "",
    reel: str = "",
    rotation: int = 0,
    mirrored: bool = False,
    audio: bool = False,
    container_format: str | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode `frames` numbered pictures to `path` and return it.

    size: stored (width, height), before rotation. ticks: presentation time of each frame in `time_base`, else constant
    `rate`. rotation: degrees clockwise that a player has to turn the stored picture; mirrored: and then swap left and
    right; the number is upright after that.
    """
    time_base = time_base or 1 / rate
    ticks = ticks if ticks is not None else range(frames)
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options={"g": str(gop), **(options or {})})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        stream.codec_context.thread_count = 1
        if timecode:
            stream.metadata["timecode"] = timecode
        if reel:
            stream.metadata["reel_name"] = reel
        if rotation or mirrored:
            stream.set_display_rotation(-rotation, hflip=mirrored)
        sound = container.add_stream("aac", rate=48000, layout="mono") if audio else None
        shown = size[::-1] if rotation % 180 else size
        for number, tick in zip(range(frames), ticks, strict=True):
            upright = numbered_picture(number, *shown)
            stored = np.ascontiguousarray(np.rot90(upright[:, ::-1] if mirrored else upright, rotation // 90))
            frame = av.VideoFrame.from_ndarray(stored, format="rgb24")
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
            silence.sample_rate, silence.pts = 48000, 0
            container.mux(sound.encode(silence))
            container.mux(sound.encode(None))
    return path


def remux(source: Path, path: Path, *, shift_s: Fraction = Fraction(0), container_format: str | None = None) -> Path:
    """Copy the pictures of `source` without encoding, all times later by `shift_s` (negative: an edit list in MP4)."""
    with av.open(str(source)) as reading, av.open(str(path), "w", format=container_format) as writing:
        stream = reading.streams.video[0]
        copy = writing.add_stream_from_template(stream)
        shift = int(shift_s / (stream.time_base or 1))
        for packet in reading.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, copy
            writing.mux(packet)
    return path


def is_open(path: Path) -> bool:
    """Whether this process holds `path` open; False if the system keeps no list."""
    links = Path("/proc/self/fd")
    return links.exists() and any(path == link.resolve() for link in links.iterdir())
