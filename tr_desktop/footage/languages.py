"""Language codes of tracks: one language has up to three spellings, and each kind of file knows its own.

ISO 639-2 has two codes for twenty languages: bibliographic ("ger", which Matroska writes) and terminological ("deu",
which MP4 writes). MOV has QuickTime's numbers; FFmpeg's names for these are mixed ("ger" but "fra") and a few are its
own ("sve").
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


def language_for(code: str, format_name: str) -> str:
    """The code as files of FFmpeg's format have it: "ger" in matroska, "deu" in mov and mp4."""
    code = _terminological(code)
    return _BIBLIOGRAPHIC.get(code, code) if format_name == "matroska" else code


def is_same_language(one: str, other: str) -> bool:
    """Whether two codes mean one language, however they are spelled."""
    return _terminological(one) == _terminological(other)


def _terminological(code: str) -> str:
    code = code.strip().lower()
    code = _FROM_MOV.get(code, code)
    return _TERMINOLOGICAL.get(code, code)
