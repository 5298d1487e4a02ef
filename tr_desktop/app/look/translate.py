"""The one way that text reaches the user: in the user's language if a translation is installed, else as written."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from tr_desktop.marking import marked

__all__ = ["marked", "tr"]

_CONTEXT = "TimeRefine"


def tr(text: str, /, **values: object) -> str:
    """Translate `text`, then fill its {named} fields from `values`.

    A whole number `count` among the values also chooses the plural form in languages that have several.
    `text` is a literal: translators see it with its fields, so an f-string can't be translated. Without values the
    braces in `text` stay as they are. Raises KeyError for a field without a value.
    """
    count = values.get("count")
    translated = QCoreApplication.translate(_CONTEXT, text, None, count if isinstance(count, int) else -1)
    return translated.format(**values) if values else translated
