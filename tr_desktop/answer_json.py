"""An answer as one JSON document (schema 1): what `find --json` prints and the local API answers."""

from __future__ import annotations

from typing import Any

from tr_desktop.grounding import Answer
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.moment_json import SCHEMA, FoundMoment, seconds


def as_json(answer: Answer) -> dict[str, Any]:
    """The document that `find --json` prints. Frames count from 0, ends are exclusive, seconds from the first frame."""
    return {
        "schema": SCHEMA,
        "query": answer.query,
        **_cut(answer),
        **_marks(answer),
        "model": {"pack": answer.pack, "sha256": answer.pack_sha256, "device": answer.device},
        "coverage": coverage_as_json(answer.coverage),
        **_grounder(answer),
        "moments": [FoundMoment.of(rank, moment).to_json() for rank, moment in enumerate(answer.moments, 1)],
    }


def coverage_as_json(coverage: Coverage) -> dict[str, Any]:
    """What was searched and what was not, and why."""
    return {
        "files": coverage.files,
        "searched": len(coverage.searched),
        "seconds": seconds(coverage.searched_s),
        "offline": [str(path) for path in coverage.offline],
        "incomplete": [{"path": str(path), "seconds": seconds(read_s)} for path, read_s in coverage.incomplete.items()],
        **_coarse(coverage),
        "skipped": [{"path": str(s.path), "reason": s.reason} for s in coverage.skipped],
        **_damaged(coverage),
    }


def _cut(answer: Answer) -> dict[str, Any]:
    """Present only if a part of the query doesn't count, which is rare."""
    return {"cut": list(answer.cut)} if answer.cut else {}


def _marks(answer: Answer) -> dict[str, Any]:
    """Present only if answers were marked."""
    marks = [{"media": str(each.path), "frame": each.frame, "right": each.is_right} for each in answer.judgements]
    return {"marks": marks} if marks else {}


def _grounder(answer: Answer) -> dict[str, Any]:
    """Present only if a video language model was asked."""
    if not answer.grounder:
        return {}
    return {
        "grounder": {"pack": answer.grounder, "calibrated": answer.is_calibrated, "notes": list(answer.notes)},
    }


def _coarse(coverage: Coverage) -> dict[str, Any]:
    """Present only while files are still being read."""
    return {"coarse": [str(path) for path in coverage.coarse]} if coverage.coarse else {}


def _damaged(coverage: Coverage) -> dict[str, Any]:
    """Present only if there is damage, which is rare."""
    damaged = [{"path": str(path), "problems": list(problems)} for path, problems in coverage.damaged.items()]
    return {"damaged": damaged} if damaged else {}
