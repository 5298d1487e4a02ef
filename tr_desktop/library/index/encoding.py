"""Text of unknown encoding, such as a subtitle file, as text."""

from __future__ import annotations

import codecs

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_IN_SUBTITLES = ("-->", "Dialogue:")
# The encodings of subtitle files in use. Rarer ones would be taken for these and these for them.
_CANDIDATES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "koi8_r"),
    *("cp932", "gb18030", "big5", "cp949"),
)
_WESTERN, _LATIN = "cp1252", {"cp1250", "cp1254", "cp1257"}


def decoded(content: bytes) -> str | None:
    """The text of a subtitle file; None if its encoding can't be recognised."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return _decode(content, encoding)
    if b"\0" in content:
        texts = (_decode(content, encoding) for encoding in ("utf-16-le", "utf-16-be"))
        return next((text for text in texts if text and any(sign in text for sign in _IN_SUBTITLES)), None)
    text = _decode(content, "utf-8")
    return text if text is not None else _guessed(content)


def _decode(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _guessed(content: bytes) -> str | None:
    """`content` in the encoding in which its letters are likeliest."""
    from charset_normalizer import from_bytes  # slow to import, and seldom needed

    # Times and numbers say nothing about the encoding.
    words = b"\n".join(line for line in content.splitlines() if not line.isascii())
    if _is_mostly_kana(_decode(words, "euc_jp")):  # would be taken for Korean
        return content.decode("euc_jp", errors="replace")
    guesses = from_bytes(words, cp_isolation=list(_CANDIDATES))
    best = guesses.best()
    if best is None:
        return None
    encoding = best.encoding
    if encoding in _LATIN and any(
        guess.encoding == _WESTERN and guess.coherence >= best.coherence for guess in guesses
    ):
        # The commonest, if nothing speaks against it. Turkish differs from it in six letters only.
        encoding = "cp1254" if _is_turkish(words.decode(_WESTERN, errors="ignore")) else _WESTERN
    return content.decode(encoding, errors="replace")


def _is_mostly_kana(text: str | None) -> bool:
    """Whether a text is Japanese: in other encodings the bytes of kana are letters that hardly occur."""
    letters = [character for character in text or "" if character.isalpha() and not character.isascii()]
    return sum("\u3040" <= letter <= "\u30ff" for letter in letters) * 3 > len(letters)


def _is_turkish(misread: str) -> bool:
    """Whether Western text is Turkish read wrongly: ı and ş become ý and þ, which only Icelandic has, with á and æ."""
    return {"ý", "þ"} <= set(misread) and not set("áæ") & set(misread)
