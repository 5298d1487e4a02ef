"""Annotated videos as training examples."""

from fractions import Fraction
from itertools import accumulate
from random import Random

import numpy as np
import pytest

from tests.media import make_video, read_number
from tr_desktop.errors import UserError
from tr_desktop.footage.fitted import Fitted
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import find_frames
from tr_desktop.training.annotations import Annotation, read_annotations
from tr_desktop.training.grounder.colours import COLOURS, make_colour_clips
from tr_desktop.training.grounder.data import Look, asked, load_examples, split

LOOK = Look(Fraction(2), 64, Fraction(8))


def annotation(video, start_s=1.0, end_s=3.0, name="0"):
    return Annotation(name, video, "a number", ((start_s, end_s),), None)


@pytest.fixture
def folder(tmp_path):
    # 20 s of an uneven rate; one frame stays for longer than a second.
    ticks = list(accumulate([0, *(45 if n == 160 else 1 + n % 2 for n in range(370))]))
    make_video(tmp_path / "long.mp4", frames=len(ticks), rate=Fraction(30), ticks=ticks)
    make_video(tmp_path / "short.mkv", frames=75, rate=Fraction(25))  # 3 s
    return tmp_path


def test_a_question_shows_what_the_product_would_show(folder):
    said = []
    (example,) = load_examples([annotation("long.mp4", 7.2, 10.5)], folder, LOOK, folder / "cache", said.append)
    media = probe(folder / "long.mp4")
    sampler = Sampler(media, Fraction(10), 8)
    list(sampler)
    for seed in range(8):
        question, (start_s, end_s) = asked(example, LOOK, Random(seed))
        window_s = Fraction(round(2 * (7.2 - start_s)), 2)
        assert question.length_s == 8 and 0 <= start_s < end_s <= 8
        assert (start_s, end_s) == pytest.approx((7.2 - float(window_s), 10.5 - float(window_s)))
        frames = sorted({sampler.times.frame_at(window_s + k * Fraction(1, 2)) for k in range(16)})
        assert len(frames) < 16
        assert [read_number(picture) for picture in question.pictures] == frames
        assert question.times_s == tuple(max(sampler.times.time_s(frame) - window_s, 0) for frame in frames)
        fitted = Fitted(media, 64)
        same = [fitted(frame) for _, frame in find_frames(sampler.footage, frames)]
        np.testing.assert_array_equal(question.pictures, np.stack(same))
    assert not said


def test_a_window_is_drawn_anew_each_time(folder):
    (example,) = load_examples([annotation("long.mp4", 9.0, 10.0)], folder, LOOK, folder / "cache", print)
    starts = {asked(example, LOOK, Random(seed))[1][0] for seed in range(20)}
    assert len(starts) > 5


def test_a_short_file_is_shown_whole(folder):
    (example,) = load_examples([annotation("short", 0.5, 9.0)], folder, LOOK, folder / "cache", print)
    question, truth_s = asked(example, LOOK, Random(0))
    assert (question.length_s, truth_s, len(question.pictures)) == (3, (0.5, 3.0), 6)


def test_files_of_the_same_name_in_two_folders_are_told_apart(folder):
    for name, frames in (("a", 50), ("b", 100)):
        (folder / name).mkdir()
        make_video(folder / name / "same.mkv", frames=frames, rate=Fraction(25))
        (folder / name / "same.srt").write_text("1\n")  # beside it, with the same name
    rows = [annotation(f"{name}/same.mkv", 0.5, 1.5) for name in ("a", "b")]
    examples = load_examples(rows, folder, LOOK, folder / "cache", print)
    assert [example.video.duration_s for example in examples] == [2, 4]
    assert load_examples([annotation("same")], folder, LOOK, folder / "cache", print)


def test_a_constant_answer_is_measured_without_reading_pictures(folder):
    pytest.importorskip("peft", reason="measuring needs the extra `llm`")
    from tr_desktop.training.grounder.measure import constant_answer

    examples = load_examples([annotation("short"), annotation("long.mp4", 5, 7)], folder, LOOK, folder / "cache", print)
    before = constant_answer(examples, examples, LOOK)
    for path in (folder / "cache").glob("*.rgb"):
        path.unlink()
    again = load_examples([annotation("short"), annotation("long.mp4", 5, 7)], folder, LOOK, folder / "cache", print)
    assert constant_answer(again, again, LOOK) == before


def test_a_file_is_decoded_once_unless_it_changes(folder):
    one = annotation("short")
    for _ in range(2):
        load_examples([one, one], folder, LOOK, folder / "cache", print)
        kept = {path.name: path.stat().st_mtime_ns for path in (folder / "cache").iterdir()}
        assert len(kept) == 2
    load_examples([one], folder, LOOK, folder / "cache", print)
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "cache").iterdir()} == kept
    make_video(folder / "short.mkv", frames=50, rate=Fraction(25))
    load_examples([one], folder, LOOK, folder / "cache", print)
    assert len(list((folder / "cache").iterdir())) == 4


def test_what_cant_be_learned_from_is_left_out_and_named(folder):
    (folder / "broken.mp4").write_bytes(b"no video")
    said = []
    rows = [
        annotation("long.mp4", 1, 2),
        annotation("long.mp4", 1, 12),
        annotation("broken.mp4"),
        annotation("absent.mp4"),
        Annotation("4", "long.mp4", "everything", ((0.0, 20.0),), 20.0, whole=True),
        Annotation("5", "long.mp4", "nothing", (), 20.0),
    ]
    assert len(load_examples(rows, folder, LOOK, folder / "cache", said.append)) == 1
    assert ["broken.mp4" in said[0], "absent.mp4" in said[1], "3 sentences" in said[2]] == [True] * 3
    with pytest.raises(UserError, match="nothing to train on"):
        load_examples(rows[3:4], folder, LOOK, folder / "cache", said.append)


def test_videos_to_measure_with_are_kept_apart(folder):
    rows = [annotation(name, name=str(n)) for n in range(3) for name in ("long.mp4", "short.mkv")]
    examples = load_examples(rows, folder, LOOK, folder / "cache", print)
    training, held = split(examples, 2)
    assert {e.video_name for e in training}.isdisjoint(e.video_name for e in held)
    assert len(training) == 3 and len(held) == 2
    assert split(list(reversed(examples)), 2)[0][0].video_name == training[0].video_name
    with pytest.raises(UserError, match="One video"):
        split(training, 2)


def test_colour_clips_show_the_colour_when_they_say(tmp_path):
    rows = read_annotations(make_colour_clips(tmp_path, 3), "footage")
    for example in load_examples(rows, tmp_path, Look(Fraction(2), 32, Fraction(16)), tmp_path / "cache", print):
        question, (start_s, end_s) = asked(example, Look(Fraction(2), 32, Fraction(16)), Random(0))
        means = question.pictures.reshape(len(question.pictures), -1, 3).mean(1)
        shown = np.abs(means - np.array(COLOURS[example.query])).max(1) < 25
        times = [float(time_s) for time_s in question.times_s]
        assert [start_s <= time_s < end_s for time_s in times] == shown.tolist()
