"""Damage that indexing passed over is named, with its kind, in the coverage, as text and in the JSON document."""

import random
from fractions import Fraction

import pytest

from tests.media import make_video
from tests.toy import ToyEncoder
from tr_desktop.answer_json import as_json
from tr_desktop.commands import report
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog


def cut(path):
    whole = make_video(path / "whole.mp4", frames=250, rate=Fraction(25), container_options={"movflags": "faststart"})
    clip = path / "footage" / "clip.mp4"
    clip.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    return clip


def noise(path):
    clip = make_video(path / "footage" / "clip.ts", frames=250, rate=Fraction(25))
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = random.Random(1).randbytes(4000)
    clip.write_bytes(data)
    return clip


def another_codec(path):
    clip = path / "footage" / "clip.ts"
    parts = [make_video(path / f"{codec}.ts", frames=125, codec=codec) for codec in ("libx264", "mpeg2video")]
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    return clip


def gap(path, suffix):
    ticks = [*range(125), *range(125 + 30 * 25, 250 + 30 * 25)]
    return make_video(path / "footage" / f"clip.{suffix}", frames=250, rate=Fraction(25), ticks=ticks)


@pytest.mark.parametrize(
    ("make", "said", "unsaid"),
    [
        (cut, "the file is cut off: the last", "gap"),
        (noise, "gaps in the recording, kept: 1 (0.4 s)", "cut off"),
        (another_codec, "parts of the stream that can't be decoded: ", "gap"),
        (lambda path: gap(path, "ts"), "gaps in the recording, closed: 1 (30.0 s)", "cut off"),
        (lambda path: gap(path, "mkv"), "gaps in the recording, kept: 1 (30.0 s)", "cut off"),
    ],
    ids=["cut", "noise", "another codec", "closed gap", "kept gap"],
)
def test_damage_is_shown(tmp_path, make, said, unsaid):
    (tmp_path / "footage").mkdir()
    clip = make(tmp_path)
    with Catalog(tmp_path / "library") as catalog:
        for _ in range(2):
            answer = find("white", [clip], catalog, ToyEncoder())
            problems = "; ".join(answer.coverage.damaged[clip])
            assert said in problems and unsaid not in problems
            assert f"damaged, but searched: {clip.name}: {problems}" in report.coverage_text(answer.coverage)
            assert as_json(answer)["coverage"]["damaged"] == [
                {"path": str(clip), "problems": list(answer.coverage.damaged[clip])}
            ]
