"""What a video language model adds to the answer of a search: a real worker and server, footage of colours."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.grounders.model_server import ModelServer, Request, serving
from tests.grounders.sees import Sees
from tests.toy import ToyEncoder, write_clip
from tr_desktop.grounders.video_llm.joining import VideoGrounder
from tr_desktop.grounders.video_llm.packs import GrounderPack, Server
from tr_desktop.grounders.video_llm.presets import PRESETS
from tr_desktop.grounding import Answer, find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment, RefineStep, StepSource

WINDOW_S = 40
FPS = 25
LOST_AFTER_S = 6.0  # a loaded machine answers the other questions within this


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Green from 70 to 76 s, blue from 20 to 24 s; 100 s in all."""
    shots = [("red", 20), ("blue", 4), ("red", 46), ("green", 6), ("red", 24)]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", [(colour, FPS * s) for colour, s in shots])


@contextmanager
def grounder_of(server: ModelServer, calibration: dict[str, float] | None = None, **options) -> Iterator[VideoGrounder]:
    runs_on, preset = Server(server.url, server.models[0]), PRESETS["timelens2"]
    pack = GrounderPack("big", runs_on, preset, window_s=Fraction(WINDOW_S), fps=Fraction(1), calibration=calibration)
    grounder = VideoGrounder(pack, **options)
    try:
        yield grounder
    finally:
        grounder.close()


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """Searches with the toy encoder and a model behind `server`."""
    with Catalog(tmp_path_factory.mktemp("library")) as catalog:

        def run(query: str, paths: Sequence[Path], server: ModelServer, **options) -> Answer:
            calls = {name: options.pop(name) for name in ("check", "on_moments", "on_window", "top") if name in options}
            with grounder_of(server, **options) as grounder:
                return find(query, paths, catalog, ToyEncoder(), video_grounder=grounder, **calls)

        yield run


def seconds(moment: Moment) -> tuple[float, float]:
    kept = moment.refinement.kept
    return float(kept.start_s), float(kept.end_s)


def near(start_s: float, end_s: float) -> tuple[object, object]:
    return pytest.approx(start_s, abs=0.3), pytest.approx(end_s, abs=0.3)


def written(moment: Moment) -> list[RefineStep]:
    return [step for step in moment.refinement.steps if step.by is StepSource.MODEL]


def test_what_the_index_did_not_find_is_found_by_a_sweep(search, clip):
    green = Sees("green")
    with serving(ModelServer(green.answer, presence=green.presence)) as server:
        windows = []
        answer = search("blue", [clip], server, everywhere=True, on_window=lambda *done: windows.append(done))
    best = answer.moments[0]
    assert seconds(best) == near(70, 76) and written(best)
    assert any(seconds(each) == near(20, 24) for each in answer.moments[1:])  # what the search found is still there
    swept = [request for request in server.requests if request.is_presence][: windows[-1][1] - 3]
    assert len(swept) == 3  # 100 s in windows of 40 s
    assert [done for done, _ in windows] == list(range(len(swept) + 4)) and not answer.notes


def test_a_sweep_looks_at_the_best_windows_only(search, clip):
    green = Sees("green")
    with serving(ModelServer(green.answer, presence=green.presence)) as server:
        search("blue", [clip], server, everywhere=True, most=1, closer=False)
    asked = [request for request in server.requests if not request.is_presence]
    assert 1 <= len(asked) <= 3 and all(any(green.is_there(request)) for request in asked)  # widened twice at most


def test_a_sweep_refines_the_moment_that_the_search_found(search, clip):
    blue = Sees("blue")
    with serving(ModelServer(blue.answer, presence=blue.presence)) as server:
        plain = search("blue", [clip], ModelServer(blue.answer, url=server.url), most=0)
        answer = search("blue", [clip], server, everywhere=True)
    assert len(answer.moments) == len(plain.moments)
    assert seconds(answer.moments[0]) == near(20, 24) and written(answer.moments[0])


def test_a_window_of_a_sweep_that_is_lost_costs_only_itself(search, clip):
    green = Sees("green")
    with serving(ModelServer(green.answer)) as server:

        def presence(request: Request) -> float:
            if len(server.requests) == 1:
                server.is_over.wait()  # until the question is given up
            return green.presence(request)

        server.presence = presence
        answer = search("blue", [clip], server, everywhere=True, timeout_s=LOST_AFTER_S)
        server.is_over.set()
    assert seconds(answer.moments[0]) == near(70, 76)
    (note,) = answer.notes
    assert note == "big gave no answer about clip.mp4 from 0 to 40 s: it took too long"


def test_a_model_that_says_neither_yes_nor_no_in_a_sweep_is_reported(search, clip):
    with serving(ModelServer(Sees("green").answer, presence=None)) as server:
        answer = search("blue", [clip], server, everywhere=True)
    assert not any(written(each) for each in answer.moments)
    (note,) = answer.notes
    assert note.startswith("big didn't say whether the event is in clip.mp4 from 0 to 40 s, and about 2 more")


def test_a_sweep_can_be_given_up(search, clip):
    class Given(Exception):  # noqa: N818 (it is not an error)
        pass

    with serving(ModelServer(Sees("green").answer)) as server:

        def check() -> None:
            if len(server.requests) >= 2:
                raise Given

        with pytest.raises(Given):
            search("blue", [clip], server, everywhere=True, check=check)
    assert len(server.requests) == 2


def test_a_closer_window_makes_an_answer_finer_and_is_shown(search, tmp_path):
    path = write_clip(tmp_path / "clip.mp4", [("red", 333), ("blue", 81), ("red", 200)])  # 13.32 s to 16.56 s
    blue, shown = Sees("blue"), []
    with serving(ModelServer(blue.answer, presence=blue.presence)) as server:
        answer = search("blue", [path], server, on_moments=lambda moments: shown.append(list(moments)), most=1)
    first, closer = written(answer.moments[0])
    off = [abs(float(step.start_s) - 13.32) + abs(float(step.end_s) - 16.56) for step in (first, closer)]
    assert off[1] < 0.15 < off[0]
    wide, near = [request for request in server.requests if not request.is_presence]
    gaps = [float(np.median(np.diff(list(map(float, request.times_s))))) for request in (wide, near)]
    assert gaps[0] >= 0.9 and gaps[1] <= 0.2
    assert [len(written(moments[0])) for moments in shown if written(moments[0])][:2] == [1, 2]


@pytest.mark.parametrize("why", ["is less sure", "sees nothing", "sees another place", "is cut off"])
def test_a_closer_window_that_is_no_better_is_only_shown(search, tmp_path, why):
    path = write_clip(tmp_path / "clip.mp4", [("red", 300), ("blue", 75), ("red", 225)])
    blue = Sees("blue")
    with serving(ModelServer(blue.answer)) as server:

        def is_closer(request: Request) -> bool:
            return float(request.times_s[1] - request.times_s[0]) < 0.3

        def answer(request: Request) -> list[str]:
            if not is_closer(request) or why == "is less sure":
                return blue.answer(request)
            return {"sees nothing": ["[]"], "sees another place": ["[[0.0, 0.2]]"], "is cut off": ["[[0.0, 9.0]]"]}[why]

        server.answer = answer
        server.presence = lambda request: 0.6 if why == "is less sure" and is_closer(request) else 0.9
        found = search("blue", [path], server, most=1)
    moment = found.moments[0]
    assert any(map(is_closer, server.requests)) and not found.notes
    assert moment.refinement.kept == written(moment)[0]
    assert len(written(moment)) == (1 if why == "sees nothing" else 2)


def test_a_closer_window_that_is_lost_keeps_the_answer(search, tmp_path):
    path = write_clip(tmp_path / "clip.mp4", [("red", 300), ("blue", 75), ("red", 225)])
    blue = Sees("blue")
    with serving(ModelServer(blue.answer, presence=blue.presence)) as server:

        def answer(request: Request) -> Iterator[str] | list[str]:
            is_first = not [each for each in server.requests[:-1] if not each.is_presence]
            return blue.answer(request) if is_first else server.hang(request)

        server.answer = answer
        found = search("blue", [path], server, most=1, timeout_s=LOST_AFTER_S)
    assert [found.moments[0].refinement.kept] == written(found.moments[0])
    assert len(found.notes) == 1 and "took too long" in found.notes[0]


def test_a_wider_window_that_is_lost_keeps_the_answer(search, clip):
    asked = []
    with serving(ModelServer(lambda _: [])) as server:

        def answer(request: Request) -> Iterator[str] | list[str]:
            asked.append(request)
            return ["[[0.0, 7.0]]"] if len(asked) == 1 else server.hang(request)

        server.answer = answer
        found = search("blue", [clip], server, most=1, timeout_s=LOST_AFTER_S, closer=False)
    assert len(asked) == 2 and [found.moments[0].refinement.kept] == written(found.moments[0])


def test_a_model_that_sees_it_nowhere_makes_no_answer_confident(search, clip):
    with serving(ModelServer(Sees("blue").answer, presence=0.9)) as server:
        sure = search("blue", [clip], server).moments[0]
        assert sure.confident
        server.presence = 0.2
        answer = search("blue", [clip], server)
        assert answer.moments and not any(moment.confident for moment in answer.moments)
        assert answer.moments[0].score == sure.score and answer.moments[0].refinement.kept.by is StepSource.INDEX
        asked = threading.Event()

        def once_yes(request: Request) -> float:
            first, _ = asked.is_set(), asked.set()
            return 0.2 if first else 0.9

        server.presence = once_yes
        assert search("blue", [clip], server).moments[0].confident


WEIGHTS = {"bias": -1.0, "presence": 1.0, "agreement": 2.0}


def test_with_weights_the_score_joins_what_speaks_for_the_answer(search, clip):
    blue = Sees("blue")
    with serving(ModelServer(blue.answer, presence=blue.presence)) as server:
        plain = search("blue", [clip], server, closer=False)
        answer = search("blue", [clip], server, calibration=WEIGHTS, closer=False)
    own, joined = plain.moments[0], answer.moments[0]
    assert answer.is_calibrated and not plain.is_calibrated and not answer.notes
    refined = [step for step in own.refinement.steps if step.by is StepSource.INDEX][-1]
    both = min(refined.end_s, joined.refinement.kept.end_s) - max(refined.start_s, joined.refinement.kept.start_s)
    covered = max(refined.end_s, joined.refinement.kept.end_s) - min(refined.start_s, joined.refinement.kept.start_s)
    logit = -1.0 + np.log(0.9 / 0.1) + 2.0 * float(both / covered)
    assert joined.score == pytest.approx(1 / (1 + np.exp(-logit))) and joined.score != own.score
    assert joined.refinement.kept.score == joined.score and joined.confident
    assert joined.refinement.steps[0].score == own.refinement.steps[0].score  # the search's own steps stay


def test_without_the_evidence_for_the_weights_the_score_is_that_of_the_search(search, clip):
    blue = Sees("blue")
    with serving(ModelServer(blue.answer, knows_probabilities=False)) as server:
        plain = search("blue", [clip], server)
        answer = search("blue", [clip], server, calibration=WEIGHTS | {"edges": 1.0})
    assert not answer.is_calibrated and answer.moments[0].score == plain.moments[0].score
    (note,) = answer.notes
    assert "scores are those of the search" in note


@pytest.mark.parametrize(("bias", "kept"), [(-9.0, StepSource.INDEX), (60.0, StepSource.MODEL)])
def test_an_answer_that_the_model_doubts_counts_only_with_a_better_score(search, clip, bias, kept):
    with serving(ModelServer(Sees("blue").answer, presence=0.3)) as server:
        answer = search("blue", [clip], server, calibration={"bias": bias, "presence": 0.1})
    assert answer.moments[0].refinement.kept.by is kept and written(answer.moments[0])
    assert not any(moment.confident for moment in answer.moments)  # it said no about every window


def test_what_only_the_model_found_has_a_score_of_its_own_with_weights(search, clip):
    green = Sees("green")
    with serving(ModelServer(green.answer, presence=green.presence)) as server:
        calibration = {"bias": -9.0, "search": 0.0, "agreement": 3.0}
        answer = search("blue", [clip], server, everywhere=True, calibration=calibration)
    (found,) = [moment for moment in answer.moments if written(moment)]
    assert found.score == pytest.approx(1 / (1 + np.exp(9.0))) and answer.moments[-1] is found
