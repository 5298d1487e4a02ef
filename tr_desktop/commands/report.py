"""An answer as one JSON document (schema 1), back from it, and as text for a person."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

from tr_desktop.errors import UserError
from tr_desktop.grounding import Answer
from tr_desktop.library.index.indexer import Coverage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Moment, Refinement, RefineStep, Segment

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
            "offline": [str(path) for path in answer.coverage.offline],
            "incomplete": [
                {"path": str(path), "seconds": _seconds(read_s)} for path, read_s in answer.coverage.incomplete.items()
            ],
            "skipped": [{"path": str(s.path), "reason": s.reason} for s in answer.coverage.skipped],
        },
        "moments": [moment_as_json(rank, moment) for rank, moment in enumerate(answer.moments, 1)],
    }


def moment_as_json(rank: int, moment: Moment) -> dict[str, Any]:
    """One entry of the document's moments; a project keeps what was found in this form as well."""
    kept, segment = moment.refinement.kept, moment.segment
    return {
        "rank": rank,
        "media": str(moment.media.path),
        "rate": f"{moment.media.rate.numerator}/{moment.media.rate.denominator}",
        "start_frame": segment.start_frame,
        "end_frame": segment.end_frame,
        "start_s": _seconds(kept.start_s),
        "end_s": _seconds(kept.end_s),
        "start_tc": str(moment.footage.timecode_at(segment.start_frame)),
        "end_tc": str(moment.footage.timecode_at(segment.end_frame)),
        "score": round(moment.score, 4),
        "confident": moment.confident,
        "edges": {"start": round(kept.start_confidence, 4), "end": round(kept.end_confidence, 4)},
        "stop": moment.refinement.stop,
        "steps": [_step(step) for step in moment.refinement.steps],
        **(_said(moment) if moment.source is not None else {}),
    }


def _said(moment: Moment) -> dict[str, str]:
    return {"subtitle": moment.subtitle, "source": str(moment.source), "text_from": moment.text_from}


def _step(step: RefineStep) -> dict[str, Any]:
    return {
        "step": step.step,
        "start_frame": step.segment.start_frame,
        "end_frame": step.segment.end_frame,
        "start_s": _seconds(step.start_s),
        "end_s": _seconds(step.end_s),
        "score": round(step.score, 4),
        "edges": {"start": round(step.start_confidence, 4), "end": round(step.end_confidence, 4)},
        **({"looked_closer": True} if step.looked_closer else {}),
    }


def moments_from_json(document: Any, catalog: Catalog) -> list[Moment]:
    """The moments of a document that `find --json` printed, with what the library knows of their files.

    Raises UserError where it is no such document, or one of its files has changed or left the library since.
    """
    try:
        if document["schema"] != SCHEMA:
            raise UserError(f"The result is of schema {document['schema']}, this version knows {SCHEMA}")
        return [_moment_from_json(entry, str(document["query"]), catalog) for entry in document["moments"]]
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise UserError(
            f"This is no result of tr-desktop find --json ({error!r})",
            remedy="Save one with: find … --json > result.json",
        ) from error


def _moment_from_json(entry: dict[str, Any], query: str, catalog: Catalog) -> Moment:
    path = Path(entry["media"])
    try:
        footage = catalog.footage(path)
    except KeyError as error:
        raise UserError("A file of the result isn't in the library", path=path, remedy="Search again") from error
    steps = tuple(
        RefineStep(
            step=int(step["step"]),
            segment=Segment(int(step["start_frame"]), int(step["end_frame"])),
            start_s=footage.times.time_s(int(step["start_frame"])),
            end_s=footage.times.time_s(int(step["end_frame"])),
            score=float(step["score"]),
            start_confidence=float(step["edges"]["start"]),
            end_confidence=float(step["edges"]["end"]),
            looked_closer=bool(step.get("looked_closer", False)),
        )
        for step in entry["steps"]
    )
    refinement = Refinement(steps, int(entry["stop"]))
    kept = refinement.kept.segment
    if (kept.start_frame, kept.end_frame) != (entry["start_frame"], entry["end_frame"]) or kept.end_frame > len(
        footage
    ):
        raise UserError("A moment of the result doesn't fit its file", path=path, remedy="Search again")
    source = Path(entry["source"]) if "source" in entry else None
    score, confident = float(entry["score"]), bool(entry["confident"])
    said, text_from = str(entry.get("subtitle", "")), str(entry.get("text_from", ""))
    return Moment(footage, refinement, score, confident, query, said, source, text_from)


def as_text(answer: Answer) -> str:
    """The same for a person: one line a moment, with how the refinement moved it."""
    lines = []
    if not any(moment.confident for moment in answer.moments):
        lines.append(f"No confident match for “{answer.query}”. The best guesses:")
    for rank, moment in enumerate(answer.moments, 1):
        segment, rough, kept = moment.segment, moment.refinement.steps[0], moment.refinement.kept
        lines.append(
            f"{rank}. {moment.media.path.name}  {moment.footage.timecode_at(segment.start_frame)} – "
            f"{moment.footage.timecode_at(segment.end_frame)}  ({float(kept.start_s):.2f}–{float(kept.end_s):.2f} s)  "
            f"score {moment.score:.2f}  edges {kept.start_confidence:.2f} / {kept.end_confidence:.2f}"
        )
        if moment.source is not None:
            place = {"track": "its subtitle track", "screen": "text in the picture"}.get(moment.text_from)
            lines.append(f"   said: “{moment.subtitle}” ({place or moment.source.name})")
        if len(moment.refinement.steps) > 1:
            lines.append(
                f"   rough {float(rough.start_s):.2f}–{float(rough.end_s):.2f} s, "
                f"refined in {moment.refinement.stop} {'step' if moment.refinement.stop == 1 else 'steps'}"
            )
    return "\n".join(lines)


def coverage_text(coverage: Coverage) -> str:
    """How much was searched, and what was not with the reason; equal reasons are counted together."""
    lines = [f"Searched {len(coverage.searched)} of {coverage.files} files."]
    for path, read_s in coverage.incomplete.items():
        lines.append(f"  {path.name} only as far as it is indexed: its first {float(read_s):.0f} s")
    if coverage.offline:
        first = ", ".join(path.name for path in coverage.offline[:3])
        lines.append(f"  offline, known from the library: {first}{' and more' if len(coverage.offline) > 3 else ''}")
    for reason, count in Counter(s.reason for s in coverage.skipped).most_common():
        names = [s.path.name for s in coverage.skipped if s.reason == reason]
        lines.append(f"  skipped {', '.join(names[:3])}{f' and {count - 3} more' if count > 3 else ''}: {reason}")
    return "\n".join(lines)


def _seconds(value: Fraction) -> float:
    return round(float(value), 4)
