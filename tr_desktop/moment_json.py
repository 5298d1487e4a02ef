"""A moment as JSON (schema 1) and back: as `find --json` prints it and a project keeps it.

`FoundMoment` is the document's entry as typed values. It needs no footage, so a project can be read while its drives
are away; `FoundMoment.moment` joins it with its footage from the library. Keys that this version doesn't know are
kept in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from tr_desktop.confidence import Edge, edges
from tr_desktop.errors import UserError
from tr_desktop.moments import Footage, Moment, Part, Quote, Refinement, RefineStep, Segment, StepSource, TextKind

SCHEMA = 1

FootageOf = Callable[[Path], Footage]
"""Looks up the footage at a path; raises KeyError if it isn't known."""

_STEP_KEYS = ("step", "start_frame", "end_frame", "start_s", "end_s", "score", "edges", "looked_closer", "by", "said")
_MOMENT_KEYS = (
    *("rank", "media", "rate", "start_frame", "end_frame", "start_s", "end_s", "start_tc", "end_tc", "score"),
    *("confident", "edges", "stop", "steps", "subtitle", "source", "text_from", "file_name", "why", "content"),
    *("continued", "coarse"),
)
_PART_KEYS = ("media", "start_frame", "end_frame", "start_tc", "end_tc")


@dataclass(frozen=True)
class FoundStep:
    """One refinement step of the document. start_s, end_s: seconds, rounded. score and confidences: in [0, 1].

    said: the words around it if a video language model wrote it, else None. start_is, end_is: the words for its edges,
    or None for an edge without one and in documents of older versions.
    """

    step: int
    segment: Segment
    start_s: float
    end_s: float
    score: float
    start_confidence: float | None
    end_confidence: float | None
    looked_closer: bool = False
    said: str | None = None
    start_is: Edge | None = None
    end_is: Edge | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "start_frame": self.segment.start_frame,
            "end_frame": self.segment.end_frame,
            "start_s": self.start_s,
            "end_s": self.end_s,
            "score": self.score,
            "edges": {"start": self.start_confidence, "end": self.end_confidence, **self.words_json()},
            **({"looked_closer": True} if self.looked_closer else {}),
            **({} if self.said is None else {"by": StepSource.MODEL.value, "said": self.said}),
            **self.unknown,
        }

    @property
    def _source(self) -> StepSource:
        if self.said is not None:
            return StepSource.MODEL
        return StepSource.FRAMES if self.looked_closer else StepSource.INDEX

    def words_json(self) -> dict[str, str]:
        """The words for the edges that have one."""
        words = {"start_is": self.start_is, "end_is": self.end_is}
        return {key: word.value for key, word in words.items() if word is not None}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> FoundStep:
        """Raises KeyError, TypeError or ValueError for any other entry."""
        return cls(
            step=frame_number(entry["step"]),
            segment=Segment(frame_number(entry["start_frame"]), frame_number(entry["end_frame"])),
            start_s=number(entry["start_s"]),
            end_s=number(entry["end_s"]),
            score=number(entry["score"]),
            start_confidence=chance(entry["edges"]["start"]),
            end_confidence=chance(entry["edges"]["end"]),
            looked_closer=bool(entry.get("looked_closer", False)),
            said=text(entry.get("said", "")) if entry.get("by") == StepSource.MODEL.value else None,
            start_is=_word(entry["edges"], "start_is"),
            end_is=_word(entry["edges"], "end_is"),
            unknown={key: value for key, value in entry.items() if key not in _STEP_KEYS},
        )

    @classmethod
    def of(cls, moment: Moment, step: RefineStep) -> FoundStep:
        """`step` of `moment`."""
        start_is, end_is = edges(moment, step)
        return cls(
            step=step.step,
            segment=step.segment,
            start_s=seconds(step.start_s),
            end_s=seconds(step.end_s),
            score=round(step.score, 4),
            start_confidence=_rounded(step.start_confidence),
            end_confidence=_rounded(step.end_confidence),
            looked_closer=step.looked_closer,
            said=step.said if step.by is StepSource.MODEL else None,
            start_is=start_is,
            end_is=end_is,
        )

    def refine_step(self, footage: Footage) -> RefineStep:
        return RefineStep(
            step=self.step,
            segment=self.segment,
            start_s=footage.times.time_s(self.segment.start_frame),
            end_s=footage.times.time_s(self.segment.end_frame),
            score=float(self.score),
            start_confidence=self.start_confidence,
            end_confidence=self.end_confidence,
            by=self._source,
            said=self.said or "",
            start_is_exact=self.start_is is Edge.EXACT,
            end_is_exact=self.end_is is Edge.EXACT,
        )


@dataclass(frozen=True)
class FoundPart:
    """Frames of a further file in which the moment goes on. media: path of the file, as text."""

    media: str
    segment: Segment
    start_tc: str
    end_tc: str
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "media": self.media,
            "start_frame": self.segment.start_frame,
            "end_frame": self.segment.end_frame,
            "start_tc": self.start_tc,
            "end_tc": self.end_tc,
            **self.unknown,
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> FoundPart:
        """Raises KeyError, TypeError or ValueError for any other entry."""
        return cls(
            media=text(entry["media"]),
            segment=Segment(frame_number(entry["start_frame"]), frame_number(entry["end_frame"])),
            start_tc=text(entry["start_tc"]),
            end_tc=text(entry["end_tc"]),
            unknown={key: value for key, value in entry.items() if key not in _PART_KEYS},
        )

    @classmethod
    def of(cls, part: Part) -> FoundPart:
        start, end = part.segment.start_frame, part.segment.end_frame
        footage = part.footage
        return cls(
            str(footage.media.path), part.segment, str(footage.timecode_at(start)), str(footage.timecode_at(end))
        )

    def part(self, footage_of: FootageOf) -> Part:
        """The part with its footage. Raises UserError if the file has changed, or isn't known any more."""
        footage = _known_footage(Path(self.media), footage_of)
        if self.segment.end_frame > len(footage):
            raise _does_not_fit(Path(self.media))
        return Part(footage, self.segment)


@dataclass(frozen=True)
class FoundMoment:
    """One moment of the document.

    media: path of the file, as text. rate: exact, 'n/d'. segment, start_s … end_confidence: of the step `stop`, which
    was kept. quote: of a moment that was found in text. content: digest of the file, hexadecimal; "" if it isn't known.
    continued: its frames in the files that go on from this one. is_coarse: as in `Moment`.
    """

    rank: int
    media: str
    rate: str
    segment: Segment
    start_s: float
    end_s: float
    start_tc: str
    end_tc: str
    score: float
    confident: bool
    start_confidence: float | None
    end_confidence: float | None
    stop: int
    steps: tuple[FoundStep, ...]
    quote: Quote | None = None
    content: str = ""
    continued: tuple[FoundPart, ...] = ()
    is_coarse: bool = False
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of all its files, as text."""
        return (self.media, *(part.media for part in self.continued))

    @property
    def rough(self) -> Segment:
        return self.steps[0].segment

    @property
    def kept(self) -> Segment:
        """The segment of the step that was kept."""
        return self.steps[self.stop].segment

    def to_json(self) -> dict[str, Any]:
        quote = {}
        if self.quote is not None:
            if self.quote.kind is TextKind.NAME:
                quote = {"file_name": self.quote.text}
            else:
                kind = self.quote.kind.value
                quote = {"subtitle": self.quote.text, "source": str(self.quote.source), "text_from": kind}
            quote["why"] = self.quote.why
        return {
            "rank": self.rank,
            "media": self.media,
            "rate": self.rate,
            "start_frame": self.segment.start_frame,
            "end_frame": self.segment.end_frame,
            "start_s": self.start_s,
            "end_s": self.end_s,
            "start_tc": self.start_tc,
            "end_tc": self.end_tc,
            "score": self.score,
            "confident": self.confident,
            "edges": {
                "start": self.start_confidence,
                "end": self.end_confidence,
                **self.steps[self.stop].words_json(),
            },
            "stop": self.stop,
            "steps": [step.to_json() for step in self.steps],
            **quote,
            **({"content": self.content} if self.content else {}),
            **({"continued": [part.to_json() for part in self.continued]} if self.continued else {}),
            **({"coarse": True} if self.is_coarse else {}),
            **self.unknown,
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> FoundMoment:
        """Raises KeyError, TypeError, ValueError or IndexError for any other entry."""
        quote = None
        if "source" in entry:
            kind = TextKind(entry.get("text_from", TextKind.FILE.value))
            quote = Quote(text(entry.get("subtitle", "")), Path(entry["source"]), kind)
        elif "file_name" in entry:
            quote = Quote(text(entry["file_name"]), Path(text(entry["media"])), TextKind.NAME)
        found = cls(
            rank=frame_number(entry["rank"]),
            media=text(entry["media"]),
            rate=text(entry["rate"]),
            segment=Segment(frame_number(entry["start_frame"]), frame_number(entry["end_frame"])),
            start_s=number(entry["start_s"]),
            end_s=number(entry["end_s"]),
            start_tc=text(entry["start_tc"]),
            end_tc=text(entry["end_tc"]),
            score=number(entry["score"]),
            confident=bool(entry["confident"]),
            start_confidence=chance(entry["edges"]["start"]),
            end_confidence=chance(entry["edges"]["end"]),
            stop=frame_number(entry["stop"]),
            steps=tuple(FoundStep.from_json(step) for step in entry["steps"]),
            quote=quote,
            content=text(entry.get("content", "")),
            continued=tuple(FoundPart.from_json(part) for part in entry.get("continued", ())),
            is_coarse=bool(entry.get("coarse", False)),
            unknown={key: value for key, value in entry.items() if key not in _MOMENT_KEYS},
        )
        if found.stop >= len(found.steps):
            raise IndexError(f"step {found.stop} of {len(found.steps)}")
        return found

    @classmethod
    def of(cls, rank: int, moment: Moment) -> FoundMoment:
        kept, segment, rate = moment.refinement.kept, moment.segment, moment.media.rate
        return cls(
            rank=rank,
            media=str(moment.media.path),
            rate=f"{rate.numerator}/{rate.denominator}",
            segment=segment,
            start_s=seconds(kept.start_s),
            end_s=seconds(kept.end_s),
            start_tc=str(moment.footage.timecode_at(segment.start_frame)),
            end_tc=str(moment.footage.timecode_at(segment.end_frame)),
            score=round(moment.score, 4),
            confident=moment.confident,
            start_confidence=_rounded(kept.start_confidence),
            end_confidence=_rounded(kept.end_confidence),
            stop=moment.refinement.stop,
            steps=tuple(FoundStep.of(moment, step) for step in moment.refinement.steps),
            quote=moment.quote,
            content=moment.footage.contents[0].hex() if moment.footage.contents else "",
            continued=tuple(FoundPart.of(part) for part in moment.parts[1:]),
            is_coarse=moment.is_coarse,
        )

    def is_of(self, footage: Footage) -> bool:
        """Whether `footage` still has the frames in which this was found, as far as both contents are known."""
        contents = [content.hex() for content in footage.contents]
        return not (self.content and contents) or self.content in contents

    def moment(self, query: str, footage_of: FootageOf) -> Moment:
        """The moment with its footage. Raises UserError if the file has changed, or isn't known any more."""
        path = Path(self.media)
        footage = _known_footage(path, footage_of)
        if not self.is_of(footage):
            raise UserError("The file has changed since the search", path=path, remedy="Search again")
        if self.kept != self.segment or self.kept.end_frame > len(footage):
            raise _does_not_fit(path)
        return Moment(
            footage=footage,
            refinement=Refinement(tuple(step.refine_step(footage) for step in self.steps), self.stop),
            score=float(self.score),
            confident=self.confident,
            query=query,
            quote=self.quote,
            continued=tuple(part.part(footage_of) for part in self.continued),
            is_coarse=self.is_coarse,
        )


def _known_footage(path: Path, footage_of: FootageOf) -> Footage:
    try:
        return footage_of(path)
    except KeyError as error:
        raise UserError("A file of the result isn't in the library", path=path, remedy="Search again") from error


def _does_not_fit(path: Path) -> UserError:
    return UserError("A moment of the result doesn't fit its file", path=path, remedy="Search again")


def moments_of(document: Any, footage_of: FootageOf) -> list[Moment]:
    """The moments of a document that `find --json` printed.

    Raises UserError if it is another document, or one of its files has changed or left the library since.
    """
    try:
        if document["schema"] != SCHEMA:
            raise UserError(f"The result has schema {document['schema']}, but this version supports {SCHEMA}")
        query = str(document["query"])
        found = [FoundMoment.from_json(entry) for entry in document["moments"]]
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise UserError(
            f"This isn't a result of tr-desktop find --json ({error!r})",
            remedy="Save one with: find … --json > result.json",
        ) from error
    return [each.moment(query, footage_of) for each in found]


def seconds(value: Fraction) -> float:
    """Seconds as in the document: to a tenth of a millisecond."""
    return round(float(value), 4)


def text(value: Any) -> str:
    """`value`, if it is text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} isn't text")
    return value


def number(value: Any) -> float:
    """`value`, if it is a number. Raises TypeError."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} isn't a number")
    return value


def chance(value: Any) -> float | None:
    """`value`, if it is a number, or None for an unknown confidence. Raises TypeError."""
    return None if value is None else number(value)


def _word(edges: Mapping[str, Any], key: str) -> Edge | None:
    """The word for an edge; None if there is none, or only a newer version knows it. Raises TypeError."""
    word = edges.get(key)
    known = {each.value: each for each in Edge}
    return None if word is None else known.get(text(word))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def frame_number(value: Any) -> int:
    """`value`, if it is a whole number from 0 on. Raises TypeError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} isn't a frame number")
    return value
