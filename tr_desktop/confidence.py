"""What a score is called: the one place that decides, for the command line, the app and exports."""

from __future__ import annotations

from enum import Enum

from tr_desktop.moments import Moment

# Of the moments with at least this score, more than three in four are right.
STRONG = 0.75


class Level(Enum):
    """How far a moment can be believed. Values as they are said in English."""

    STRONG = "strong"
    LIKELY = "likely"  # confident: more often right than wrong
    GUESS = "guess"


def level(moment: Moment) -> Level:
    """How far `moment` can be believed."""
    if not moment.confident:
        return Level.GUESS
    return Level.STRONG if moment.score >= STRONG else Level.LIKELY
