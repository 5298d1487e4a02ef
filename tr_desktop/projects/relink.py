"""Find a project's files again by their content: on another machine, drive or system.

A project keeps the identity of each file. A path is only the place where the file was last.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Protocol

from tr_desktop.errors import UserError
from tr_desktop.moment_json import number, seconds, text
from tr_desktop.projects.decisions import Decision

_KEYS = ("name", "size_bytes", "duration_s", "digest")


@dataclass(frozen=True)
class FileIdentity:
    """A file's content. digest: hexadecimal, as the library computes it. duration_s: seconds, rounded."""

    name: str
    size_bytes: int
    duration_s: float
    digest: str
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, path: str, content: Content) -> FileIdentity:
        return cls(name_of(path), content.size_bytes, seconds(content.duration_s), content.digest.hex())

    def has(self, content: Content | None) -> bool:
        """Whether `content` is this one."""
        if content is None or content.size_bytes != self.size_bytes:
            return False
        # Another library may have met this file before those that have the same samples.
        return bytes.fromhex(self.digest) in (content.digest, content.digest + (content.packets or b""))

    def to_json(self) -> dict[str, Any]:
        return {**self.unknown, **{key: getattr(self, key) for key in _KEYS}}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> FileIdentity:
        """Raises KeyError, TypeError or ValueError for any other entry."""
        digest = text(entry["digest"])
        bytes.fromhex(digest)
        unknown = {key: value for key, value in entry.items() if key not in _KEYS}
        duration_s = float(number(entry["duration_s"]))
        return cls(text(entry["name"]), int(number(entry["size_bytes"])), duration_s, digest, unknown)


DigestOf = Callable[[Path, int], bytes]
"""The digest of the samples of a file's first bytes: (path, number of bytes). Raises OSError."""


class Content(Protocol):
    """A file's content, as the library knows it.

    digest: of its samples; longer, with the digest of its packets, for the second file of the same samples. packets:
    their digest, None if they weren't all read. duration_s: seconds.
    """

    @property
    def digest(self) -> bytes: ...
    @property
    def packets(self) -> bytes | None: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def duration_s(self) -> Fraction: ...


class Library(Protocol):
    """What relinking asks of a library."""

    def content_of(self, path: Path) -> Content | None: ...
    def copies_of(self, digest: bytes, size_bytes: int) -> list[Path]: ...


@dataclass(frozen=True)
class Located:
    """found: new paths by the old ones. other_content: files that only have the name of one that wasn't found."""

    found: Mapping[str, Path]
    other_content: Mapping[str, Path]


def name_of(path: str) -> str:
    """The file's name in a path of any system."""
    return PurePosixPath(path).name if path.startswith("/") else PureWindowsPath(path).name


def identities(paths: Iterable[str], library: Library) -> dict[str, FileIdentity]:
    """The identities of the files that the library knows."""
    known = {path: library.content_of(Path(path)) for path in paths}
    return {path: FileIdentity.of(path, content) for path, content in known.items() if content is not None}


def in_library(files: Mapping[str, FileIdentity], library: Library) -> dict[str, Path]:
    """New paths for those of `files` {path: identity} that aren't at their path: other files with the same content.

    Files that are there come first. One on a missing drive is better than one that the library doesn't know.
    """
    found = {}
    for path, identity in files.items():
        is_known = identity.has(library.content_of(Path(path)))
        is_there = Path(path).is_file()
        if is_known and is_there:
            continue
        copies = [copy for copy in library.copies_of(bytes.fromhex(identity.digest), identity.size_bytes)]
        present = [copy for copy in copies if str(copy) != path and _size(copy) == identity.size_bytes]
        usable = present or ([] if is_known or is_there else copies)
        if usable:
            found[path] = min(usable, key=lambda copy: (not _is_called(copy, identity.name), str(copy)))
    return found


def locate(
    files: Mapping[str, FileIdentity],
    candidates: Iterable[Path],
    digest_of: DigestOf,
    full_digest_of: Callable[[Path], bytes],
) -> Located:
    """Find `files` {path: identity} among `candidates` by content, whatever they are called.

    Names and sizes are compared first, so few files are opened. full_digest_of: the longer digest of a whole file, for
    the identities that have one. Raises nothing for a file that can't be read: it isn't the one.
    """
    by_size: dict[int, list[Path]] = {}
    by_name: dict[str, Path] = {}
    sizes, names = {each.size_bytes for each in files.values()}, {_plain(each.name) for each in files.values()}
    for path in candidates:
        size_bytes = _size(path)
        if size_bytes in sizes:
            by_size.setdefault(size_bytes, []).append(path)
        if size_bytes is not None and _plain(path.name) in names:
            by_name.setdefault(_plain(path.name), path)

    @cache
    def sampled(path: Path, size_bytes: int) -> bytes | None:
        try:
            return digest_of(path, size_bytes)
        except OSError:
            return None

    @cache
    def full(path: Path) -> bytes | None:
        try:
            return full_digest_of(path)
        except (OSError, UserError):
            return None

    def has(path: Path, identity: FileIdentity) -> bool:
        digest, short = bytes.fromhex(identity.digest), sampled(path, identity.size_bytes)
        return short is not None and (digest == short or (digest.startswith(short) and digest == full(path)))

    found, other = {}, {}
    for old, identity in files.items():
        similar = by_size.get(identity.size_bytes, [])
        similar = sorted(similar, key=lambda path, name=identity.name: not _is_called(path, name))  # type: ignore[misc]
        same = next((path for path in similar if has(path, identity)), None)
        if same is not None:
            found[old] = same
        elif (namesake := by_name.get(_plain(identity.name))) is not None:
            other[old] = namesake
    return Located(found, other)


def relinked(decisions: Iterable[Decision], paths: Mapping[str, Path]) -> tuple[Decision, ...]:
    """`decisions` with new paths, by the old ones."""
    return tuple(_relinked(decision, paths) for decision in decisions)


def _relinked(decision: Decision, paths: Mapping[str, Path]) -> Decision:
    if not any(file in paths for file in decision.found.files):
        return decision
    found = decision.found
    path = paths.get(found.media, found.media)
    continued = tuple(replace(part, media=str(paths.get(part.media, part.media))) for part in found.continued)
    quote = found.quote
    if quote is not None and str(quote.source) == found.media:  # text of the footage itself
        quote = replace(quote, source=Path(path))
    return replace(decision, found=replace(found, media=str(path), quote=quote, continued=continued))


def _is_called(path: Path, name: str) -> bool:
    return _plain(path.name) == _plain(name)


def _plain(name: str) -> str:
    """A name as systems compare it: some don't distinguish case, some write accents as characters of their own."""
    return unicodedata.normalize("NFC", name).casefold()


def _size(path: Path) -> int | None:
    """The size of a file in bytes; None if it isn't one."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
