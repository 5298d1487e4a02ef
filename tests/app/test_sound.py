"""Sound stands where it belongs, to the sample, and its absence is silence and never an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from exporters.clips import WAYS
from exporters.formats import formats
from tests.app.leaks import no_leaks  # noqa: F401
from tests.app.test_player import WAIT_MS, whole
from tests.footage.recipes import MAKERS
from tests.footage.test_joints import LENGTHS, segment
from tests.media import numbered_picture
from tr_desktop.app.player.player import Player
from tr_desktop.app.player.samples import CHANNELS, RATE_HZ, samples
from tr_desktop.commands.main import main
from tr_desktop.moments import Footage

RATE = Fraction(25)


def with_clicks(
    path: Path, clicks_s: list[Fraction], codec: str, *, from_s: Fraction = Fraction(0), to_s: int = 6
) -> Path:
    """Six seconds of pictures, and sound from `from_s` to `to_s` that is silent but for clicks."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=RATE)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = container.add_stream(codec, rate=RATE_HZ, layout="mono")
        for number in range(6 * 25):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number, 160, 120), format="rgb24")
            frame.pts, frame.time_base = number, 1 / RATE
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        heard = np.zeros((1, to_s * RATE_HZ), np.int16)
        for click_s in clicks_s:
            at = round(click_s * RATE_HZ)
            heard[0, at : at + 48] = 20000
        for start in range(round(from_s * RATE_HZ), heard.shape[1], 1024):
            block = av.AudioFrame.from_ndarray(heard[:, start : start + 1024].copy(), format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
            for packet in sound.encode(block) if codec != "aac" else sound.encode(_planar(block)):
                container.mux(packet)
        container.mux(sound.encode(None))
    return path


def _planar(block: av.AudioFrame) -> av.AudioFrame:
    planar = av.AudioFrame.from_ndarray((block.to_ndarray() / 32768).astype(np.float32), format="fltp", layout="mono")
    planar.sample_rate, planar.pts, planar.time_base = block.sample_rate, block.pts, block.time_base
    return planar


def heard(path: Path, start_s: Fraction, end_s: Fraction) -> NDArray[np.int16]:
    """int16 [samples, channels]."""
    blocks: Iterator[bytes] = samples(Footage(*whole(path)), start_s, end_s)
    return np.frombuffer(b"".join(blocks), np.int16).reshape(-1, CHANNELS)


def clicks_in(sound: NDArray[np.int16]) -> list[int]:
    """Where a click begins, in samples."""
    loud = np.flatnonzero(np.abs(sound[:, 0].astype(int)) > 8000)
    return [int(loud[0]), *loud[1:][np.diff(loud) > 1000].tolist()] if len(loud) else []


@pytest.mark.parametrize(
    ("name", "codec", "off"), [("a.mov", "pcm_s16le", 1), ("a.mkv", "pcm_s16le", 60), ("a.mp4", "aac", 60)]
)
@pytest.mark.parametrize(("start_s", "end_s"), [(Fraction(0), Fraction(6)), (Fraction(61, 25), Fraction(131, 25))])
def test_sound_stands_where_it_belongs(
    tmp_path: Path, name: str, codec: str, off: int, start_s: Fraction, end_s: Fraction
) -> None:
    clicks_s = [Fraction(1), Fraction(5, 2), Fraction(4)]
    sound = heard(with_clicks(tmp_path / name, clicks_s, codec), start_s, end_s)
    assert len(sound) == round((end_s - start_s) * RATE_HZ)
    wanted = [round((click_s - start_s) * RATE_HZ) for click_s in clicks_s if start_s <= click_s < end_s]
    found = clicks_in(sound)
    assert len(found) == len(wanted)
    assert all(abs(a - b) <= off for a, b in zip(found, wanted, strict=True)), (found, wanted)


def test_where_there_is_no_sound_there_is_silence(tmp_path: Path) -> None:
    late = with_clicks(tmp_path / "late.mov", [Fraction(3)], "pcm_s16le", from_s=Fraction(2), to_s=4)
    sound = heard(late, Fraction(0), Fraction(6))
    assert len(sound) == 6 * RATE_HZ
    assert abs(clicks_in(sound)[0] - 3 * RATE_HZ) <= 1
    silent = heard(MAKERS["gop30.mp4"](tmp_path / "silent.mp4"), Fraction(1), Fraction(2))
    assert silent.shape == (RATE_HZ, CHANNELS) and not silent.any()


def test_a_machine_without_a_sound_device_plays_on_silently(
    no_leaks: None,  # noqa: F811
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere")
    media, times = whole(with_clicks(tmp_path / "a.mov", [Fraction(1)], "pcm_s16le"))
    assert media.audio
    player = Player()
    qtbot.addWidget(player)
    frames: list[int] = []
    player.frame_shown.connect(frames.append)
    player.open(Footage(media, times))
    player.play()
    qtbot.waitUntil(lambda: len(frames) > 5, timeout=WAIT_MS)
    player.shut_down()
    assert frames == sorted(frames)


def test_a_track_that_no_decoder_knows_doesnt_silence_the_next(tmp_path: Path) -> None:
    """Phones write spatial sound (`apac`) beside the usual track."""
    one, path = with_clicks(tmp_path / "one.mov", [Fraction(1)], "pcm_s16le"), tmp_path / "two.mov"
    with av.open(str(one)) as reading, av.open(str(path), "w") as writing:
        video, sound = reading.streams.video[0], reading.streams.audio[0]
        copies = {stream: [writing.add_stream_from_template(stream)] for stream in (video, sound)}
        copies[sound].append(writing.add_stream_from_template(sound))
        for packet in reading.demux():
            if packet.size:
                pts, dts = packet.pts, packet.dts
                for copy in copies[packet.stream]:
                    again = av.Packet(bytes(packet))
                    again.pts, again.dts, again.time_base, again.stream = pts, dts, packet.time_base, copy
                    writing.mux(again)
    data = path.read_bytes()
    moov = data.index(b"moov")
    path.write_bytes(data[:moov] + data[moov:].replace(b"sowt", b"apac", 1))
    with av.open(str(path)) as reading:
        assert [stream.codec_context is None for stream in reading.streams.audio] == [True, False]
    assert clicks_in(heard(path, Fraction(0), Fraction(2))) == [RATE_HZ]


def test_sound_after_a_joint_is_that_of_its_pictures(tmp_path: Path) -> None:
    tones_hz = (400, 800, 1600, 3200)
    path, first = tmp_path / "tones.ts", 0
    with path.open("wb") as file:  # each segment starts its clock again
        for length, tone_hz in zip(LENGTHS, tones_hz, strict=True):
            file.write(segment(tmp_path / f"{first}.ts", first, length, (160, 120), tone_hz))
            first += length
    begins = [sum(LENGTHS[:number]) for number in range(len(LENGTHS) + 1)]
    for number, tone_hz in enumerate(tones_hz):
        start_s, end_s = Fraction(begins[number] + 10, 25), Fraction(begins[number + 1] - 10, 25)
        sound = heard(path, start_s, end_s)[:, 0]
        assert len(sound) == round((end_s - start_s) * RATE_HZ)
        strength = np.abs(np.fft.rfft(sound.astype(float)))
        assert abs(int(np.argmax(strength)) * RATE_HZ / len(sound) - tone_hz) < 20, number


@pytest.mark.parametrize(
    ("can_play", "line"), [(True, "Sound: the app plays it through Qt"), (False, "Sound: none, because ")]
)
def test_doctor_says_whether_anything_can_be_heard(can_play, line, monkeypatch, capfd, tmp_path):
    if not can_play:
        monkeypatch.setitem(sys.modules, "PySide6.QtMultimedia", None)
    assert main(["doctor", "--library", str(tmp_path)]) == 0
    out, err = capfd.readouterr()
    assert any(said.startswith(line) for said in out.splitlines())
    assert f"Export formats: {len(formats())}. Ways to cut clips: {len(WAYS)}\n" in out and err == ""
