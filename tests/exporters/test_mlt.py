"""MLT rendered by melt gives the right frames: proven by numbers burnt into the pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import pytest

from exporters import mlt
from exporters.timeline import timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, NTSC_24, NTSC_30, NTSC_60, media, moment
from tests.media import make_video, read_number

needs_melt = pytest.mark.skipif(shutil.which("melt") is None, reason="melt isn't installed")
HEADLESS = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "QT_QPA_PLATFORM": "offscreen"}


def rendered_numbers(text: str, folder: Path) -> list[int]:
    """The number on every frame that melt renders."""
    (folder / "hits.mlt").write_text(text, encoding="utf-8")
    out = folder / "out.mkv"
    consumer = [f"avformat:{out}", "vcodec=ffv1", "an=1", "real_time=-1", "terminate_on_pause=1", "progressive=1"]
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
