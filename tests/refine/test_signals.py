"""Signals keep their meaning when frames are added, and know nothing of the encoder they come from."""

from __future__ import annotations

import numpy as np
import pytest

from tr_desktop.refine.signals import NAMES, FileView, Signals, signals, view_file

RNG = np.random.default_rng(0)


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def _video(frames: int = 60, width: int = 32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three shots of a third each; the query is the middle one. → vectors, query, background."""
    looks = _unit(RNG.normal(size=(3, width)))
    vectors = _unit(np.repeat(looks, frames // 3, axis=0) + 0.1 * RNG.normal(size=(frames, width)) / np.sqrt(width))
    return vectors, looks[1], _unit(RNG.normal(size=(200, width)))


def _read(vectors: np.ndarray, query: np.ndarray, background: np.ndarray, fps: float = 2.0) -> tuple[Signals, FileView]:
    view = view_file(vectors, query, background, len(vectors) / fps)
    return signals(vectors, np.arange(len(vectors)) / fps, view), view


def column(seen: Signals, name: str) -> np.ndarray:
    return seen.channels[:, NAMES.index(name)]


def test_shapes_and_range() -> None:
    seen, _ = _read(*_video())
    assert seen.channels.shape == (60, len(NAMES)) and seen.channels.dtype == np.float32
    assert seen.vectors.shape == (60, 32)
    assert np.isfinite(seen.channels).all() and np.abs(seen.channels).max() <= 6


def test_the_moment_and_its_edges_stand_out() -> None:
    seen, _ = _read(*_video())
    inside = np.zeros(60, bool)
    inside[20:40] = True
    assert column(seen, "file_z")[inside].min() > column(seen, "file_z")[~inside].max()
    assert column(seen, "like_peak")[inside].min() > column(seen, "like_peak")[~inside].max()
    assert set(np.argsort(column(seen, "change_1_frames")[1:])[-2:] + 1) == {20, 40}
    assert column(seen, "rise_4_frames").argmax() == 20
    assert column(seen, "rise_4_frames").argmin() == 40


def test_rotating_the_space_or_adding_a_common_part_changes_nothing() -> None:
    vectors, query, background = _video()
    turn = np.linalg.qr(RNG.normal(size=(32, 32)))[0].astype(np.float32)
    plain, _ = _read(vectors, query, background)
    turned, _ = _read(vectors @ turn, query @ turn, background @ turn)
    np.testing.assert_allclose(turned.channels, plain.channels, atol=2e-3)
    # CLIP-like spaces: all pictures share a large common part, all sentences another.
    wide = np.zeros((60, 40), np.float32)
    wide[:, :32], wide[:, 39] = vectors, 2
    cone_query = np.append(query, np.zeros(8, np.float32))
    cone_background = np.concatenate([background, np.tile([0] * 7 + [2], (200, 1))], axis=1)
    coned, _ = _read(_unit(wide), _unit(cone_query), _unit(cone_background))
    for name in ("file_z", "background_z", "like_peak", "change_1_frames"):
        np.testing.assert_allclose(column(coned, name), column(plain, name), atol=0.05)


def test_frames_added_around_an_edge_do_not_change_the_others() -> None:
    vectors, query, background = _video()
    plain, view = _read(vectors, query, background)
    times = np.arange(60) / 2
    extra = np.setdiff1d(np.arange(8.5, 11.5, 0.125), times)
    rows = np.concatenate([vectors, vectors[(extra * 2).astype(int)]])
    order = np.argsort(np.append(times, extra))
    dense = signals(rows[order], np.append(times, extra)[order], view)
    far = np.flatnonzero(dense.times_s > 20)  # further than the widest span
    same = np.searchsorted(times, dense.times_s[far])
    np.testing.assert_allclose(dense.channels[far], plain.channels[same], atol=1e-4)
    near = np.flatnonzero((dense.times_s > 9) & (dense.times_s < 11))
    assert dense.times_s[near[column(dense, "change_1_frames")[near].argmax()]] == 10


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_the_shortest_files_have_signals(frames: int) -> None:
    vectors = _unit(RNG.normal(size=(frames, 8)))
    seen, _ = _read(vectors, vectors[0], _unit(RNG.normal(size=(5, 8))))
    assert np.isfinite(seen.channels).all() and np.isfinite(seen.vectors).all()


def test_a_still_picture_has_finite_signals() -> None:
    vectors = np.tile(_unit(np.ones(8)), (20, 1))
    seen, _ = _read(vectors, vectors[0], vectors[:4])
    assert np.isfinite(seen.channels).all()
    assert np.ptp(column(seen, "file_z")) < 0.1
