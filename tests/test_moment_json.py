"""A moment as JSON: the same back, whatever keys a newer version added, and no half-read document."""

import copy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.errors import UserError
from tr_desktop.moment_json import SCHEMA, FoundMoment, moments_of
from tr_desktop.moments import (
    Footage,
    FrameTimes,
    Media,
    Moment,
    Quote,
    Refinement,
    RefineStep,
    Segment,
    StepSource,
    TextKind,
)
from tr_desktop.timecode import Timecode

RATE = Fraction(30000, 1001)
FRAMES = 500
PATH = Path("/footage/a b.mov")
FOOTAGE = Footage(
    Media(PATH, 1, 1, 1920, 1080, RATE, Timecode.parse("01:00:00;00", RATE)),
    FrameTimes(range(0, FRAMES * 1001, 1001), FRAMES * 1001, Fraction(1, 30000)),
)


def footage_of(path: Path) -> Footage:
    return {PATH: FOOTAGE}[path]


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    chances = st.integers(0, 10_000).map(lambda number: number / 10_000)  # what four places hold
    quote = draw(st.none() | st.builds(Quote, st.text(max_size=20), st.just(PATH), st.sampled_from(TextKind)))
    steps = []
    for number in range(draw(st.integers(1, 9))):
        by = draw(st.sampled_from([StepSource.INDEX, StepSource.FRAMES, StepSource.MODEL]))
        start, end = sorted(draw(st.lists(st.integers(0, FRAMES), min_size=2, max_size=2, unique=True)))
        steps.append(
            RefineStep(
                step=number,
                segment=Segment(start, end),
                start_s=FOOTAGE.times.time_s(start),
                end_s=FOOTAGE.times.time_s(end),
                score=draw(chances),
                start_confidence=draw(st.none() | chances),
                end_confidence=draw(st.none() | chances),
                by=by,
                said=draw(st.text(max_size=20)) if by is StepSource.MODEL else "",
            )
        )
        if steps[-1].start_confidence is not None and quote is None:
            steps[-1] = replace(steps[-1], start_is_exact=draw(st.booleans()))
        if steps[-1].end_confidence is not None and quote is None:
            steps[-1] = replace(steps[-1], end_is_exact=draw(st.booleans()))
    stop = draw(st.integers(0, len(steps) - 1))
    return Moment(FOOTAGE, Refinement(tuple(steps), stop), draw(chances), draw(st.booleans()), "a query", quote)


@given(moments())
def test_a_moment_comes_back_the_same(moment: Moment) -> None:
    document = {"schema": SCHEMA, "query": "a query", "moments": [FoundMoment.of(1, moment).to_json()]}
    assert moments_of(document, footage_of) == [moment]


@given(moments(), st.integers(1, 50))
def test_an_entry_is_written_as_it_was_read(moment: Moment, rank: int) -> None:
    entry = FoundMoment.of(rank, moment).to_json()
    entry["added_by_a_newer_version"] = {"kept": [1, 2.5, None]}
    entry["steps"][0]["also_new"] = True
    again = FoundMoment.from_json(copy.deepcopy(entry)).to_json()
    assert again == entry
    assert [key for key in again if key in entry] == list(entry)


@given(moments(), st.data())
def test_a_wrong_value_is_refused_with_a_sentence(moment: Moment, data: st.DataObject) -> None:
    entry = FoundMoment.of(1, moment).to_json()
    place = data.draw(st.sampled_from([entry, entry["steps"][-1], entry["edges"]]))
    free = ("confident", "looked_closer", "start_is", "end_is", "why", "by")
    key = data.draw(st.sampled_from([key for key in place if key not in free]))
    wrong = data.draw(st.sampled_from([None, [], {}, "x", -1, True]))
    is_number = isinstance(place[key], float) or place is entry["edges"]
    is_allowed = (wrong == -1 and is_number) or (wrong is None and place is entry["edges"])
    if is_allowed or place[key] == wrong or isinstance(wrong, type(place[key])):
        return
    place[key] = wrong
    with pytest.raises(UserError, match="esult"):
        moments_of({"schema": SCHEMA, "query": "a query", "moments": [entry]}, footage_of)


def test_the_words_for_edges_are_beside_their_numbers_and_may_be_missing() -> None:
    segment = Segment(0, 50)
    step = RefineStep(
        0, segment, Fraction(0), FOOTAGE.times.time_s(50), 0.5, 0.4, 0.1, StepSource.FRAMES, start_is_exact=True
    )
    moment = Moment(FOOTAGE, Refinement((step,), 0), 0.5, True, "q")
    entry = FoundMoment.of(1, moment).to_json()
    words = {"start": 0.4, "end": 0.1, "start_is": "exact cut", "end_is": "check"}
    assert entry["edges"] == entry["steps"][0]["edges"] == words

    older = copy.deepcopy(entry)
    for edges in (older["edges"], older["steps"][0]["edges"]):
        del edges["start_is"], edges["end_is"]
    assert FoundMoment.from_json(older).to_json() == older
    [read] = moments_of({"schema": SCHEMA, "query": "q", "moments": [older]}, footage_of)
    assert read == replace(moment, refinement=Refinement((replace(step, start_is_exact=False),), 0))

    entry["steps"][0]["edges"]["end_is"] = "a newer word"
    assert moments_of({"schema": SCHEMA, "query": "q", "moments": [entry]}, footage_of) == [moment]
    entry["steps"][0]["edges"]["end_is"] = 7
    with pytest.raises(UserError, match="isn't a result"):
        moments_of({"schema": SCHEMA, "query": "q", "moments": [entry]}, footage_of)


@pytest.mark.parametrize("wrong", [None, [], {}, "a dream"])
def test_text_from_another_place_is_refused(wrong: object) -> None:
    segment = Segment(0, 50)
    step = RefineStep(0, segment, Fraction(0), FOOTAGE.times.time_s(50), 0.5, 0.5, 0.5)
    quote = Quote("lift off", PATH, TextKind.TRACK)
    entry = FoundMoment.of(1, Moment(FOOTAGE, Refinement((step,), 0), 0.5, True, "q", quote)).to_json()
    entry["text_from"] = wrong
    with pytest.raises(UserError, match="isn't a result"):
        moments_of({"schema": SCHEMA, "query": "q", "moments": [entry]}, footage_of)


def test_a_moment_of_a_file_that_is_gone_or_shorter_says_search_again() -> None:
    segment = Segment(0, FRAMES + 1)
    step = RefineStep(0, segment, Fraction(0), FOOTAGE.times.duration_s, 0.5, 0.5, 0.5)
    entry = FoundMoment.of(1, Moment(FOOTAGE, Refinement((step,), 0), 0.5, True, "q")).to_json()
    with pytest.raises(UserError, match="doesn't fit its file") as error:
        moments_of({"schema": SCHEMA, "query": "q", "moments": [entry]}, footage_of)
    assert error.value.path == PATH
    entry["media"] = "/elsewhere.mov"
    with pytest.raises(UserError, match="isn't in the library"):
        moments_of({"schema": SCHEMA, "query": "q", "moments": [entry]}, footage_of)
