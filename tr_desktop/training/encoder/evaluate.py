"""How well a pack sees: footage first, then pictures, clips and labels; every figure with a bootstrap interval.

- Which file: a query's similarity to a file is the mean of its three best frames; queries that
  several files could answer are included. Queries that occur nowhere in their file are not.
- Best window: the rough answer of the app, the window that stands out most from the rest of the file.
- Text to picture on the 1,000 test pictures of Flickr8k with all five captions (Hodosh et al. 2013; Karpathy's split).
- Labels: every name that is some validation picture's specific label competes; a hit names any label of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.refine.rough import rough_segments
from tr_desktop.training.annotations import Annotation, read_footage
from tr_desktop.training.encoder.corpus import Picture, read_corpus
from tr_desktop.training.encoder.plan import left_out_labels
from tr_desktop.training.encoder.views import centre_view
from tr_desktop.training.metrics import best_iou

BEST_FRAMES = 3
BATCH = 32
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Figure:
    """A percentage with its 95 % bootstrap interval over `count` queries."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:5.1f}  [{self.low:.1f}, {self.high:.1f}]  n={self.count}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def figure(hits: Sequence[float] | NDArray[Any]) -> Figure:
    """100 x the mean of `hits`, resampled 1,000 times with a fixed seed."""
    values = 100.0 * np.asarray(hits, np.float64)
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (1000, len(values)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Figure(float(values.mean()), float(low), float(high), len(values))


def evaluate_encoder(model: str, footage: Path | None, data: Path | None, device: str = "auto") -> dict[str, Figure]:
    """All figures that the given folders allow, by name."""
    encoder = Encoder(load_pack(model), device)
    found: dict[str, Figure] = {}
    if footage is not None:
        found |= on_footage(encoder, footage)
    if data is not None:
        pictures = read_corpus(data)
        found |= on_pictures(encoder, pictures, left_out_labels(pictures))
    return found


# Footage


@dataclass(frozen=True)
class SampledVideo:
    """A file's vectors [T,D] and when each of its frames is shown, seconds [T]; its length."""

    vectors: Array
    times_s: NDArray[np.float64]
    duration_s: float


def sample_video(encoder: Encoder, path: Path) -> SampledVideo:
    """Index one file as the app does, in memory."""
    sampler = Sampler(probe(path), 1 / encoder.pack.sample_fps, encoder.pack.picture_shape)
    squares, ticks = [], []
    for frame in sampler:
        squares.append(frame.picture)
        ticks.append(frame.tick)
    times = np.array([float(tick * sampler.times.tick_s) for tick in ticks])
    return SampledVideo(encode(encoder, squares), times, float(sampler.times.duration_s))


def encode(encoder: Encoder, squares: Sequence[NDArray[np.uint8]]) -> Array:
    """Pictures [S,S,3] to vectors [N,D], in batches."""
    return np.concatenate(
        [encoder.encode_images(np.stack(squares[at : at + BATCH])) for at in range(0, len(squares), BATCH)]
    )


def on_footage(encoder: Encoder, footage: Path) -> dict[str, Figure]:
    """Which-file retrieval and the best window over annotated footage, beside whole video and centre half."""
    queries = read_footage(footage / "annotations.jsonl")
    files = sorted({q.video for q in queries})
    watched = {name: sample_video(encoder, footage / name) for name in files}
    return score_footage(queries, watched, encoder.encode_text([q.query for q in queries]))


def score_footage(queries: Sequence[Annotation], watched: dict[str, SampledVideo], vectors: Array) -> dict[str, Figure]:
    """The figures from indexed files and the queries' vectors [Q,D]."""
    files = sorted(watched)
    ranks, kinds, windows, wholes, centres = [], [], [], [], []
    for query, vector in zip(queries, vectors, strict=True):
        if not query.windows:
            continue
        scores = [np.sort(watched[name].vectors @ vector)[-BEST_FRAMES:].mean() for name in files]
        kinds.append(query.kind)
        ranks.append(int(np.argsort(scores)[::-1].tolist().index(files.index(query.video))))
        if query.whole:
            continue
        item = watched[query.video]
        windows.append(best_iou(best_window(item, item.vectors @ vector), query.windows))
        wholes.append(best_iou((0.0, item.duration_s), query.windows))
        centres.append(best_iou((0.25 * item.duration_s, 0.75 * item.duration_s), query.windows))
    place = np.array(ranks)
    found = {f"footage, which file R@{k}": figure(place < k) for k in (1, 5)}
    for kind in sorted(set(kinds) - {""}):
        mine = place[np.array(kinds) == kind]
        found |= {f"footage, {kind}: which file R@{k}": figure(mine < k) for k in (1, 5)}
    for name, ious in (("best window", windows), ("whole video", wholes), ("centre half", centres)):
        for threshold in (0.3, 0.5, 0.7):
            found[f"footage, {name} R1@{threshold}"] = figure(np.array(ious) >= threshold)
        found[f"footage, {name} mIoU"] = figure(ious)
    return found


def best_window(item: SampledVideo, curve: Array) -> tuple[float, float]:
    """Start and end in seconds of the window that stands out most."""
    place = rough_segments(curve, 1)[0]
    ends = np.append(item.times_s, item.duration_s)
    return float(ends[place[0]]), float(ends[place[1]])


# Pictures


def on_pictures(encoder: Encoder, pictures: Sequence[Picture], left_out: frozenset[str]) -> dict[str, Figure]:
    """Flickr8k's test pictures, the validation clips, all labels and the left-out ones."""
    flickr = [p for p in pictures if p.source == "flickr8k" and p.split == "test"]
    clips = [p for p in pictures if p.clip and p.split == "val"]
    old, kept = ([p for p in clips if (p.source == "clip-frames") == is_kept] for is_kept in (False, True))
    labelled = [p for p in pictures if p.labels and p.split == "val"]
    return {
        **_flickr(encoder, flickr),
        **_clips(encoder, "val clips", old),
        **_clips(encoder, "val clips kept as frames", kept),
        **_labels(encoder, labelled, left_out),
    }


def _squares(encoder: Encoder, pictures: Sequence[Picture]) -> Array:
    return encode(encoder, [centre_view(p.pixels(), encoder.pack.input_px) for p in pictures])


def _texts(encoder: Encoder, texts: Sequence[str]) -> Array:
    return np.concatenate([encoder.encode_text(list(texts[at : at + 64])) for at in range(0, len(texts), 64)])


def _flickr(encoder: Encoder, pictures: Sequence[Picture]) -> dict[str, Figure]:
    images = _squares(encoder, pictures)
    captions = [(c, n) for n, p in enumerate(pictures) for c in p.human]
    place = _rank(_texts(encoder, [c for c, _ in captions]) @ images.T, np.array([n for _, n in captions]))
    return {f"Flickr8k test, text to picture R@{k}": figure(place < k) for k in (1, 5, 10)}


def _clips(encoder: Encoder, what: str, frames: Sequence[Picture]) -> dict[str, Figure]:
    if not frames:
        return {}
    names = sorted({p.clip for p in frames})
    images = _squares(encoder, frames)
    clips = np.stack([images[[n for n, p in enumerate(frames) if p.clip == name]].mean(0) for name in names])
    clips /= np.linalg.norm(clips, axis=1, keepdims=True)
    captions = sorted({(c, names.index(p.clip)) for p in frames for c in p.captions})
    place = _rank(_texts(encoder, [c for c, _ in captions]) @ clips.T, np.array([n for _, n in captions]))
    return {f"{what} ({len(names)}), text to clip R@{k}": figure(place < k) for k in (1, 5)}


def _labels(encoder: Encoder, pictures: Sequence[Picture], left_out: frozenset[str]) -> dict[str, Figure]:
    names = sorted({p.labels[0] for p in pictures})
    prompts = _texts(encoder, [f"a photo of a {name}" for name in names])
    scores = _squares(encoder, pictures) @ prompts.T
    hits = np.array([[name in p.labels for name in names] for p in pictures])
    ordered = np.take_along_axis(hits, np.argsort(-scores, 1), 1)
    unseen = np.array([p.labels[0] in left_out for p in pictures])
    found = {}
    for k in (1, 5):
        hit = np.asarray(ordered[:, :k].any(1))
        found[f"labels ({len(names)}) top-{k}"] = figure(hit)
        if unseen.any():
            found[f"left-out labels top-{k}"] = figure(hit[unseen])
    return found


def _rank(scores: Array, right: NDArray[np.int64]) -> NDArray[np.int64]:
    own = scores[np.arange(len(scores)), right][:, None]
    return np.asarray((scores > own).sum(1))
