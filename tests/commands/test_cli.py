"""The commands as a user runs them: the real pack, the real `main`, the sample clip."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
from fractions import Fraction
from pathlib import Path

import av
import pycmx
import pytest

from exporters.clips import WAYS
from exporters.formats import formats
from tests.media import make_video
from tests.processes import PATIENCE_S, ending
from tests.toy import write_clip
from tr_desktop.commands.main import main
from tr_desktop.models.pack import load_pack

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp("library"))


def run_json(capsys, *arguments: str) -> tuple[int, dict]:
    capsys.readouterr()
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


WHOLE: dict[str, list] = {"offline": [], "incomplete": []}  # nothing on a missing drive, nothing read in part

# Where each picture is on screen in the sample clip, in frames (24 fps).
SHOTS = {"coffee": (0, 96), "astronaut": (96, 216), "cat": (216, 360), "rocket": (360, 480), "galaxies": (480, 576)}


@pytest.mark.parametrize(
    ("query", "shot"),
    [
        ("a cat", "cat"),
        ("a cup of coffee", "coffee"),
        ("galaxies in deep space", "galaxies"),
        ("a rocket", "rocket"),
    ],
)
def test_a_sentence_finds_the_shot_it_describes(sample, library, capsys, query, shot):
    _, document = run_json(capsys, "find", query, str(sample), "--library", library)
    start, end = SHOTS[shot]
    best = document["moments"][0]
    inside = min(end, best["end_frame"]) - max(start, best["start_frame"])
    assert inside / (max(end, best["end_frame"]) - min(start, best["start_frame"])) >= 0.5


@pytest.mark.parametrize(("query", "shot"), [("a cat", "cat"), ("a rocket", "rocket"), ("a cup of coffee", "coffee")])
def test_in_and_out_are_on_the_exact_frames_of_the_cuts(sample, library, capsys, query, shot):
    _, document = run_json(capsys, "find", query, str(sample), "--library", library)
    best = document["moments"][0]
    assert (best["start_frame"], best["end_frame"]) == SHOTS[shot]
    assert best["stop"] == 3 and len(best["steps"]) == 4
    assert best["edges"]["start_is"] == best["edges"]["end_is"] == "exact cut"
    first_look = best["steps"][2]["edges"]  # single frames are the second look
    assert "exact cut" not in first_look.values() or SHOTS[shot][0] == 0


def test_the_same_search_again_decodes_nothing(sample, tmp_path, capsys, monkeypatch):
    arguments = ["find", "a cat", str(sample), "--library", str(tmp_path)]
    first = run_json(capsys, *arguments)

    def never(*_, **__):
        raise AssertionError("footage was decoded again")

    monkeypatch.setattr("tr_desktop.grounders.two_tower.read_frames", never)
    monkeypatch.setattr("av.open", never)
    assert run_json(capsys, *arguments) == first


def test_an_answer_does_not_depend_on_earlier_searches(sample, tmp_path, capsys):
    def ask(query: str, library: str) -> dict:
        return run_json(capsys, "find", query, str(sample), "--library", str(tmp_path / library))[1]

    fresh = ask("a cat", "new")
    for query in ("a rocket", "a cup of coffee", "an astronaut"):
        ask(query, "used")
    assert ask("a cat", "used")["moments"] == fresh["moments"]


def test_the_refiners_can_be_compared(sample, library, capsys):
    answers = {
        name: run_json(capsys, "find", "a cat", str(sample), "--library", library, "--refiner", name)[1]["moments"][0]
        for name in ("none", "heuristic", "learned")
    }
    assert [len(answers[name]["steps"]) for name in answers] == [1, 4, 4]
    assert answers["none"]["stop"] == 0


def test_the_json_document_keeps_its_contract(sample, library, capsys):
    status, document = run_json(capsys, "find", "a cat", str(sample), "--library", library, "--top", "3")
    assert status == (0 if any(m["confident"] for m in document["moments"]) else 1)
    assert document["schema"] == 1 and document["query"] == "a cat"
    assert document["model"]["pack"] == "mini" and len(document["model"]["sha256"]) == 64
    assert document["model"]["device"] in ("cpu", "cuda")
    assert document["coverage"] == {"files": 1, "searched": 1, "seconds": 24.0, "skipped": [], **WHOLE}
    assert 1 <= len(document["moments"]) <= 3
    for rank, moment in enumerate(document["moments"], 1):
        assert moment["rank"] == rank
        assert Path(moment["media"]) == sample and moment["rate"] == "24/1"
        assert moment["start_s"] == pytest.approx(moment["start_frame"] / 24, abs=1e-4)
        assert moment["start_tc"].startswith("01:00:")
        assert 0 <= moment["score"] <= 1 and moment["steps"][moment["stop"]]["end_s"] == moment["end_s"]
        assert {"start", "end"} <= set(moment["edges"]) <= {"start", "end", "start_is", "end_is"}
        assert [step["step"] for step in moment["steps"]] == list(range(len(moment["steps"])))
        assert 0 <= moment["stop"] < len(moment["steps"])
    assert len(document["moments"][0]["steps"]) == 4


def test_rough_only_and_more_steps(sample, library, capsys):
    _, document = run_json(capsys, "find", "a cat", str(sample), "--library", library, "--no-refine")
    assert all(len(m["steps"]) == 1 and m["stop"] == 0 for m in document["moments"])
    _, document = run_json(capsys, "find", "a cat", str(sample), "--library", library, "--steps", "6")
    assert len(document["moments"][0]["steps"]) == 7


def test_the_edl_reads_back_to_the_frames_of_the_answer(sample, library, capsys, tmp_path):
    out = tmp_path / "hits.edl"
    _, document = run_json(capsys, "find", "a cat", str(sample), "--library", library, "--export", str(out))
    with out.open() as file:
        events = list(pycmx.parse_cmx3600(file).events)
    assert len(events) == len(document["moments"])
    for event, moment in zip(events, document["moments"], strict=True):
        (edit,) = event.edits
        assert edit.clip_name == sample.name
        assert (edit.source_in, edit.source_out) == (moment["start_tc"], moment["end_tc"])
        assert _frame(edit.source_in) == 24 * 3600 + moment["start_frame"]
        assert _frame(edit.source_out) == 24 * 3600 + moment["end_frame"]


def test_a_saved_result_exports_to_the_same_bytes(sample, library, capsys, tmp_path):
    out, again, result = tmp_path / "hits.edl", tmp_path / "again.edl", tmp_path / "result.json"
    _, document = run_json(
        capsys, "find", "a cat", str(sample), "--library", library, "--export", str(out), "--handles", "0.5"
    )
    result.write_text(json.dumps(document))
    assert main(["export", str(result), "--to", str(again), "--handles", "0.5", "--library", library]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_an_export_never_destroys(sample, library, capsys, tmp_path):
    clip, subtitles, out = tmp_path / "clip.mp4", tmp_path / "clip.srt", tmp_path / "hits.edl"
    clip.write_bytes(sample.read_bytes())
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    own = str(tmp_path / "library")
    _, document = run_json(capsys, "find", "a cat", str(tmp_path), "--library", own)
    result = tmp_path / "result.json"
    result.write_text(json.dumps(document))
    out.write_text("mine")
    before = {path: path.read_bytes() for path in (clip, subtitles, out)}
    find = ["find", "a cat", str(clip), "--library", own, "--export"]
    export = ["export", str(result), "--library", own, "--to"]
    for command in (find, export):
        assert main([*command, str(out)]) == 2
        assert "--overwrite" in capsys.readouterr().err
        for options in ([], ["--overwrite"]):
            assert main([*command, str(clip), "--format", "fcpxml", *options]) == 2
            assert main([*command, str(subtitles), *options]) == 2
            assert main([*command, str(tmp_path), "--format", "edl", *options]) == 2
            capsys.readouterr()
        assert {path: path.read_bytes() for path in before} == before
    assert main([*export, str(out), "--overwrite"]) == 0
    assert main([*export, str(out)]) == 0  # its own, unchanged
    assert main([*export, str(tmp_path / "clips"), "--format", "lossless", "--overwrite"]) == 2
    assert clip.read_bytes() == before[clip]


def test_every_format_and_every_clip_preset_can_be_exported(sample, library, capsys, tmp_path):
    _, document = run_json(capsys, "find", "a cat", str(sample), "--library", library, "--top", "1")
    result = tmp_path / "result.json"
    result.write_text(json.dumps(document))
    for name, exporter in formats().items():
        by_suffix, by_name = tmp_path / f"hits{exporter.suffix}", tmp_path / f"{name}.out"
        assert main(["export", str(result), "--to", str(by_suffix), "--library", library]) == 0
        assert main(["export", str(result), "--to", str(by_name), "--format", name, "--library", library]) == 0
        assert by_suffix.read_bytes() == by_name.read_bytes() != b""
    for way in WAYS:
        folder = tmp_path / way
        assert main(["export", str(result), "--to", str(folder), "--format", way, "--library", library]) == 0
        assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "content", ["{}", "[]", "no json", '{"schema": 9}', '{"schema": 1, "query": "x", "moments": [{}]}']
)
def test_a_file_that_is_no_saved_result_is_refused(tmp_path, capsys, content):
    result = tmp_path / "result.json"
    result.write_text(content)
    assert main(["export", str(result), "--to", str(tmp_path / "hits.edl"), "--library", str(tmp_path)]) == 2
    assert "esult" in capsys.readouterr().err
    assert not (tmp_path / "hits.edl").exists()


def _frame(label: str, fps: int = 24) -> int:
    hours, minutes, seconds, frames = map(int, label.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * fps + frames


def test_no_network_in_the_main_job(sample, capsys, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    _, document = run_json(capsys, "find", "a cat", str(sample), "--library", str(tmp_path))
    assert document["moments"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["find", "", "{clip}"], "query is empty"),
        (["find", "a cat", "{folder}/nowhere"], "no such file or folder"),
        (["find", "a cat", "{folder}/nothing"], "None of the 2 files can be searched"),
        (["find", "a cat", "{clip}", "--model", "no-such-pack"], "no-such-pack"),
        (["find", "a cat", "{clip}", "--export", "{folder}/hits.xyz"], "export format"),
        (["find", "a cat", "{clip}", "--export", "{folder}/missing/hits.edl"], "export can't be written"),
        (["index", "{folder}/nothing"], "Nothing there can be searched"),
        (["find", "a cat", "{clip}", "--library", "{clip}"], "library can't be opened"),
    ],
)
def test_a_user_error_exits_with_status_2_and_a_message(tmp_path, capsys, arguments, sentence):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 25)])
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "empty.mp4").touch()
    (tmp_path / "nothing" / "text.mov").write_text("text")
    arguments = [a.format(clip=clip, folder=tmp_path) for a in arguments]
    if "--library" not in arguments:
        arguments += ["--library", str(tmp_path / "library")]
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert sentence in message and "Traceback" not in message


def test_drop_frame_timecode_of_the_file_reaches_the_answer_and_the_edl(tmp_path, capsys, library):
    clip = write_clip(
        tmp_path / "drop.mov", [("red", 120), ("blue", 120)], Fraction(30000, 1001), timecode="00:00:58;00"
    )
    out = tmp_path / "hits.edl"
    _, document = run_json(capsys, "find", "a blue picture", str(clip), "--library", library, "--export", str(out))
    for moment in document["moments"]:
        assert ";" in moment["start_tc"] and moment["rate"] == "30000/1001"
    text = out.read_text()
    assert "FCM: DROP FRAME" in text and document["moments"][0]["start_tc"] in text


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pack = load_pack("mini").sha256[:12]
    said = capsys.readouterr().out
    assert re.fullmatch(
        rf"tr-desktop {project['version']}( \(\w{{7,}}, [-\d]{{10}}\))?, model pack mini {pack}\n", said
    )


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "tr_desktop", "--help"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0 and "find" in done.stdout


def test_the_sample_clip_lives_in_the_library_that_is_named(tmp_path, capsys):
    status, document = run_json(capsys, "find", "a cat", "--library", str(tmp_path))
    assert status == 0 and Path(document["moments"][0]["media"]) == tmp_path / "sample" / "sample.mp4"


def test_doctor_passes_its_self_test(capsys, tmp_path):
    assert main(["doctor", "--library", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Self-test" in out and "onnxruntime" in out and "mini" in out and "Text in pictures" in out
    assert "CPU" in out


def test_control_c_leaves_the_library_valid(tmp_path):
    for number in range(40):
        write_clip(tmp_path / "footage" / f"{number}.mp4", [("red", 250), ("blue", 250 + number)])
    library = tmp_path / "library"
    command = [sys.executable, "-m", "tr_desktop", "index", str(tmp_path / "footage"), "--library", str(library)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with ending(process):
        while process.poll() is None and _indexed(library) < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate()
    assert process.returncode == 130 and "interrupted" in message and "Traceback" not in message
    assert 2 <= _indexed(library) < 40
    database = sqlite3.connect(library / "library.sqlite3")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no job control")
def test_control_z_pauses_and_fg_resumes(tmp_path):
    for number in range(12):
        write_clip(tmp_path / "footage" / f"{number}.mp4", [("red", 250), ("blue", 250 + number)])
    library = tmp_path / "library"
    command = [sys.executable, "-m", "tr_desktop", "index", str(tmp_path / "footage"), "--library", str(library)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with ending(process):
        while process.poll() is None and _indexed(library) < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        paused_at = _indexed(library)
        time.sleep(0.5)
        assert _indexed(library) == paused_at < 12
        process.send_signal(signal.SIGCONT)
        _, message = process.communicate()
    assert process.returncode == 0 and "Searched 12 of 12 files" in message


def _indexed(library: Path) -> int:
    if not (library / "library.sqlite3").exists():
        return 0
    database = sqlite3.connect(library / "library.sqlite3", timeout=30)
    try:
        return int(database.execute("SELECT count(*) FROM vectors WHERE is_whole").fetchone()[0])
    except sqlite3.OperationalError:  # the tables are just being made
        return 0
    finally:
        database.close()


@pytest.mark.skipif(not (SHARED / "oddities").is_dir(), reason="needs ../shared/oddities")
def test_every_unusual_file_is_searched_or_listed_with_a_reason(tmp_path, capsys):
    folder = SHARED / "oddities"
    _, document = run_json(capsys, "find", "a person", str(folder), "--library", str(tmp_path))
    coverage = document["coverage"]
    assert coverage["files"] == len(list(folder.iterdir())) == coverage["searched"] + len(coverage["skipped"])
    assert all(s["reason"] for s in coverage["skipped"])


@pytest.mark.skipif(not (SHARED / "footage").is_dir(), reason="needs ../shared/footage")
def test_a_person_riding_a_bicycle_is_found_in_real_footage(tmp_path, capsys):
    out = tmp_path / "hits.edl"
    find = ["find", "a person riding a bicycle", str(SHARED / "footage")]
    _, document = run_json(capsys, *find, "--library", str(tmp_path), "--export", str(out))
    assert Path(document["moments"][0]["media"]).name == "sk_bikes.mp4"
    events = [event for edl in tmp_path.glob("hits*.edl") for event in pycmx.parse_cmx3600(edl.open()).events]
    spans = {(e.edits[0].clip_name, e.edits[0].source_in, e.edits[0].source_out) for e in events}
    assert spans == {(Path(m["media"]).name, m["start_tc"], m["end_tc"]) for m in document["moments"]}


def test_clips_are_cut_and_counted(sample, library, capsys, tmp_path):
    folder = tmp_path / "clips"
    _, document = run_json(
        capsys,
        "find",
        "a cat",
        str(sample),
        "--library",
        library,
        "--top",
        "1",
        "--export",
        str(folder),
        "--format",
        "h264",
    )
    (clip,) = folder.iterdir()
    with av.open(str(clip)) as container:
        assert container.streams.video[0].metadata["timecode"] == document["moments"][0]["start_tc"]
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == document["moments"][0]["end_frame"] - document["moments"][0]["start_frame"]


def test_variable_rate_footage_is_converted_on_request(library, capsys, tmp_path):
    ticks = [*range(0, 1200, 40), *range(1260, 3000, 40)]
    clip = make_video(tmp_path / "phone.mov", frames=len(ticks), ticks=ticks, time_base=Fraction(1, 1000), rate=25)
    out = tmp_path / "hits.edl"
    find = ["find", "a black and white pattern", str(clip), "--library", library, "--top", "1", "--export", str(out)]
    run_json(capsys, *find)
    assert not (tmp_path / "hits media").exists()
    main(find)
    assert "--cfr" in capsys.readouterr().err
    main([*find, "--cfr"])
    message = capsys.readouterr().err
    assert "clip 1/1" in message and "constant rate" in message
    (made,) = (tmp_path / "hits media").iterdir()
    with out.open() as file:
        (event,) = pycmx.parse_cmx3600(file).events
    assert event.edits[0].clip_name == made.name
    with av.open(str(made)) as container:
        assert container.streams.video[0].metadata["timecode"] == event.edits[0].source_in


def test_control_c_stops_cutting_and_leaves_no_partial_clip(sample, library, capsys, tmp_path):
    _, document = run_json(capsys, "find", "a cat", str(sample), "--library", library, "--top", "3")
    result, folder = tmp_path / "result.json", tmp_path / "clips"
    result.write_text(json.dumps(document))
    command = [
        sys.executable,
        "-m",
        "tr_desktop",
        "export",
        str(result),
        "--to",
        str(folder),
        "--format",
        "prores",
    ]
    process = subprocess.Popen([*command, "--handles", "30", "--library", library], stderr=subprocess.PIPE)
    said = b""
    with ending(process):
        while b"clip 1/3" not in said:
            read = os.read(process.stderr.fileno(), 4096)
            assert read, said
            said += read
        process.send_signal(signal.SIGINT)
        said += process.communicate()[1]
    assert process.returncode == 130 and b"interrupted" in said and b"Traceback" not in said
    assert all(av.open(str(path)).streams.video[0].frames for path in folder.iterdir())
    assert len(list(folder.iterdir())) < 3 and not [path for path in folder.iterdir() if path.name.startswith(".")]
