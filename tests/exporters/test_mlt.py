"""MLT rendered by melt gives the right frames: proven by numbers burnt into the pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import av
import pytest

from exporters import mlt
from exporters.timeline import timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, NTSC_24, NTSC_30, NTSC_60, PAL_WIDE, media, moment
from tests.media import make_video, read_number
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Colour, FieldOrder

needs_melt = pytest.mark.skipif(shutil.which("melt") is None, reason="melt isn't installed")
HEADLESS = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "QT_QPA_PLATFORM": "offscreen"}


def rendered_numbers(text: str, folder: Path, *options: str) -> list[int]:
    """The number on every frame that melt renders, to out.mkv. options: of the consumer; otherwise it is lossless."""
    options = options or ("vcodec=ffv1", "progressive=1")
    (folder / "hits.mlt").write_text(text, encoding="utf-8")
    out = folder / "out.mkv"
    consumer = [f"avformat:{out}", "an=1", "real_time=-1", "terminate_on_pause=1", *options]
    command = ["melt", str(folder / "hits.mlt"), "-consumer", *consumer]
    subprocess.run(command, check=True, timeout=60, capture_output=True, env={**os.environ, **HEADLESS})
    with av.open(str(out)) as container:
        return [read_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


@needs_melt
@pytest.mark.parametrize(
    "rate", [NTSC_24, Fraction(25), NTSC_30, Fraction(50), NTSC_60], ids=lambda rate: f"{float(rate):g}"
)
def test_melt_plays_the_right_frames(rate: Fraction, tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mov", frames=150, rate=rate, timecode="10:00:00:00", options={"bf": "2"})
    source = media(path.name, rate, "10:00:00:00", folder=tmp_path, size=(160, 120))
    found = [(101, 143), (0, 1), (149, 150), (60, 65), (30, 31)]
    timeline = timeline_from_moments([moment(source, *pair, frames=150) for pair in found])
    assert rendered_numbers(mlt.render(timeline), tmp_path) == [n for start, end in found for n in range(start, end)]


@needs_melt
@pytest.mark.parametrize("name", [name for name in AWKWARD_NAMES if name.isprintable() or "🚴" in name])
def test_melt_opens_a_file_of_any_name(name: str, tmp_path: Path) -> None:
    path = make_video(tmp_path / name, frames=20, rate=Fraction(25))
    timeline = timeline_from_moments(
        [moment(media(path.name, folder=tmp_path, size=(160, 120)), 5, 9, frames=20, query=name)]
    )
    assert rendered_numbers(mlt.render(timeline), tmp_path) == [5, 6, 7, 8]


def test_ranges_are_inclusive_and_inside_the_media() -> None:
    timeline = timeline_from_moments([moment(media(), 0, 1, 1), moment(media("b.mov"), 3, 9)], handles_s=Fraction(9))
    root = ET.fromstring(mlt.render(timeline))
    assert [(entry.get("in"), entry.get("out")) for entry in root.iter("entry")] == [("0", "0"), ("0", "233")]
    assert [(source.get("in"), source.get("out")) for source in root.iter("producer")] == [("0", "0"), ("0", "999")]


def profile(**facts: Any) -> dict[str, str]:
    return dict(ET.fromstring(mlt.render(timeline_from_moments([moment(media(**facts))]))).find("profile").items())


def test_the_profile_has_fields_pixels_and_colour_of_the_first_source() -> None:
    names = ("progressive", "width", "height", "sample_aspect_num", "sample_aspect_den")
    names += ("display_aspect_num", "display_aspect_den", "colorspace")
    wide, plain = profile(**PAL_WIDE), profile()
    assert [wide[name] for name in names] == ["0", "720", "576", "64", "45", "16", "9", "601"]
    assert [plain[name] for name in names] == ["1", "1920", "1080", "1", "1", "16", "9", "709"]
    matrices = {1: "709", 2: "709", 5: "601", 6: "601", 7: "240", 9: "2020", 10: "2020"}
    assert {matrix: profile(colour=Colour(matrix=matrix))["colorspace"] for matrix in matrices} == matrices
    assert profile(**{**PAL_WIDE, "colour": Colour()})["colorspace"] == "601"
    assert profile(fields=FieldOrder.PROGRESSIVE)["progressive"] == "1"


@needs_melt
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg isn't installed")
@pytest.mark.parametrize("order", [FieldOrder.UPPER_FIRST, FieldOrder.LOWER_FIRST])
def test_melt_renders_interlaced_anamorphic_footage_as_such(order: FieldOrder, tmp_path: Path) -> None:
    first = {FieldOrder.UPPER_FIRST: "tff", FieldOrder.LOWER_FIRST: "bff"}[order]
    flat = make_video(tmp_path / "flat.mov", frames=12, rate=Fraction(25), size=(720, 576))
    path = tmp_path / "wide.mov"
    coding = ("-c:v", "libx264", "-flags", "+ildct+ilme", "-x264opts", f"{first}=1", "-colorspace", "bt470bg")
    command = ["ffmpeg", "-v", "error", "-i", str(flat), "-vf", f"setfield={first},setsar=64/45", *coding, str(path)]
    subprocess.run(command, check=True, timeout=60)
    source = probe(path)
    text = mlt.render(timeline_from_moments([moment(source, 3, 9, frames=12)]))
    scan = f"top_field_first={int(order is FieldOrder.UPPER_FIRST)}"  # a profile has no place for it
    numbers = rendered_numbers(text, tmp_path, "vcodec=mpeg2video", "qscale=2", "flags=+ildct+ilme", scan)
    assert numbers == [3, 4, 5, 6, 7, 8]
    written = probe(tmp_path / "out.mkv")
    for name in ("fields", "stored_width", "stored_height", "pixel_aspect"):
        assert getattr(written, name) == getattr(source, name) == {**PAL_WIDE, "fields": order}[name]
    assert written.colour.matrix == source.colour.matrix == 5
