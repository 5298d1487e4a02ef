"""`models add URL` and `find --grounder`, as a user runs them; a server stands for the model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from tests.grounders.model_server import ModelServer, Request, serving
from tests.media import make_video, read_number
from tr_desktop.commands.main import main
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe

EDGES = ("start_frame", "end_frame")


@pytest.fixture(scope="module")
def library(tmp_path_factory, sample) -> str:
    library = str(tmp_path_factory.mktemp("library"))
    assert main(["index", str(sample), "--library", library, "--no-text"]) == 0
    return library


@pytest.fixture
def server(capsys) -> Iterator[ModelServer]:
    with serving(ModelServer(lambda _: [])) as server:
        assert main(["models", "add", server.url, "--as", "big"]) == 0
        assert "a-video-model" in capsys.readouterr().out
        yield server


def ask(capsys, footage: Path, library: str, *options: str) -> tuple[dict, str]:
    assert main(["find", "a cat", str(footage), "--library", library, "--json", *options]) in (0, 1)
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_its_steps_follow_and_the_edges_still_end_on_the_cut(sample, library, server, capsys):
    plain, _ = ask(capsys, sample, library)
    cat = plain["moments"][0]
    indexed = [step for step in cat["steps"] if "looked_closer" not in step][-1]
    window_s = max(indexed["start_s"] - max(indexed["end_s"] - indexed["start_s"], 5), 0)
    into_window_s, length_s = cat["start_s"] + 0.4 - window_s, cat["end_s"] - cat["start_s"]
    server.answer = lambda _: ["[[", f"{into_window_s:.2f}, ", f"{into_window_s + length_s:.2f}", "]]"]
    document, _ = ask(capsys, sample, library, "--grounder", "big", "--ground", "1", "--ground-once")
    best = document["moments"][0]
    assert document["grounder"] == {"pack": "big", "calibrated": False, "notes": []}
    (written,) = [step for step in best["steps"] if step.get("by") == "grounder"]
    assert written["start_s"] == pytest.approx(cat["start_s"] + 0.4, abs=0.05)
    assert written["said"].startswith("[[") and written["edges"] == {"start": None, "end": None}
    assert best["steps"][written["step"] + 1]["looked_closer"]
    assert (best["start_frame"], best["end_frame"]) == (cat["start_frame"], cat["end_frame"])
    assert [step["step"] for step in best["steps"]] == list(range(len(best["steps"])))


def test_a_model_that_says_no_keeps_nothing(sample, library, server, capsys):
    plain, _ = ask(capsys, sample, library)
    server.answer, server.presence = lambda _: ["[[0.0, 1.0], [7.0, 8.0]]"], 0.1
    document, _ = ask(capsys, sample, library, "--grounder", "big", "--ground", "1")
    kept = [(each["start_frame"], each["end_frame"]) for each in document["moments"]]
    assert kept == [(each["start_frame"], each["end_frame"]) for each in plain["moments"]]


def test_what_it_finds_elsewhere_is_a_moment_of_its_own(sample, library, server, capsys):
    plain, _ = ask(capsys, sample, library)
    cat = plain["moments"][0]

    def near_the_end(request: Request) -> list[str]:
        last_s = float(request.times_s[-1])
        return [f"[[{last_s - 1.5:.1f}, {last_s - 1.1:.1f}]]"]

    server.answer = near_the_end
    document, _ = ask(capsys, sample, library, "--grounder", "big", "--ground", "1", "--top", "6")
    first, second = document["moments"][:2]
    assert first["steps"][0]["by"] == "grounder" and first["start_frame"] >= cat["end_frame"]
    assert (second["start_frame"], second["end_frame"]) == (cat["start_frame"], cat["end_frame"])


def test_a_hanging_model_costs_its_window_and_says_so(sample, library, server, capsys):
    plain, _ = ask(capsys, sample, library)
    server.answer = server.hang
    document, err = ask(capsys, sample, library, "--grounder", "big", "--ground", "1", "--ground-timeout", "1")
    assert document["moments"] == plain["moments"]
    (note,) = document["grounder"]["notes"]
    assert "it took too long" in note and note in err


def test_an_answer_without_times_changes_nothing(sample, library, server, capsys):
    plain, _ = ask(capsys, sample, library)
    server.answer = lambda _: ["I can't", " see any cat."]
    document, err = ask(capsys, sample, library, "--grounder", "big", "--ground", "1")
    assert document["moments"] == plain["moments"] and "gave no time" in err


def test_an_answer_at_the_edge_widens_the_window(tmp_path, library, server, capsys):
    path = make_video(tmp_path / "long.mp4", frames=900, rate=Fraction(15), size=(320, 240))
    lengths_s: list[float] = []

    def up_to_the_end(request: Request) -> list[str]:
        lengths_s.append(float(request.times_s[-1]))
        return [f"[[0.0, {float(request.times_s[-1]) + 0.5:.1f}]]"]

    server.answer = up_to_the_end
    ask(capsys, path, library, "--grounder", "big", "--ground", "1")
    assert len(lengths_s) in (2, 3) and lengths_s == sorted(lengths_s) and lengths_s[-1] > 1.3 * lengths_s[0]


def test_all_footage_is_asked_about_before_the_best_windows_are_looked_at(tmp_path, library, server, capsys):
    paths = [
        make_video(tmp_path / f"{name}.mp4", frames=frames, rate=Fraction(5), size=(320, 240))
        for name, frames in (("a", 500), ("b", 505))
    ]

    server.answer = lambda _: ["[[20.0, 24.0]]"]
    main(["index", str(tmp_path), "--library", library, "--no-text"])
    capsys.readouterr()
    document, err = ask(capsys, tmp_path, library, "--grounder", "big", "--ground", "all", "--ground-once")
    swept = [request.is_presence for request in server.requests]
    assert swept[:4] == [True] * 4 and swept.count(False) == 3  # two windows for each file, then the best three
    assert "big" in err and "7/7" in err
    found = {moment["media"] for moment in document["moments"] for step in moment["steps"] if step.get("by")}
    assert found == {str(path) for path in paths}


def test_variable_rates_show_the_model_the_right_times(tmp_path, library, server, capsys):
    ticks, tick = [], 0
    for number in range(240):
        ticks.append(tick)
        tick += (33, 40, 50, 120)[number % 4]
    path = make_video(
        tmp_path / "vfr.mkv", frames=len(ticks), size=(320, 240), ticks=ticks, time_base=Fraction(1, 1000)
    )
    sampler = Sampler(probe(path), Fraction(1, 2), 32)
    assert sum(1 for _ in sampler) and sampler.media.is_vfr
    times = sampler.times
    numbers: list[list[int]] = []

    def event(request: Request) -> list[str]:
        """From picture 60 to picture 140, as far as the model sees them."""
        seen = [read_number(picture) for picture in request.pictures]
        numbers.append(seen)
        shown = [time_s for time_s, number in zip(request.times_s, seen, strict=True) if 60 <= number < 140]
        return [f"[[{float(shown[0]):.2f}, {float(shown[-1]):.2f}]]"] if shown else ["[]"]

    server.answer = event
    document, _ = ask(capsys, path, library, "--grounder", "big", "--ground", "1", "--top", "1")
    asked = [request for request in server.requests if not request.is_presence]
    for request, seen in zip(asked, numbers, strict=True):
        origin_s = times.time_s(seen[0]) - request.times_s[0]
        for time_s, number in zip(request.times_s[1:], seen[1:], strict=True):
            assert abs(times.time_s(number) - origin_s - time_s) <= Fraction(3, 5)  # rounded, and the window's start
        gaps = zip(request.times_s[1:], request.times_s[2:], seen[1:], seen[2:], strict=False)
        for before_s, after_s, one, other in gaps:
            assert abs((times.time_s(other) - times.time_s(one)) - (after_s - before_s)) <= Fraction(1, 10)
    written = [step for moment in document["moments"] for step in moment["steps"] if step.get("by") == "grounder"]
    first, closer = written
    for step in written:
        near = [number for seen in numbers for number in seen if min(abs(number - step[edge]) for edge in EDGES) <= 2]
        assert len(near) >= 2 and 58 <= step["start_frame"] < step["end_frame"] <= 142
    off = [abs(step["start_frame"] - 60) + abs(step["end_frame"] - 140) for step in (first, closer)]
    assert off[1] <= 4 and off[1] <= off[0]


def test_a_wrong_number_of_moments_is_a_sentence(server, capsys):
    for number in ("0", "many"):
        with pytest.raises(SystemExit):
            main(["find", "a cat", "--grounder", "big", "--ground", number])
        assert f"argument --ground: '{number}' is neither a number from 1 on nor all" in capsys.readouterr().err


def test_grounders_are_listed_and_removed(server, capsys):
    assert main(["models", "list"]) == 0
    assert "big  grounder: a-video-model at http://127.0.0.1" in capsys.readouterr().out
    assert main(["models", "add", server.url, "--as", "big"]) == 2
    assert "already" in capsys.readouterr().err
    assert main(["models", "remove", "big"]) == 0
    assert main(["find", "a cat", "--grounder", "big"]) == 2
    assert "There is no grounder 'big'" in capsys.readouterr().err


def test_a_server_is_added_as_json_too(server, capsys):
    assert main(["models", "add", server.url, "--as", "other", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"grounder": "other"}
    assert main(["models", "add", server.url, "--as", "third", "--precision", "int8"]) == 2
    assert "--precision is for folders only" in capsys.readouterr().err


def test_a_server_with_several_models_asks_which(server, capsys):
    server.models = ("one", "two/qwen3-vl:2b")
    assert main(["models", "add", server.url]) == 2
    assert "--served: one, two/qwen3-vl:2b" in capsys.readouterr().err
    assert main(["models", "add", server.url, "--served", "two/qwen3-vl:2b", "--preset", "timelens"]) == 0
    assert "Added qwen3-vl-2b" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--as", "mini"], "There is a pack 'mini' already"),
        (["--as", "../x"], "can't have the name"),
        (["--preset", "other"], "There is no preset 'other'. Choose one of: timelens2, "),
    ],
)
def test_what_a_grounder_cannot_be_is_a_sentence(server, capsys, options, sentence):
    assert main(["models", "add", server.url, *options]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--ground", "2"], "need --grounder"),
        (["--ground", "all"], "need --grounder"),
        (["--ground-once"], "need --grounder"),
        (["--grounder", "nobody"], "There is no grounder 'nobody'. Added grounders: none yet"),
    ],
)
def test_options_that_mean_nothing_end_with_a_sentence(options, sentence, capsys):
    assert main(["find", "a cat", *options]) == 2
    assert sentence in capsys.readouterr().err


def test_a_server_that_is_gone_is_said_before_anything_is_read(tmp_path, sample, capsys):
    with serving(ModelServer(lambda _: [])) as gone:
        assert main(["models", "add", gone.url, "--as", "gone"]) == 0
    library = tmp_path / "library"
    assert main(["find", "a cat", str(sample), "--library", str(library), "--grounder", "gone"]) == 2
    assert "No model server answers at" in capsys.readouterr().err and not library.exists()
