"""The bodies that the local API takes and gives, as its OpenAPI document describes them."""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from tr_desktop.library.filters import FootageFilter
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP, MAX_STEPS

MAX_TOP, MAX_PICKS = 50, 1000
_MAX_HANDLES_S = 3600
_SECONDS = r"[0-9]{1,7}(\.[0-9]{1,6}|/[1-9][0-9]{0,5})?"

Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(max_length=200)]
MomentId = Annotated[str, Field(max_length=64, description="16 hexadecimal digits")]
Top = Annotated[int, Field(ge=1, le=MAX_TOP, description="moments at most")]
Steps = Annotated[int, Field(ge=0, le=MAX_STEPS, description="refinement steps; the last two look at decoded frames")]
Pattern = Annotated[Name, Field(description="pattern of file names, such as A001*.mov")]
_DAYS = date(1970, 1, 2), date(2999, 12, 31)  # those that every system and time zone can count


def _day(given: object) -> object:
    """What a client sends as a day."""
    if given is None:
        return None
    try:
        day = date.fromisoformat(given) if isinstance(given, str) else date.min
    except ValueError:
        day = date.min
    if not _DAYS[0] <= day <= _DAYS[1]:
        raise PydanticCustomError("day", "should be a day such as 2026-05-31")
    return day


def _pick(given: object) -> object:
    """What a client sends as a moment: its id alone will do."""
    if isinstance(given, str):
        return {"id": given}
    if not isinstance(given, dict):
        raise PydanticCustomError("pick", "should be the id of a moment, or an object with id and step")
    return given


def _seconds(given: str) -> str:
    if not re.fullmatch(_SECONDS, given) or Fraction(given) > _MAX_HANDLES_S:
        raise PydanticCustomError("seconds", f"should be seconds such as 0.5 or 1001/1000, {_MAX_HANDLES_S} at most")
    return given


Day = Annotated[date | None, BeforeValidator(_day)]
Handles = Annotated[
    str,
    AfterValidator(_seconds),
    Field(
        json_schema_extra={"pattern": f"^{_SECONDS}$"},
        description=f"seconds, exact: 0.5 or 1001/1000; {_MAX_HANDLES_S} at most",
    ),
]
Frame = Annotated[int, Field(ge=0, lt=1 << 40, description="counted from the file's first (0); ends are exclusive")]


def footage_filter(name: str, after: date | None, before: date | None) -> FootageFilter:
    """The filter for what a client asks of files: a pattern of names, and days, which begin at midnight."""
    first, last = (None if day is None else datetime(day.year, day.month, day.day) for day in (after, before))
    return FootageFilter(name, first, last)


class Asked(BaseModel):
    """A body that a client sends: exact types, and nothing that isn't known."""

    model_config = ConfigDict(strict=True, extra="forbid")


class PairingAsked(Asked):
    code: Name
    name: Name


class SearchAsked(Asked):
    query: Text
    top: Top = DEFAULT_TOP
    steps: Steps = DEFAULT_STEPS
    name: Pattern = ""
    after: Day = Field(None, description="changed on this day or later")
    before: Day = Field(None, description="changed before this day")


class PickAsked(Asked):
    """A moment with the edges of one of its steps; without `step`, those that it has."""

    id: MomentId
    step: Annotated[int, Field(ge=0, le=99)] | None = None


Picked = Annotated[PickAsked, BeforeValidator(_pick, json_schema_input_type=MomentId | PickAsked)]


class SelectAsked(Asked):
    """A moment for the selects: with the edges of a step, with edges of one's own, or as it is."""

    moment: MomentId
    step: Annotated[int, Field(ge=0, le=99)] | None = None
    start_frame: Frame | None = None
    end_frame: Frame | None = None


class ExportAsked(Asked):
    """Moments, or the app's selects, for the outbox."""

    moments: Annotated[list[Picked], Field(max_length=MAX_PICKS)] = Field(default_factory=list)
    selects: bool = False
    format: Name = "handover"
    name: Name = ""
    handles_s: Handles = "0"


class HealthGiven(BaseModel):
    name: Literal["TimeRefine"] = "TimeRefine"
    api: Literal[1] = 1


class PairingGiven(BaseModel):
    name: str
    token: str = Field(description="for the header Authorization: Bearer TOKEN; it is shown once")


class SearchGiven(BaseModel):
    id: str


class EdgesGiven(BaseModel):
    """Confidence in the edges, 0 to 1, and the words for those that have one."""

    model_config = ConfigDict(extra="allow")
    start: float | None
    end: float | None


class StepGiven(BaseModel):
    """One refinement step."""

    model_config = ConfigDict(extra="allow")
    step: int
    start_frame: int
    end_frame: int
    start_s: float
    end_s: float
    score: float
    edges: EdgesGiven


class MomentShort(BaseModel):
    """A moment without its rank and steps. Frames count from 0, ends are exclusive."""

    model_config = ConfigDict(extra="allow")
    id: str = Field(description="the same while its edges are refined, and in the hand-over")
    level: Literal["strong", "likely", "guess"] = Field(description="what its score is called")
    media: str = Field(description="path of the file")
    rate: str = Field(description="exact frames a second, n/d")
    start_frame: int
    end_frame: int
    start_s: float
    end_s: float
    start_tc: str
    end_tc: str
    score: float = Field(description="chance, 0 to 1, that the moment is right among all that was searched")
    confident: bool = Field(description="whether the score reaches the model's threshold; other moments are guesses")
    edges: EdgesGiven


class MomentGiven(MomentShort):
    """A moment as `find --json` prints it, with its id."""

    rank: int
    stop: int = Field(description="the step whose edges these are")
    steps: list[StepGiven]


class EventGiven(BaseModel):
    """moments: the best so far. answer: the document of `find --json`. error: a sentence. Nothing follows the last."""

    model_config = ConfigDict(extra="allow")
    n: int
    kind: Literal["moments", "answer", "error", "cancelled"]
    moments: list[MomentGiven] | None = None
    answer: dict[str, Any] | None = None
    error: str | None = None


class EventsGiven(BaseModel):
    events: list[EventGiven]
    done: bool


class CurveGiven(BaseModel):
    """How similar the frame on screen at k · every_s seconds is to the query, and frames that begin a shot."""

    every_s: str = Field(description="exact seconds, n/d")
    curve: list[float]
    shot_frames: list[int]


class CoverageGiven(BaseModel):
    model_config = ConfigDict(extra="allow")
    files: int
    searched: int
    seconds: float
    offline: list[str]
    incomplete: list[dict[str, Any]]
    skipped: list[dict[str, str]]


class SelectsGiven(BaseModel):
    selects: list[MomentGiven]
    missing: list[str] = Field(description="a sentence for each select that can't be shown")


class HandoverGiven(BaseModel):
    model_config = ConfigDict(extra="allow")
    kind: str
    moments: list[dict[str, Any]]


class ExportGiven(BaseModel):
    files: list[str]
    notes: list[str]


class ErrorGiven(BaseModel):
    error: str
