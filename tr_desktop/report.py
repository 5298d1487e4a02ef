"""An answer as one JSON document (schema 1) and as text for a person."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from tr_desktop.grounding import Answer
from tr_desktop.library.indexer import Coverage
from tr_desktop.moments import Moment, RefineStep

SCHEMA = 1


def as_json(answer: Answer) -> dict[str, Any]:
    """The document that `find --json` prints. Frames count from 0, ends are exclusive, seconds from the first frame."""
    return {
        "schema": SCHEMA,
        "query": answer.query,
        "model": {"pack": answer.pack, "sha256": answer.pack_sha256, "device": answer.device},
        "coverage": {
            "files": answer.coverage.files,
            "searched": len(answer.coverage.searched),
            "seconds": _seconds(answer.searched_s),
            "skipped": [{"path": str(s.path), "reason": s.reason} for s in answer.coverage.skipped],
        },
        "moments": [_moment(rank, moment) for rank, moment in enumerate(answer.moments, 1)],
    }


def _moment(rank: int, moment: Moment) -> dict[str, Any]:
    kept, segment = moment.refinement.kept, moment.segment
    return {
        "rank": rank,
        "media": str(moment.media.path),
        "rate": f"{moment.media.rate.numerator}/{moment.media.rate.denominator}",
        "start_frame": segment.start_frame,
        "end_frame": segment.end_frame,
        "start_s": _seconds(kept.start_s),
        "end_s": _seconds(kept.end_s),
        "start_tc": str(moment.source_timecode(segment.start_frame)),
        "end_tc": str(moment.source_timecode(segment.end_frame)),
        "score": round(moment.score, 4),
        "confident": moment.confident,
        "edges": {"start": round(kept.start_confidence, 4), "end": round(kept.end_confidence, 4)},
        "stop": moment.refinement.stop,
        "steps": [_step(step) for step in moment.refinement.steps],
    }


def _step(step: RefineStep) -> dict[str, Any]:
    return {
        "step": step.step,
        "start_frame": step.segment.start_frame,
        "end_frame": step.segment.end_frame,
        "start_s": _seconds(step.start_s),
        "end_s": _seconds(step.end_s),
        "score": round(step.score, 4),
        "edges": {"start": round(step.start_confidence, 4), "end": round(step.end_confidence, 4)},
    }


def as_text(answer: Answer) -> str:
    """The same for a person: one line a moment, with how the refinement moved it."""
    lines = []
    if not any(moment.confident for moment in answer.moments):
        lines.append(f"No confident match for “{answer.query}”. The best guesses:")
    for rank, moment in enumerate(answer.moments, 1):
        segment, rough, kept = moment.segment, moment.refinement.steps[0], moment.refinement.kept
        lines.append(
            f"{rank}. {moment.media.path.name}  {moment.source_timecode(segment.start_frame)} – "
            f"{moment.source_timecode(segment.end_frame)}  ({float(kept.start_s):.2f}–{float(kept.end_s):.2f} s)  "
            f"score {moment.score:.2f}  edges {kept.start_confidence:.2f} / {kept.end_confidence:.2f}"
        )
        if len(moment.refinement.steps) > 1:
            lines.append(
                f"   rough {float(rough.start_s):.2f}–{float(rough.end_s):.2f} s, "
                f"refined in {moment.refinement.stop} steps"
            )
    return "\n".join(lines)


def coverage_text(coverage: Coverage) -> str:
    """How much was searched, and what was not with the reason; equal reasons are counted together."""
    lines = [f"Searched {len(coverage.searched)} of {coverage.files} files."]
    for reason, count in Counter(s.reason for s in coverage.skipped).most_common():
        names = [s.path.name for s in coverage.skipped if s.reason == reason]
        lines.append(f"  skipped {', '.join(names[:3])}{f' and {count - 3} more' if count > 3 else ''}: {reason}")
    return "\n".join(lines)


def _seconds(value: Fraction) -> float:
    return round(float(value), 4)
