"""The frames that sampling and seeking return are the ones they say: proven by numbers burnt into the pictures."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import make_video, read_number, remux
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import read_frames

NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)
VFR_TICKS = [0, 20, 80, 113, 147, 180, 250, 290, 300, 1100, 1133, 1166, *range(1200, 3200, 33)]


def h264(gop: int, b_frames: int = 3, **more: str) -> dict[str, str]:
    return {"g": str(gop), "bf": str(b_frames), "preset": "ultrafast", "x264-params": "b-adapt=0", **more}


def edit_list(path: Path) -> Path:
    """Cut without encoding in the middle of a GOP: the file holds frames from 30 on and hides those before 47."""
    whole = make_video(path.with_name("whole.mp4"), frames=120, gop=30, options=h264(30))
    return remux(whole, path, shift_s=-Fraction(47, 30))


MAKERS: dict[str, Callable[[Path], Path]] = {
    "gop30.mp4": lambda p: make_video(p, frames=150, options=h264(30)),
    "gop250.mp4": lambda p: make_video(p, frames=300, gop=250, options=h264(250)),
    "open_gop.mp4": lambda p: make_video(
        p, frames=150, options={"preset": "ultrafast", "bf": "3", "x264-params": "open-gop=1:b-adapt=0:keyint=30"}
    ),
    "intra_refresh.ts": lambda p: make_video(
        p, frames=150, options={"preset": "ultrafast", "x264-params": "intra-refresh=1:keyint=30"}
    ),
    "hevc.mp4": lambda p: make_video(
        p, frames=90, codec="libx265", options={"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}
    ),
    "ntsc.mov": lambda p: make_video(p, frames=120, rate=NTSC, options=h264(60), timecode="01:00:00;00"),
    "film.mkv": lambda p: make_video(p, frames=120, rate=FILM, options=h264(48)),
    "offset.ts": lambda p: make_video(p, frames=150, options=h264(30)),
    "mpeg2.ts": lambda p: make_video(p, frames=150, codec="mpeg2video", gop=15, options={"bf": "2"}),
    "mpeg2.mpg": lambda p: make_video(p, frames=120, codec="mpeg2video", rate=Fraction(25), gop=12),
    "mpeg2.mxf": lambda p: make_video(
        p, frames=100, codec="mpeg2video", rate=Fraction(25), gop=12, options={"bf": "2", "b": "4M"}
    ),
    "vfr.mp4": lambda p: make_video(
        p, frames=len(VFR_TICKS), ticks=VFR_TICKS, time_base=Fraction(1, 1000), options=h264(25)
    ),
    "turned.mp4": lambda p: make_video(p, frames=60, rotation=90, options=h264(30)),
    "prores.mov": lambda p: make_video(p, frames=48, rate=Fraction(24), codec="prores_ks", pix_fmt="yuv422p10le"),
    "mjpeg.avi": lambda p: make_video(p, frames=60, codec="mjpeg", pix_fmt="yuvj420p"),
    "h264.avi": lambda p: make_video(p, frames=90, options=h264(30)),
    "vp9.webm": lambda p: make_video(
        p, frames=60, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8", "threads": "1"}
    ),
    "late.mp4": lambda p: make_video(p, frames=60, ticks=range(90, 150), time_base=Fraction(1, 30), options=h264(30)),
    "edit_list.mp4": edit_list,
}
FIRST_NUMBER = {"edit_list.mp4": 47}


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("footage")

    def get(name: str) -> Path:
        path = folder / name
        return path if path.exists() else MAKERS[name](path)

    return get


@pytest.mark.parametrize("name", MAKERS)
def test_samples_and_seeks_return_the_frames_they_name(footage: Callable[[str], Path], name: str) -> None:
    media = probe(footage(name))
    every_s = Fraction(1, 3)
    sampler = Sampler(media, every_s, 40)
    samples = list(sampler)
    times, first = sampler.times, FIRST_NUMBER.get(name, 0)

    assert [read_number(s.picture) - first for s in samples] == [s.frame for s in samples]
    assert [s.tick for s in samples] == [times.ticks[s.frame] for s in samples]
    on_grid = [times.frame_at(k * every_s) for k in range(1000) if k * every_s < times.duration_s]
    assert [s.frame for s in samples for _ in range(s.repeat)] == on_grid
    assert sampler.problems == []

    wanted = [*random.Random(name).sample(range(len(times)), 12), 0, len(times) - 1]
    read = {frame: read_number(picture) - first for frame, picture in read_frames(media, times, wanted, 40)}
    assert read == {frame: frame for frame in wanted}


@pytest.mark.parametrize("name", ["gop30.mp4", "offset.ts", "mpeg2.mxf", "late.mp4", "edit_list.mp4", "prores.mov"])
def test_every_frame_is_counted_and_timed(footage: Callable[[str], Path], name: str) -> None:
    media = probe(footage(name))
    sampler = Sampler(media, Fraction(1, 10**6), 20)
    numbers = [read_number(s.picture) - FIRST_NUMBER.get(name, 0) for s in sampler]
    assert numbers == list(range(len(sampler.times)))
    for frame in range(len(numbers) + 1):
        assert abs(sampler.times.time_s(frame) - frame / media.rate) <= sampler.times.tick_s


def test_variable_rate_keeps_its_own_times(footage: Callable[[str], Path]) -> None:
    media = probe(footage("vfr.mp4"))
    sampler = Sampler(media, Fraction(1, 5), 40)
    repeats = [s.repeat for s in sampler]
    assert media.is_vfr
    assert [sampler.times.time_s(n) for n in range(len(VFR_TICKS))] == [Fraction(t, 1000) for t in VFR_TICKS]
    assert max(repeats) == 4  # the frame that stays from 0.3 s to 1.1 s covers 0.4, 0.6, 0.8 and 1.0


def test_leaving_early_closes_the_file(footage: Callable[[str], Path]) -> None:
    media = probe(footage("gop30.mp4"))
    sampler = Sampler(media, Fraction(1, 2), 40)
    samples = iter(sampler)
    next(samples)
    samples.close()  # type: ignore[attr-defined]
    if not Path("/proc/self/fd").exists():
        pytest.skip("no list of open files here")
    open_files = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert str(media.path) not in open_files
    with pytest.raises(ValueError, match="end"):
        _ = sampler.times


def test_frames_outside_the_file_are_refused(footage: Callable[[str], Path]) -> None:
    media = probe(footage("gop30.mp4"))
    sampler = Sampler(media, Fraction(1), 40)
    list(sampler)
    assert list(read_frames(media, sampler.times, [], 40)) == []
    with pytest.raises(IndexError):
        list(read_frames(media, sampler.times, [150], 40))
