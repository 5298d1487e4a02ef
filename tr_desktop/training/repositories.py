"""Clips by the repository that they come from: those of one often look alike, so they stay on one side of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def repository(source: str) -> str:
    """The repository of a source that is given as "repository@commit:path"."""
    return source.split("@")[0].strip()


def halves(sources: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The repositories of `sources` in two halves with about as many sources in each; the same for the same sources."""
    counts = Counter(map(repository, sources))
    parts: tuple[list[str], list[str]] = [], []
    sizes = [0, 0]
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        smaller = int(sizes[1] < sizes[0])
        parts[smaller].append(name)
        sizes[smaller] += counts[name]
    return frozenset(parts[0]), frozenset(parts[1])
