"""Clips have the facts of their sources: judged by ffprobe and MediaInfo, for files of many cameras."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.exporters.camera_files import CAMERA_FILES, FRAMES, X264, camera_file
from tests.media import numbered_picture, read_number
from tests.tools import output
from tr_desktop.footage.clips.cut import Cut
from tr_desktop.footage.clips.exact import PRESETS, cut_exact
from tr_desktop.footage.clips.lossless import cut_lossless, lossless_suffix
from tr_desktop.footage.clips.smart import cut_smart
from tr_desktop.footage.frames import PictureMaker, Sampler
from tr_desktop.footage.languages import is_same_language
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, Segment

ASKED = Segment(5, 17)
FIRST_NUMBER = {"trimmed.mov": 4}
SAME_AS_OTHERS = {"prores_lt.mov", "prores_422.mov", "prores_hq.mov"}
"""Copied as other kinds of ProRes are: their quick tests stand for these."""
QUICK = {
    *((name, "lossless") for name in CAMERA_FILES if name not in SAME_AS_OTHERS),
    *(("576i_tff.mp4", way) for way in ("prores", "dnxhr", "h264")),
    *(("prores_tff.mov", way) for way in ("prores", "hevc")),
    ("576i_bff.mov", "h264"),
    ("hvc1_hlg.mov", "dnxhr"),
    ("dnxhr_wide.mov", "h264"),
    ("prores_4444.mov", "prores"),
    ("prores_xq.mov", "prores"),
    ("float_sound.mov", "dnxhr"),
    ("eight_channels.mov", "h264"),
    ("milliseconds.mkv", "prores"),
}
KEEPS_FIELDS_IN_CONTAINER_ONLY = {"dnxhr", "hevc"}
SMART = [
    "hvc1_hlg.mov",
    "hev1_pq.mp4",
    "hevc.mkv",
    "eight_channels.mov",
    "trimmed.mov",
    "milliseconds.mkv",
    "float_sound.mov",
]
CASES = [
    pytest.param(name, way, marks=() if (name, way) in QUICK else pytest.mark.slow, id=f"{name}-{way}")
    for name in CAMERA_FILES
    for way in ("lossless", *PRESETS)
] + [pytest.param(name, "smart", id=f"{name}-smart") for name in SMART]
WIDE_AVI = Path(__file__).resolve().parents[3] / "shared" / "oddities" / "mediabunny__vp8-mp3.avi"
ReadFootage = Callable[[str], Footage]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> ReadFootage:
    folder = tmp_path_factory.mktemp("cameras")
    made: dict[str, Footage] = {}

    def get(name: str) -> Footage:
        if name not in made:
            made[name] = read(CAMERA_FILES[name](folder / name))
        return made[name]

    return get


def read(path: Path) -> Footage:
    sampler = Sampler(probe(path), Fraction(1000), 32)
    assert list(sampler)
    return sampler.footage


def cut(source: Footage, way: str, folder: Path, segment: Segment = ASKED) -> Cut:
    if way == "smart":
        return cut_smart(source, segment, folder / "clip.mov")
    if way == "lossless":
        return cut_lossless(source, segment, folder / f"clip{lossless_suffix(source.media)}")
    return cut_exact(source, segment, folder / f"clip{PRESETS[way].suffix}", PRESETS[way])


def numbers(path: Path) -> list[int]:
    upright = PictureMaker(probe(path), 100)
    with av.open(str(path)) as container:
        return [read_number(upright(frame)) for frame in container.decode(video=0)]


def ffprobe(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the picture stream, the audio streams)."""
    if not shutil.which("ffprobe"):
        pytest.skip("no ffprobe here")
    streams = json.loads(output("ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)))["streams"]
    audio = [stream for stream in streams if stream["codec_type"] == "audio"]
    return next(stream for stream in streams if stream["codec_type"] == "video"), audio


def mediainfo(path: Path) -> dict[str, str]:
    if not shutil.which("mediainfo"):
        pytest.skip("no mediainfo here")
    keys = [
        "Width",
        "Height",
        "DisplayAspectRatio",
        "colour_primaries",
        "transfer_characteristics",
        "FrameRate",
        "ScanOrder",
    ]
    form = "Video;" + "|".join(f"%{key}%" for key in (*keys, "ScanType", "FrameRate_Mode"))
    values = output("mediainfo", f"--Inform={form}", str(path)).strip("\n").split("|")
    facts = dict(zip((*keys, "ScanType", "FrameRate_Mode"), values, strict=True))
    facts["ScanType"] = {"MBAFF": "Interlaced", "": "Progressive"}.get(facts["ScanType"], facts["ScanType"])
    facts["FrameRate_Mode"] = facts["FrameRate_Mode"] or "CFR"
    return facts


@pytest.mark.parametrize(("name", "way"), CASES)
def test_a_clip_holds_its_frames_and_the_facts_of_its_source(
    name: str, way: str, footage: ReadFootage, tmp_path: Path
) -> None:
    source = footage(name)
    made = cut(source, way, tmp_path)
    first = FIRST_NUMBER.get(name, 0)
    assert made.segment.start_frame <= ASKED.start_frame and ASKED.end_frame <= made.segment.end_frame
    assert numbers(made.path) == list(range(first + made.segment.start_frame, first + made.segment.end_frame))

    meant, meant_sound = ffprobe(source.media.path)
    found, found_sound = ffprobe(made.path)
    keys = ["width", "height", "sample_aspect_ratio", "color_primaries", "color_transfer", "r_frame_rate"]
    if way in ("lossless", "smart"):
        keys += ["profile", "pix_fmt", "codec_name", "color_range"]
    assert {key: found.get(key) for key in keys} == {key: meant.get(key) for key in keys}
    is_interlaced = meant.get("field_order") in ("tt", "bb")
    assert found.get("field_order") in ([meant["field_order"]] if is_interlaced else ["progressive", None])
    if matrix := meant.get("color_space"):
        same = {"bt470bg": "smpte170m"}  # the same numbers; ProRes has one code for both
        assert same.get(found["color_space"], found["color_space"]) == same.get(matrix, matrix)
    if way == "lossless" and source.media.codec_tag:
        assert found["codec_tag_string"] == meant["codec_tag_string"]
    languages = [
        [(stream.get("tags") or {}).get("language", "und") for stream in streams]
        for streams in (meant_sound, found_sound)
    ]
    assert len(languages[0]) == len(languages[1])
    assert all(is_same_language(one, other) for one, other in zip(*languages, strict=True))
    assert [stream["channels"] for stream in found_sound] == [stream["channels"] for stream in meant_sound]
    assert mediainfo(made.path) == mediainfo(source.media.path)
    is_named = any("Both fields" in note for note in made.notes)
    assert is_named == (is_interlaced and way in KEEPS_FIELDS_IN_CONTAINER_ONLY)
    assert any("Transparency is lost" in note for note in made.notes) == (
        source.media.has_alpha and way not in ("lossless", "prores")
    )


@pytest.mark.parametrize("way", PRESETS)
def test_what_moves_between_two_fields_stays_in_them(way: str, tmp_path: Path) -> None:
    options = {**X264, "qp": "4"}
    path = camera_file(tmp_path / "a.mov", "libx264", size=(320, 192), options=options, fields="tff", second_field=999)
    made = cut(read(path), way, tmp_path, Segment(5, 8))
    with av.open(str(made.path)) as container:
        pictures = [frame.to_ndarray(format="gray8") for frame in container.decode(video=0)]
    coloured = [np.stack([picture] * 3, axis=2) for picture in pictures]
    assert [(read_number(each[::2]), read_number(each[1::2])) for each in coloured] == [
        (number, number + 999) for number in range(5, 8)
    ]


def test_hevc_from_matroska_gets_the_code_that_apple_opens(footage: ReadFootage, tmp_path: Path) -> None:
    made = cut(footage("hevc.mkv"), "lossless", tmp_path)
    assert made.path.suffix == ".mov" and probe(made.path).codec_tag == "hvc1"


def test_prores_from_matroska_keeps_its_kind(footage: ReadFootage, tmp_path: Path) -> None:
    assert probe(cut(footage("wide.mkv"), "lossless", tmp_path).path).codec_tag == "apcs"


def test_full_colour_and_transparency_become_prores_4444(footage: ReadFootage, tmp_path: Path) -> None:
    with_alpha = cut(footage("prores_4444.mov"), "prores", tmp_path)
    clip = probe(with_alpha.path)
    assert (clip.codec_tag, clip.has_alpha) == ("ap4h", True)
    assert with_alpha.notes == ("Colours of 12 bits are kept in 10. A lossless clip keeps all",)
    assert probe(cut(footage("prores_xq.mov"), "prores", tmp_path).path).codec_tag == "ap4x"
    assert probe(cut(footage("prores_422.mov"), "prores", tmp_path).path).codec_tag == "apch"


def test_frames_of_a_millisecond_clock_lie_on_the_exact_grid(footage: ReadFootage, tmp_path: Path) -> None:
    source = footage("milliseconds.mkv")
    assert source.times.tick_s == Fraction(1, 1000) and source.times.ticks[1] == 33
    clip = read(cut(source, "lossless", tmp_path, Segment(9, 15)).path)
    rate = Fraction(30000, 1001)
    assert [clip.times.time_s(frame) for frame in range(len(clip) + 1)] == [n / rate for n in range(len(clip) + 1)]
    with av.open(str(clip.media.path)) as container:
        stream = container.streams.video[0]
        stamps = [(packet.pts, packet.dts) for packet in container.demux(stream) if packet.size]
        assert stream.time_base is not None
        frame_ticks = 1 / rate / stream.time_base
    assert all(pts % frame_ticks == 0 and dts % frame_ticks == 0 and dts <= pts for pts, dts in stamps)


def test_float_sound_keeps_what_is_above_full_scale(footage: ReadFootage, tmp_path: Path) -> None:
    for way in ("prores", "dnxhr", "lossless"):
        made = cut(footage("float_sound.mov"), way, tmp_path)
        with av.open(str(made.path)) as container:
            assert container.streams.audio[0].codec_context.name == "pcm_f32le"
            peak = max(abs(frame.to_ndarray()).max() for frame in container.decode(audio=0))
        assert peak == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("language", ["deu", "fra", "swe", "nob", "gsw"])
def test_a_mov_clip_has_the_language_of_its_track(language: str, tmp_path: Path) -> None:
    source = camera_file(
        tmp_path / "a.mp4",
        "mpeg4",
        size=(160, 112),
        sound=[("aac", "mono"), ("aac", "mono")],
        languages=[language, "eng"],
    )
    made = cut(read(source), "prores", tmp_path, Segment(3, 5))
    assert [track.language for track in probe(made.path).audio] == [language, "eng"]
    assert [stream["tags"]["language"] for stream in ffprobe(made.path)[1]] == [language, "eng"]


@pytest.mark.parametrize("way", PRESETS)
def test_rgb_keeps_its_colours(way: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    red, green = (200, 30, 40), (20, 180, 60)
    picture = np.zeros((144, 256, 3), np.uint8)
    picture[:, :128], picture[:, 128:] = red, green
    with av.open(str(path), "w") as container:
        stream = container.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 144, "rgb24"
        for _ in range(6):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    made = cut(read(path), way, tmp_path, Segment(2, 4))
    with av.open(str(made.path)) as container:
        frame = next(container.decode(video=0))
    assert int(frame.colorspace) == 1
    shown = frame.to_ndarray(format="rgb24").astype(int)
    assert abs(shown[70, 40] - red).max() <= 4 and abs(shown[70, 200] - green).max() <= 4


@pytest.mark.parametrize("way", ["lossless", "dnxhr", "h264"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_colour_matrix_is_kept_if_nothing_else_is_known(suffix: str, way: str, tmp_path: Path) -> None:
    path = camera_file(tmp_path / f"a{suffix}", "libx264", options=X264, colour=(2, 2, 6), timecode="")
    made = cut(read(path), way, tmp_path)
    assert ffprobe(made.path)[0]["color_space"] == "smpte170m"


@pytest.mark.skipif(not WIDE_AVI.exists(), reason="that footage isn't beside this checkout")
def test_a_copy_in_matroska_names_the_pixel_aspect_that_it_cannot_hold(tmp_path: Path) -> None:
    made = cut(read(WIDE_AVI), "lossless", tmp_path, Segment(1, 3))
    assert made.path.suffix == ".mkv"
    assert made.notes == ("Pixel aspect 3/4 isn't in the clip: set it in your editor",)


def test_a_copy_of_vp9_keeps_its_transparency_and_an_encoded_clip_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25, options={"deadline": "realtime", "g": "6"})
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        stream.metadata["alpha_mode"] = "1"
        for number in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered_picture(number, 256, 144), format="rgb24")))
        container.mux(stream.encode(None))
    source = read(path)
    assert source.media.has_alpha
    copy = cut(source, "lossless", tmp_path)
    assert copy.notes == () and probe(copy.path).has_alpha
    assert cut(source, "prores", tmp_path).notes == ("Transparency is lost. A lossless clip keeps it",)
