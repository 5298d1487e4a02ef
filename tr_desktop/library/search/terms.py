"""Queries of several terms: terms that count more or less, and terms to leave out.

    a dog on a leash -beach          leave out beaches
    "red car"^2 rain                 a term in quotes is one phrase; ^ sets its weight
    -"city at night"^1 traffic       the weight of a term to leave out; 0.5 if not set

Words without a sign stay together as one sentence: the model understands sentences, not words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tr_desktop.errors import UserError

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

# At full weight, lacking the term to leave out would count as much as showing the wanted one.
_LEAVE_OUT = 0.5
_MAX_WEIGHT = 1000.0  # beyond, only this term counts anyway

_PIECE = re.compile(r'-?"[^"]+"\S*|\S+')
_TERM = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]+)"|(?P<word>[^\s"^]+))(?:\^(?P<weight>\d+(?:\.\d+)?))?')


class Term(NamedTuple):
    text: str
    weight: float  # negative: to leave out


def parse_terms(query: str) -> list[Term]:
    """The terms of a query, the plain sentence first. Raises UserError if there is nothing to look for."""
    if any("\ud800" <= character <= "\udfff" for character in query):  # bytes of a terminal with another encoding
        raise UserError("The query is not valid text", remedy="Use a terminal with the encoding UTF-8")
    plain, terms = list[str](), list[Term]()
    for piece in _PIECE.findall(query):
        term = _TERM.fullmatch(piece)
        if term and (term["phrase"] or term["weight"] or (term["minus"] and term["word"][0].isalpha())):
            weight = min(float(term["weight"] or (_LEAVE_OUT if term["minus"] else 1)), _MAX_WEIGHT)
            terms.append(Term(term["phrase"] or term["word"], -weight if term["minus"] else weight))
        else:
            plain.append(piece)
    terms = [Term(" ".join(plain), 1.0), *terms] if plain else terms
    if not any(term.weight > 0 for term in terms):
        weightless = any(term.weight == 0 for term in terms)
        problem = "Every term to look for has the weight 0" if weightless else "The query only has terms to leave out"
        raise UserError(
            problem if terms else "The query is empty",
            remedy="Describe what you remember seeing, such as: a dog jumps over a fence",
        )
    return terms


def cut_terms(query: str, encoder: Encoder) -> tuple[str, ...]:
    """The terms of a query that are longer than the model can read."""
    return tuple(term.text for term in parse_terms(query) if encoder.cuts(term.text))


def query_vector(query: str, encoder: Encoder) -> npt.NDArray[np.float32]:
    """One vector [D], L2-normalised, by which frames are compared with all terms at once.

    Terms are weighed in the same unit: how much a term's similarity to unrelated pictures varies.
    Raises UserError for a query that is empty or only has terms to leave out.
    """
    terms = parse_terms(query)
    if len(terms) == 1:
        return np.asarray(encoder.encode_text([terms[0].text])[0], np.float32)
    vectors = encoder.encode_text([term.text for term in terms])  # [terms, D]
    spread = (encoder.background @ vectors.T).std(axis=0)
    weights = np.array([term.weight for term in terms], np.float32) / np.maximum(spread, 1e-6)
    combined = weights @ vectors
    return np.asarray(combined / max(float(np.linalg.norm(combined)), 1e-12), np.float32)
