"""Footage with a number in each picture and clicks in its sound, and what Blender renders of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.exporters.build import moment
from tests.media import make_video, read_number
from tr_desktop.footage.probe import probe
from tr_desktop.moments import FrameTimes, Moment

WIDTH, HEIGHT = 160, 120
RATE_HZ = 48000
needs_blender = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="needs Blender: python3.11 run.py test-blender"
)


def make_clip(
    path: Path,
    rate: Fraction,
    *,
    frames: int = 240,
    clicks: Sequence[int] = (),
    sound: str = "aac",
    heard: tuple[int, int] | None = None,
    **options: Any,
) -> Path:
    """A file of `frames` numbered pictures, with few keyframes.

    clicks: frames that begin with one. heard: the frames that have sound, if not all; a file without clicks has none.
    """
    b_frames = "0" if path.suffix == ".mts" else "2"  # they would delay the picture there, and not the sound
    silent = path.with_name(f"silent {path.name}")
    made = make_video(
        silent, frames=frames, rate=rate, gop=48, options={"bf": b_frames}, size=(WIDTH, HEIGHT), **options
    )
    if not clicks:
        return made.rename(path)
    wave = np.zeros(int(frames / rate * RATE_HZ), np.float32)
    for frame in clicks:
        at = round(frame / rate * RATE_HZ)
        wave[at : at + 240] = 0.9 * np.sin(np.arange(240) * 0.3)  # 5 ms
    with av.open(str(silent)) as source, av.open(str(path), "w") as out:
        picture = source.streams.video[0]
        copy = out.add_stream_from_template(picture)
        track = out.add_stream(sound, rate=RATE_HZ, layout="mono")
        if "timecode" in picture.metadata:
            copy.metadata["timecode"] = picture.metadata["timecode"]
        for packet in source.demux(picture):
            if packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
        first, end = (round(frame / rate * RATE_HZ) for frame in heard or (0, frames))
        samples = (wave[first:end] * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, first
        resampler = av.AudioResampler(format=track.format, layout="mono", rate=RATE_HZ)
        for part in resampler.resample(frame):
            out.mux(track.encode(part))
        out.mux(track.encode(None))
    with av.open(str(path)) as made_file:
        starts_s = [float((stream.start_time or 0) * (stream.time_base or 0)) for stream in made_file.streams]
        assert heard or max(starts_s) - min(starts_s) < 0.01, "sound and picture don't begin together"
    return path


def moments_in(path: Path, cuts: Sequence[tuple[int, int]], *, frames: int = 240, query: str = "a dog") -> list[Moment]:
    """Moments as TimeRefine finds them in the file at `path`, which is read."""
    media = probe(path)
    times = FrameTimes(range(frames), frames, 1 / media.rate)
    return [moment(media, *cut, times=times, query=f"{query} {number}") for number, cut in enumerate(cuts)]


def rendered(scene: Any, folder: Path) -> list[int]:
    """The number in each picture that Blender renders from the scene's first frame to its last."""
    import bpy

    scene.render.filepath = str(folder / "frame ####")
    bpy.ops.render.render(animation=True)
    numbers = []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        with av.open(str(folder / f"frame {frame:04d}.png")) as picture:
            numbers.append(read_number(next(picture.decode(video=0)).to_ndarray(format="rgb24")))
    return numbers


def clicks_s(scene: Any, folder: Path) -> list[float]:
    """When each click begins in Blender's mixdown, from the scene's first frame."""
    import bpy

    mix = folder / "mix.wav"
    bpy.ops.sound.mixdown(filepath=str(mix), container="WAV", codec="PCM", format="S16")
    with av.open(str(mix)) as container:
        track = container.streams.audio[0]
        parts = [frame.to_ndarray().reshape(-1, track.channels) for frame in container.decode(track)]
    loud = np.flatnonzero(np.abs(np.concatenate(parts)).max(axis=1) > 0.3 * 32767)
    starts = loud[np.diff(loud, prepend=-RATE_HZ) > RATE_HZ // 100]
    return [float(start) / track.rate for start in starts]
