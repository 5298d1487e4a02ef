"""How text is compared: without case and accents, and also inside sentences without spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Scripts without spaces between words (Thai to Myanmar, Khmer, kana, Han), and Hangul, whose words carry endings:
# each of their characters counts as a word, so that a phrase is found wherever it begins.
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\U00020000-\U000323af]"
)


def search_words(text: str) -> str:
    """The words of `text` as the library compares them, with spaces between them. Accents are left to SQLite."""
    return _UNSPACED.sub(r" \g<0> ", unicodedata.normalize("NFKC", text).casefold())


def match_expression(wanted: Sequence[str], unwanted: Sequence[str] = ()) -> str:
    """An FTS5 expression for texts that contain each of `wanted` as a phrase and none of `unwanted`.

    "" if a wanted phrase has no words, so nothing can match.
    """
    phrases = [_phrase(text) for text in wanted]
    if not all(phrases) or not phrases:
        return ""
    without = [phrase for text in unwanted if (phrase := _phrase(text))]
    return " NOT ".join(["(" + " AND ".join(phrases) + ")", *without])


def _phrase(text: str) -> str:
    words = search_words(text).replace('"', " ").replace("\0", " ")
    return f'"{words}"' if any(character.isalnum() for character in words) else ""
