"""The terms of a checkpoint, as its folder states them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.errors import PackError
from tr_desktop.names import printable

_FILE = re.compile(r"(model[-_])?(licen[cs]e|copying)", re.IGNORECASE)
_FIELD = re.compile(r"^(license|license_name|license_link):\s*(?:-[ \t]*)?(.+?)[ \t]*$", re.MULTILINE)
_RESTRICTED = re.compile(
    r"non[- ]?commercial|-nc\b|research[- ](purposes )?only|only for research|for research purposes|\bamlr\b",
    re.IGNORECASE,
)
_OPEN = ("mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "openrail")
_SHOWN_LINES = 40


class LicenceError(PackError):
    """A licence that restricts what the model may be used for, which nobody has agreed to yet."""


@dataclass(frozen=True)
class Licence:
    """name: as README.md states it, such as apache-2.0; "" if it doesn't. link: to its text, or "". text: LICENSE."""

    name: str
    link: str
    text: str

    @property
    def is_restricted(self) -> bool:
        """Whether it says that commercial use isn't allowed."""
        return bool(_RESTRICTED.search(self.text)) or (self.name not in _OPEN and bool(_RESTRICTED.search(self.name)))

    @property
    def summary(self) -> str:
        """In one line."""
        named = self.name or ("see LICENSE" if self.text else "not stated")
        return f"{named} ({self.link})" if self.link else named

    @property
    def shown(self) -> str:
        """What a person has to see before agreeing: the summary, and the beginning of the text."""
        lines = [f"Licence: {self.summary}", *self.text.splitlines()[:_SHOWN_LINES]]
        return "\n".join(map(printable, lines))


def licence_of(folder: Path) -> Licence:
    """The licence of the checkpoint in `folder`: README.md's front matter, and the file LICENSE."""
    readme = _text(folder / "README.md")
    front = readme.split("\n---", 1)[0] if readme.startswith("---") else ""
    facts = {name: value.strip("'\"") for name, value in _FIELD.findall(front)}
    name = facts.get("license", "")
    if name == "other":
        name = facts.get("license_name", name)
    texts = [_text(path) for path in sorted(folder.iterdir()) if _FILE.match(path.name)]
    return Licence(name.lower(), facts.get("license_link", ""), "\n".join(texts))


def expect_agreed(folder: Path, accept_licence: bool) -> Licence:
    """The licence of a checkpoint. Raises LicenceError if it is restricted and wasn't accepted."""
    licence = licence_of(folder)
    expect_accepted(licence, folder, accept_licence)
    return licence


def expect_accepted(licence: Licence, folder: Path, accept_licence: bool) -> None:
    """Raises LicenceError if the licence of the checkpoint in `folder` is restricted and wasn't accepted."""
    if licence.is_restricted and not accept_licence:
        raise LicenceError(
            f"The checkpoint's licence restricts its use: {licence.summary}",
            path=folder,
            remedy="Read it; if you agree, repeat the command with --accept-licence",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
