"""File URLs, by which editors find the media."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes


def file_url(path: Path, host: str = "") -> str:
    """`file://host/…`, percent-encoding every byte of the path except letters, digits and `-._~/`.

    Resolve can't relink a URL with bare sub-delimiters (`'!$&()*+,;=`) or XML entities in it. The bytes are the file
    system's own. Names aren't normalised: on most systems the normalised name is another file.
    """
    # RFC 8089, the file URI scheme: https://www.rfc-editor.org/rfc/rfc8089
    encoded = quote_from_bytes(os.fsencode(path.as_posix()), safe="/")
    return f"file://{host}{'' if encoded.startswith('/') else '/'}{encoded}"
