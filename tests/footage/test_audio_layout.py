"""Tracks of many channels and unusual orders: read and cut in a process of their own, since what is wrong ends it."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from tests.processes import PATIENCE_S
from tr_desktop.footage.audio_layout import usual_layout

# The layout that the file is written with, the one that its header then names, and the levels of a clip's channels.
# QuickTime's tags: 7.1 as FFmpeg labels it, L C R Ls Rs LFE, and L R Ls Rs C LFE.
UNUSUAL = {
    "7.1.mov": ("7.1", 128 << 16 | 8, [1, 2, 3, 4, 7, 8, 5, 6]),
    "left_centre_right.mov": ("5.1", 123 << 16 | 6, [1, 3, 2, 6, 4, 5]),
    "left_right_surround.mov": ("5.1", 122 << 16 | 6, [1, 2, 5, 6, 3, 4]),
}
UNDECLARED = {"1.mxf": 1, "2.mkv": 2, "6.mov": 6, "8.mkv": 8, "10.mov": 10, "16.mov": 16}

READ_AND_CUT = """
import sys
from pathlib import Path
from fractions import Fraction
from tr_desktop.errors import ExportError
from tr_desktop.footage.clips.exact import PRESETS, cut_exact
from tr_desktop.footage.clips.lossless import cut_lossless
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, Segment
path, preset, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
sampler = Sampler(probe(path), Fraction(1000), 32)
list(sampler)
print([track.channels for track in sampler.media.audio])
if preset == "lossless":
    cut_lossless(sampler.footage, Segment(10, 20), out)
elif preset:
    try:
        cut_exact(sampler.footage, Segment(10, 20), out, PRESETS[preset])
    except ExportError as error:
        print(error)
"""


def write(path: Path, layout: str, codec: str = "pcm_s16le", tag: int | None = None) -> Path:
    """A second of video whose channel number i holds the constant 1000 · (i + 1). tag: the layout that a MOV names."""
    channels = av.AudioLayout(layout).nb_channels
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg2video" if path.suffix == ".mxf" else "libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 160, 120, "yuv420p"
        track = container.add_stream(codec, rate=48000, layout=layout)
        for _ in range(25):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((120, 160, 3), np.uint8), format="rgb24")))
        container.mux(picture.encode(None))
        for first in range(0, 25 * 1920, 1920):
            values = np.tile(1000 * np.arange(1, channels + 1), 1920).astype(np.int16).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(values, format="s16", layout=layout)
            sound.sample_rate, sound.pts = 48000, first
            container.mux(track.encode(sound))
        container.mux(track.encode(None))
    if tag is not None:
        content = bytearray(path.read_bytes())
        at = content.index(b"chan") + 8
        content[at : at + 4] = tag.to_bytes(4, "big")
        path.write_bytes(content)
    return path


def run_alone(path: Path, preset: str, out: Path) -> str:
    """Read a file and cut a clip in a process of its own; what it printed."""
    command = [sys.executable, "-c", READ_AND_CUT, str(path), preset, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def levels(path: Path, channels: int) -> list[float]:
    """The constant of each channel, in thousands of a 16-bit sample; compressed sound wavers by half a thousand."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        stream.codec_context.layout = usual_layout(channels) or f"{channels} channels"
        resampler = av.AudioResampler(format="s16", rate=48000)
        parts = [part.to_ndarray() for frame in container.decode(stream) for part in resampler.resample(frame)]
    sound = np.concatenate([part.reshape(-1, channels) for part in parts])
    return [float(value) / 1000 for value in sound[4800:9600].mean(0)]


@pytest.mark.parametrize("preset", ["prores", "h264", "lossless"])
@pytest.mark.parametrize("name", UNUSUAL)
def test_channels_in_an_unusual_order_are_read_and_cut(name: str, preset: str, tmp_path: Path) -> None:
    layout, tag, in_native_order = UNUSUAL[name]
    path = write(tmp_path / name, layout, tag=tag)
    out = tmp_path / f"clip{'.mp4' if preset == 'h264' else '.mov'}"
    channels = len(in_native_order)
    assert run_alone(path, preset, out) == f"[{channels}]\n"
    expected = list(range(1, channels + 1)) if preset == "lossless" else in_native_order
    assert levels(out, channels) == pytest.approx(expected, abs=0.9)


@pytest.mark.parametrize("preset", ["prores", "h264"])
@pytest.mark.parametrize("name", UNDECLARED)
def test_channels_without_a_layout_are_cut(name: str, preset: str, tmp_path: Path) -> None:
    channels = UNDECLARED[name]
    path = write(tmp_path / name, f"{channels} channels")
    out = tmp_path / f"clip{'.mp4' if preset == 'h264' else '.mov'}"
    printed = run_alone(path, preset, out)
    if preset == "h264" and channels > 8:
        assert f"Sound of {channels} channels can't be encoded as aac" in printed and "lossless" in printed
    else:
        assert printed == f"[{channels}]\n" and levels(out, channels) == pytest.approx(
            list(range(1, channels + 1)), abs=0.9
        )


@pytest.mark.parametrize("preset", ["prores", "h264"])
def test_eight_channels_of_compressed_sound_are_cut(preset: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", "7.1", codec="flac")
    out = tmp_path / f"clip{'.mp4' if preset == 'h264' else '.mov'}"
    assert run_alone(path, preset, out) == "[8]\n"
    assert levels(out, 8) == pytest.approx(list(range(1, 9)), abs=0.9)


PLAY = """
import sys
import numpy as np
from pathlib import Path
from fractions import Fraction
from tr_desktop.app.player.samples import samples
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
sampler = Sampler(probe(Path(sys.argv[1])), Fraction(1000), 32)
list(sampler)
sound = b"".join(samples(sampler.footage, Fraction(0), Fraction(1, 2)))
print(*np.frombuffer(sound, np.int16).reshape(-1, 2)[12000])
"""


@pytest.mark.parametrize("name", UNUSUAL)
def test_channels_in_an_unusual_order_are_heard(name: str, tmp_path: Path) -> None:
    layout, tag, levels = UNUSUAL[name]
    path = write(tmp_path / name, layout, tag=tag)
    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(path)], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    # ITU-R BS.775: front, then centre and surrounds at -3 dB, scaled so that nothing clips.
    front, centre, surround = levels[:2], levels[2], (levels[4::2], levels[5::2])
    for heard, own, around in zip(done.stdout.split(), front, surround, strict=True):
        mixed = 1000 * (own + (centre + sum(around)) / 2**0.5) / (1 + (1 + len(around)) / 2**0.5)
        assert int(heard) == pytest.approx(mixed, abs=20)
