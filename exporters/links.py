"""File URLs that editors find the media by."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes


def file_url(path: Path, host: str = "") -> str:
    """`file://host/…` with every byte of the path percent-encoded that isn't a letter, a digit or one of `-._~/`.

    Resolve relinks neither sub-delimiters (`'!$&()*+,;=`) that are left bare nor XML entities inside a URL. The bytes
    are the file system's own: a name isn't normalised, for on most systems the other form is another file.
    """
    # RFC 8089, the file URI scheme: https://www.rfc-editor.org/rfc/rfc8089
    encoded = quote_from_bytes(os.fsencode(path.as_posix()), safe="/")
    return f"file://{host}{'' if encoded.startswith('/') else '/'}{encoded}"
