"""Which version of this program runs, and of which commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tr_desktop.this_program import is_clone

_PATIENCE_S = 5


@dataclass(frozen=True)
class Version:
    """number: of the release. commit, date: of the commit that this program was built from, or "" if nobody knows."""

    number: str
    commit: str
    date: str

    def __str__(self) -> str:
        return f"{self.number} ({', '.join(filter(None, (self.commit, self.date)))})" if self.commit else self.number


def this_version() -> Version:
    """What was built in, or, in a clone, what git knows."""
    from importlib.metadata import version

    return Version(version("tr-desktop"), *(_from_git() if is_clone() else _built_in()))


def _built_in() -> tuple[str, str]:
    try:
        # The build writes it.
        from tr_desktop import _build  # type: ignore[attr-defined]
    except ImportError:
        return "", ""
    return str(_build.COMMIT), str(_build.DATE)


def _from_git() -> tuple[str, str]:
    import subprocess

    root = Path(__file__).parents[1]
    if not (root / ".git").exists():  # an archive of the source; where it was unpacked may be in another repository
        return "", ""
    command = ["git", "-C", str(root), "log", "-1", "--format=%h %cs"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):  # no git, or no commit
        return "", ""
    commit, _, date = done.stdout.strip().partition(" ")
    return commit, date
