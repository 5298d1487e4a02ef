"""The addresses of the local API, and what each answers. Its OpenAPI document is made from this file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as RoutingError
from starlette.responses import JSONResponse, Response, StreamingResponse

from tr_desktop.answer_json import as_json, coverage_as_json
from tr_desktop.errors import LibraryError, MediaError, PackError, UserError
from tr_desktop.moments import Moment, Segment
from tr_desktop.serving import shapes
from tr_desktop.serving.complaints import NOT_JSON, complaint
from tr_desktop.serving.desk import Desk, Pick, UnknownMomentError, moment_json, report_json
from tr_desktop.serving.pairing import NotKeptError, Pairing, PairingError
from tr_desktop.serving.searches import Search, Searches, TooManyError

MAX_WAIT_S = 25
_STREAM_WAIT_S = 15.0
_log = logging.getLogger(__name__)

Id = Annotated[str, Path(max_length=64)]


class Selects(Protocol):
    """The selects of the project that is open in the app. Called in threads of the server."""

    def all(self) -> tuple[Sequence[Moment], Sequence[str]]:
        """Those that can be shown, in their order, and a sentence for each that can't."""

    def add(self, moment: Moment, segment: Segment | None) -> Moment:
        """Accept the moment, as one step that the editor can undo. segment: its edges, if others. Raises UserError."""


class RefusedError(UserError):
    """A request that can't be answered. status: of HTTP."""

    def __init__(self, status: int, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.status = status


class AsciiJson(JSONResponse):
    """File names that aren't valid text can't break it."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False).encode()


def make_api(desk: Desk, pairing: Pairing, searches: Searches, selects: Selects | None) -> FastAPI:
    """The application. selects: None if there is no app."""
    api = FastAPI(
        title="TimeRefine",
        version="1",
        description="Search the footage of this machine's library. The server listens on the loopback address only.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        default_response_class=AsciiJson,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        responses={"4XX": {"model": shapes.ErrorGiven}, "5XX": {"model": shapes.ErrorGiven}},
    )
    _answer_errors(api)
    _add_pairing(api, pairing)
    _add_searches(api, desk, searches)
    _add_moments(api, desk)
    _add_selects(api, desk, selects)
    return api


def _answer_errors(api: FastAPI) -> None:
    @api.exception_handler(UserError)
    def user_error(_: Request, error: UserError) -> Response:
        return AsciiJson({"error": str(error)}, _status(error))

    @api.exception_handler(RequestValidationError)
    def not_valid(_: Request, error: RequestValidationError) -> Response:
        return AsciiJson({"error": complaint(error.errors()[0])}, 400)

    @api.exception_handler(RoutingError)
    def refused_by_the_framework(_: Request, error: RoutingError) -> Response:
        reason = {404: "There is nothing at this address", 405: "This address doesn't take this method"}
        return AsciiJson({"error": reason.get(error.status_code, NOT_JSON)}, error.status_code, error.headers)

    @api.exception_handler(Exception)
    def unforeseen(_: Request, error: Exception) -> Response:
        _log.error("A request to the local API failed", exc_info=error)
        return AsciiJson({"error": "This failed unexpectedly. The log of TimeRefine has the reason"}, 500)


def _status(error: UserError) -> int:
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, UnknownMomentError):
        return 404
    if isinstance(error, PairingError):
        return 403
    if isinstance(error, TooManyError):
        return 429
    return 409 if isinstance(error, MediaError | LibraryError | PackError) else 400


def _add_pairing(api: FastAPI, pairing: Pairing) -> None:
    @api.get("/v1/health")
    def health() -> shapes.HealthGiven:
        """Whether TimeRefine answers here. Needs no token."""
        return shapes.HealthGiven()

    @api.post("/v1/pairings", status_code=201)
    def pair(asked: shapes.PairingAsked) -> shapes.PairingGiven:
        """A token for the code that TimeRefine shows. Needs no token."""
        try:
            plugin, token = pairing.pair(asked.code, asked.name)
        except NotKeptError as error:
            _log.exception("A plugin can't be paired")
            raise RefusedError(500, error.what, error.remedy) from error  # strangers needn't know the path
        return shapes.PairingGiven(name=plugin.name, token=token)


def _add_searches(api: FastAPI, desk: Desk, searches: Searches) -> None:
    def search_of(name: str) -> Search:
        search = searches.get(name)
        if search is None:
            raise RefusedError(404, "There is no such search: it is too old, or the server was started again")
        return search

    @api.post("/v1/searches", status_code=202)
    def start(asked: shapes.SearchAsked) -> shapes.SearchGiven:
        """Search what is indexed. One search runs at a time; a later one waits for its turn."""
        footage_filter = shapes.footage_filter(asked.name, asked.after, asked.before)

        def job(search: Search) -> None:
            def found(moments: Sequence[Moment]) -> None:
                search.say("moments", moments=_listed(moments))

            answer = desk.find(
                asked.query,
                top=asked.top,
                steps=asked.steps,
                footage_filter=footage_filter,
                on_moments=found,
                check=search.check,
            )
            search.say("answer", answer={**as_json(answer), "moments": _listed(answer.moments)})

        return shapes.SearchGiven(id=searches.start(job))

    @api.get(
        "/v1/searches/{id}/events",
        response_model=shapes.EventsGiven,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    def events(
        id: Id,
        request: Request,
        after: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
        wait: Annotated[int, Query(ge=0, le=MAX_WAIT_S)] = 0,
    ) -> Response:
        """The events after number `after`; waits up to `wait` seconds for the first.

        With `Accept: text/event-stream` they come as server-sent events until the last one.
        """
        search = search_of(id)
        if "text/event-stream" in request.headers.get("accept", ""):
            last = request.headers.get("last-event-id", "")
            number = int(last[:9]) if last.isascii() and last.isdigit() else after
            return StreamingResponse(_stream(search, number), media_type="text/event-stream")
        found, is_done = search.after(after, wait)
        return AsciiJson({"events": found, "done": is_done})

    @api.delete("/v1/searches/{id}", status_code=204)
    def cancel(id: Id) -> Response:
        """End the search."""
        search_of(id).cancel()
        return Response(status_code=204)


def _stream(search: Search, number: int) -> Iterator[str]:
    is_done = False
    while not is_done:
        found, is_done = search.after(number, _STREAM_WAIT_S)
        number += len(found)
        yield "".join(f"id: {e['n']}\nevent: {e['kind']}\ndata: {json.dumps(e)}\n\n" for e in found) or ": waiting\n\n"


def _add_moments(api: FastAPI, desk: Desk) -> None:
    @api.get("/v1/moments/{id}", response_model=shapes.MomentGiven)
    def moment(id: Id) -> Response:
        """A moment as it is known now."""
        return AsciiJson(moment_json(desk.moment(Pick(id))))

    @api.post("/v1/moments/{id}/closer", response_model=shapes.MomentGiven)
    def closer(id: Id) -> Response:
        """The moment with the steps that look at decoded frames. The body is an empty object."""
        return AsciiJson(moment_json(desk.look_closer(id)))

    @api.get("/v1/moments/{id}/picture", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
    def picture(
        id: Id,
        frame: Annotated[int, Query(ge=0, lt=1 << 40)],
        width: Annotated[int, Query(ge=32, le=1920, description="pixels of the longer side, at most")] = 320,
    ) -> Response:
        """A JPEG of exactly that frame of the moment's file, counted from 0."""
        return Response(desk.picture(id, frame, width), media_type="image/jpeg")

    @api.get("/v1/moments/{id}/curve", response_model=shapes.CurveGiven)
    def curve(id: Id) -> Response:
        """The evidence for the moment's edges."""
        found = desk.evidence(id)
        values = [round(float(value), 4) for value in found.curve]
        return AsciiJson({"every_s": str(found.every_s), "curve": values, "shot_frames": list(found.shot_frames)})

    @api.get("/v1/moments/{id}/handover", response_model=shapes.HandoverGiven)
    def hand_over(id: Id, step: Annotated[int | None, Query(ge=0, le=99)] = None) -> Response:
        """The moment alone as in the file of a hand-over, with the edges of a step."""
        return AsciiJson(desk.hand_over(Pick(id, step)))

    @api.get("/v1/coverage", response_model=shapes.CoverageGiven)
    def coverage() -> Response:
        """What is searched and what is not, and why."""
        return AsciiJson(coverage_as_json(desk.coverage()))


def _add_selects(api: FastAPI, desk: Desk, selects: Selects | None) -> None:
    def the_selects() -> Selects:
        if selects is None:
            raise RefusedError(
                409,
                "Selects belong to a project",
                "Open it in the app, and switch on File > Editors… > Let plugins search",
            )
        return selects

    @api.get("/v1/selects", response_model=shapes.SelectsGiven)
    def all_selects() -> Response:
        """The selects of the project that is open in the app."""
        moments, missing = the_selects().all()
        return AsciiJson({"selects": _listed(moments), "missing": list(missing)})

    @api.post("/v1/selects", status_code=201, response_model=shapes.MomentGiven)
    def accept(asked: shapes.SelectAsked) -> Response:
        """Make a moment one of the selects. The editor can undo it in the app."""
        moment = desk.moment(Pick(asked.moment))
        start_frame, end_frame = asked.start_frame, asked.end_frame
        segment = None if asked.step is None else desk.moment(Pick(asked.moment, asked.step)).segment
        if (start_frame is None) != (end_frame is None) or (start_frame is not None and asked.step is not None):
            raise RefusedError(400, "Give a step, or both start_frame and end_frame, or none of them")
        if start_frame is not None and end_frame is not None:
            frames = len(moment.footage)
            if not start_frame < end_frame <= frames:
                raise RefusedError(400, f"The frames have to be from 0 to {frames}, and the end after the start")
            segment = Segment(start_frame, end_frame)
        return AsciiJson(moment_json(the_selects().add(moment, segment)), 201)

    @api.post("/v1/exports", status_code=201, response_model=shapes.ExportGiven)
    def export(asked: shapes.ExportAsked) -> Response:
        """Write moments or the app's selects into the outbox, under a name of TimeRefine's own."""
        if asked.selects == bool(asked.moments):
            raise RefusedError(400, "Give moments, or selects, and not both")
        moments: Sequence[Moment] = [desk.moment(Pick(each.id, each.step)) for each in asked.moments]
        missing: Sequence[str] = ()
        if asked.selects:
            moments, missing = the_selects().all()
            if missing and not moments:
                raise RefusedError(409, "None of the selects can be exported", missing[0])
        report = desk.export(moments, asked.format, name=asked.name, handles_s=Fraction(asked.handles_s))
        return AsciiJson(report_json(replace(report, notes=(*missing, *report.notes))), 201)


def _listed(moments: Sequence[Moment]) -> list[dict[str, Any]]:
    return [moment_json(moment, rank) for rank, moment in enumerate(moments, 1)]
