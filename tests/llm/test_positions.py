"""Positions are those of transformers 4.57.3, with which the released checkpoints were made.

Its numbers were recorded from its own `get_rope_index` with 56×84 pictures (Qwen2.5-VL) and 64×64 (Qwen3-VL). They
count from the first token of the video.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="video language models need the extra `llm`")

from tr_desktop.grounder_worker.positions import Block, positions  # noqa: E402

SIZES = {"qwen2_5_vl": (56, 84), "qwen3_vl": (64, 64)}


def prompt_of(loaded, family, times_s):
    model, encoder = loaded(family)
    pictures = np.zeros((len(times_s), *SIZES[family], 3), np.uint8)
    prompt = encoder.prompt(encoder.video_maker(pictures, tuple(times_s)), "Find the event")
    is_video = prompt.ids == model.config.video_token_id
    return prompt, is_video


def every(step_s: Fraction, length_s: int) -> list[Fraction]:
    return [number * step_s for number in range(int(length_s / step_s))]


@pytest.mark.parametrize(("fps", "last", "after"), [(2, 118, 119), (1, 116, 117)])
def test_a_minute_of_qwen2_5_is_numbered_as_recorded(loaded, fps, last, after):
    prompt, is_video = prompt_of(loaded, "qwen2_5_vl", every(Fraction(1, fps), 60))
    video, text = prompt.positions[:, is_video], prompt.positions[:, prompt.video_end :]
    start = int(video[0, 0])
    assert int(video[0].max()) - start == last
    assert (text[:, 0] - start).tolist() == [after] * 3
    # After the ids of time, of rows and of columns; the first pair's tokens, row by row.
    assert (video[:, :6] - start).tolist() == [[0] * 6, [0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]]
    assert torch.equal(text, text[:, :1] + torch.arange(text.shape[1]))


def test_four_pictures_a_second_count_halves_of_a_second(loaded):
    """4.57.3 gives all of them the same number: it cuts half a second down to none."""
    prompt, is_video = prompt_of(loaded, "qwen2_5_vl", every(Fraction(1, 4), 10))
    ticks = prompt.positions[0, is_video].reshape(20, -1)[:, 0]
    assert (ticks - ticks[0]).tolist() == list(range(20))


def test_times_off_the_grid_are_at_most_half_a_tick_off(loaded):
    """As 23.976 frames a second give them, and as a recording of variable rate does that stands still for a while."""
    rate = Fraction(24000, 1001)
    ntsc = [int(number * rate / 2) / rate for number in range(120)]
    standing = [Fraction(milliseconds, 1000) for milliseconds in (0, 480, 1010, 1500, 6020, 6490, 7010, 7490)]
    for times_s in (ntsc, standing):
        prompt, is_video = prompt_of(loaded, "qwen2_5_vl", times_s)
        ticks = prompt.positions[0, is_video].reshape(len(times_s) // 2, -1)[:, 0]
        for tick, time_s in zip((ticks - ticks[0]).tolist(), times_s[::2], strict=True):
            assert abs(Fraction(tick, 2) - time_s) <= Fraction(1, 4)
    assert (ticks - ticks[0]).tolist() == [0, 2, 12, 14]


def test_qwen3_numbers_each_pair_after_the_text_with_its_time(loaded):
    prompt, is_video = prompt_of(loaded, "qwen3_vl", every(Fraction(1, 2), 60))
    video, text = prompt.positions[:, is_video], prompt.positions[:, prompt.video_end :]
    start = int(video[0, 0])
    assert (video[:, :4] - start).tolist() == [[0] * 4, [0, 0, 1, 1], [0, 1, 0, 1]]
    assert (video[:, -4:] - start).tolist() == [[640] * 4, [640, 640, 641, 641], [640, 641, 640, 641]]
    assert (text[:, 0] - start).tolist() == [642] * 3


def test_answers_go_on_after_the_largest_number():
    placed = positions([2, Block((0, 4), 1, 3), 2])
    assert placed.tolist() == [
        [0, 1, 2, 2, 2, 6, 6, 6, 7, 8],
        [0, 1, 2, 2, 2, 2, 2, 2, 7, 8],
        [0, 1, 2, 3, 4, 2, 3, 4, 7, 8],
    ]
    assert positions([]).shape == (3, 0)
