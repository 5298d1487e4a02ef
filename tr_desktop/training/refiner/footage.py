"""Annotated real videos as evaluation cases: indexed with a pack, decoded again where the refiner looks closer."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import read_frames
from tr_desktop.models.encoder import Encoder
from tr_desktop.moments import Footage, FrameTimes, Media
from tr_desktop.refine.looks import frame_times_s
from tr_desktop.training.annotations import Annotation
from tr_desktop.training.refiner.evaluate import Case

BATCH = 32


def footage_cases(
    annotations: Sequence[Annotation], folder: Path, encoder: Encoder, fps: float, *, is_cut: bool = False
) -> list[Case]:
    """One case for each annotation whose query doesn't fit the whole video. is_cut: all true edges are hard cuts.

    Raises MediaError for an unreadable file.
    """
    cases = []
    for video in sorted({a.video for a in annotations}):
        media = probe(folder / video)
        sampler = Sampler(media, 1 / Fraction(fps), encoder.pack.picture_shape)
        sampled = list(sampler)
        times = sampler.times
        vectors = encode(encoder, np.stack([frame.picture for frame in sampled]))

        mine = [a for a in annotations if a.video == video and not a.whole]
        queries = encoder.encode_text([a.query for a in mine]) if mine else np.zeros((0, vectors.shape[1]), np.float32)
        cases += [
            Case(
                group=video,
                query_vector=query,
                windows_s=annotation.windows,
                is_hard=((is_cut, is_cut),) * len(annotation.windows),
                frames=np.array([frame.frame for frame in sampled], np.int64),
                vectors=vectors,
                starts_s=frame_times_s(times),
                step_s=1 / fps,
                look=partial(_look, encoder, media, times),
            )
            for annotation, query in zip(mine, queries, strict=True)
        ]
    return cases


def _look(encoder: Encoder, media: Media, times: FrameTimes, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    pictures = [
        picture for _, picture in read_frames(Footage(media, times), frames.tolist(), encoder.pack.picture_shape)
    ]
    return encode(encoder, np.stack(pictures))


def encode(encoder: Encoder, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """[N, S, S, 3] → [N, D], in batches."""
    return np.concatenate([encoder.encode_images(pictures[i : i + BATCH]) for i in range(0, len(pictures), BATCH)])
