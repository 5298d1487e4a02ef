"""Composed videos: exact truth, fixed by their seed, with what real footage has in it."""

from __future__ import annotations

import json
import tarfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("PIL", reason="composing needs the train extra")
pytest.importorskip("torch", reason="composing needs the train extra")

from tests.toy import COLOURS, write_clip
from tests.training.refiner_toys import toy_sources
from tr_desktop.training.annotations import read_annotations
from tr_desktop.training.refiner.compose import DURATION_S, ComposedExample, Composer, Shot, Video
from tr_desktop.training.refiner.reels import render_reels


@pytest.fixture(scope="module")
def examples() -> list[ComposedExample]:
    composer = Composer(toy_sources(), seed=3, takes=0)
    return [composer.example() for _ in range(150)]


def test_a_seed_determines_a_set(examples: list[ComposedExample]) -> None:
    again = Composer(toy_sources(), seed=3, takes=0)
    other = Composer(toy_sources(), seed=4, takes=0)
    assert [again.example().windows for _ in range(20)] == [e.windows for e in examples[:20]]
    assert [other.example().windows for _ in range(20)] != [e.windows for e in examples[:20]]
    frames = np.arange(0, examples[0].video.frames, 7)
    np.testing.assert_array_equal(
        Composer(toy_sources(), 3, takes=0).example().video.vectors(frames), examples[0].video.vectors(frames)
    )


def test_the_query_holds_exactly_in_its_windows(examples: list[ComposedExample]) -> None:
    for example in examples:
        video = example.video
        shows = np.zeros(video.frames, bool)
        for shot, start, end in zip(video.shots, video.starts[:-1], video.starts[1:], strict=True):
            shows[start:end] = any(f"caption {number}" == example.query for number in shot.source.captions)
        expected = np.zeros(video.frames, bool)
        for start, end in example.windows:
            assert 0 <= start < end <= video.frames
            expected[start:end] = True
        np.testing.assert_array_equal(expected, shows)


def test_examples_cover_every_case(examples: list[ComposedExample]) -> None:
    counts = [len(example.windows) for example in examples]
    assert min(counts) == 0 and max(counts) >= 2
    lengths = np.array([e - s for example in examples for s, e in example.windows_s])
    assert lengths.min() >= 0.9 and lengths.max() <= 41 and lengths.max() > 15
    durations = np.array([example.video.duration_s for example in examples])
    assert durations.min() >= 0.5 * DURATION_S[0] and durations.max() <= 1.2 * DURATION_S[1]
    joins = [shot.dissolve > 0 for example in examples for shot in example.video.shots[1:]]
    assert 0.1 < np.mean(joins) < 0.4
    assert any(example.windows and example.windows[0][0] == 0 for example in examples)
    hard = [edge for example in examples for window in example.is_hard for edge in window]
    assert 0.5 < np.mean(hard) < 0.95


def test_pictures_change_at_a_cut_and_blend_in_a_dissolve() -> None:
    a, b = toy_sources().items[:2]
    cut = Video((Shot(a, 50, 0.0), Shot(b, 50, 0.0)), 25.0, noise=0.0)
    rows = cut.vectors(np.arange(100))
    steps = 1 - np.sum(rows[1:] * rows[:-1], axis=1)
    assert steps.argmax() == 49
    assert steps[49] > 10 * np.delete(steps, 49).max()
    blended = Video((Shot(a, 50, 0.0), Shot(b, 50, 0.0, dissolve=20)), 25.0, noise=0.0).vectors(np.arange(100))
    np.testing.assert_allclose(blended[:39], rows[:39], atol=1e-6)
    np.testing.assert_allclose(blended[61:], rows[61:], atol=1e-6)
    towards = blended @ rows[75]
    assert np.all(np.diff(towards[40:60]) > 0)
    assert (1 - np.sum(blended[1:] * blended[:-1], axis=1)).max() < steps.max() / 4


def test_in_a_take_the_moment_comes_and_goes_within_a_shot() -> None:
    composer = Composer(toy_sources(), seed=3, takes=1)
    made = [composer.example() for _ in range(80)]
    rises = []
    for example in made:
        video = example.video
        assert all(0 <= event.start < event.end <= video.frames for event in video.events)
        for start, end in example.windows:
            event = next(e for e in video.events if e.start == start)
            shown = np.arange(video.frames)
            alike = video.vectors(shown) @ video.vectors(np.array([(start + end) // 2]))[0]
            before, after = max(start - event.onset, 0), min(end + event.onset, video.frames)
            outside = np.delete(alike, slice(before, after))
            if len(outside):
                rises.append(alike[start:end].mean() - outside.mean())
    assert np.mean(rises) > 0.15
    assert np.mean(np.array(rises) > 0) > 0.85
    assert any(len(e.windows) > 1 for e in made) and any(not e.windows for e in made)


def test_vectors_have_unit_length_at_any_frames(examples: list[ComposedExample]) -> None:
    rows = examples[1].video.vectors(examples[1].video.index_frames(1.0))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    one = examples[1].video.vectors(np.array([17]))
    many = examples[1].video.vectors(np.arange(30))
    np.testing.assert_allclose(one[0], many[17], atol=1e-6)


def test_sources_that_mean_the_same_are_no_distractors(examples: list[ComposedExample]) -> None:
    sources = toy_sources()
    for example in examples:
        meaning = sources.caption_vectors @ example.query_vector
        near = np.quantile([meaning[list(item.captions)].max() for item in sources.items], 0.99)
        for shot in example.video.shots:
            if example.query not in {sources.captions[c] for c in shot.source.captions}:
                assert meaning[list(shot.source.captions)].max() <= near


def test_reels_are_cut_on_the_frames_of_their_annotations(tmp_path: Path) -> None:
    clips = tmp_path / "data" / "clips"
    clips.mkdir(parents=True)
    entries = []
    with tarfile.open(clips / "clips.tar", "w") as tar:
        for number in range(9):
            source = write_clip(tmp_path / f"{number}.mp4", [(list(COLOURS)[number % 4], 40)], Fraction(12))
            tar.add(source, f"clips/{number}.mp4")
            entry = {"tar": "clips.tar", "file": f"{number}.mp4", "split": "val" if number else "train"}
            entries.append(entry | {"captions": ["nothing but one plain colour"], "captions_machine": []})
    (clips / "manifest.jsonl").write_text("\n".join(json.dumps(entry) for entry in entries))
    path = render_reels(tmp_path / "data", tmp_path / "reels", 1, seed=0)
    rows = read_annotations(path, "footage")
    with av.open(str(tmp_path / "reels" / "reel-00.mp4")) as container:
        frames = list(container.decode(video=0))
    shown = np.array([float(frame.time) for frame in frames])
    colours = np.array([frame.to_ndarray(format="rgb24").mean((0, 1)) for frame in frames])
    jumps = shown[1:][np.abs(np.diff(colours, axis=0)).max(axis=1) > 20]
    edges = {round(edge, 3) for row in rows for window in row.windows for edge in window}
    assert {round(float(jump), 3) for jump in jumps} <= edges
    assert len(rows) == 8 and len(jumps) >= 4
    assert rows[-1].windows[0][1] == pytest.approx(rows[0].duration_s)
