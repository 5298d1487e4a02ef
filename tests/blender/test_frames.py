"""What Blender renders of a hand-over: every frame of every moment by its number, and its sound at the right time."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from exporters.hand_off import hand_off
from exporters.outbox import send
from tests.blender.footage import clicks_s, make_clip, moments_in, needs_blender, rendered
from tests.exporters.build import NTSC_24, NTSC_30, NTSC_60, moment
from tests.media import make_video
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe

pytestmark = needs_blender

CUTS = [(0, 6), (47, 49), (120, 150), (95, 97), (234, 240), (238, 240), (0, 2)]
CLICKS = [3, 48, 96, 130, 236]
IN_ORDER = [number for start, end in CUTS for number in range(start, end)]


@pytest.mark.parametrize(
    ("rate", "name", "sound", "timecode"),
    [
        (Fraction(25), "clip.mov", "pcm_s16le", "10:00:00:00"),
        (NTSC_30, "clip.mov", "pcm_s16le", "00:59:59;28"),
        (NTSC_30, "clip.mp4", "aac", ""),
        (Fraction(50), "clip.mp4", "aac", ""),
        (NTSC_60, "clip.mov", "aac", "01:00:00;00"),
        (NTSC_30, "clip.mts", "ac3", ""),
        (NTSC_24, "clip.mov", "pcm_s16le", "01:00:00:00"),
    ],
)
def test_blender_renders_exactly_the_frames_of_each_moment_with_their_sound(
    rate, name, sound, timecode, scene, run, add_on, tmp_path
) -> None:
    clip = make_clip(tmp_path / name, rate, clicks=CLICKS, sound=sound, timecode=timecode)
    send(moments_in(clip, CUTS), add_on.outbox, name="dogs")
    assert f"Placed {len(CUTS)} of {len(CUTS)} moments" in run()
    assert (scene.frame_start, scene.frame_end) == (1, len(IN_ORDER))
    assert rendered(scene, tmp_path) == IN_ORDER
    expected = [place / rate for place, number in enumerate(IN_ORDER) if number in CLICKS]
    heard = clicks_s(scene, tmp_path)
    assert len(heard) == len(expected)
    assert max(abs(at - float(wanted)) for at, wanted in zip(heard, expected, strict=True)) < float(1 / rate) / 2


def test_handles_are_placed_and_the_marker_is_at_the_moment_itself(scene, run, tmp_path) -> None:
    clip = make_clip(tmp_path / "clip.mov", Fraction(25))
    out = tmp_path / "hits.handover.json"
    hand_off(moments_in(clip, [(10, 20), (230, 240)]), out, name="dogs", handles_s=Fraction(1, 5))
    run(out)
    assert rendered(scene, tmp_path) == [*range(5, 25), *range(225, 240)]
    ids = [entry["id"] for entry in json.loads(out.read_text())["moments"]]
    markers = [(marker.frame, marker.name) for marker in scene.timeline_markers]
    assert markers == [(6, f"a dog 0 {ids[0]}"), (26, f"a dog 1 {ids[1]}")]


def test_footage_of_variable_rate_is_refused_and_exact_once_it_is_constant(scene, run, add_on, tmp_path) -> None:
    ticks = [*range(0, 1200, 40), *range(1250, 3000, 40)]  # a pause
    path = make_video(tmp_path / "phone.mp4", frames=len(ticks), ticks=ticks, time_base=Fraction(1, 1000), rate=25)
    sampler = Sampler(probe(path), Fraction(1000), 32)
    assert list(sampler) and sampler.media.is_vfr
    found = [moment(sampler.media, *cut, times=sampler.times, query=f"{cut}") for cut in ((25, 40), (60, 62))]
    send(found, add_on.outbox, name="phone")
    with_word = run()
    assert "variable frame rate" in with_word and "--cfr" in with_word and "Placed 0 of 2" in with_word
    assert not scene.sequence_editor.strips and not scene.timeline_markers

    out = tmp_path / "phone.handover.json"
    hand_off(found, out, name="phone", cfr=True)
    assert "Placed 2 of 2" in run(out)
    numbers = rendered(scene, tmp_path)
    first, second = numbers[:-2], numbers[-2:]
    assert sorted(set(first)) == list(range(25, 40)) and first == sorted(first) and second == [60, 61]
