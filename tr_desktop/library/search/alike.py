"""Words of a query in written text, as people type them and as text recognition reads them: a letter off, in another
form, run together with the next word or cut off at the edge of the picture.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from tr_desktop.library.search.terms import parse_terms
from tr_desktop.library.store.words import search_words

_WORD = re.compile(r"[^\W\d_]+|\d+")
# Words that say nothing of what is written, and words that say that something is.
_FILLING = frozenset(
    _WORD.findall(
        "a an the this that these those with without of on in at to for from by and or as is are was were be being it"
        " its his her their where which who when there has have had shot shots clip scene video footage moment some any"
        " one listing lists list showing shows show called named about"
    )
)
_SAYS_TEXT = frozenset(
    _WORD.findall(
        "text texts title titles sign signs slide slides caption captions subtitle subtitles logo logos banner banners"
        " poster posters label labels slate slates credits words word letters writing written lettering watermark"
        " says say saying said reads reading titled labelled labeled"
    )
)
_PART_FROM = 5  # letters of a word that may be part of a longer one
# What finding a word in another form is worth, beside finding it as it is.
_OTHER_FORM, _PART, _MISREAD = 0.9, 0.8, 0.7


@dataclass(frozen=True)
class Asked:
    """What a query asks of written text. words: those that may be written. is_for_text: whether it says that they are
    written. unwanted: the words of each term to leave out.
    """

    words: tuple[str, ...]
    is_for_text: bool
    unwanted: tuple[frozenset[str], ...]

    def leaves_out(self, words: Iterable[str]) -> bool:
        """Whether a text of these words has a term to leave out."""
        return any(term.issubset(words) for term in self.unwanted)


def asked_of(query: str) -> Asked:
    """Raises UserError as `parse_terms`."""
    terms = parse_terms(query)
    words = dict.fromkeys(word for term in terms if term.weight > 0 for word in words_of(term.text))
    is_for_text = not _SAYS_TEXT.isdisjoint(words)
    unwanted = [frozenset(words_of(term.text)) for term in terms if term.weight < 0]
    wanted = tuple(word for word in words if word not in _FILLING | _SAYS_TEXT)
    return Asked(wanted, is_for_text, tuple(filter(None, unwanted)))


def words_of(text: str) -> list[str]:
    """The words and the numbers in `text`, without case and accents."""
    plain = unicodedata.normalize("NFKD", search_words(text))
    return _WORD.findall("".join(character for character in plain if not unicodedata.combining(character)))


@dataclass(frozen=True)
class Found:
    """How much of what is asked a text has. share: of the words, weighed by how rare they are among the texts, in
    [0, 1]. letters: of the words found. words: the number of words found.
    """

    share: float
    letters: float
    words: int


NOTHING = Found(0.0, 0.0, 0)


def look_in(texts: Sequence[Iterable[str]], words: Sequence[str]) -> list[Found]:
    """For each of `texts`, words as of `words_of`, what it has of `words`."""
    memory: dict[tuple[str, str], float] = {}

    def worth(word: str, other: str) -> float:
        key = word, other
        if key not in memory:
            memory[key] = likeness(word, other)
        return memory[key]

    found = [[max((worth(word, other) for other in set(text)), default=0.0) for word in words] for text in texts]
    weights = [log((len(texts) + 1) / (sum(row[at] > 0 for row in found) + 0.5)) + 1 for at in range(len(words))]
    total = sum(weights)
    return [
        Found(
            sum(weight * value for weight, value in zip(weights, row, strict=True)) / total,
            sum(len(word) * value for word, value in zip(words, row, strict=True)),
            sum(value > 0 for value in row),
        )
        if any(row)
        else NOTHING
        for row in found
    ]


def likeness(word: str, other: str) -> float:
    """What finding `other` is worth if `word` is asked for: 1 the same, 0 another word."""
    if word == other:
        return 1.0
    short, long = sorted((word, other), key=len)
    if len(short) < 3 or not word.isalpha() or not other.isalpha():
        return 0.0
    if len(long) - len(short) <= 3 and long.startswith(short) and len(short) >= 4:
        return _OTHER_FORM
    if long in (short + "s", short + "es"):
        return _OTHER_FORM
    if len(short) >= _PART_FROM and short in long:
        return _PART
    edits = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
    return _MISREAD if edits and _within(word, other, edits) else 0.0


def _within(word: str, other: str, edits: int) -> bool:
    """Whether `edits` letters put in, left out, changed or swapped turn one word into the other."""
    if abs(len(word) - len(other)) > edits:
        return False
    same = next((at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    word, other = word[same:], other[same:]
    if not word or not other:
        return len(word) + len(other) <= edits
    if not edits:
        return False
    left = [(word[1:], other[1:]), (word[1:], other), (word, other[1:])]
    if word[:2] == other[1::-1]:
        left.append((word[2:], other[2:]))
    return any(_within(*both, edits - 1) for both in left)
