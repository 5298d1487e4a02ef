"""What the add-on refuses and says, what it does with a second hand-over, and what is in the file afterwards."""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from exporters.outbox import send
from tests.blender.conftest import MODULE
from tests.blender.footage import make_clip, moments_in, needs_blender, rendered
from tests.exporters.build import AWKWARD_NAMES, NTSC_30, NTSC_60
from tests.media import remux
from tr_desktop.moments import Mark, Remarks

pytestmark = needs_blender

PAL = Fraction(25)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("footage") / "park.mov", PAL, clicks=[3])


def placed(scene: Any) -> list[tuple[str, int, int, int]]:
    """(type, channel, first frame, end) of each strip, by time."""
    strips = scene.sequence_editor.strips
    found = [(strip.type, strip.channel, strip.frame_final_start, strip.frame_final_end) for strip in strips]
    return sorted(found, key=lambda each: (each[2], each[0]))


def add_title(scene: Any) -> None:
    """A strip over the scene's frames 1 to 40."""
    import bpy

    extent = {"length": 40} if bpy.app.version >= (5, 0, 0) else {"frame_end": 41}
    scene.sequence_editor_create().strips.new_effect("title", "COLOR", 3, frame_start=1, **extent)


def test_a_scene_of_another_rate_is_left_alone_and_an_empty_one_takes_the_rate(scene, run, add_on, clip, tmp_path):
    other = make_clip(tmp_path / "beach.mov", NTSC_30)
    send([*moments_in(clip, [(5, 9)]), *moments_in(other, [(0, 8)], query="beach")], add_on.outbox, name="both")
    said = run()
    assert "Placed 1 of 2 moments" in said and "beach.mov" in said
    assert "runs at 29.97 frames a second and this scene at 25" in said
    assert (scene.render.fps, scene.render.fps_base) == (25, 1) and len(placed(scene)) == 2

    import bpy

    second = bpy.data.scenes.new("second")
    bpy.context.window.scene = second
    add_title(second)
    assert "Placed 0 of 2" in run() and second.render.fps == 24  # not empty: its rate stays
    assert len(second.sequence_editor.strips) == 1 and not second.timeline_markers


def test_moments_go_after_what_is_there_at_the_same_rate(scene, run, add_on, clip):
    scene.render.fps, scene.frame_start, scene.frame_end = 25, 11, 15
    add_title(scene)
    send(moments_in(clip, [(5, 9), (0, 2)]), add_on.outbox, name="dogs")
    run()
    pairs = [(kind, channel, *at) for at in ((41, 45), (45, 47)) for kind, channel in (("MOVIE", 2), ("SOUND", 1))]
    assert placed(scene) == [("COLOR", 3, 1, 41), *pairs] and scene.frame_end == 46


def test_missing_unreadable_and_odd_files_are_told_and_the_others_placed(scene, run, add_on, clip, tmp_path):
    gone, broken = (make_clip(tmp_path / name, PAL) for name in ("gone.mov", "broken.mov"))
    matroska = make_clip(tmp_path / "screen.mkv", NTSC_60)
    found = [found for path in (gone, broken, matroska, clip) for found in moments_in(path, [(0, 4)], query=path.stem)]
    send(found, add_on.outbox, name="all")
    gone.unlink()
    broken.write_bytes(b"no film")
    said = run()
    assert f"{gone} is missing" in said and "broken.mov) wasn't placed: it can't be read" in said
    assert "screen.mkv) wasn't placed: it is a Matroska file" in said and "Placed 1 of 4" in said
    assert placed(scene) == [("MOVIE", 2, 1, 5), ("SOUND", 1, 1, 5)] and len(scene.timeline_markers) == 1
    assert scene.render.fps == 25


def test_a_file_whose_frames_blender_counts_otherwise_is_refused(scene, run, add_on, clip, tmp_path):
    file = handed_over(add_on, clip, [(0, 4)], tmp_path, rate="26/1")
    assert "another rate for Blender, 25 and not 26" in run(file) and not placed(scene)
    file = handed_over(add_on, clip, [(0, 4)], tmp_path, frames=241)
    assert "has 240 frames for Blender and 241 for TimeRefine" in run(file) and not placed(scene)
    file = handed_over(add_on, clip, [(0, 4)], tmp_path, frames=239)
    assert "check the cut" in run(file) and placed(scene)


def handed_over(add_on: Any, clip: Path, cuts: list[tuple[int, int]], folder: Path, **facts: Any) -> Path:
    """A hand-over with other facts about each moment than TimeRefine wrote."""
    send(moments_in(clip, cuts), add_on.outbox, name="changed")
    document = json.loads((add_on.outbox / "latest.json").read_text())
    document["moments"] = [{**entry, **facts} for entry in document["moments"]]
    file = folder / "changed.handover.json"
    file.write_text(json.dumps(document))
    return file


def test_a_second_hand_over_places_only_what_is_new_or_has_another_cut(scene, run, add_on, clip, tmp_path):
    import bpy

    first, second = moments_in(clip, [(5, 9), (20, 24)])
    send([first, first], add_on.outbox, name="dogs")
    assert "Placed 1 of 2" in run()
    send([first, second], add_on.outbox, name="dogs")
    said = run()
    assert "is in this scene already" in said and "Placed 1 of 2" in said
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cut.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "cut.blend"))
    scene = bpy.context.scene
    file = handed_over(add_on, clip, [(5, 9)], tmp_path, out_frame=11)
    said = run(file)
    assert "placed again with its new cut; the earlier one is still there" in said and "Placed 1 of 1" in said
    assert rendered(scene, tmp_path) == [*range(5, 9), *range(20, 24), *range(5, 11)]
    before = placed(scene)
    assert "Placed 0 of 1" in run(file) and placed(scene) == before
    for strip in [each for each in scene.sequence_editor.strips if each.frame_final_start == 1]:
        scene.sequence_editor.strips.remove(strip)
    send([first, second], add_on.outbox, name="dogs")
    assert "Placed 1 of 2" in run()  # what was deleted comes again


def test_sound_that_ends_early_or_is_not_there_is_no_silent_strip(scene, run, add_on, clip, tmp_path):
    mute = make_clip(tmp_path / "mute.mov", PAL)
    file = handed_over(add_on, mute, [(0, 4)], tmp_path, has_audio=True)
    assert "without sound, which can't be read" in run(file)
    assert placed(scene) == [("MOVIE", 2, 1, 5)]
    short = make_clip(tmp_path / "short.mov", PAL, clicks=[3], sound="pcm_s16le", heard=(0, 120))
    send(moments_in(short, [(110, 130), (200, 210)]), add_on.outbox, name="short")
    assert "without sound, which ends before the cut" in run()
    assert placed(scene)[1:] == [("MOVIE", 2, 5, 25), ("SOUND", 1, 5, 15), ("MOVIE", 2, 25, 35)]


@pytest.mark.parametrize(("name", "sound"), [("late.mov", "pcm_s16le"), ("late.mp4", "aac")])
def test_sound_that_may_begin_later_than_the_picture_is_told(name, sound, scene, run, add_on, clip, tmp_path):
    late = make_clip(tmp_path / name, PAL, clicks=[50], sound=sound, heard=(10, 240))
    send([*moments_in(late, [(40, 60)]), *moments_in(clip, [(0, 9)])], add_on.outbox, name="late")
    said = run()
    assert f"{name}): it has sound and picture of different lengths" in said and "check the sync" in said
    assert "park.mov): it has" not in said and "Placed 2 of 2" in said


def test_names_notes_and_markers_are_kept_whatever_is_in_them(scene, run, add_on, tmp_path):
    source = make_clip(tmp_path / "source.mov", PAL)
    names = [name for name in AWKWARD_NAMES if os.name == "posix" or name.isalnum()]
    found = []
    for number, name in enumerate(names):
        path = remux(source, tmp_path / name)
        (each,) = moments_in(path, [(number, number + 2)])
        marks = (Mark(number + 1, "jump " + name, "red"),)
        found.append(replace(each, remarks=Remarks(name=name + "é" * 60, note=name, marks=marks)))
    send(found, add_on.outbox, name="odd")
    assert f"Placed {len(found)} of {len(found)}" in run()
    assert rendered(scene, tmp_path) == [frame for number in range(len(found)) for frame in (number, number + 1)]
    ids = [entry["id"] for entry in json.loads((add_on.outbox / "latest.json").read_text())["moments"]]
    markers = sorted(((marker.frame, marker.name) for marker in scene.timeline_markers), key=lambda each: each[0])
    for (frame, name), moment_id, place in zip(markers[::2], ids, range(1, 99, 2), strict=False):
        assert frame == place and name.endswith(f" {moment_id}") and len(name.encode()) <= 63
    assert [frame for frame, _ in markers] == list(range(1, 2 * len(found) + 1))
    assert all(name.startswith("jump") for _, name in markers[1::2])
    strips = sorted(scene.sequence_editor.strips, key=lambda strip: strip.frame_final_start)
    assert [strip["timerefine_id"] for strip in strips] == ids
    assert strips[0]["timerefine_note"].startswith("plain.mov")


def test_picture_and_sound_are_connected_in_a_sequencer(scene, add_on, clip):
    import bpy

    send(moments_in(clip, [(5, 9), (20, 24)]), add_on.outbox, name="dogs")
    area = bpy.context.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.sequencer.timerefine_moments()
        for strip in scene.sequence_editor.strips:
            strip.select = strip.type == "SOUND" and strip.frame_final_start == 1
        assert bpy.ops.sequencer.split(frame=3, side="BOTH") == {"FINISHED"}
    # The picture was split with its sound, the other moment wasn't.
    assert [each[2:] for each in placed(scene)] == [(1, 3), (1, 3), (3, 5), (3, 5), (5, 9), (5, 9)]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "Nothing was handed over"),
        ("{", "can't be read"),
        ("[" * 100_000, "can't be read"),
        ("[]", "isn't a hand-over"),
        ('{"schema": 1, "moments": []}', "isn't a hand-over"),
        ('{"kind": "timerefine hand-over", "schema": 2, "moments": []}', "another version"),
        ('{"kind": "timerefine hand-over", "schema": 1}', "damaged"),
        ('{"kind": "timerefine hand-over", "schema": 1, "moments": [{"id": "1"}]}', "damaged"),
    ],
)
def test_a_file_that_is_no_hand_over_is_an_error_in_words(content, word, scene, run, tmp_path):
    file = tmp_path / "x.handover.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RuntimeError, match=word):
        run(file)
    assert not placed(scene)


@pytest.mark.parametrize(
    "facts", [{"in_frame": 1.5}, {"in_frame": True}, {"out_frame": 0}, {"rate": "1/0"}, {"frames": -1}]
)
def test_a_damaged_moment_is_an_error_in_words(facts, scene, run, add_on, clip, tmp_path):
    with pytest.raises(RuntimeError, match="damaged"):
        run(handed_over(add_on, clip, [(0, 4)], tmp_path, **facts))


def test_the_menu_offers_the_outbox_and_a_file_until_the_add_on_is_switched_off(scene, add_on):
    import bpy

    module = importlib.import_module(MODULE)
    assert str(add_on.outbox / "latest.json") == module.OUTBOX
    drawn = bpy.types.SEQUENCER_MT_add.draw._draw_funcs
    assert any(each.__module__ == MODULE for each in drawn)
    bpy.ops.preferences.addon_disable(module=MODULE)
    try:
        assert not any(each.__module__ == MODULE for each in bpy.types.SEQUENCER_MT_add.draw._draw_funcs)
        assert not hasattr(bpy.types, "SEQUENCER_OT_timerefine_moments")
    finally:
        bpy.ops.preferences.addon_enable(module=MODULE)
