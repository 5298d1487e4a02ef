"""Defaults of the commands, some of which training reads too. Every start of the program imports this module."""

from __future__ import annotations

PACK = "mini"  # the embedded pack: what the recipes here make
# The refiner:
ITERATIONS = 2500
TAKES = 0.5  # share of composed videos that are takes: little or no cutting, the moment happens within a shot
INDEX_FPS = (1.0, 2.0)  # rates of the index that a refiner is trained, calibrated and measured at
