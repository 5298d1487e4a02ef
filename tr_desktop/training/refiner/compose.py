"""Untrimmed videos with known moments, composed from encoded sources, to train the refiner on and to test it.

Notable choices:
- One random generator decides everything: a seed identifies a test set.
- A video is a list of shots in whole frames: its truth is exact to the frame.
- Vectors are looked up at any frame when they are needed: looking closer costs nothing.
- Sources whose captions are nearest to the query are never distractors, since they could pass for the moment.
  Look-alike pictures are.
- Half of the videos are edited: the moment is a shot. The others are takes: the moment happens within a shot, as most
  moments that people look for do, and changes part of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from tr_desktop.training import defaults
from tr_desktop.training.refiner.sources import ClipSource, Sources, Vectors

Frames = npt.NDArray[np.int64]
Window = tuple[int, int]  # frames [start, end)

RATES_FPS = (24.0, 25.0, 30.0)
DURATION_S = (10.0, 600.0)
MOMENT_S = (1.0, 40.0)
SHOT_S = (1.0, 15.0)
DISSOLVE_S = (0.3, 3.0)
DISSOLVED_JOINS = 0.25
NOWHERE = 0.12  # share of queries that occur nowhere
JUMP_CUTS = 0.15  # share of moments with a cut inside
TAKES = defaults.TAKES
TAKE_S = (6.0, 90.0)
EVENT_S = (0.7, 15.0)
EVENT_SHARE = (0.3, 0.9)  # how much of the picture an event within a take changes
ONSET_S = (0.1, 1.5)
LOOK_ALIKE = 0.3  # share of distractors that look like the moment
MISUNDERSTOOD = 0.5  # for calibration: the largest share of a query's vector that comes from another caption
NEAREST_CAPTIONS = 0.01  # share of sources too near in meaning to be distractors
# Footage of one shoot: most of its shots are near in meaning, and only what says the same is no distractor.
ONE_SHOOT_ALIKE = 0.9
ONE_SHOOT_NEAREST = 0.004


@dataclass(frozen=True)
class Shot:
    """`frames` frames of a source. offset_s: where in the source it begins. dissolve: frames over which it is blended
    with the shot before it, half of them on either side of the join; 0 is a hard cut."""

    source: ClipSource
    frames: int
    offset_s: float
    dissolve: int = 0


@dataclass(frozen=True)
class Event:
    """Something that happens within a take: frames [start, end) in which `share` of the picture is another source's,
    coming and going over `onset` frames."""

    shot: Shot
    start: int
    share: float
    onset: int

    @property
    def end(self) -> int:
        return self.start + self.shot.frames


@dataclass(frozen=True)
class Video:
    """Shots at `rate_fps`, with events over them. noise: how much consecutive frames of a still picture differ, as a
    share of their length."""

    shots: tuple[Shot, ...]
    rate_fps: float
    noise: float = 0.03
    seed: int = 0
    events: tuple[Event, ...] = ()

    @cached_property
    def starts(self) -> Frames:
        """First frame of every shot, and the number of frames: [S + 1]."""
        return np.array([0, *accumulate(shot.frames for shot in self.shots)], np.int64)

    @property
    def frames(self) -> int:
        return int(self.starts[-1])

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_fps

    def index_frames(self, fps: float) -> Frames:
        """The frames on screen at every 1/fps seconds."""
        return np.unique((np.arange(0, self.duration_s, 1 / fps) * self.rate_fps).astype(np.int64))

    def vectors(self, frames: Frames) -> Vectors:
        """The vectors of these frames: [n, D], L2-normalised. A frame has the same vector in every call."""
        numbers = np.searchsorted(self.starts, frames, side="right") - 1
        rows = np.empty((len(frames), self.shots[0].source.vectors.shape[1]), np.float32)
        for number in np.unique(numbers):
            mine = numbers == number
            rows[mine] = self._shot_rows(int(number), frames[mine])
            for joined, side in ((number - 1, number), (number + 1, number + 1)):  # blend with neighbours
                if 0 < side < len(self.shots) and self.shots[side].dissolve:
                    share = self._dissolved(int(side), frames[mine], is_next=joined > number)[:, None]
                    other = self._shot_rows(int(joined), frames[mine])
                    rows[mine] = (1 - share) * rows[mine] + share * other
        for event in self.events:
            share = self._seen(event, frames)
            near = share > 0
            happening = _source_rows(event.shot, frames[near] - event.start, self.rate_fps)
            rows[near] = (1 - share[near, None]) * rows[near] + share[near, None] * happening
        rows += self._noise_table[frames * 7919 % len(self._noise_table)]
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    @cached_property
    def _noise_table(self) -> Vectors:
        width = self.shots[0].source.vectors.shape[1]
        table = np.random.default_rng(self.seed).normal(0, self.noise / np.sqrt(width), (127, width))
        return table.astype(np.float32)

    def _dissolved(self, side: int, frames: Frames, is_next: bool) -> npt.NDArray[np.float64]:
        """How much of the shot on the other side of join `side` is seen: 0, rising to 1/2 at the join."""
        join, length = self.starts[side], self.shots[side].dissolve
        into = np.clip((frames + 0.5 - join) / length + 0.5, 0, 1)
        return np.asarray(into if is_next else 1 - into)

    def _seen(self, event: Event, frames: Frames) -> npt.NDArray[np.float64]:
        """The event's share of the picture [n]; at the video's own ends it appears and ends without a transition."""
        comes = np.clip((frames + 0.5 - event.start) / event.onset + 0.5, 0, 1)
        goes = np.clip((event.end - frames - 0.5) / event.onset + 0.5, 0, 1)
        comes = np.where(event.start == 0, 1.0, comes)
        goes = np.where(event.end >= self.frames, 1.0, goes)
        return np.asarray(event.share * np.minimum(comes, goes))

    def _shot_rows(self, number: int, frames: Frames) -> Vectors:
        return _source_rows(self.shots[number], frames - self.starts[number], self.rate_fps)


def _source_rows(shot: Shot, frames: Frames, rate_fps: float) -> Vectors:
    """The shot's vectors at `frames` after its start."""
    source, rows = shot.source, len(shot.source.vectors)
    if source.is_still:  # one camera move, as long as the shot
        place = frames / shot.frames * (rows - 1)
    else:  # forwards and back again
        turn = max(rows - 1, 1)
        at_s = np.maximum(frames / rate_fps + shot.offset_s, 0)
        place = turn - np.abs((at_s * source.fps) % (2 * turn) - turn)
    place = np.clip(place, 0, rows - 1)
    low = np.minimum(place.astype(int), max(rows - 2, 0))
    share = (place - low)[:, None]
    return np.asarray((1 - share) * source.vectors[low] + share * source.vectors[np.minimum(low + 1, rows - 1)])


@dataclass(frozen=True)
class ComposedExample:
    """A query about a composed video. windows: frames [start, end) in which it holds, in order; empty if none.

    is_hard: for each window, whether its start and its end are hard cuts (or the video's own ends).
    """

    video: Video
    query: str
    query_vector: Vectors
    windows: tuple[Window, ...]
    is_hard: tuple[tuple[bool, bool], ...]

    @property
    def windows_s(self) -> list[tuple[float, float]]:
        rate = self.video.rate_fps
        return [(start / rate, end / rate) for start, end in self.windows]


_Composed = tuple[Video, tuple[Window, ...], tuple[tuple[bool, bool], ...]]  # with the windows and which edges are hard


class Composer:
    """Makes examples from `sources`, one after the other, the same for the same seed.

    duration_s: range of the edited videos' lengths. takes: share of videos that are takes, not edits. misunderstood:
    how far a query's vector may be off, 0 … 1; encoders understand searches in real footage less well than captions.
    one_shoot: whether most distractors are near in meaning to the query, and not only some that look alike.
    """

    def __init__(
        self,
        sources: Sources,
        seed: int,
        duration_s: tuple[float, float] = DURATION_S,
        takes: float = TAKES,
        misunderstood: float = 0.0,
        one_shoot: bool = False,
    ) -> None:
        self.one_shoot = one_shoot
        self._alike = ONE_SHOOT_ALIKE if one_shoot else LOOK_ALIKE
        self.sources, self.duration_s, self.takes, self.misunderstood = sources, duration_s, takes, misunderstood
        self._rng = np.random.default_rng(seed)
        self._means = np.stack([_unit(item.vectors.mean(axis=0)) for item in sources.items])
        self._clips = [number for number, item in enumerate(sources.items) if not item.is_still]
        self._stills = [number for number, item in enumerate(sources.items) if item.is_still]
        self._captions = np.concatenate([item.captions for item in sources.items])
        self._first_caption = np.cumsum([0, *(len(item.captions) for item in sources.items[:-1])])

    def example(self) -> ComposedExample:
        rng = self._rng
        rate = float(rng.choice(RATES_FPS))
        target = int(rng.choice(self._clips if rng.random() < 0.65 and self._clips else self._stills or self._clips))
        caption = int(rng.choice(self.sources.items[target].captions))
        occurs = 0 if rng.random() < NOWHERE else int(rng.choice([1, 2, 3], p=[0.75, 0.15, 0.10]))
        compose = self._take if rng.random() < self.takes else self._edit
        video, frames, hard = compose(target, caption, occurs, rate)
        vectors, off = self.sources.caption_vectors, float(rng.uniform(0, self.misunderstood))
        query = _unit((1 - off) * vectors[caption] + off * vectors[int(rng.integers(len(vectors)))])
        return ComposedExample(video, self.sources.captions[caption], query, frames, hard)

    def _edit(self, target: int, caption: int, occurs: int, rate: float) -> _Composed:
        """Shots one after the other; the moment is a shot."""
        rng, source = self._rng, self.sources.items[target]
        duration = _log_uniform(rng, *self.duration_s)
        moments = self._moments(source, duration, occurs, rate)
        left = duration * rate - sum(sum(shot.frames for shot in shots) for shots in moments)
        gaps = self._distractors(target, caption, max(left, 2 * rate), rate, len(moments) + 1)
        shots, windows = _interleave(gaps, moments)
        joined = [self._joined(shots, number, rate) for number in range(len(shots))]
        video = Video(tuple(joined), rate, float(rng.uniform(0, 0.08)), int(rng.integers(1 << 31)))
        hard = tuple((_is_hard(joined, start), _is_hard(joined, end)) for start, end in windows)
        return video, tuple((int(video.starts[start]), int(video.starts[end])) for start, end in windows), hard

    def _take(self, target: int, caption: int, occurs: int, rate: float) -> _Composed:
        """Long shots with events, one of them the moment: no cut marks where it begins and ends."""
        rng, items = self._rng, self.sources.items
        choice, alike = self._others(target, caption)
        longest = max(min(TAKE_S[1], self.duration_s[1]), TAKE_S[0])
        frames = round(_log_uniform(rng, TAKE_S[0], longest) * rate)
        cuts = rng.integers(int(rate), frames - int(rate), size=int(rng.choice(4, p=[0.5, 0.2, 0.2, 0.1])))
        lengths = [b - a for a, b in pairwise([0, *sorted(cuts.tolist()), frames]) if b > a]
        shots = tuple(self._shot(items[int(rng.choice(choice))], length) for length in lengths)
        others = int(rng.integers(0, max(int(frames / rate / 5), 2)))
        picks = [target] * occurs + [
            int(rng.choice(alike if rng.random() < self._alike else choice)) for _ in range(others)
        ]
        picks = [picks[i] for i in rng.permutation(len(picks))]
        room = 0.85 * frames / max(len(picks), 1)
        long = [round(min(_log_uniform(rng, *EVENT_S) * rate, max(room, 0.4 * rate))) for _ in picks]
        gaps = rng.dirichlet(np.ones(len(picks) + 1)) * (frames - sum(long))
        if picks and rng.random() < 0.2:
            gaps[0 if rng.random() < 0.5 else -1] = 0
            gaps *= (frames - sum(long)) / max(gaps.sum(), 1)
        events, at = list[Event](), 0.0
        for pick, length, gap in zip(picks, long, gaps[:-1], strict=True):
            onset = max(round(min(_log_uniform(rng, *ONSET_S) * rate, length / 2)), 1)
            share = float(rng.uniform(*EVENT_SHARE))
            start = min(round(at + gap), frames - length)
            events.append(Event(self._shot(items[pick], length), start, share, onset))
            at += gap + length
        video = Video(shots, rate, float(rng.uniform(0, 0.08)), int(rng.integers(1 << 31)), tuple(events))
        windows = tuple((e.start, e.end) for e in events if e.shot.source is items[target])
        return video, windows, ((False, False),) * len(windows)

    def _moments(self, source: ClipSource, duration: float, occurs: int, rate: float) -> list[list[Shot]]:
        """Each occurrence of the moment: one shot, or two of the same thing with a cut between them."""
        rng, moments = self._rng, []
        longest = MOMENT_S[1] if source.is_still else min(3 * len(source.vectors) / source.fps, MOMENT_S[1])
        longest = max(min(longest, 0.7 * duration / max(occurs, 1)), 1.5 * MOMENT_S[0])
        for _ in range(occurs):
            frames = round(_log_uniform(rng, MOMENT_S[0], longest) * rate)
            parts = [frames]
            if frames > 3 * rate and rng.random() < JUMP_CUTS:
                parts = [first := int(rng.uniform(0.3, 0.7) * frames), frames - first]
            moments.append([self._shot(source, part) for part in parts])
        return moments

    def _distractors(self, target: int, caption: int, frames: float, rate: float, groups: int) -> list[list[Shot]]:
        """`groups` lists of shots, about `frames` frames in all; none is empty, except that the first or
        the last one sometimes is."""
        rng, items = self._rng, self.sources.items
        choice, alike = self._others(target, caption)
        shots: list[list[Shot]] = [[] for _ in range(groups)]
        filled = shots  # moments at the very start and end of a video occur too
        if groups > 1 and rng.random() < 0.3:
            filled = shots[1:] if rng.random() < 0.5 else shots[:-1]
        while frames > 0 or not all(filled):
            pick = int(rng.choice(alike if rng.random() < self._alike else choice))
            length = round(_log_uniform(rng, *SHOT_S) * rate)
            group = next((g for g in filled if not g), filled[int(rng.integers(len(filled)))])
            group.append(self._shot(items[pick], max(min(length, int(frames)), round(rate / 2))))
            frames -= group[-1].frames
        return shots

    def _others(self, target: int, caption: int) -> tuple[Frames, Frames]:
        """Sources that can't pass for the moment, and those of them that look most like it or mean most nearly it."""
        meaning = self.sources.caption_vectors @ self.sources.caption_vectors[caption]
        nearness = np.maximum.reduceat(meaning[self._captions], self._first_caption)  # of each source
        allowed = nearness < np.quantile(nearness, 1 - (ONE_SHOOT_NEAREST if self.one_shoot else NEAREST_CAPTIONS))
        allowed[target] = False
        choice = np.flatnonzero(allowed)
        if self.one_shoot:
            return choice, choice[np.argsort(-nearness[choice])[:12]]
        return choice, choice[np.argsort(-(self._means[choice] @ self._means[target]))[:12]]

    def _shot(self, source: ClipSource, frames: int) -> Shot:
        length_s = len(source.vectors) / source.fps if source.fps else 0.0
        return Shot(source, frames, float(self._rng.uniform(0, max(length_s, 1e-3))))

    def _joined(self, shots: list[Shot], number: int, rate: float) -> Shot:
        """Shot `number` with its join to the one before: a cut, or a dissolve that fits both."""
        shot = shots[number]
        if number == 0 or shots[number - 1].source is shot.source or self._rng.random() >= DISSOLVED_JOINS:
            return shot
        frames = round(_log_uniform(self._rng, *DISSOLVE_S) * rate)
        fits = min(frames, shot.frames, shots[number - 1].frames) // 2 * 2
        return Shot(shot.source, shot.frames, shot.offset_s, fits)


def _interleave(gaps: list[list[Shot]], moments: list[list[Shot]]) -> tuple[list[Shot], list[Window]]:
    """All shots in order, and the shot numbers [first, last) of each moment; moments that touch become one."""
    shots, windows = [*gaps[0]], list[Window]()
    for moment, gap in zip(moments, gaps[1:], strict=True):
        first = len(shots)
        shots += moment
        if windows and windows[-1][1] == first:
            windows[-1] = (windows[-1][0], len(shots))
        else:
            windows.append((first, len(shots)))
        shots += gap
    return shots, windows


def _is_hard(shots: list[Shot], join: int) -> bool:
    return join in (0, len(shots)) or shots[join].dissolve == 0


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(max(high, low)))))


def _unit(row: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-9), np.float32)
