"""A graphics device decodes a file only after a trial on it; if it fails later, the CPU decodes the rest."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from av.codec import Codec
from av.error import ExternalError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tests.footage.recipes import h264
from tests.media import make_video, read_number
from tests.toy import ToyEncoder
from tr_desktop.footage import container, hardware, skip
from tr_desktop.footage.decode import Reading, decode_packet
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.hardware import choose_decoder, devices
from tr_desktop.footage.probe import probe
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Media

EVERY_S, SIZE_PX = Fraction(1, 2), 40
OFFERED = [config.device_type.name for config in Codec("h264", "r").hardware_configs or () if config.is_supported]
pytestmark = pytest.mark.skipif(not OFFERED, reason="this FFmpeg was built without any device")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Media:
    path = tmp_path_factory.mktemp("footage") / "long.mp4"
    return probe(make_video(path, frames=640, rate=Fraction(10), options=h264(20)))


def samples(media: Media, device: str = "") -> tuple[list[tuple[int, int, int, bytes]], Sampler]:
    sampler = Sampler(media, EVERY_S, SIZE_PX, device=device)
    return [(s.frame, s.tick, s.repeat, s.picture.tobytes()) for s in sampler], sampler


class Device:
    """Stands in for PyAV with a graphics device, which machines that test lack; this is what PyAV 17 and 18 do there.

    `HWAccel(kind).create(codec)` opens a device or raises. A file opened with one is parsed, put in order and timed by
    FFmpeg's own decoder; only the pictures come from the device, and stay there until they are reformatted, by way of
    NV12. A fault raises FFmpegError there or in the decoder, where no software takes over if that isn't allowed.
    fault: what happens to the frames that come out from packet `fault_at` on, `faults` times. now_s: a clock by which a
    packet takes a second on the processor, and `packet_s` here.
    """

    def __init__(self) -> None:
        self.decoded, self.fault_at, self.faults, self.packet_s, self.now_s = 0, 10**9, 1, 0.1, 0.0
        self.fault: Callable[[list[VideoFrame]], list[VideoFrame]] = list

    def attach(self, kind: str, *, allow_software_fallback: bool, is_hw_owned: bool) -> None:
        assert kind == OFFERED[0] and is_hw_owned and not allow_software_fallback

    def decode(self, packet: Packet[VideoStream] | None, stream: VideoStream, reading: Reading) -> list[VideoFrame]:
        if stream.codec_context.thread_count != 1:  # the processor's have more
            self.now_s += 1
            return decode_packet(packet, stream, reading)
        self.now_s += self.packet_s
        self.decoded += packet is not None
        frames = [frame.reformat(format="nv12") for frame in decode_packet(packet, stream, reading)]
        if self.decoded < self.fault_at or not self.faults or not frames:
            return frames
        self.faults -= 1
        try:
            return self.fault(frames)
        except ExternalError:  # as in `decode_packet`
            reading.undecoded += 1
            return []


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    monkeypatch.setattr(hardware, "_why_not_opened", lambda name, codec: "")
    monkeypatch.setattr(container, "HWAccel", device.attach)
    monkeypatch.setattr(skip, "decode_packet", device.decode)
    monkeypatch.setattr(hardware, "perf_counter", lambda: device.now_s)
    return device


def raises(frames: list[VideoFrame]) -> list[VideoFrame]:
    raise ExternalError(1, "the device is gone")


def darker(frames: list[VideoFrame]) -> list[VideoFrame]:
    dark = []
    for frame in frames:
        picture = VideoFrame.from_ndarray((frame.to_ndarray(format="rgb24") * 0.9).astype(np.uint8), format="rgb24")
        picture.pts, picture.time_base = frame.pts, frame.time_base
        dark.append(picture)
    return dark


def late(frames: list[VideoFrame]) -> list[VideoFrame]:
    for frame in frames:
        frame.pts = (frame.pts or 0) + 1
    return frames


FAULTS = {"raises": raises, "drops a frame": lambda frames: [], "changes a time": late}


@pytest.mark.skipif(any(not problem for problem in devices().values()), reason="a device opens here")
def test_if_no_device_opens_the_cpu_decodes(long: Media) -> None:
    choice = choose_decoder(long, EVERY_S, SIZE_PX)
    assert choice.device == "" and f"{OFFERED[-1]} can't be opened here" in str(choice)
    assert all("can't be opened" in problem for problem in devices().values()) and devices()
    found, sampler = samples(long, OFFERED[0])  # asked for all the same
    assert (found, sampler.device) == (samples(long)[0], "")


def test_a_correct_and_faster_device_decodes_the_whole_file(long: Media, device: Device) -> None:
    right, on_processor = samples(long)
    choice = choose_decoder(long, EVERY_S, SIZE_PX)
    assert choice.device == OFFERED[0]
    device.decoded = 0
    found, sampler = samples(long, choice.device)
    assert found == right and sampler.device == choice.device
    assert device.decoded == sampler.decoded_packets == on_processor.decoded_packets > 300
    assert (sampler.times, sampler.problems, sampler.media) == (on_processor.times, [], on_processor.media)


@pytest.mark.parametrize("fault", [*FAULTS, "other pictures", "slow"])
def test_a_device_that_is_wrong_or_slow_is_not_used(long: Media, device: Device, fault: str) -> None:
    if fault == "slow":
        device.packet_s = 1
    else:
        device.fault, device.fault_at, device.faults = {**FAULTS, "other pictures": darker}[fault], 6, 10
    choice = choose_decoder(long, EVERY_S, SIZE_PX)
    assert choice.device == ""
    why = {"slow": "no faster", "other pictures": "other pictures"}.get(fault, "can't decode this footage")
    assert OFFERED[-1] in choice.why and why in choice.why


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [1, 2, 150, 300])
def test_the_cpu_decodes_the_rest_after_a_device_fails(long: Media, device: Device, fault: str, at: int) -> None:
    right, on_processor = samples(long)
    device.fault, device.fault_at = FAULTS[fault], at
    found, sampler = samples(long, OFFERED[0])
    assert found == right and sampler.device == ""
    assert at <= device.decoded < 320
    assert (sampler.times, sampler.problems, sampler.decode_all) == (on_processor.times, [], False)


def test_a_picture_that_does_not_come_back_from_the_device_is_not_lost(
    long: Media, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, _ = samples(long)
    from tr_desktop.footage import frames

    real = frames.PictureMaker.__call__

    def lost(self: frames.PictureMaker, frame: VideoFrame) -> np.ndarray:
        if frame.format.name == "nv12" and device.decoded > 100:
            raise ExternalError(1, "the device is gone")
        return real(self, frame)

    monkeypatch.setattr(frames.PictureMaker, "__call__", lost)
    found, sampler = samples(long, OFFERED[0])
    assert found == right and sampler.device == ""


@pytest.mark.parametrize("name", ["short.mp4", "mpeg4.mp4"])
def test_a_device_is_not_tried_if_it_cannot_pay_off_or_be_checked(tmp_path: Path, device: Device, name: str) -> None:
    if name == "short.mp4":
        media = probe(make_video(tmp_path / name, frames=100, rate=Fraction(10), options=h264(20)))
    else:
        media = probe(make_video(tmp_path / name, frames=640, rate=Fraction(10), codec="mpeg4"))
    choice = choose_decoder(media, EVERY_S, SIZE_PX)
    assert choice.device == "" and device.decoded == 0
    assert ("60 s" if name == "short.mp4" else "mpeg4") in choice.why


@pytest.mark.parametrize("fault_at", [10**9, 250])
def test_indexing_on_a_device_reports_it_and_gives_the_same_index(
    tmp_path: Path, long: Media, device: Device, fault_at: int
) -> None:
    device.fault, device.fault_at = raises, fault_at
    said: list[str] = []
    stored = {}
    for folder, on_device in (("processor", False), ("device", True)):
        said.clear()
        with Catalog(tmp_path / folder) as catalog:
            index_footage([long.path], catalog, ToyEncoder(), lambda p: said.append(p.decoder), hardware=on_device)
            item = catalog.load(long.path, "toy")
            stored[folder] = (item.vectors.tobytes(), item.times, item.problems)
            if not on_device:
                assert set(said) == {""} and device.decoded == 0
    assert stored["device"] == stored["processor"]
    assert said[0].startswith(f"decoded on {OFFERED[0]}: ")
    failed = f"decoded on the CPU: {OFFERED[0]} failed in the middle"
    assert (failed in said, device.decoded > 300) == (fault_at == 250, fault_at != 250)


def test_the_stand_in_shows_the_frames_that_it_should(long: Media, device: Device) -> None:
    sampler = Sampler(long, EVERY_S, SIZE_PX, device=OFFERED[0])
    assert [read_number(sample.picture) for sample in islice(sampler, 5)] == [0, 5, 10, 15, 20]
    assert device.decoded
