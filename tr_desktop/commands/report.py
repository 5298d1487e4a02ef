"""An answer as text, and how much was searched."""

from __future__ import annotations

from collections import Counter

from tr_desktop.confidence import Edge, edges, level
from tr_desktop.grounding import Answer
from tr_desktop.library.index.counts import count, is_other
from tr_desktop.library.index.coverage import Coverage
from tr_desktop.moments import Moment, Quote, TextKind
from tr_desktop.names import printable, short_names

_COARSE = "  coarse: still to be read"


def cut_text(answer: Answer) -> str:
    """What the model didn't read of the query, a line for each sentence; empty if it read everything."""
    return "\n".join(
        f"The model {answer.pack} reads only the beginning of “{printable(text[:40])}…”: say it in fewer words"
        for text in answer.cut
    )


def as_text(answer: Answer) -> str:
    """The answer as text: one line for each moment, and how refinement moved it."""
    lines = []
    names = short_names((moment.media.path for moment in answer.moments), answer.coverage.searched)
    if not any(moment.confident for moment in answer.moments):
        lines.append(f"No confident match for “{answer.query}”. The best guesses:")
    for rank, moment in enumerate(answer.moments, 1):
        segment, rough, kept = moment.segment, moment.refinement.steps[0], moment.refinement.kept
        lines.append(
            f"{rank}. {names[moment.media.path]}  {moment.footage.timecode_at(segment.start_frame)} – "
            f"{moment.footage.timecode_at(segment.end_frame)}  ({float(kept.start_s):.2f}–{float(kept.end_s):.2f} s)  "
            f"score {moment.score:.2f} ({level(moment).value}){_edges(moment)}{_COARSE if moment.is_coarse else ''}"
        )
        for part in moment.parts[1:]:
            footage, end = part.footage, part.segment.end_frame
            lines.append(f"   goes on in {printable(footage.media.path.name)} until {footage.timecode_at(end)}")
        if moment.quote is not None:
            place = f" ({_place(moment.quote)})" if moment.quote.is_speech else ""
            lines.append(f"   {printable(moment.quote.why)}{place}")
        if len(moment.refinement.steps) > 1:
            lines.append(
                f"   rough {float(rough.start_s):.2f}–{float(rough.end_s):.2f} s, "
                f"refined in {moment.refinement.stop} {'step' if moment.refinement.stop == 1 else 'steps'}"
            )
    return "\n".join(lines)


def _place(quote: Quote) -> str:
    return "its subtitle track" if quote.kind is TextKind.TRACK else printable(quote.source.name)


def _edges(moment: Moment) -> str:
    """The words for the edges, and the confidence in those that are on no cut."""
    kept = moment.refinement.kept
    said = zip(("in", "out"), edges(moment), (kept.start_confidence, kept.end_confidence), strict=True)
    words = [
        f"{name} {word.value}" + ("" if word is Edge.EXACT else f" {confidence:.2f}")
        for name, word, confidence in said
        if word is not None and confidence is not None
    ]
    return f"  {', '.join(words)}" if words else ""


def coverage_text(coverage: Coverage) -> str:
    """How much was searched, and which files were not; files with the same reason share a line."""
    skipped = [skipped.path for skipped in coverage.skipped]
    names = short_names((*coverage.searched, *skipped))
    counts = count(coverage)
    lines = [f"Searched {counts.searchable} of {counts.footage} files."]
    for path, read_s in coverage.incomplete.items():
        lines.append(f"  {names[path]}: only the first {float(read_s):.0f} s are indexed so far")
    if coverage.coarse:
        first = ", ".join(names[path] for path in coverage.coarse[:3])
        more = f" and {len(coverage.coarse) - 3} more" if len(coverage.coarse) > 3 else ""
        lines.append(f"  coarse, {counts.coarse} still to be read to their end: {first}{more}")
    for path, problems in coverage.damaged.items():
        lines.append(f"  damaged, but searched: {names[path]}: {'; '.join(problems)}")
    if coverage.offline:
        first = ", ".join(names[path] for path in coverage.offline[:3])
        lines.append(f"  offline, known from the library: {first}{' and more' if len(coverage.offline) > 3 else ''}")
    for reason, number in Counter(s.reason for s in coverage.skipped).most_common():
        same = [s.path for s in coverage.skipped if s.reason == reason]
        listed = ", ".join(names[path] for path in same[:3]) + (f" and {number - 3} more" if number > 3 else "")
        verb = "not footage:" if is_other(coverage, same[0], reason) else "skipped"
        lines.append(f"  {verb} {listed}: {reason}")
    return "\n".join(lines)
