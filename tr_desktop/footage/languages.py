"""Language codes of tracks: one language has up to three spellings, and each kind of file knows its own.

ISO 639-2 has two codes for twenty languages: bibliographic ("ger", which Matroska writes) and terminological ("deu",
which MP4 writes). MOV has QuickTime's numbers; FFmpeg's names for these are mixed ("ger" but "fra") and a few are its
own ("sve"). It drops other codes without a word when it writes MOV.
"""

from __future__ import annotations

# https://www.loc.gov/standards/iso639-2/php/code_list.php: bibliographic, terminological
_PAIRS = (
    *(("alb", "sqi"), ("arm", "hye"), ("baq", "eus"), ("bur", "mya"), ("chi", "zho"), ("cze", "ces"), ("dut", "nld")),
    *(("fre", "fra"), ("geo", "kat"), ("ger", "deu"), ("gre", "ell"), ("ice", "isl"), ("mac", "mkd"), ("mao", "mri")),
    *(("may", "msa"), ("per", "fas"), ("rum", "ron"), ("slo", "slk"), ("tib", "bod"), ("wel", "cym")),
)
_BIBLIOGRAPHIC = {terminological: bibliographic for bibliographic, terminological in _PAIRS}
_TERMINOLOGICAL = dict(_PAIRS)
_FROM_MOV = {"sve": "swe", "hr": "hrv", "sr": "srp", "fo": "fao"}  # FFmpeg's own names; some have a trailing space
_TO_MOV = {"swe": "sve", "hrv": "hr ", "srp": "sr ", "fao": "fo ", "nob": "nor", "nno": "nor"}
_TERMINOLOGICAL_IN_MOV = ("fra", "ces", "ron", "slk")


def terminological(code: str) -> str:
    """The code for MP4, and the one to compare by; "deu" for "ger"."""
    code = code.strip().lower()
    code = _FROM_MOV.get(code, code)
    return _TERMINOLOGICAL.get(code, code)


def bibliographic(code: str) -> str:
    """The code for Matroska; "ger" for "deu"."""
    code = terminological(code)
    return _BIBLIOGRAPHIC.get(code, code)


def mov_language(code: str) -> str:
    """The code under which FFmpeg's MOV writer knows the language, if it does."""
    code = terminological(code)
    if code in _TO_MOV:
        return _TO_MOV[code]
    return code if code in _TERMINOLOGICAL_IN_MOV else _BIBLIOGRAPHIC.get(code, code)


def is_same_language(one: str, other: str) -> bool:
    """Whether two codes mean one language, however they are spelled."""
    return terminological(one) == terminological(other)
