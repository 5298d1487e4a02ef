import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tr_desktop.refine.training_free import refine_edges, shot_change

FPS = 2.0


def _shots(lengths: list[int]) -> np.ndarray:
    """Vectors of shots that share nothing: one axis each."""
    return np.repeat(np.eye(len(lengths), 8, dtype=np.float16), lengths, axis=0)


def test_edges_move_to_the_shot_of_high_similarity():
    vectors = _shots([20, 12, 20])
    curve = np.full(52, 0.1, np.float32)
    curve[20:32] = 0.3
    steps = refine_edges(curve, shot_change(vectors), (22, 30), 3, FPS)
    assert (steps[0].start, steps[0].end) == (22, 30)
    assert (steps[-1].start, steps[-1].end) == (20, 32)
    assert steps[-1].start_confidence > 0.9 and steps[-1].end_confidence > 0.9


def test_a_flat_stretch_gives_little_confidence():
    curve = np.full(60, 0.2, np.float32) + np.random.default_rng(1).normal(0, 1e-4, 60).astype(np.float32)
    vectors = np.tile(np.eye(1, 8, dtype=np.float16), (60, 1))
    (last,) = refine_edges(curve, shot_change(vectors), (20, 40), 3, FPS)[-1:]
    assert last.start_confidence < 0.9 and last.end_confidence < 0.9


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=80).map(lambda c: np.array(c, np.float32)),
    st.data(),
    st.integers(0, 8),
)
def test_every_step_is_a_segment_of_the_file(curve, data, steps):
    start = data.draw(st.integers(0, len(curve) - 1))
    end = data.draw(st.integers(start + 1, len(curve)))
    change = np.linspace(0, 1, len(curve) + 1, dtype=np.float32)
    answers = refine_edges(curve, change, (start, end), steps, FPS)
    assert len(answers) == steps + 1
    for answer in answers:
        assert 0 <= answer.start < answer.end <= len(curve)
        assert 0 <= answer.start_confidence <= 1 and 0 <= answer.end_confidence <= 1


def test_shot_change_marks_cuts_and_the_ends_of_the_file():
    change = shot_change(_shots([5, 5]))
    assert change.shape == (11,)
    assert change[0] == change[5] == change[10] == 1
    assert change[[1, 2, 3, 4, 6, 7, 8, 9]].max() == 0
