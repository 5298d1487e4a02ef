"""What a grounder learns to write: the text of an answer in each format, as `answers.py` reads it.

span     The event happens in 12.5 - 17.8 seconds.
digits   the same times as VTG-LLM writes them, "0012.5 - 0017.8 seconds", in eleven tokens of its own
anchors  <think> with two segments, each nearer than the last </think> and an <answer> (TAR-TVG's form, Time-R1's tags)
refine   TimeRefine (arXiv 2412.09601): a rough segment and the offsets from there to the truth, four times

The rough segments of `refine` are noise around the truth, and each is drawn anew: a step doesn't start where the step
before it ended. That is how the published data was made. The wording and the noise of `anchors` are ours: TAR-TVG's
model writes its own, and only a model that can't write the form yet learns these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from tr_desktop.grounders.video_llm.answers import TIME_TOKENS, AnswerKind
from tr_desktop.training.metrics import soft_iou

SIGMAS_S = (5.0, 3.0, 1.0, 0.0)
"""Noise of TimeRefine's rough segments, standard deviations in seconds."""
ANCHOR_SIGMAS_S = (3.0, 1.0)

OFFSET = "<OFFSET>"
NEW_TOKENS: Mapping[AnswerKind, tuple[str, ...]] = {
    AnswerKind.REFINE: ("<SEG_START>", "<SEG_END>", "<RETHINK>", OFFSET),
    AnswerKind.DIGITS: tuple(TIME_TOKENS),
}
"""Tokens that a format adds to the model's vocabulary."""
LONGEST_DIGITS_S = 9999.9

Segment = tuple[float, float]  # start_s, end_s from the window's start


def answer_text(
    kind: AnswerKind, truth: Segment, length_s: float, rng: Random, sigmas_s: Sequence[float] = SIGMAS_S
) -> str:
    """The answer `truth` about a window of length_s seconds. rng, sigmas_s: for the noise of `refine`.

    Raises ValueError for a format that isn't trained here.
    """
    match kind:
        case AnswerKind.SPAN:
            start, end = _written(truth, 1)
            return f"The event happens in {start} - {end} seconds."
        case AnswerKind.DIGITS:
            start, end = (_as_tokens(time) for time in _written(truth, 1))
            return f"{start} - {end} seconds"
        case AnswerKind.ANCHORS:
            return _anchors(truth, length_s, rng)
        case AnswerKind.REFINE:
            return _refine(truth, length_s, rng, sigmas_s)
    raise ValueError(f"{kind.value} isn't a format to train")


def rough_segment(truth: Segment, length_s: float, sigma_s: float, rng: Random, *, encloses: bool) -> Segment:
    """`truth` with normal noise on both edges, in order and inside the window. encloses: it contains the truth."""
    if sigma_s == 0:
        return truth
    while True:
        start_s, end_s = sorted(rng.gauss(edge_s, sigma_s) for edge_s in truth)
        start_s, end_s = max(start_s, 0.0), min(end_s, length_s)
        if start_s <= end_s and (not encloses or (start_s <= truth[0] and end_s >= truth[1])):
            return start_s, end_s


def _refine(truth: Segment, length_s: float, rng: Random, sigmas_s: Sequence[float]) -> str:
    steps = []
    for number, sigma_s in enumerate(sigmas_s):
        rough = rough_segment(truth, length_s, sigma_s, rng, encloses=True)
        start, end = (_hundredths(edge_s, length_s) for edge_s in rough)
        by_start, by_end = (
            _offset(to_s - from_s, length_s) for from_s, to_s in zip(rough, truth, strict=True)
        )  # fmt: skip
        mark = "<RETHINK>" if number else "<SEG_START>"
        steps.append(f"{mark} {start} to {end} {OFFSET} {by_start} and {by_end}")
    return f"From {' '.join(steps)} <SEG_END>."


def _hundredths(time_s: float, length_s: float) -> str:
    return f"{min(round(100 * time_s / length_s), 99):02d}"


def _offset(by_s: float, length_s: float) -> str:
    return ("+" if by_s >= 0 else "-") + _hundredths(abs(by_s), length_s)


def _anchors(truth: Segment, length_s: float, rng: Random) -> str:
    drawn: list[Segment] = []
    while len(drawn) < len(ANCHOR_SIGMAS_S):
        drawn = [
            anchor
            for sigma_s in ANCHOR_SIGMAS_S
            if (anchor := rough_segment(truth, length_s, sigma_s, rng, encloses=False))[1] - anchor[0] >= 0.01
        ]
    drawn.sort(key=lambda anchor: float(soft_iou(anchor, truth)))
    first, second = (" to ".join(_written(anchor, 2)) for anchor in drawn)
    start, end = _written(truth, 2)
    return (
        f"<think>It may be <timestep>{first}</timestep>. Rather <timestep>{second}</timestep>.</think>"
        f"<answer>{start} to {end}</answer>"
    )


def _written(segment: Segment, decimals: int) -> tuple[str, str]:
    """Both edges in seconds; the end is at least one unit after the start."""
    unit = 10**decimals
    start, end = (round(edge_s * unit) for edge_s in segment)
    end = max(end, start + 1)
    return f"{start / unit:.{decimals}f}", f"{end / unit:.{decimals}f}"


def _as_tokens(time: str) -> str:
    """12.5 as 0012.5, a token each."""
    tokens = {character: token for token, character in TIME_TOKENS.items()}
    return "".join(tokens[character] for character in time.zfill(6))
