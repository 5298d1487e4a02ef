"""What only the container or the coded picture says: kind of codec, fields, colour, pixel aspect, alpha, all tracks."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import make_video
from tests.tools import NEEDS_FFMPEG, ffmpeg, output
from tr_desktop.footage.probe import probe
from tr_desktop.library.store.media_row import facts_of, media_of
from tr_desktop.moments import Colour, FieldOrder, Media, OtherTrack, TrackKind

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=256x144:r=25:d=0.2")
SOUND = ("-f", "lavfi", "-i", "sine=d=0.2")


def said_by_ffprobe(path: Path, entry: str) -> str:
    command = ("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", f"stream={entry}", "-of", "json")
    return str(json.loads(output(*command, str(path)))["streams"][0].get(entry, ""))


def scan_order(path: Path) -> str:
    """ "TFF", "BFF" or "" by MediaInfo."""
    return output("mediainfo", "--Inform=Video;%ScanOrder%", str(path)).strip()


INTERLACED = ("-flags", "+ildct+ilme")
FIELDS = {
    "prores_tff.mov": ("tff", "prores_ks", *INTERLACED),
    "prores_bff.mov": ("bff", "prores_ks", *INTERLACED),
    "h264_tff.mp4": ("tff", "libx264", *INTERLACED, "-x264opts", "tff=1"),
    "h264_bff.mkv": ("bff", "libx264", *INTERLACED, "-x264opts", "bff=1"),
    "mpeg2_tff.ts": ("tff", "mpeg2video", *INTERLACED, "-top", "1"),
    "mpeg2_tff.mxf": ("tff", "mpeg2video", *INTERLACED, "-top", "1"),
    "raw_tff.mov": ("tff", "rawvideo", "-pix_fmt", "uyvy422", "-field_order", "tt"),
}


@NEEDS_FFMPEG
@pytest.mark.parametrize("name", FIELDS)
def test_field_order_is_that_of_frames_and_container(tmp_path: Path, name: str) -> None:
    order, codec, *options = FIELDS[name]
    path = ffmpeg(tmp_path / name, *PICTURE, "-vf", f"setfield={order}", "-c:v", codec, *options)
    media = probe(path)
    assert media.fields is (FieldOrder.UPPER_FIRST if order == "tff" else FieldOrder.LOWER_FIRST)
    if shutil.which("mediainfo"):
        assert scan_order(path) == order.upper()


@NEEDS_FFMPEG
def test_dv_is_lower_field_first(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc2=s=720x576:r=25:d=0.2,setfield=bff,setsar=64/45")
    media = probe(ffmpeg(tmp_path / "a.avi", *source, "-c:v", "dvvideo", "-pix_fmt", "yuv420p"))
    assert (media.fields, media.codec_tag) == (FieldOrder.LOWER_FIRST, "dvsd")


@NEEDS_FFMPEG
def test_progressive_is_told_from_unknown_and_from_a_flag(tmp_path: Path) -> None:
    plain = ffmpeg(tmp_path / "a.mp4", *PICTURE, "-c:v", "libx264")
    dnx = ffmpeg(tmp_path / "a.mov", *PICTURE, "-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p")
    motion_jpeg = ffmpeg(tmp_path / "a.avi", *PICTURE, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
    flagged = ffmpeg(tmp_path / "a.mkv", *PICTURE, "-c:v", "libx264", "-field_order", "tt")
    assert probe(plain).fields is FieldOrder.PROGRESSIVE
    assert probe(dnx).fields is FieldOrder.PROGRESSIVE
    assert probe(motion_jpeg).fields is FieldOrder.UNKNOWN
    assert probe(flagged).fields is FieldOrder.UPPER_FIRST


HLG = ("-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc", "-color_range", "tv")
PAL = ("-color_primaries", "bt470bg", "-color_trc", "gamma28", "-colorspace", "bt470bg")


@NEEDS_FFMPEG
def test_colour_is_the_pictures_or_else_the_containers(tmp_path: Path) -> None:
    hlg = probe(ffmpeg(tmp_path / "hlg.mp4", *PICTURE, "-c:v", "libx264", *HLG))
    assert hlg.colour == Colour(9, 18, 9, is_full_range=False)
    only_coded = tmp_path / "coded.mp4"
    only_coded.write_bytes(hlg.path.read_bytes().replace(b"colr", b"free"))
    assert probe(only_coded).colour == hlg.colour
    by_atom = probe(ffmpeg(tmp_path / "pal.mov", *PICTURE, "-c:v", "prores_ks", *PAL))  # this encoder leaves them out
    assert (by_atom.colour.primaries, by_atom.colour.transfer, by_atom.colour.matrix) == (5, 5, 5)
    without = probe(ffmpeg(tmp_path / "none.mp4", *PICTURE, "-c:v", "libx264"))
    assert without.colour == Colour()
    full = probe(ffmpeg(tmp_path / "full.mkv", *PICTURE, "-c:v", "libx264", "-pix_fmt", "yuvj420p"))
    assert full.colour.is_full_range is True


@NEEDS_FFMPEG
def test_pixel_aspect_and_stored_size_from_either_place(tmp_path: Path) -> None:
    for suffix, codec in (("mp4", "libx264"), ("mov", "prores_ks"), ("mkv", "mjpeg")):
        options = ("-vf", "scale=144:96,setsar=4/3,format=yuvj420p", "-c:v", codec)
        path = ffmpeg(tmp_path / f"a.{suffix}", *PICTURE, *options)
        media = probe(path)
        assert (media.width, media.height) == (192, 96)
        assert (media.stored_width, media.stored_height, media.pixel_aspect) == (144, 96, Fraction(4, 3))
        assert said_by_ffprobe(path, "sample_aspect_ratio") == "4:3"
    only_coded = tmp_path / "coded.mp4"
    only_coded.write_bytes((tmp_path / "a.mp4").read_bytes().replace(b"pasp", b"free"))
    assert probe(only_coded).pixel_aspect == Fraction(4, 3)


def test_stored_size_is_before_rotation(tmp_path: Path) -> None:
    media = probe(make_video(tmp_path / "a.mp4", frames=3, rotation=90, size=(160, 96)))
    assert (media.width, media.height, media.stored_width, media.stored_height) == (96, 160, 160, 96)


@NEEDS_FFMPEG
def test_the_kind_of_codec_and_alpha(tmp_path: Path) -> None:
    for kind, tag in (("proxy", "apco"), ("lt", "apcs"), ("standard", "apcn"), ("hq", "apch"), ("4444", "ap4h")):
        path = ffmpeg(tmp_path / f"{kind}.mov", *PICTURE, "-c:v", "prores_ks", "-profile:v", kind)
        assert probe(path).codec_tag == tag == said_by_ffprobe(path, "codec_tag_string")
        assert not probe(path).has_alpha
    hevc = ffmpeg(tmp_path / "a.mkv", *PICTURE, "-c:v", "libx265", "-x265-params", "log-level=none")
    assert probe(hevc).codec_tag == ""
    for tag in ("hvc1", "hev1"):
        path = ffmpeg(tmp_path / f"{tag}.mp4", "-i", str(hevc), "-c", "copy", "-tag:v", tag)
        assert probe(path).codec_tag == tag
    assert probe(ffmpeg(tmp_path / "a.ts", *PICTURE, "-c:v", "mpeg2video")).codec_tag == ""
    alpha = ("-vf", "format=yuva444p10", "-c:v", "prores_ks", "-profile:v", "4444", "-alpha_bits", "16")
    assert probe(ffmpeg(tmp_path / "alpha.mov", *PICTURE, *alpha)).has_alpha
    beside = ("-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
    assert probe(ffmpeg(tmp_path / "alpha.webm", *PICTURE, *beside)).has_alpha


@NEEDS_FFMPEG
@pytest.mark.parametrize("unknown", [1, 2])
def test_audio_that_no_decoder_knows_is_another_track(tmp_path: Path, unknown: int) -> None:
    """Phones write spatial sound (`apac`) beside AAC."""
    whole = ffmpeg(tmp_path / "whole.mov", *PICTURE, *SOUND, *SOUND, "-map", "0", "-map", "1", "-map", "2")
    data = whole.read_bytes()
    entry = data.index(b"stsd")
    for _ in range(unknown):
        entry = data.index(b"stsd", entry + 4)
    entry += 16
    assert data[entry : entry + 4] == b"mp4a"
    rest = data[entry + 4 :].replace(b"esds", b"free", 1).replace(b"mp4a", b"apac", 1)  # QuickTime repeats the kind
    path = tmp_path / "apac.mov"
    path.write_bytes(data[:entry] + b"apac" + rest)
    media = probe(path)
    assert [track.index for track in media.audio] == [3 - unknown]
    assert media.other_tracks == (OtherTrack(TrackKind.AUDIO, "", unknown),)


@NEEDS_FFMPEG
def test_every_stream_has_its_number_and_language(tmp_path: Path) -> None:
    (tmp_path / "s.srt").write_text("1\n00:00:00,000 --> 00:00:00,100\nhello\n")
    inputs = (*PICTURE, *SOUND, "-i", str(tmp_path / "s.srt"), "-map", "0", "-map", "1", "-map", "2")
    languages = ("-metadata:s:a", "language=deu", "-metadata:s:s", "language=fra")
    mov = ffmpeg(tmp_path / "a.mov", *inputs, "-c:s", "mov_text", "-timecode", "01:00:00:00", *languages)
    media = probe(mov)
    assert [(track.index, track.codec) for track in media.audio] == [(1, "aac")]
    assert [(track.kind, track.index, track.language) for track in media.other_tracks] == [
        (TrackKind.SUBTITLES, 2, "fra")  # the timecode track is read, not listed
    ]
    ffmpeg(tmp_path / "cover.png", *PICTURE, "-frames:v", "1")
    attached = ("-attach", str(tmp_path / "cover.png"), "-metadata:s:t", "mimetype=image/png")
    text = ("-attach", str(tmp_path / "s.srt"), "-metadata:s:t:1", "mimetype=text/plain")
    media = probe(ffmpeg(tmp_path / "a.mkv", *inputs, "-c:a", "pcm_s16le", *languages, *attached, *text))
    assert [(track.codec, track.index, track.language) for track in media.audio] == [("pcm_s16le", 1, "deu")]
    assert [(track.kind, track.codec, track.index) for track in media.other_tracks] == [
        (TrackKind.SUBTITLES, "ass", 2),
        (TrackKind.VIDEO, "png", 3),
        (TrackKind.DATA, "text/plain", 4),
    ]


@NEEDS_FFMPEG
@pytest.mark.parametrize(
    ("suffix", "codec", "is_known", "is_float"),
    [("mov", "pcm_f32le", True, True), ("mov", "pcm_s24le", True, False), ("avi", "pcm_s16le", False, False)],
)
def test_sound_says_its_layout_and_its_kind_of_samples(
    tmp_path: Path, suffix: str, codec: str, is_known: bool, is_float: bool
) -> None:
    path = ffmpeg(tmp_path / f"a.{suffix}", *PICTURE, *SOUND, "-ac", "2", "-c:v", "mpeg4", "-c:a", codec)
    (track,) = probe(path).audio
    assert (track.channels, track.is_layout_known, track.is_float) == (2, is_known, is_float)


@NEEDS_FFMPEG
def test_the_catalog_keeps_every_fact(tmp_path: Path) -> None:
    inputs = (*PICTURE, *SOUND, *SOUND, "-map", "0", "-map", "1", "-map", "2")
    options = ("-vf", "setfield=tff,setsar=4/3", "-c:v", "prores_ks", *INTERLACED, *PAL, "-c:a", "pcm_f32le")
    media = probe(ffmpeg(tmp_path / "a.mov", *inputs, *options, "-metadata:s:a", "language=deu"))
    assert media_of(media.path, media.size_bytes, media.mtime_ns, facts_of(media)) == media


def test_facts_that_an_older_library_lacks_stay_unknown(tmp_path: Path) -> None:
    media = probe(make_video(tmp_path / "a.mp4", frames=3, audio=True))
    facts = json.loads(facts_of(media))
    facts["audio"] = [track[:3] for track in facts["audio"]]
    for key in ("stored_width", "stored_height", "pixel_aspect", "codec_tag", "fields", "colour", "has_alpha"):
        del facts[key]
    del facts["other_tracks"]
    old: Media = media_of(media.path, media.size_bytes, media.mtime_ns, json.dumps(facts))
    assert (old.width, old.rate, old.codec) == (media.width, media.rate, media.codec)
    assert (old.stored_width, old.codec_tag, old.fields, old.colour) == (0, "", FieldOrder.UNKNOWN, Colour())
    assert old.audio[0].index == -1
