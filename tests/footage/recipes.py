"""How each kind of test footage is made, by file name; every frame has its number burnt in."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from tests.media import make_video, remux

NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)
X265 = "log-level=none:pools=1:keyint=30"
VFR_TICKS = [0, 20, 80, 113, 147, 180, 250, 290, 300, 1100, 1133, 1166, *range(1200, 3200, 33)]


def h264(gop: int, b_frames: int = 3, **more: str) -> dict[str, str]:
    return {"g": str(gop), "bf": str(b_frames), "preset": "ultrafast", "x264-params": "b-adapt=0", **more}


def edit_list(path: Path) -> Path:
    """Cut without encoding in the middle of a GOP: the file holds all frames and hides those before 47."""
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
        p, frames=90, codec="libx265", options={"preset": "ultrafast", "x265-params": X265}
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
    "mirrored.mp4": lambda p: make_video(p, frames=60, rotation=270, mirrored=True, options=h264(30)),
    "prores.mov": lambda p: make_video(p, frames=48, rate=Fraction(24), codec="prores_ks", pix_fmt="yuv422p10le"),
    "mjpeg.avi": lambda p: make_video(p, frames=60, codec="mjpeg", pix_fmt="yuvj420p"),
    "h264.avi": lambda p: make_video(p, frames=90, options=h264(30)),
    "vp9.webm": lambda p: make_video(
        p, frames=60, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8", "threads": "1"}
    ),
    "late.mp4": lambda p: make_video(p, frames=60, ticks=range(90, 150), time_base=Fraction(1, 30), options=h264(30)),
    "edit_list.mp4": edit_list,
    "pyramid.mp4": lambda p: make_video(
        p, frames=150, options={"preset": "veryfast", "bf": "7", "x264-params": "b-adapt=0:b-pyramid=normal:ref=4"}
    ),
    "slices.ts": lambda p: make_video(p, frames=90, options=h264(30, slices="3")),
    "interlaced.ts": lambda p: make_video(
        p,
        frames=90,
        rate=Fraction(25),
        options={"preset": "veryfast", "bf": "3", "x264-params": "interlaced=1:b-adapt=0"},
    ),
    "intra.mp4": lambda p: make_video(p, frames=60, gop=1, options=h264(1)),
    "hevc_closed.mp4": lambda p: make_video(
        p, frames=90, codec="libx265", options={"preset": "ultrafast", "x265-params": X265 + ":open-gop=0:bframes=3"}
    ),
    "hevc_layers.mkv": lambda p: make_video(
        p,
        frames=90,
        codec="libx265",
        options={"preset": "ultrafast", "x265-params": X265 + ":temporal-layers=2:bframes=3"},
    ),
    "dnxhr.mov": lambda p: make_video(
        p, frames=30, codec="dnxhd", size=(256, 144), pix_fmt="yuv422p", options={"profile": "dnxhr_sq"}
    ),
}
FIRST_NUMBER = {"edit_list.mp4": 47}
"""The number on the first frame shown, where it isn't 0."""
