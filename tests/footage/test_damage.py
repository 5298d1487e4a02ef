"""Damaged and odd footage: searched as far as possible, or refused with a reason. No crash, no hang, no longer film."""

from __future__ import annotations

import random
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.footage.recipes import MAKERS
from tests.media import make_video, read_number
from tr_desktop.errors import MediaError
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import read_frames
from tr_desktop.moments import Footage

ODDITIES = Path(__file__).resolve().parents[3] / "shared" / "oddities"
ODD_FILES = sorted(p for p in ODDITIES.glob("*") if p.suffix not in (".md", ".jsonl")) if ODDITIES.is_dir() else []


@pytest.mark.skipif(not ODD_FILES, reason="the folder of odd files isn't beside this checkout")
def test_every_odd_file_is_sampled_or_refused_with_a_reason() -> None:
    sampled = 0
    for path in ODD_FILES:
        started = time.monotonic()
        try:
            media = probe(path)
            sampler = Sampler(media, Fraction(1, 2), 32)
            samples = list(sampler)
            every = Sampler(media, Fraction(1, 2), 32, decode_all=True)
            for a, b in zip(every, samples, strict=True):
                assert (a.frame, a.tick, a.repeat) == (b.frame, b.tick, b.repeat), path.name
                assert np.array_equal(a.picture, b.picture), path.name
            assert every.times == sampler.times, path.name
            last = read_frames(Footage(media, sampler.times), [len(sampler.times) - 1], 32)
            assert [frame for frame, _ in last] == [len(sampler.times) - 1], path.name
            assert samples[0].frame == 0, path.name
            assert sum(s.repeat for s in samples) <= sampler.times.duration_s * 2 + 1, path.name
            assert list(sampler.times.ticks) == sorted(set(sampler.times.ticks)), path.name
            sampled += 1
        except MediaError as error:
            assert error.what, path.name
        assert time.monotonic() - started < 60, path.name
    assert sampled >= 65  # 19 hold no video or none that any decoder reads


def damaged_packets(data: bytes, share: float, seed: int) -> bytes:
    """Overwrite the payload of `share` of a transport stream's 188-byte packets with noise, now and then the header."""
    rng, out = random.Random(seed), bytearray(data)
    for start in range(188 * 8, len(out) - 188, 188):
        if rng.random() < share:
            keep = rng.choice([0, 4, 4, 4])
            out[start + keep : start + 188] = rng.randbytes(188 - keep)
    return bytes(out)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_transport_stream_with_a_quarter_of_its_packets_damaged(tmp_path: Path, codec: str, seed: int) -> None:
    whole = make_video(tmp_path / "whole.ts", frames=240, codec=codec, gop=30, options={"bf": "2"})
    path = tmp_path / "damaged.ts"
    path.write_bytes(damaged_packets(whole.read_bytes(), 0.25, seed))
    started = time.monotonic()
    try:
        sampler = Sampler(probe(path), Fraction(1, 2), 32)
        samples = list(sampler)
    except MediaError as error:
        assert error.what
    else:
        assert sum(s.repeat for s in samples) <= 2 * 8 + 2
        assert sampler.problems
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi", "mxf"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_file_keeps_its_remaining_frames(tmp_path: Path, suffix: str, kept: float) -> None:
    codec = "mpeg2video" if suffix == "mxf" else "libx264"
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    whole = make_video(
        tmp_path / f"whole.{suffix}", frames=125, rate=Fraction(25), codec=codec, gop=25, container_options=options
    )
    path = tmp_path / f"cut.{suffix}"
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    try:
        sampler = Sampler(probe(path), Fraction(1, 25), 40)
        samples = list(sampler)
    except MediaError as error:
        assert suffix == "mxf" or kept == 0.1, error.what
    else:
        whole_ones = samples[: len(sampler.times) - 5]  # the cut goes through the last ones
        assert [read_number(s.picture) for s in whole_ones] == list(range(len(whole_ones)))
        assert len(sampler.times) <= 125
        if suffix in ("mp4", "avi", "mxf") and kept < 0.7:  # the others don't say how long they should be
            assert any("cut off" in problem for problem in sampler.problems)


def test_corrupted_spots_are_noted_and_the_rest_is_right(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mp4", frames=300, gop=30, options={"bf": "2"}).read_bytes()
    rng, data = random.Random(1), bytearray(whole)
    middle = whole.index(b"mdat") + len(whole) // 3
    for _ in range(20):
        spot = rng.randrange(middle, middle + len(whole) // 6)
        data[spot : spot + 8] = rng.randbytes(8)
    path = tmp_path / "spots.mp4"
    path.write_bytes(data)
    sampler = Sampler(probe(path), Fraction(1, 5), 40)
    samples = list(sampler)
    assert sampler.problems
    right = [s for s in samples if sampler.times.time_s(s.frame) < 3]
    assert [read_number(s.picture) for s in right] == [s.frame for s in right]
    assert sampler.times.duration_s <= 11


@pytest.mark.parametrize("name", ["gop30.mp4", "hevc.mp4", "mpeg2.ts", "mpeg2.mxf", "film.mkv", "mjpeg.avi"])
def test_random_damage_is_survived(tmp_path: Path, name: str) -> None:
    whole = MAKERS[name](tmp_path / name).read_bytes()
    rng, path = random.Random(name), tmp_path / f"damaged_{name}"
    for _ in range(12):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            start, size = rng.randrange(len(data)), rng.randrange(1, 400)
            noise = rng.randbytes(size)
            data[start : start + size] = noise if rng.random() < 0.7 else b""
        path.write_bytes(data)
        try:
            sampler = Sampler(probe(path), Fraction(1, 2), 16)
            repeats = sum(s.repeat for s in sampler)
            frames = [0, len(sampler.times) - 1]
            assert [f for f, _ in read_frames(sampler.footage, frames, 16)] == sorted(set(frames))
            assert repeats <= 2 * sampler.times.duration_s + 1
        except MediaError as error:
            assert error.what


def test_frames_stored_in_the_wrong_order_are_shown_by_their_stamps(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mkv", frames=30, codec="mjpeg", pix_fmt="yuvj420p")
    path = tmp_path / "swapped.mkv"
    with av.open(str(whole)) as reading, av.open(str(path), "w") as writing:
        copy = writing.add_stream_from_template(reading.streams.video[0])
        packets = [packet for packet in reading.demux(video=0) if packet.size]
        packets[11].pts, packets[12].pts = packets[12].pts, packets[11].pts
        for number, packet in enumerate(packets):
            packet.dts, packet.stream = number * 33 - 100, copy
            writing.mux(packet)
    sampler = Sampler(probe(path), Fraction(1, 1000), 40)
    numbers = [read_number(s.picture) for s in sampler]
    assert numbers == [*range(11), 12, 11, *range(13, 30)]
    assert [read_number(p) for _, p in read_frames(sampler.footage, [11, 12], 40)] == [12, 11]
