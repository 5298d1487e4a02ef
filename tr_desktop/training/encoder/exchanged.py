"""Captions with one word exchanged for another of its kind: negatives that differ in one attribute.

A picture of a red car is nearer to "a blue car" than to most sentences, so random negatives don't teach the colour.
"""

from __future__ import annotations

import re
import zlib

import numpy as np

_KINDS = (
    ("red", "blue", "green", "yellow", "black", "white", "brown", "orange", "pink", "purple", "gray"),
    ("one", "two", "three", "four", "five", "six"),
    ("left", "right"),
    ("man", "woman"),
    ("men", "women"),
    ("boy", "girl"),
    ("boys", "girls"),
    ("large", "small"),
    ("big", "little"),
    ("old", "young"),
    ("day", "night"),
    ("indoors", "outdoors"),
    ("above", "below"),
    ("front", "back"),
)
_KIND_OF = {word: kind for kind in _KINDS for word in kind}
_WORDS = re.compile(rf"\b(?:{'|'.join(_KIND_OF)})\b", re.I)


def exchanged(text: str) -> str | None:
    """`text` with one such word exchanged, the same at each call; None if it has none."""
    found = list(_WORDS.finditer(text))
    if not found:
        return None
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    word = found[rng.integers(len(found))]
    others = [other for other in _KIND_OF[word[0].lower()] if other != word[0].lower()]
    return text[: word.start()] + others[rng.integers(len(others))] + text[word.end() :]
