"""Queries that no footage answers: random letters, known words in no order, and things that no video shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

MOST_WORDS = 6  # of a salad
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WHO = (
    "a purple elephant",
    "a knight in armour",
    "a zebra",
    "a robot chef",
    "a mermaid",
    "a green polar bear",
    "a ghost",
)
_WHAT = ("playing the accordion", "fighting a dragon", "ironing a piano", "reading to penguins", "juggling planets")
_WHERE = ("on the moon", "under water", "inside a volcano", "in outer space", "on the back of a whale")


def nonsense(words: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` queries, a third of each kind. words: to make the salad of, beside those of the third kind if
    they are few."""
    rng = np.random.default_rng(seed)
    letters, salad = count // 3, count // 3
    impossible = [" ".join(parts) for parts in product(_WHO, _WHAT, _WHERE)]
    known = set(words)
    if len(known) < MOST_WORDS:
        known |= {word for query in impossible for word in query.split()}
    vocabulary = np.array(sorted(known))
    return [
        *(" ".join(_letters(rng) for _ in range(rng.integers(1, 5))) for _ in range(letters)),
        *(" ".join(rng.choice(vocabulary, int(rng.integers(3, MOST_WORDS + 1)), replace=False)) for _ in range(salad)),
        *rng.choice(impossible, count - letters - salad, replace=False).tolist(),
    ]


def _letters(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(_LETTERS), int(rng.integers(3, 9))))
