"""Texts that the app translates, marked at the place where they are written."""

from __future__ import annotations


def marked(text: str) -> str:
    """`text` itself, marked for translators: for tables made on import, before a translation is there to be used.

    The app shows such a text through its `tr`.
    """
    return text
