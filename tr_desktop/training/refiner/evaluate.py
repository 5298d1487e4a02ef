"""How much refinement helps, step by step, beside what needs no model and what needs no training.

A method's answer to a query is a ranked list of segments; everything else is `metrics.py`. The refiner answers once for
every step, so that the table shows what each step adds: rough, steps on the index, the first look, the second look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tr_desktop.confidence import Edge, edge
from tr_desktop.refine import looks, pipeline
from tr_desktop.refine.learned import Refiner
from tr_desktop.refine.pipeline import IndexedFrames, Query, Step
from tr_desktop.training import metrics
from tr_desktop.training.refiner.compose import TAKES, ComposedExample, Composer
from tr_desktop.training.refiner.sources import Sources

ScoredSegment = tuple[float, float, float]  # start_s, end_s, score
MAX_SEGMENTS = 5
INDEX_STEPS = 2
EXACT = "second look, exact frame"


@dataclass(frozen=True)
class Case:
    """One query about one video, as the index and, for looking closer, the file itself give it.

    windows_s: true windows; none: the query occurs nowhere. is_hard: whether each window's edges are hard cuts. frames:
    [T] indexed frame numbers; vectors: [T, D]; starts_s: [frames + 1]. look: encodes any frames. group: the video, for
    the bootstrap.
    """

    group: str
    query_vector: npt.NDArray[np.float32]
    windows_s: Sequence[tuple[float, float]]
    is_hard: Sequence[tuple[bool, bool]]
    frames: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.floating]
    starts_s: npt.NDArray[np.float64]
    step_s: float
    look: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.floating]]

    @property
    def duration_s(self) -> float:
        return float(self.starts_s[-1])


@dataclass
class Answers:
    """One method's answers, query by query. chains: for the refiner, all steps of the first answer."""

    name: str
    ranked: list[list[ScoredSegment]] = field(default_factory=list)


@dataclass
class RefinerAnswers:
    """The refiner's answers at every step; chains: every step of each case's best answer, on frame boundaries; edges:
    the words for its last step."""

    by_step: list[Answers]
    chains: list[list[Step]] = field(default_factory=list)
    edges: list[tuple[Edge, Edge]] = field(default_factory=list)
    frames_read: list[int] = field(default_factory=list)


def composed_cases(
    sources: Sources,
    count: int,
    seed: int,
    fps: float,
    duration_s: tuple[float, float],
    takes: float = TAKES,
    misunderstood: float = 0.0,
    is_shown: bool = False,
) -> list[Case]:
    """`count` cases composed from `sources`, the same for the same seed whatever `fps` their index has.

    is_shown: queries are the mean of what the moment shows instead of words: what an encoder would make of them that
    understood every word.
    """
    composer = Composer(sources, seed, duration_s, takes, misunderstood)
    cases = [_composed_case(composer.example(), str(number), fps) for number in range(count)]
    return [_shown(case) for case in cases] if is_shown else cases


def _shown(case: Case) -> Case:
    starts = case.starts_s[:-1]
    frames = [np.flatnonzero((starts >= start) & (starts < end))[::5] for start, end in case.windows_s]
    if not frames:
        return case
    mean = case.look(np.concatenate(frames)).astype(np.float32).mean(0)
    return replace(case, query_vector=mean / np.linalg.norm(mean))


def _composed_case(example: ComposedExample, group: str, fps: float) -> Case:
    video = example.video
    frames = video.index_frames(fps)
    return Case(
        group=group,
        query_vector=example.query_vector,
        windows_s=example.windows_s,
        is_hard=example.is_hard,
        frames=frames,
        vectors=video.vectors(frames),
        starts_s=np.arange(video.frames + 1) / video.rate_fps,
        step_s=1 / fps,
        look=video.vectors,
    )


def answer_with_refiner(
    refiner: Refiner,
    cases: Sequence[Case],
    background: npt.NDArray[np.float32],
    steps: int = INDEX_STEPS,
) -> RefinerAnswers:
    """What `--steps` 0, 1, … would answer to every case; the first answer is looked at more closely."""
    names = ["rough", *(f"step {k} (index)" for k in range(1, steps + 1)), "first look", EXACT]
    out = RefinerAnswers([Answers(name) for name in names])
    for case in cases:
        frames, query = _frames_of(case), Query(case.query_vector, background)
        chains = pipeline.refine_on_index(refiner, frames, query, steps, MAX_SEGMENTS)
        rough = [(c[0].start_s, c[0].end_s, 1 / (rank + 1)) for rank, c in enumerate(chains[:MAX_SEGMENTS])]
        out.by_step[0].ranked.append(rough)
        for step in range(1, steps + 1):
            ranked = [(c[step].start_s, c[step].end_s, c[step].score) for c in chains]
            out.by_step[step].ranked.append(sorted(ranked, key=lambda s: -s[2]))
        best, *rest = sorted(chains, key=lambda c: -c[-1].score)
        others = [(c[-1].start_s, c[-1].end_s, c[-1].score) for c in rest]
        kept = (best[-1].start_s, best[-1].end_s)
        found = pipeline.look_closer(refiner, frames, query, case.starts_s, kept, case.look)
        start_s, end_s = (float(case.starts_s[frame]) for frame in (found.start_frame, found.end_frame))
        looks = [found.steps[0], replace(found.steps[1], start_s=start_s, end_s=end_s)]
        for answers, look in zip(out.by_step[-2:], looks, strict=True):
            answers.ranked.append([(look.start_s, look.end_s, best[-1].score), *others])
        out.chains.append([_on_frames(case, step) for step in [*best, *looks]])
        is_exact = (
            found.start_is_cut or found.start_frame == 0,
            found.end_is_cut or found.end_frame == len(case.starts_s) - 1,
        )
        trust = (found.steps[1].start_confidence, found.steps[1].end_confidence)
        out.edges.append((edge(trust[0], is_exact[0]), edge(trust[1], is_exact[1])))
        out.frames_read.append(found.frames_read)
    return out


def _on_frames(case: Case, step: Step) -> Step:
    """As `find` shows it: both edges on the nearest frame boundaries."""
    start, end = pipeline.on_boundaries(case.starts_s, (step.start_s, step.end_s))
    return replace(step, start_s=float(case.starts_s[start]), end_s=float(case.starts_s[end]))


def answer_without_training(cases: Sequence[Case], prior: tuple[float, float], steps: int = 3) -> list[Answers]:
    """Whole video, its middle half, the constant prior (shares of the duration), best window, training-free steps."""
    whole, centre, constant, window, free = (
        Answers(name) for name in ("whole video", "centre half", "constant prior", "best window", "training-free steps")
    )
    for case in cases:
        d = case.duration_s
        whole.ranked.append([(*metrics.whole_video(d), 1.0)])
        centre.ranked.append([(*metrics.centre_half(d), 1.0)])
        constant.ranked.append([(prior[0] * d, prior[1] * d, 1.0)])
        edges, query = _sample_edges(case), Query(case.query_vector, case.vectors[:0])
        chains = pipeline.refine_without_training(_frames_of(case), query, steps, MAX_SEGMENTS)
        for answers, at in ((window, 0), (free, -1)):
            ranked = [(edges[chain[at].start], edges[chain[at].end], 1 / (n + 1)) for n, chain in enumerate(chains)]
            answers.ranked.append(ranked)
    return [whole, centre, constant, window, free]


def _frames_of(case: Case) -> IndexedFrames:
    edges = _sample_edges(case)
    return IndexedFrames(
        vectors=case.vectors.astype(np.float32),
        times_s=case.starts_s[case.frames],
        step_s=case.step_s,
        duration_s=case.duration_s,
        boundary_s=lambda row: edges[row],
    )


def _sample_edges(case: Case) -> list[float]:
    """When each indexed frame takes over from the one before it: half-way; the file's ends at the ends. [T + 1]"""
    shown = case.starts_s[case.frames]
    return [0.0, *((shown[1:] + shown[:-1]) / 2).tolist(), case.duration_s]


def table(cases: Sequence[Case], methods: Sequence[Answers], rate_fps: float) -> list[str]:
    """One Markdown row for each method over the cases that have an answer, with 95 % bootstrap intervals.

    rate_fps: what seconds are turned to frames with, for the edge errors of hits (tIoU ≥ 0.5).
    """
    kept = [n for n, case in enumerate(cases) if case.windows_s]
    truths = [cases[n].windows_s for n in kept]
    lines = [
        "| method | R1@0.3 | R1@0.5 | R1@0.7 | R1@0.9 | mIoU | mAP | start error p50 / p90 | end error p50 / p90 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for answers in methods:
        ranked = [answers.ranked[n] for n in kept]
        iou = np.array([metrics.best_iou(r[0], t) for r, t in zip(ranked, truths, strict=True)])
        groups = _grouped(iou, [cases[n].group for n in kept])
        shares = []
        for threshold in metrics.R1_THRESHOLDS:
            share = metrics.recall_at_1(iou, (threshold,))[threshold]
            low, high = metrics.bootstrap_interval([g >= threshold for g in groups], resamples=400)
            shares.append(f"{share:.1f} [{100 * low:.0f}, {100 * high:.0f}]")
        low, high = metrics.bootstrap_interval(groups, resamples=400)
        precision = float(np.mean([*metrics.mean_average_precision(ranked, truths).values()]))
        errors = [_edge_error(ranked, truths, iou, side, rate_fps) for side in (0, 1)]
        shares.append(f"{100 * iou.mean():.1f} [{100 * low:.0f}, {100 * high:.0f}]")
        lines.append(f"| {answers.name} | {' | '.join([*shares, f'{precision:.1f}', *errors])} |")
    return lines


def _edge_error(
    ranked: Sequence[list[ScoredSegment]],
    truths: Sequence[Sequence[tuple[float, float]]],
    iou: metrics.Array,
    side: int,
    rate: float,
) -> str:
    pairs = [(r[0][side], _matched(r[0], t)[side]) for r, t, i in zip(ranked, truths, iou, strict=True) if i >= 0.5]
    error = metrics.edge_errors([p[0] for p in pairs], [p[1] for p in pairs])
    return f"{error.median:.2f} / {error.p90:.2f} s ({error.median * rate:.0f} / {error.p90 * rate:.0f} fr)"


def _matched(segment: ScoredSegment, windows: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return windows[int(np.argmax(metrics.temporal_iou(segment[:2], np.array(windows))))]


def _grouped(values: metrics.Array, names: Sequence[str]) -> list[metrics.Array]:
    groups: dict[str, list[float]] = {}
    for value, name in zip(values, names, strict=True):
        groups.setdefault(name, []).append(float(value))
    return [np.array(group) for group in groups.values()]


@dataclass(frozen=True)
class Findings:
    """What the table doesn't say. no_loss: share of steps after which tIoU isn't lower than before. hard_median,
    hard_p90: edge error at hard cuts of hits, frames. quality_ece, edge_ece: calibration of the last step.
    false_confident: share of queries that occur nowhere and are answered with score ≥ 0.5. frames_read: most frames
    decoded for one answer.
    """

    no_loss: float
    hard_median: float
    hard_p90: float
    hard_edges: int
    quality_ece: float
    edge_ece: float
    false_confident: float
    confident: float
    frames_read: int
    gain_miou: float


def edge_table(cases: Sequence[Case], answers: RefinerAnswers) -> list[str]:
    """One Markdown row for each word for edges: how near the edges of hits (tIoU ≥ 0.5) are to the true ones, in %."""
    errors: dict[Edge, list[tuple[int, float]]] = {word: [] for word in Edge}
    for case, ranked, words in zip(cases, answers.by_step[-1].ranked, answers.edges, strict=True):
        if metrics.best_iou(ranked[0], case.windows_s) >= 0.5:
            window = _matched(ranked[0], case.windows_s)
            for word, ours, true in zip(words, ranked[0], window, strict=False):
                frames = abs(looks.nearest_boundary(case.starts_s, ours) - looks.nearest_boundary(case.starts_s, true))
                errors[word].append((frames, abs(ours - true)))
    lines = ["| edges of hits | count | within 1 frame | 0.1 s | 0.5 s |", "|---|---|---|---|---|"]
    every = [each for found in errors.values() for each in found]
    for name, found in (*((word.value, errors[word]) for word in Edge), ("all", every)):
        near = [[frames <= 1, error_s <= 0.1, error_s <= 0.5] for frames, error_s in found]
        shares = [f"{100 * share:.0f}" for share in np.mean(near, axis=0)] if near else ["–"] * 3
        lines.append(f"| {name} | {len(found)} | {' | '.join(shares)} |")
    return lines


@dataclass
class Judged:
    """What the last steps said of themselves and what was so. score, right: [N], tIoU ≥ 0.5; trust, near: [2 N], edges
    within half a second of the truth."""

    score: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    trust: list[float] = field(default_factory=list)
    near: list[bool] = field(default_factory=list)


def judged(cases: Sequence[Case], answers: RefinerAnswers) -> Judged:
    """See Judged."""
    found = Judged()
    for case, chain, ranked in zip(cases, answers.chains, answers.by_step[-1].ranked, strict=True):
        final = ranked[0]
        iou = metrics.best_iou(final, case.windows_s)
        window = _matched(final, case.windows_s) if case.windows_s else (np.nan, np.nan)
        found.score.append(final[2])
        found.right.append(iou >= 0.5)
        found.trust += [chain[-1].start_confidence, chain[-1].end_confidence]
        found.near += [iou > 0 and abs(final[side] - window[side]) <= 0.5 for side in (0, 1)]
    return found


def findings(cases: Sequence[Case], answers: RefinerAnswers) -> Findings:
    """See Findings."""
    said = judged(cases, answers)
    kept_steps, hard = [], []
    for number, (case, chain) in enumerate(zip(cases, answers.chains, strict=True)):
        final = answers.by_step[-1].ranked[number][0]
        if not case.windows_s:
            continue
        path = [metrics.best_iou((s.start_s, s.end_s), case.windows_s) for s in chain]
        kept_steps += [b >= a - 1e-6 for a, b in pairwise(path)]
        window = _matched(final, case.windows_s)
        if said.right[number] and case.is_hard:
            which = list(case.windows_s).index(window)
            frames = [looks.nearest_boundary(case.starts_s, edge) for edge in (*final[:2], *window)]
            hard += [abs(frames[side] - frames[side + 2]) for side in (0, 1) if case.is_hard[which][side]]
    nowhere = np.array([not case.windows_s for case in cases])
    confident = np.array(said.score) >= 0.5
    error = metrics.edge_errors(hard, np.zeros(len(hard)))
    ious = [
        [metrics.best_iou(a.ranked[n][0], c.windows_s) for n, c in enumerate(cases) if c.windows_s]
        for a in (answers.by_step[0], answers.by_step[-1])
    ]
    return Findings(
        no_loss=float(np.mean(kept_steps)),
        hard_median=error.median,
        hard_p90=error.p90,
        hard_edges=error.count,
        quality_ece=metrics.expected_calibration_error(said.score, said.right),
        edge_ece=metrics.expected_calibration_error(said.trust, said.near),
        false_confident=float(confident[nowhere].mean()) if nowhere.any() else float("nan"),
        confident=float(confident[~nowhere].mean()),
        frames_read=max(answers.frames_read),
        gain_miou=100 * float(np.mean(ious[1]) - np.mean(ious[0])),
    )


def calibration(cases: Sequence[Case], chains: Sequence[Sequence[Step]]) -> npt.NDArray[np.float64]:
    """Scale and shift [2, 2] of the log-odds of the score and of the edges' confidence under which they are honest.

    Platt scaling (1999) on answers of an uncalibrated refiner to composed queries: what reaches tIoU 0.5, which edges
    are near the truth. chains: every step of each case's best answer.
    """
    score, right, trust, near = [], [], [], []
    for case, chain in zip(cases, chains, strict=True):
        for step in (chain[-3], chain[-1]):
            segment = (step.start_s, step.end_s, step.score)
            iou = metrics.best_iou(segment, case.windows_s)
            window = _matched(segment, case.windows_s) if case.windows_s else (np.nan, np.nan)
            if step is chain[-3]:  # the score that counts is that of the last step on the index
                score.append(step.score)
                right.append(iou >= 0.5)
            trust += [step.start_confidence, step.end_confidence]
            near += [iou > 0 and abs(edge - true) <= 0.5 for edge, true in zip(segment, window, strict=False)]
    return np.array([_platt(score, right), _platt(trust, near)])


def _platt(chance: Sequence[float], happened: Sequence[bool]) -> tuple[float, float]:
    """Logistic regression of `happened` on the logit of `chance`, by Newton's method with a little ridge."""
    sure = np.clip(chance, 1e-4, 1 - 1e-4)
    x = np.stack([np.log(sure / (1 - sure)), np.ones(len(sure))], 1)
    y, prior = np.array(happened, np.float64), np.array([1.0, 0.0])

    def loss(w: metrics.Array) -> float:
        return float(np.sum(np.logaddexp(0, x @ w) - y * (x @ w)) + np.sum((w - prior) ** 2) / 2)

    w = prior
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (p - y) + w - prior
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.eye(2), gradient)
        while loss(w - step) > loss(w) and np.abs(step).max() > 1e-9:  # never uphill
            step = step / 2
        w = w - step
    return float(w[0]), float(w[1])
