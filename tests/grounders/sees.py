"""A model that sees which colour a picture has, and is as exact as the pictures allow."""

from __future__ import annotations

import numpy as np

from tests.grounders.model_server import Request
from tests.toy import COLOURS


class Sees:
    """Answers about one colour, for a `ModelServer`; an edge is half-way between two pictures."""

    def __init__(self, colour: str) -> None:
        self._colour = colour

    def is_there(self, request: Request) -> list[bool]:
        means = np.array([picture.reshape(-1, 3).mean(axis=0) for picture in request.pictures])
        nearest = np.abs(means[:, None] - np.array(list(COLOURS.values()))).sum(axis=2).argmin(axis=1)
        return [list(COLOURS)[index] == self._colour for index in nearest]

    def answer(self, request: Request) -> list[str]:
        shown, times_s = self.is_there(request), list(map(float, request.times_s))
        if not any(shown):
            return ["[]"]
        first, last = shown.index(True), len(shown) - 1 - shown[::-1].index(True)
        start_s = 0.0 if first == 0 else (times_s[first - 1] + times_s[first]) / 2
        end_s = times_s[-1] + 1 if last == len(shown) - 1 else (times_s[last] + times_s[last + 1]) / 2
        return [f"[[{start_s:.3f}, {end_s:.3f}]]"]

    def presence(self, request: Request) -> float:
        return 0.9 if any(self.is_there(request)) else 0.1
