"""What is wrong with a request, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tr_desktop.names import printable

NOT_JSON = "The body isn't JSON"
_PLACE_LENGTH = 80
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "isn't known here",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a whole number",
    "int_from_float": "should be a whole number",
    "string_unicode": "should be text",
    "model_type": "should be an object",
    "model_attributes_type": "should be an object",
}
"""By the kind of error, as pydantic calls it. Its other messages are plain enough."""


def complaint(error: Mapping[str, Any]) -> str:
    """A sentence for an error of pydantic, which names the field as the client does."""
    if error["type"] == "json_invalid":
        return NOT_JSON
    place = printable(".".join(str(each) for each in error["loc"][1:]))[:_PLACE_LENGTH]
    what = str(error["msg"])
    if " should " in what:  # Input should be …, String should have …
        what = what[what.index("should ") :]
    return f"{place or 'The body'} {_WORDS.get(error['type'], what)}"
