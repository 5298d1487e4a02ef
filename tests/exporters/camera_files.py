"""Small files of the kinds that cameras and recorders write: fields, wide pixels, colour and sound in many forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.filter import Graph

from tests.media import numbered_picture, remux

FRAMES = 24
NTSC = Fraction(30000, 1001)
RATE_HZ = 48000
X264 = {"preset": "ultrafast", "g": "8", "bf": "2", "x264-params": "b-adapt=0:scenecut=0"}
X265 = "log-level=none:pools=1:keyint=8:scenecut=0:bframes=2:no-open-gop=1"
PAL_601, NTSC_601, HD_709, HLG, PQ = (5, 6, 5), (6, 6, 6), (1, 1, 1), (9, 18, 9), (9, 16, 9)


def camera_file(
    path: Path,
    codec: str,
    *,
    size: tuple[int, int] = (256, 144),
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    tag: str = "",
    rate: Fraction = Fraction(25),
    fields: str = "",
    second_field: int = 0,
    aspect: Fraction = Fraction(1),
    colour: tuple[int, int, int] | None = None,
    timecode: str = "10:00:00:00",
    sound: Sequence[tuple[str, str]] = (),
    languages: Sequence[str] = (),
) -> Path:
    """`FRAMES` numbered pictures. fields: "tff" or "bff"; second_field: how much higher the number in
    the odd lines is. sound: the codec and the layout of each track."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream(codec, rate=rate, options=options or {})
        context = picture.codec_context
        context.width, context.height = size
        context.pix_fmt = pix_fmt
        context.thread_count = 1
        if tag:
            context.codec_tag = tag
        if aspect != 1:
            context.sample_aspect_ratio = aspect
        if colour:
            context.color_primaries, context.color_trc, context.colorspace = colour
            context.color_range = 1
        if fields:
            context.field_order = {"tff": 2, "bff": 3}[fields]
            if codec != "dnxhd":
                context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        if timecode:
            picture.metadata["timecode"] = timecode
        tracks = [container.add_stream(name, rate=RATE_HZ, layout=layout) for name, layout in sound]
        for track, language in zip(tracks, languages, strict=False):
            track.metadata["language"] = language
        for frame in _frames(size, pix_fmt, fields, second_field):
            if colour:
                frame.color_primaries, frame.color_trc, frame.colorspace = colour
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for number, track in enumerate(tracks):
            for part in _tone(track, FRAMES / rate, number):
                container.mux(track.encode(part))
            container.mux(track.encode(None))
    return path


def _frames(size: tuple[int, int], pix_fmt: str, fields: str, second_field: int) -> Iterator[av.VideoFrame]:
    for number in range(FRAMES):
        picture = numbered_picture(number, *size)
        picture[1::2] = numbered_picture(number + second_field, *size)[1::2]
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame = frame.reformat(format=pix_fmt)
        if fields:
            graph = Graph()
            source = graph.add_buffer(width=size[0], height=size[1], format=frame.format, time_base=Fraction(1, 25))
            mark, sink = graph.add("setfield", mode=fields), graph.add("buffersink")
            source.link_to(mark)
            mark.link_to(sink)
            graph.configure()
            source.push(frame)
            frame = sink.pull()
        frame.pts = None
        yield frame


def _tone(track: av.AudioStream, length_s: Fraction, number: int) -> Iterator[av.AudioFrame]:
    """A sine, twice as loud as full scale if the codec can hold that; higher for each further track."""
    context = track.codec_context
    channels = context.layout.nb_channels
    seconds = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    wave = (2.0 if "f32" in context.name else 0.5) * np.sin(2 * np.pi * 300 * (number + 1) * seconds)
    sample = np.repeat(wave, channels).astype(np.float32).reshape(1, -1)
    for first in range(0, sample.shape[1], 1024 * channels):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(sample[:, first : first + 1024 * channels]), format="flt", layout=context.layout.name
        )
        frame.sample_rate, frame.pts = RATE_HZ, first // channels
        yield frame


def _prores(profile: int, pix_fmt: str = "yuv422p10le") -> Callable[[Path], Path]:
    return lambda path: camera_file(
        path, "prores_ks", pix_fmt=pix_fmt, options={"profile": str(profile), "vendor": "apl0"}, colour=HD_709
    )


def _trimmed(path: Path) -> Path:
    """Cut without encoding in the middle of a GOP: an edit list hides the first frames."""
    whole = camera_file(path.with_name("untrimmed.mov"), "libx264", options=X264, timecode="")
    return remux(whole, path, shift_s=-Fraction(4, 25))


CAMERA_FILES: dict[str, Callable[[Path], Path]] = {
    "576i_tff.mp4": lambda path: camera_file(
        path,
        "libx264",
        size=(720, 576),
        options=X264,
        fields="tff",
        aspect=Fraction(64, 45),
        colour=PAL_601,
        sound=[("aac", "stereo")],
        languages=["deu"],
    ),
    "576i_bff.mov": lambda path: camera_file(
        path, "libx264", size=(256, 160), options={**X264, "x264-params": "bff=1:b-adapt=0"}, fields="bff"
    ),
    "576i_mpeg2.mxf": lambda path: camera_file(
        path,
        "mpeg2video",
        size=(720, 576),
        pix_fmt="yuv422p",
        options={"g": "6", "bf": "2", "b": "20M"},
        fields="tff",
        aspect=Fraction(64, 45),
        sound=[("pcm_s24le", "mono")] * 4,
    ),
    "dv.mov": lambda path: camera_file(
        path,
        "dvvideo",
        size=(720, 576),
        fields="bff",
        aspect=Fraction(16, 15),
        sound=[("pcm_s16le", "stereo")],
    ),
    "prores_tff.mov": lambda path: camera_file(
        path,
        "prores_ks",
        size=(256, 160),
        pix_fmt="yuv422p10le",
        options={"profile": "2"},
        fields="tff",
        aspect=Fraction(16, 15),
        colour=PAL_601,
        sound=[("pcm_s24le", "stereo"), ("pcm_s24le", "stereo")],
        languages=["fra", "ita"],
    ),
    "dnxhr_wide.mov": lambda path: camera_file(
        path, "dnxhd", size=(360, 270), pix_fmt="yuv422p", options={"profile": "dnxhr_sq"}, aspect=Fraction(4, 3)
    ),
    "wide.mkv": lambda path: camera_file(
        path,
        "prores_ks",
        size=(360, 270),
        pix_fmt="yuv422p10le",
        options={"profile": "1"},
        aspect=Fraction(4, 3),
        timecode="",
    ),
    "hvc1_hlg.mov": lambda path: camera_file(
        path,
        "libx265",
        pix_fmt="yuv420p10le",
        options={"preset": "ultrafast", "x265-params": X265},
        tag="hvc1",
        colour=HLG,
        sound=[("aac", "stereo")],
        languages=["jpn"],
    ),
    "hev1_pq.mp4": lambda path: camera_file(
        path,
        "libx265",
        pix_fmt="yuv420p10le",
        options={"preset": "ultrafast", "x265-params": X265},
        tag="hev1",
        colour=PQ,
    ),
    "hevc.mkv": lambda path: camera_file(
        path, "libx265", rate=Fraction(25), options={"preset": "ultrafast", "x265-params": X265}, timecode=""
    ),
    "prores_proxy.mov": _prores(0),
    "prores_lt.mov": _prores(1),
    "prores_422.mov": _prores(2),
    "prores_hq.mov": _prores(3),
    "prores_4444.mov": _prores(4, "yuva444p10le"),
    "prores_xq.mov": _prores(5, "yuv444p10le"),
    "eight_channels.mov": lambda path: camera_file(path, "libx264", options=X264, sound=[("pcm_s24le", "7.1")]),
    "trimmed.mov": _trimmed,
    "milliseconds.mkv": lambda path: camera_file(
        path, "libx264", options=X264, rate=NTSC, timecode="", sound=[("aac", "stereo")], languages=["swe"]
    ),
    "float_sound.mov": lambda path: camera_file(path, "libx264", options=X264, sound=[("pcm_f32le", "stereo")]),
}
