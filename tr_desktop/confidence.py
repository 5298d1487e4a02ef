"""What scores and edges are called: the one place that decides, for the command line, the app and exports."""

from __future__ import annotations

from enum import Enum

from tr_desktop.moments import Moment, RefineStep, StepSource

SCORE_MEANS = "the chance that this moment is right among all that was searched"
# Of the moments with at least this score, more than three in four are right.
STRONG = 0.75
# Of the edges of right moments that are on no cut, five in six are within half a second of the true one on footage from
# this confidence on, and one in three below it (docs/experiments-refiner.md, 2026-11-30).
SOFT = 0.7


class Level(Enum):
    """How far a moment can be believed. Values as they are said in English."""

    STRONG = "strong"
    LIKELY = "likely"  # confident: more often right than wrong
    GUESS = "guess"


class Edge(Enum):
    """How far an edge of a moment can be believed. Values as they are said in English."""

    EXACT = "exact cut"  # on a hard cut that was found on single frames, or at an end of the file
    SOFT = "soft"  # no cut: the change is gradual, or inside a take
    CHECK = "check"  # the editor should have a look


Edges = tuple[Edge | None, Edge | None]
"""The words for a start and an end; None for an edge that needs none."""


def level(moment: Moment) -> Level:
    """How far `moment` can be believed."""
    if not moment.confident:
        return Level.GUESS
    return Level.STRONG if round(moment.score, 2) >= STRONG else Level.LIKELY  # as the number is shown


def edges(moment: Moment, step: RefineStep | None = None) -> Edges:
    """How far both edges of a step can be believed; of the kept one if none is given.

    An edge has no word if an editor set it, if it is from subtitles, or if the moment goes on there in the next file.
    """
    step = step or moment.refinement.kept
    if moment.quote is not None and moment.quote.is_speech:
        return None, None
    goes_on = moment.continued and step.segment.end_frame == len(moment.footage)
    return (
        _edge_of(step, step.start_confidence, step.start_is_exact),
        None if goes_on else _edge_of(step, step.end_confidence, step.end_is_exact),
    )


def edge(confidence: float, is_exact: bool) -> Edge:
    """How far an edge that a refiner found can be believed."""
    if is_exact:
        return Edge.EXACT
    return Edge.SOFT if confidence >= SOFT else Edge.CHECK


def _edge_of(step: RefineStep, confidence: float | None, is_exact: bool) -> Edge | None:
    is_set_by_hand = step.by is StepSource.HAND and confidence == 1
    return None if confidence is None or is_set_by_hand else edge(confidence, is_exact)
