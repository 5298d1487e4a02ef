"""Pixels and frames, snapping, the ruler and the lanes: for two seconds, ten hours, any rate, variable or not."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.app.scrubber.geometry import (
    FEWEST_FRAMES,
    SNAP_PX,
    Edge,
    View,
    frame_of,
    least_height,
    make_strips,
    ruler,
    with_edge,
)
from tr_desktop.moments import Footage, FrameTimes, Media, Segment
from tr_desktop.timecode import Timecode

RATES = [Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(120)]


@st.composite
def steady(draw: st.DrawFn) -> FrameTimes:
    rate = draw(st.sampled_from(RATES))
    frames = draw(st.one_of(st.integers(1, 100), st.integers(1, 10 * 3600 * 60)))
    return FrameTimes(
        range(0, frames * rate.denominator, rate.denominator), frames * rate.denominator, 1 / Fraction(rate.numerator)
    )


@st.composite
def variable(draw: st.DrawFn) -> FrameTimes:
    steps = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=60))
    ticks = [sum(steps[:n]) for n in range(len(steps))]
    return FrameTimes(ticks, sum(steps), Fraction(1, 1000))


any_times = st.one_of(steady(), variable())


@st.composite
def views(draw: st.DrawFn) -> View:
    """Some view that turning the wheel and dragging leads to."""
    view = View.whole(draw(any_times), draw(st.integers(1, 4000)))
    for factor, at in draw(st.lists(st.tuples(st.floats(0.2, 8), st.floats(0, 1)), max_size=12)):
        view = view.zoomed(Fraction(factor), at * view.width_px).panned((at - 0.5) * view.width_px)
    return view


@given(views())
def test_a_view_stays_inside_its_file_and_never_shows_too_little(view: View) -> None:
    assert 0 <= view.start <= view.start + view.span <= view.times.end_tick
    assert view.span >= min(Fraction(view.times.end_tick * FEWEST_FRAMES, len(view.times)), view.times.end_tick)
    assert view.start.denominator < 10**9 and view.span.denominator < 10**9  # no slower after a thousand turns


@given(views(), st.floats(0, 1))
def test_the_frame_at_a_pixel_is_the_one_drawn_there(view: View, share: float) -> None:
    x = share * view.width_px
    frame = view.frame_at(x)
    assert view.x_of(frame) <= x + 1e-6
    assert x <= view.x_of(frame + 1) + 1e-6
    boundary = view.boundary_at(x)
    assert 0 <= boundary <= len(view.times)
    nearest = min(abs(view.x_of(frame) - x), abs(view.x_of(frame + 1) - x))
    assert abs(view.x_of(boundary) - x) <= nearest + 1e-6


@given(views(), st.data())
def test_every_frame_in_view_can_be_pointed_at(view: View, data: st.DataObject) -> None:
    frame = data.draw(st.integers(*view.first_and_last()))
    middle = (max(view.x_of(frame), 0) + min(view.x_of(frame + 1), view.width_px)) / 2
    if view.x_of(frame + 1) - view.x_of(frame) > 1e-3:
        assert view.frame_at(middle) == frame
    assert view.boundary_at(view.x_of(frame)) in (frame, frame + 1, frame - 1)


@given(views(), st.floats(0, 1), st.floats(0.25, 4))
def test_zooming_keeps_what_is_under_the_pointer(view: View, share: float, factor: float) -> None:
    x = share * view.width_px
    closer = view.zoomed(Fraction(factor), x)
    if closer.start > 0 and closer.start + closer.span < view.times.end_tick:  # the file's ends come first
        assert abs(float((closer.tick_at(x) - view.tick_at(x)) * view.width_px / closer.span)) < 0.5


@given(any_times, st.integers(50, 3000), st.data())
def test_a_moment_is_fitted_whole_and_in_the_middle(times: FrameTimes, width_px: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(times) - 1))
    end = data.draw(st.integers(start + 1, len(times)))
    view = View.whole(times, width_px).around(Segment(start, end), Fraction(3, 5))
    assert view.x_of(start) >= -1e-3 and view.x_of(end) <= width_px + 1e-3
    if view.start > 0 and view.start + view.span < times.end_tick:
        assert abs(view.x_of(start) + view.x_of(end) - width_px) < 1
    assert view.containing(start) is view


@given(views(), st.floats(0, 1), st.lists(st.integers(0, 10**6), max_size=30))
def test_edges_snap_to_the_nearest_target_within_reach_and_to_nothing_else(
    view: View, share: float, somewhere: list[int]
) -> None:
    targets = sorted({0, len(view.times), *(place % (len(view.times) + 1) for place in somewhere)})
    x = share * view.width_px
    snapped = view.snapped(x, targets)
    distance = {target: abs(view.x_of(target) - x) for target in targets}
    if min(distance.values()) <= SNAP_PX - 1e-6:
        assert distance[snapped] <= min(distance.values()) + 1e-6
    elif min(distance.values()) > SNAP_PX + 1e-6:
        assert snapped == view.boundary_at(x)
    assert view.snapped(x, []) == view.boundary_at(x)


@given(st.integers(1, 1000), st.data())
def test_an_edge_never_passes_the_other_one_nor_the_file(frames: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, frames - 1))
    segment = Segment(start, data.draw(st.integers(start + 1, frames)))
    edge, boundary = data.draw(st.sampled_from(Edge)), data.draw(st.integers(-50, frames + 50))
    moved = with_edge(segment, edge, boundary, frames)
    other = Edge.OUT if edge is Edge.IN else Edge.IN
    assert frame_of(moved, other) == frame_of(segment, other)
    assert 0 <= moved.start_frame < moved.end_frame <= frames
    if segment.start_frame < boundary < segment.end_frame:
        assert frame_of(moved, edge) == boundary


def media(rate: Fraction, start: str = "01:00:00:00", *, is_vfr: bool = False) -> Media:
    return Media(Path("a.mov"), 1, 1, 1920, 1080, rate, Timecode.parse(start, rate), is_vfr=is_vfr)


def file_of(seconds: int, rate: Fraction) -> FrameTimes:
    frames = int(seconds * rate)
    return FrameTimes(
        range(0, frames * rate.denominator, rate.denominator), frames * rate.denominator, 1 / Fraction(rate.numerator)
    )


@pytest.mark.parametrize("seconds", [2, 100, 3600, 36000])
@pytest.mark.parametrize(
    ("rate", "start"),
    [(Fraction(25), "01:00:00:00"), (Fraction(30000, 1001), "00:58:59;20"), (Fraction(24000, 1001), "23:59:58:12")],
)
@pytest.mark.parametrize("zoom", [1, 7, 60, 3000])
def test_labels_of_the_ruler_are_round_and_apart(seconds: int, rate: Fraction, start: str, zoom: int) -> None:
    footage = Footage(media(rate, start), file_of(seconds, rate))
    times = footage.times
    view = View.whole(times, 1000).zoomed(Fraction(zoom), 400)
    marks = ruler(view, footage, 90)
    labelled = [mark.frame for mark in marks if mark.is_labelled]
    assert 1 <= len(labelled) <= 13 and len(marks) <= 160
    xs = [view.x_of(frame) for frame in labelled]
    # Drop-frame labels two frames nearer to each other once a minute.
    assert all(b - a > 90 - 3 * max(view.frame_px, 1) for a, b in pairwise(xs))
    assert all(-view.frame_px - 1 <= x <= 1001 for x in xs)
    labels = [str(footage.timecode_at(frame)) for frame in labelled]
    if view.span * times.tick_s > 15:  # seconds apart: whole seconds, in drop-frame the first label of one
        assert all(label[-2:] in ("00", "02") for label in labels), labels
    if view.span * times.tick_s > 3 * 3600:
        assert all(label[6:8] == "00" for label in labels), labels


def test_the_ruler_of_variable_footage_marks_frames_in_order() -> None:
    times = FrameTimes([0, 20, 80, 113, 147, 1100, 1133, 2500], 4000, Fraction(1, 1000))
    view = View.whole(times, 800)
    frames = [mark.frame for mark in ruler(view, Footage(media(Fraction(25), is_vfr=True), times), 90)]
    assert frames == sorted(set(frames)) and 0 < len(frames) <= len(times)


@given(st.integers(0, 1200), st.integers(0, 10))
def test_lanes_follow_each_other_and_fit(spare_px: int, steps: int) -> None:
    height_px = least_height(steps) + spare_px
    made = make_strips(height_px, steps)
    all_lanes = [made.overview, made.ruler, made.film, made.curve, *made.steps]
    assert all(lane.height >= 17 for lane in all_lanes)
    assert all(a.bottom <= b.top for a, b in pairwise(all_lanes))
    assert all_lanes[-1].bottom <= height_px
