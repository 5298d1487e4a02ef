"""The script for DaVinci Resolve, as it is installed, in a fake Resolve under every setting that versions differ in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from exporters.handover import lua_text
from exporters.outbox import LUA_NAME, send
from tests.exporters.build import NTSC_30, media, moment
from tests.plugins.lua import LUAJIT, needs_luajit, run_lua
from tr_desktop import paths
from tr_desktop.editor_plugins import RESOLVE, install
from tr_desktop.moments import Mark, Moment, Remarks, Segment

HERE = Path(__file__).parent
PARK, BEACH, CLOCK = "/footage/park.mov", "/footage/beach.mov", "/footage/clock.mov"
ALLOWED = {"error", "ipairs", "pairs", "pcall", "dofile", "print", "table", "tonumber", "tostring", "type"}
OF_RESOLVE = {"resolve", "Resolve", "bmd"}

pytestmark = needs_luajit

Settings = dict[str, Any]


def on_disk(path: str, **facts: Any) -> Settings:
    return {"path": path, "frames": 2000, "fps": "29.97", "sound": True, **facts}


def every_setting() -> list[Settings]:
    """All combinations of what differs between versions and users, without what goes wrong."""
    choices = {
        "counts_end": (False, True),
        "past_end": ("clamps", "refuses", "allows"),
        "rate_style": ("text", "df", "number"),
        "start": (0, 86400, 107892),
        "project_rate": ("29.97", "24"),
        "delete_fails": (0, 1),
    }
    found = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    files = [on_disk(PARK), on_disk(BEACH, frames=300, sound=False)]
    return [{**each, "custom_rate_works": True, "media": files} for each in found]


EASY: Settings = every_setting()[0]


@dataclass(frozen=True)
class After:
    """What is in the fake Resolve after the last run. said: what that run printed."""

    timelines: dict[str, Any]
    bins: dict[str, list[str]]
    said: list[str]
    current: str
    deletions: int

    @property
    def text(self) -> str:
        return "\n".join(self.said)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "home"))
    [path] = install(RESOLVE)
    return path


@pytest.fixture
def run(script: Path, tmp_path: Path) -> Callable[..., list[After]]:
    """Run the script once for each hand-over in a fake with these settings; the state after each."""

    def run(settings: Iterable[Settings], *jobs: list[Moment] | None, name: str = "dogs") -> list[After]:
        files = []
        for number, moments in enumerate(jobs):
            if moments is not None:
                send(moments, tmp_path / f"job{number}", name=name, handles_s=Fraction(0))
            files.append("" if moments is None else str(tmp_path / f"job{number}" / LUA_NAME))
        cases = [{**each, "jobs": files} for each in settings]
        (tmp_path / "cases.lua").write_text(f"return {as_lua(cases)}", encoding="ascii")
        outbox = paths.outbox_folder()
        outbox.mkdir(parents=True, exist_ok=True)
        lines = run_lua(
            HERE / "run.lua", script, HERE / "fake_resolve.lua", tmp_path / "cases.lua", outbox / LUA_NAME
        ).splitlines()
        assert len(lines) == len(cases)
        return [after(json.loads(line)) for line in lines]

    return run


def after(state: Any) -> After:
    timelines = {each["name"]: each for each in state["timelines"]}
    bins = {each["name"]: each["clips"] for each in state["bins"]}
    return After(timelines, bins, state["said"], state["current"], state["deletions"])


def as_lua(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_lua(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(as_lua, value)) + "}"
    return lua_text(value) if isinstance(value, str) else str(value).lower()


def in_file(path: str, start: int, end: int, query: str = "a dog", rate: Fraction = NTSC_30, **options: Any) -> Moment:
    return moment(media(Path(path).name, rate), start, end, query=query, **options)


def dogs() -> list[Moment]:
    """Three moments at 29.97: one of them a single frame, one of them the whole of its file."""
    marked = Remarks(name="frisbee", note="the good one", marks=(Mark(950, "jump", "red"),))
    return [
        replace(in_file(PARK, 899, 1049, frames=2000), remarks=marked),
        in_file(PARK, 10, 11, query="one frame", frames=2000),
        in_file(BEACH, 0, 300, query="beach", frames=300),
    ]


def cuts(timeline: Any) -> list[tuple[str, int, int]]:
    return [(item["media"], item["from"], item["to"]) for item in timeline["video"]]


DOGS = [(PARK, 899, 1049), (PARK, 10, 11), (BEACH, 0, 300)]


def test_every_moment_is_placed_to_the_frame_under_every_setting(run) -> None:
    settings = every_setting()
    for setting, done in zip(settings, run(settings, dogs()), strict=True):
        timeline = done.timelines["dogs"]
        # Beyond the end of the file, a version that takes any frame shows one more than there is.
        assert cuts(timeline) == DOGS, setting
        start = setting["start"]
        assert [item["start"] for item in timeline["video"]] == [start, start + 150, start + 151]
        assert [item["start"] for item in timeline["audio"]] == [start, start + 150]  # the beach is silent
        assert float(timeline["rate"]) == 29.97 and timeline["bin"] == "TimeRefine"
        assert done.current == "dogs" and done.timelines["my edit"]["video"] == []
        assert done.bins == {"Master": [], "TimeRefine": [PARK, BEACH]}
        assert done.said[0].startswith("TimeRefine: DaVinci Resolve 20.3.2")
        # What `endFrame` means is found out once: only then is something placed and taken away again.
        assert done.deletions <= setting["counts_end"] * (1 + setting["delete_fails"])
        assert done.said[1:] == ['TimeRefine: "dogs": 3 of 3 moments placed', "TimeRefine: 3 of 3 moments placed"]


def test_markers_count_from_the_start_of_the_timeline_under_every_setting(run) -> None:
    settings = every_setting()
    for setting, done in zip(settings, run(settings, dogs()), strict=True):
        first, jump, second, third = done.timelines["dogs"]["markers"]
        assert (first["frame"], first["duration"], first["name"], first["colour"]) == (0, 150, "frisbee", "Green")
        assert first["note"].startswith('the good one; found by "a dog"; score 0.82'), setting
        assert (jump["frame"], jump["duration"], jump["name"], jump["colour"]) == (51, 1, "jump", "Red")
        assert (second["frame"], second["duration"], third["frame"], third["duration"]) == (150, 1, 151, 300)
        assert re.fullmatch("timerefine:[0-9a-f]{16}:899-1049", first["data"])


def test_handles_are_in_the_cut_and_the_marker_covers_the_moment(script, run, tmp_path, monkeypatch) -> None:
    original = send
    monkeypatch.setattr(
        "tests.plugins.resolve.test_resolve.send",
        lambda moments, folder, **options: original(moments, folder, **{**options, "handles_s": Fraction(1)}),
    )
    settings = every_setting()
    for setting, done in zip(settings, run(settings, dogs()[:1]), strict=True):
        assert cuts(done.timelines["dogs"]) == [(PARK, 869, 1079)], setting
        marker, jump = done.timelines["dogs"]["markers"]
        assert (marker["frame"], marker["duration"], jump["frame"]) == (30, 150, 81)


def test_the_same_hand_over_again_places_nothing_and_says_so_under_every_setting(run) -> None:
    settings = every_setting()
    for setting, done in zip(settings, run(settings, dogs(), dogs()), strict=True):
        assert set(done.timelines) == {"my edit", "dogs"} and len(done.timelines["dogs"]["video"]) == 3, setting
        assert done.bins["TimeRefine"] == [PARK, BEACH]
        assert done.current == "dogs"
        assert '3 of 3 moments are in the project already, on "dogs", and were not placed again' in done.text


def test_a_second_hand_over_places_what_is_new_and_what_was_cut_anew(run) -> None:
    first, second, third = dogs()
    kept = first.refinement.kept
    trimmed = replace(kept, step=1, segment=Segment(900, 1000))
    moved = replace(first, refinement=replace(first.refinement, steps=(kept, trimmed), stop=1))
    settings = every_setting()
    for setting, done in zip(settings, run(settings, [first, second], [moved, second, third]), strict=True):
        assert cuts(done.timelines["dogs"]) == DOGS[:2], setting
        assert cuts(done.timelines["dogs 2"]) == [(PARK, 900, 1000), DOGS[2]]
        assert done.bins["TimeRefine"] == [PARK, BEACH]
        assert '1 of 3 moments are in the project already, on "dogs"' in done.text
        assert '"frisbee" has another cut than before: the earlier one stays on "dogs"' in done.text


def test_what_was_deleted_is_placed_again(run) -> None:
    [done] = run([{**EASY, "forget": "dogs"}], dogs(), dogs())
    assert cuts(done.timelines["dogs"]) == DOGS and "already" not in done.text


def test_each_rate_gets_a_timeline_of_its_own(run) -> None:
    clock = in_file(CLOCK, 5, 30, query="a clock", rate=Fraction(25))
    settings = [{**each, "media": [*each["media"], on_disk(CLOCK, fps="25", frames=1000)]} for each in every_setting()]
    for setting, done in zip(settings, run(settings, [dogs()[0], clock]), strict=True):
        assert cuts(done.timelines["dogs 29.97"]) == DOGS[:1], setting
        assert cuts(done.timelines["dogs 25"]) == [(CLOCK, 5, 30)]
        assert float(done.timelines["dogs 25"]["rate"]) == 25


def test_a_rate_that_resolve_does_not_take_is_told_and_leaves_nothing(run) -> None:
    settings = [{**each, "project_rate": "24", "custom_rate_works": False} for each in every_setting()]
    for done in run(settings, dogs()):
        assert set(done.timelines) == {"my edit"}
        assert "not 29.97" in done.text and "Set the rate of a new project to 29.97" in done.text
        assert "0 of 3 moments placed" in done.text


def test_missing_footage_is_named_and_the_rest_is_placed(run) -> None:
    settings = [{**each, "media": [on_disk(BEACH, frames=300)]} for each in every_setting()]
    for done in run(settings, dogs()):
        assert cuts(done.timelines["dogs"]) == DOGS[2:]
        assert f'"frisbee" in {PARK}: can\'t be imported' in done.text and "1 of 3 moments placed" in done.text


def test_a_clip_that_resolve_drops_but_returns_is_told(run) -> None:
    # Both conventions of the first moment's end are tried before it is given up.
    for done in run([{**each, "drops": [1, 2]} for each in every_setting()], dogs()):
        assert cuts(done.timelines["dogs"])[-1] == DOGS[2] and len(done.timelines["dogs"]["video"]) == 2
        assert '"frisbee" in /footage/park.mov: Resolve placed nothing' in done.text
        assert "2 of 3 moments placed" in done.text


def test_footage_that_runs_at_another_rate_in_resolve_is_told(run) -> None:
    files = [on_disk(PARK, fps="30"), on_disk(BEACH, frames=300)]
    for done in run([{**each, "media": files} for each in every_setting()], dogs()):
        assert done.text.count("park.mov runs at 30 frames a second in Resolve, not 29.97") == 1
        lengths = [item["length"] for item in done.timelines["dogs"]["video"]]
        assert 300 in lengths and set(lengths) <= {150, 1, 300}  # what can't have its length isn't left there


def test_refused_markers_are_counted(run) -> None:
    for done in run([{**each, "marker_fails": True} for each in every_setting()], dogs()):
        assert cuts(done.timelines["dogs"]) == DOGS and done.timelines["dogs"]["markers"] == []
        assert "Resolve refused 4 markers" in done.text
    on_the_first = replace(dogs()[0], remarks=Remarks(marks=(Mark(899, "here"),)))
    [done] = run([EASY], [on_the_first])
    assert "Resolve refused 1 markers" in done.text and len(done.timelines["dogs"]["markers"]) == 1


def test_a_taken_name_gets_a_number(run) -> None:
    [done] = run([{**EASY, "taken": ["dogs", "dogs 2"]}], dogs())
    assert cuts(done.timelines["dogs 3"]) == DOGS
    [done] = run([EASY], dogs(), name="my edit")
    assert cuts(done.timelines["my edit 2"]) == DOGS and done.timelines["my edit"]["video"] == []


def test_nothing_is_ever_appended_to_a_timeline_of_the_users_own(run) -> None:
    for done in run([{**each, "other_current": True} for each in every_setting()], dogs()):
        assert set(done.timelines) == {"my edit"} and done.timelines["my edit"]["video"] == []
        assert "doesn't open the new timeline" in done.text and "0 of 3 moments placed" in done.text


def test_a_file_in_the_pool_is_found_whatever_the_spelling_of_its_path(run) -> None:
    composed, decomposed = "/footage/caf\u00e9.mov", "/footage/cafe\u0301.mov"
    for path, shown in ((composed, decomposed), (decomposed, composed)):
        settings = [{**each, "media": [on_disk(path, shown=shown)]} for each in every_setting()]
        moments = [in_file(path, 0, 9, frames=2000), in_file(path, 5, 20, frames=2000)]
        for done in run(settings, moments, [in_file(path, 7, 30, frames=2000)]):
            assert done.bins["TimeRefine"] == [path]
    drive = "C:\\Footage\\park.mov"
    [done] = run(
        [{**EASY, "media": [on_disk(drive, shown="c:/footage/PARK.mov")]}],
        *[[moment(replace(media(rate=NTSC_30), path=Path(drive)), start, 30, frames=2000)] for start in (5, 6)],
    )
    assert done.bins["TimeRefine"] == [drive] and len(done.timelines) == 3


def test_without_a_project_or_a_hand_over_a_sentence_says_what_to_do(run) -> None:
    [done] = run([{**EASY, "no_project": True}], dogs())
    assert "open a project first" in done.text
    [done] = run([EASY], None)
    assert "there is no hand-over yet" in done.text and "File > Send to Resolve" in done.text


def test_another_schema_is_refused(script, tmp_path, run) -> None:
    run([EASY], dogs())
    job = tmp_path / "job0" / LUA_NAME
    text = job.read_text()
    (tmp_path / "cases.lua").write_text(f"return {as_lua([{**EASY, 'jobs': [str(job)]}])}")
    for other in (text.replace("schema = 1", "schema = 2"), "return 3"):
        job.write_text(other)
        line = run_lua(
            HERE / "run.lua",
            script,
            HERE / "fake_resolve.lua",
            tmp_path / "cases.lua",
            paths.outbox_folder() / LUA_NAME,
        )
        done = after(json.loads(line))
        assert "Install it again" in done.text and set(done.timelines) == {"my edit"}


def test_a_dialog_that_makes_every_call_fail_is_survived_wherever_it_opens(run) -> None:
    settings = [{**EASY, "counts_end": True, "project_rate": "24", "modal_after": number} for number in range(250)]
    outcomes = run(settings, dogs())
    for setting, done in zip(settings, outcomes, strict=True):
        assert len(done.said) >= 2, setting
        assert done.timelines["my edit"]["video"] == []
        placed = re.search("([0-9]+) of 3 moments placed$", done.text, re.MULTILINE)
        there = sum(len(each["video"]) for each in done.timelines.values())
        if placed and there != int(placed[1]):
            assert "can't be removed" in done.text or " clips instead of " in done.text, setting
        if not placed:
            assert "open dialog" in done.text, setting
    assert "3 of 3 moments placed" in outcomes[-1].text


def test_only_basic_globals_are_used() -> None:
    listing = run_lua("-bl", HERE.parents[2] / "plugins" / "resolve" / "TimeRefine.lua").decode()
    assert set(re.findall(r'GGET .*"(\w+)"', listing)) == ALLOWED | OF_RESOLVE
    assert "GSET" not in listing and LUAJIT


def test_a_fake_that_takes_fractions_would_be_noticed(run, tmp_path) -> None:
    """The fake refuses them, as Resolve does, so a script that computes with times places nothing."""
    run([EASY], dogs())
    job = tmp_path / "job0" / LUA_NAME
    half = job.read_text().replace("in_frame = 899", "in_frame = 899.5")
    assert half != job.read_text()
    (tmp_path / "half.lua").write_text(half)
    (tmp_path / "cases.lua").write_text(f"return {as_lua([{**EASY, 'jobs': [str(tmp_path / 'half.lua')]}])}")
    line = run_lua(
        HERE / "run.lua",
        install(RESOLVE)[0],
        HERE / "fake_resolve.lua",
        tmp_path / "cases.lua",
        paths.outbox_folder() / LUA_NAME,
    )
    done = after(json.loads(line))
    assert (
        "2 of 3 moments placed" in done.text and '"frisbee" in /footage/park.mov: Resolve placed nothing' in done.text
    )
