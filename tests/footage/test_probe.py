"""The probe's facts about a file: rate, size, timecode, reel, sound; and the reason if it can't be searched."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from tests.media import make_video, numbered_picture, read_number
from tr_desktop.errors import MediaError
from tr_desktop.footage import container
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.rate import rate_of_ticks
from tr_desktop.moments import AudioTrack
from tr_desktop.timecode import Timecode

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "avi"])
@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), Fraction(24), Fraction(25), NTSC, Fraction(60000, 1001), Fraction(12)]
)
def test_rate_is_exact(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    path = make_video(tmp_path / f"a.{suffix}", frames=40, rate=rate, codec="mpeg4", size=(64, 48))
    media = probe(path)
    sampler = Sampler(media, Fraction(1), 8)
    list(sampler)
    assert (sampler.media.rate, sampler.media.is_vfr) == (rate, False)


@pytest.mark.parametrize(
    ("ticks", "tick_s", "rate", "is_vfr"),
    [
        ([0, 33, 67, 100, 133, 167, 200], Fraction(1, 1000), Fraction(30), False),  # Matroska rounds to milliseconds
        ([0, 20, 40, 60, 80, 100, 121], Fraction(1, 600), NTSC, False),  # so does an old QuickTime time scale
        ([n * 2999 for n in range(50)], Fraction(1, 90000), Fraction(30), False),  # a phone's clock, a little off
        ([n * 2999 for n in range(9000)], Fraction(1, 90000), Fraction(90000, 2999), False),  # … adds up over time
        ([0, 1, 2, 3, 9, 10, 11, 12], Fraction(1, 30), Fraction(30), True),
        ([0, 40, 80, 120, 180, 220], Fraction(1, 1000), Fraction(25), True),
    ],
)
def test_variable_rate_means_frames_away_from_their_constant_rate_position(
    ticks: list[int], tick_s: Fraction, rate: Fraction, is_vfr: bool
) -> None:
    assert rate_of_ticks(ticks, tick_s) == (rate, is_vfr)


@pytest.mark.parametrize(
    ("suffix", "codec", "rate", "timecode"),
    [
        ("mov", "prores_ks", Fraction(24000, 1001), "01:00:00:00"),
        ("mov", "libx264", NTSC, "09:59:58;02"),
        ("mp4", "libx264", NTSC, "00:59:59;28"),
        ("mov", "libx264", NTSC, "10:00:00:00"),
        ("mov", "libx264", Fraction(60000, 1001), "01:00:00;58"),
        ("mov", "libx264", Fraction(25), "23:59:59:24"),
        ("mxf", "mpeg2video", Fraction(25), "10:11:12:13"),
        ("mxf", "mpeg2video", NTSC, "10:11:12;13"),
        ("mkv", "libx264", Fraction(25), "10:11:12:13"),
    ],
)
def test_source_timecode_is_the_files_own(
    tmp_path: Path, suffix: str, codec: str, rate: Fraction, timecode: str
) -> None:
    pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    path = tmp_path / f"a.{suffix}"
    make_video(path, frames=6, rate=rate, codec=codec, pix_fmt=pix_fmt, timecode=timecode, reel="A001C003")
    media = probe(path)
    assert (str(media.start_tc), media.start_tc.rate, media.has_timecode) == (timecode, rate, True)
    if suffix == "mov":
        assert media.reel == "A001C003"


def test_timecode_track_at_half_the_picture_rate(tmp_path: Path) -> None:
    """Cameras label 59.94 footage with 29.97 drop-frame timecode: each label then covers two frames."""
    path = make_video(tmp_path / "a.mov", frames=6, rate=Fraction(60000, 1001), timecode="01:00:00;10")
    data = bytearray(path.read_bytes())
    entry = data.index(b"tmcd", data.index(b"stsd", data.index(b"nmhd") if b"nmhd" in data else data.index(b"gmhd")))
    flags, timescale, duration, fps = struct.unpack(">IIIB", data[entry + 16 : entry + 29])
    assert (flags & 1, Fraction(timescale, duration), fps) == (1, Fraction(60000, 1001), 60)
    data[entry + 20 : entry + 29] = struct.pack(">IIB", 30000, 1001, 30)
    path.write_bytes(data)
    media = probe(path)
    # the track's own count is unchanged: 60 · 3600 + 10 - 432 skipped, now in frames of 29.97
    count = 60 * 3600 + 10 - 4 * 54
    assert media.start_tc.rate == Fraction(60000, 1001)
    assert media.start_tc.drop
    assert media.start_tc.frame == 2 * count


@pytest.mark.parametrize(
    ("rate", "track_rate", "frame", "start"),
    [
        # Final Cut Camera: true 30 with drop-frame numbering. 16:37:10;02 is its frame 1793106, and there it starts.
        (Fraction(30), (3000, 100), 1793106, Timecode(1793106, Fraction(30))),
        (Fraction(30), (30000, 1001), 1793106, Timecode(1793106, Fraction(30))),
        # Drop-frame at 24, of which FFmpeg makes no label at all.
        (Fraction(24), (2400, 100), 1694304, Timecode(1694304, Fraction(24))),
        (NTSC, (30000, 1001), 1793106, Timecode(1793106, NTSC, drop=True)),
        (Fraction(60), (30, 1), 900000, Timecode(1800000, Fraction(60))),
    ],
)
def test_the_number_of_the_timecode_track_counts_not_its_label(
    tmp_path: Path, rate: Fraction, track_rate: tuple[int, int], frame: int, start: Timecode
) -> None:
    path = make_video(tmp_path / "a.mov", frames=6, rate=rate, timecode="12:34:56:07")
    data, written = bytearray(path.read_bytes()), Timecode.parse("12:34:56:07", rate, False).frame
    number, entry = data.index(struct.pack(">I", written)), data.index(b"tmcd", data.index(b"gmhd"))
    entry = data.index(b"tmcd", data.index(b"stsd", entry))
    data[number : number + 4] = struct.pack(">I", frame)
    data[entry + 16 : entry + 28] = struct.pack(">III", 1, *track_rate)  # the flag: drop-frame
    path.write_bytes(data)
    assert (probe(path).start_tc, probe(path).has_timecode) == (start, True)


def sony(path: Path, rate: Fraction, rtmd: bytes = b"", xml: str = "") -> Path:
    """Footage as Sony's cameras write it: a track of metadata whose packets hold the label, or a document of XML."""
    with av.open(str(path), "w") as writing:
        picture = writing.add_stream("libx264", rate=rate)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        if rtmd:
            track = writing.add_stream("pcm_u8", rate=8000, layout="mono")
            packet = av.AudioFrame.from_ndarray(np.frombuffer(rtmd.ljust(1600), np.uint8)[None], "u8", "mono")
            packet.sample_rate, packet.pts = 8000, 0
            writing.mux(track.encode(packet))
        for number in range(6):
            writing.mux(picture.encode(av.VideoFrame.from_ndarray(numbered_picture(number, 64, 48), format="rgb24")))
        writing.mux(picture.encode(None))
    content = path.read_bytes()
    if rtmd:
        content = content.replace(b"raw ", b"rtmd").replace(b"soun", b"meta")
    if xml:
        body = bytes(4) + b"....xml " + xml.encode()
        content += struct.pack(">I", len(body) + 8) + b"meta" + body
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("rate", "label", "drop", "start"),
    [
        (Fraction(25), (3, 47, 26, 14), 0, "03:47:26:14"),
        (NTSC, (3, 47, 26, 14), 1, "03:47:26;14"),
        (Fraction(60000, 1001), (3, 47, 26, 44), 1, "03:47:26;44"),
        (Fraction(30), (3, 47, 26, 14), 1, "03:47:26:14"),
    ],
)
def test_sony_metadata_tracks_give_the_timecode(
    tmp_path: Path, rate: Fraction, label: tuple[int, ...], drop: int, start: str
) -> None:
    path = sony(tmp_path / "a.mov", rate, rtmd=bytes(13) + bytes([*label[:3], drop, label[3]]))
    assert (str(probe(path).start_tc), probe(path).has_timecode) == (start, True)


@pytest.mark.parametrize(
    ("rate", "table", "start"),
    [
        (Fraction(25), ("25", "17305719"), Timecode.parse("19:57:30:17", Fraction(25))),
        (Fraction(50), ("25", "17305719"), Timecode.parse("19:57:30:34", Fraction(50))),
        (NTSC, ("30", "57300001"), Timecode.parse("01:00:30;17", NTSC)),
    ],
)
def test_sony_documents_give_the_timecode(
    tmp_path: Path, rate: Fraction, table: tuple[str, str], start: Timecode
) -> None:
    xml = (
        f'<NonRealTimeMeta><Duration value="6"/><LtcChangeTable tcFps="{table[0]}" halfStep="false">\n'
        f'<LtcChange frameCount="0" value="{table[1]}" status="increment"/></LtcChangeTable></NonRealTimeMeta>'
    )
    assert probe(sony(tmp_path / "a.mp4", rate, xml=xml)).start_tc == start
    assert not probe(sony(tmp_path / "b.mp4", rate, xml=xml.replace(table[1], "FFFFFFFF"))).has_timecode


def test_samples_since_midnight_are_a_timecode(tmp_path: Path) -> None:
    """What a recorder wrote as Broadcast Wave keeps it in other containers."""
    with av.open(str(tmp_path / "a.mkv"), "w") as writing:
        writing.metadata["time_reference"] = str(48000 * 3600 + 24000)
        picture, sound = writing.add_stream("mpeg4", rate=25), writing.add_stream("pcm_s16le", rate=48000)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
        silence.sample_rate = 48000
        writing.mux(sound.encode(silence))
        writing.mux(picture.encode(av.VideoFrame.from_ndarray(numbered_picture(0, 64, 48), format="rgb24")))
        writing.mux(picture.encode(None))
    assert str(probe(tmp_path / "a.mkv").start_tc) == "01:00:00:12"


def test_mxf_timecode_at_half_the_picture_rate(tmp_path: Path) -> None:
    """50p in MXF is often labelled 25 to the second."""
    path = make_video(tmp_path / "a.mxf", frames=6, rate=Fraction(50), codec="mpeg2video", timecode="10:00:00:40")
    assert str(probe(path).start_tc) == "10:00:00:40"
    path.write_bytes(path.read_bytes().replace(b"\x15\x02\x00\x02\x00\x32", b"\x15\x02\x00\x02\x00\x19"))
    count = 10 * 3600 * 50 + 40  # the track's own count is unchanged, now in frames of 25
    assert probe(path).start_tc == Timecode(2 * count, Fraction(50))


def test_no_timecode_starts_at_zero(tmp_path: Path) -> None:
    media = probe(make_video(tmp_path / "a.mp4", frames=3))
    assert (media.has_timecode, str(media.start_tc), media.reel) == (False, "00:00:00:00", "")


def test_size_is_as_shown(tmp_path: Path) -> None:
    media = probe(make_video(tmp_path / "a.mp4", frames=3, rotation=270, size=(160, 96)))
    assert (media.width, media.height, media.rotation) == (96, 160, 270)
    anamorphic = make_video(tmp_path / "b.mp4", frames=3, size=(144, 96), options={"x264-params": "sar=4/3"})
    media = probe(anamorphic)
    assert (media.width, media.height) == (192, 96)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_and_mirrored_pictures_are_upright(tmp_path: Path, rotation: int, mirrored: bool) -> None:
    path = make_video(tmp_path / "a.mov", frames=3, rotation=rotation, mirrored=mirrored, size=(160, 96))
    media = probe(path)
    assert (media.rotation, media.mirrored) == (rotation, mirrored)
    (sample,) = Sampler(media, Fraction(1), 60)
    assert read_number(sample.picture) == 0
    if shutil.which("ffmpeg"):  # turns and mirrors by itself
        still = tmp_path / "still.png"
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1", str(still)], check=True, timeout=60)
        with av.open(str(still)) as container:
            picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert picture.shape[:2] == (media.height, media.width) and read_number(picture) == 0


def test_sound_is_listed(tmp_path: Path) -> None:
    media = probe(make_video(tmp_path / "a.mp4", frames=3, audio=True))
    assert media.audio == (AudioTrack("aac", 1, 48000, index=1),)


def reason(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.path == path
    return caught.value.what


def test_files_that_are_not_footage_give_a_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "text.mp4").write_text("no pictures here\n" * 100)
    (tmp_path / "random.mp4").write_bytes(random.Random(0).randbytes(100_000))
    whole = make_video(tmp_path / "whole.mp4", frames=60).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    assert reason(tmp_path / "missing.mp4") == "file not found"
    assert reason(tmp_path / "empty.mp4") == "empty file"
    assert reason(tmp_path / "folder.mp4") == "a folder, not a file"
    assert "not a video file" in reason(tmp_path / "text.mp4")
    assert "not a video file" in reason(tmp_path / "random.mp4")
    assert reason(tmp_path / "half.mp4") == "the file is cut off or damaged: its index (moov) can't be read"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_fifo_and_socket_are_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.mp4")
    assert reason(tmp_path / "fifo.mp4") == "not a regular file"
    assert reason(Path("/dev/null")) == "not a regular file"


def test_pictures_and_sound_are_not_video(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "sound.mp4"), "wb") as sound:
        sound.setparams((1, 2, 48000, 0, "NONE", ""))
        sound.writeframes(bytes(96000))
    assert reason(tmp_path / "sound.mp4") == "no video stream"
    make_video(tmp_path / "still.png", frames=1, codec="png", pix_fmt="rgb24", container_format="image2")
    assert "picture" in reason(tmp_path / "still.png")


def test_encrypted_footage_is_named(tmp_path: Path) -> None:
    keys = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 32, "encryption_kid": "1" * 32}
    path = make_video(tmp_path / "a.mp4", frames=10, container_options=keys)
    assert reason(path) == "encrypted"


def test_the_video_is_not_its_cover_picture(tmp_path: Path) -> None:
    """Of several video streams, the one that an editor means; a cover alone is no video."""
    for name, with_film in (("film.mp4", True), ("song.mp4", False)):
        with av.open(str(tmp_path / name), "w") as writing:
            streams = [writing.add_stream("mjpeg", rate=1)]
            if with_film:
                streams += [writing.add_stream("libx264", rate=25), writing.add_stream("libx264", rate=25)]
            for stream, size in zip(streams, (400, 160, 80), strict=False):
                stream.width, stream.height = size, size // 2
                stream.pix_fmt = "yuv420p" if stream.codec.name == "libx264" else "yuvj420p"
            streams[0].disposition = Disposition.attached_pic
            if with_film:
                streams[2].disposition = Disposition.default
            for stream in streams:
                for number in range(1 if stream is streams[0] else 5):
                    picture = numbered_picture(number, stream.width, stream.height)
                    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                    frame.pts = number
                    writing.mux(stream.encode(frame))
                writing.mux(stream.encode(None))
    media = probe(tmp_path / "film.mp4")
    assert (media.codec, media.width) == ("h264", 80)
    assert reason(tmp_path / "song.mp4") == "attached picture only, no video stream"


@contextmanager
def watched(path: Path) -> Iterator[Callable[[], bool]]:
    """Asks the kernel whether anybody opened `path`, by whatever way (inotify); elsewhere than on Linux never told."""
    if sys.platform != "linux":
        yield lambda: False
        return
    libc, is_opened, dont_block = ctypes.CDLL(None, use_errno=True), 0x20, os.O_NONBLOCK
    queue = libc.inotify_init1(dont_block)
    assert queue >= 0 and libc.inotify_add_watch(queue, os.fsencode(path), is_opened) >= 0

    def was_opened() -> bool:
        try:
            return bool(os.read(queue, 4096))
        except BlockingIOError:
            return False

    try:
        yield was_opened
    finally:
        os.close(queue)


def test_playlists_open_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that names other files or URLs is refused, and nothing but it is opened."""
    secret = make_video(tmp_path / "secret.mp4", frames=10)
    opened: list[str] = []
    real_refuse = container._refuse

    def watching(url: str, flags: int, options: dict[str, str]) -> None:
        opened.append(url)
        real_refuse(url, flags, options)

    monkeypatch.setattr(container, "_refuse", watching)
    with socket.create_server(("127.0.0.1", 0)) as server, watched(secret) as was_opened:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        lists = {
            "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
            "b.mp4": f"ffconcat version 1.0\nfile {secret}\n",
            "c.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
            "d.mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}</BaseURL></MPD>',
        }
        for name, text in lists.items():
            (tmp_path / name).write_text(text)
            assert "not a video file" in reason(tmp_path / name)
        with pytest.raises(TimeoutError):
            server.accept()
        assert not was_opened()
        secret.read_bytes()
        assert was_opened() or sys.platform != "linux"  # the watch does watch
    assert opened == []


def test_names_that_look_like_protocols_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "plain.mp4", frames=3).rename(tmp_path / "concat:a|b.mp4")
    assert probe(Path("concat:a|b.mp4")).width == 160
    if sys.platform != "linux":
        return  # the other systems' file names are Unicode
    raw = tmp_path / os.fsdecode(b"not-utf8-\xff.mp4")
    (tmp_path / "concat:a|b.mp4").rename(raw)
    assert probe(raw).width == 160
