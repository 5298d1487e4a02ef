"""`tr-desktop find`: index new footage, search, refine, print the moments, and export them on request."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tr_desktop import paths
from tr_desktop.commands import export, options
from tr_desktop.commands.conversion import size
from tr_desktop.grounders.video_llm import QUANTISED
from tr_desktop.limits import DEFAULT_STEPS, DEFAULT_TOP, MAX_STEPS

if TYPE_CHECKING:
    from tr_desktop.engine import Engine
    from tr_desktop.grounders.video_llm.joining import VideoGrounder
    from tr_desktop.library.filters import FootageFilter

# Of the devices for ONNX models, those that torch knows; a model that torch runs finds its own for the others.
_TORCH_DEVICES = {"cpu": "cpu", "cuda": "cuda", "tensorrt": "cuda", "coreml": "mps"}


def add_commands(commands: Any) -> None:
    """Add `find` to the subparsers of `tr-desktop`."""
    find = commands.add_parser("find", help="search footage for a sentence; new footage is indexed first")
    find.add_argument("query", metavar="QUERY", help="what you remember, such as: a dog jumps over a fence")
    find.add_argument("paths", metavar="PATH", nargs="*", type=Path, help="files or folders (none: a sample clip)")
    find.add_argument(
        "--top", metavar="N", type=options.positive, default=DEFAULT_TOP, help="number of moments (default %(default)s)"
    )
    find.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    find.add_argument("--export", metavar="OUT", type=Path, help="write the moments for an editor, such as hits.edl")
    options.add_export(find)
    find.add_argument("--no-refine", action="store_true", help="return the rough segments")
    find.add_argument(
        "--steps",
        metavar="K",
        type=_steps,
        default=DEFAULT_STEPS,
        help=f"refinement steps, 0 to {MAX_STEPS} (default %(default)s)",
    )
    find.add_argument(
        "--refiner", choices=("none", "heuristic", "learned"), help="refiner to use; by default the pack's best"
    )
    find.add_argument(
        "--like",
        metavar="EXAMPLE",
        help="find moments that look like a picture, or like footage at a time, MEDIA@SECONDS; SECONDS may be a"
        " timecode; omit QUERY",
    )
    find.add_argument(
        "--grounder",
        metavar="NAME",
        help="let a video language model look at the best moments (add one first: tr-desktop models add FOLDER)",
    )
    find.add_argument(
        "--ground",
        metavar="N|all",
        type=options.positive_or_all,
        help="how many of the best moments it looks at (default 3); all: it is asked about all footage, window by"
        " window, whether the moment is there, and looks at the best three windows",
    )
    find.add_argument(
        "--ground-once",
        action="store_true",
        help="take its first answer; otherwise it is asked again about a shorter window with more pictures a second",
    )
    find.add_argument(
        "--ground-timeout",
        metavar="SECONDS",
        type=options.seconds,
        help="how long it may take for each stretch of footage (default 120)",
    )
    find.add_argument(
        "--quantise",
        choices=QUANTISED,
        help="make its weights smaller when they are loaded, if it runs in this program: nf4 takes least memory",
    )
    for option, effect in (
        ("--like-more", "right: it comes first, and what looks like it"),
        ("--like-less", "wrong: it is left out"),
    ):
        find.add_argument(
            option,
            metavar="MEDIA@SECONDS",
            action="append",
            default=[],
            help=f"mark the answer at this time {effect}; MEDIA is a path or the name of a file in the library, SECONDS"
            " may be a timecode; may be repeated",
        )
    options.add_footage_filter(find)
    options.add_common(find)
    find.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from tr_desktop.answer_json import as_json
    from tr_desktop.commands import report
    from tr_desktop.commands.progress import IndexBar, WindowBar
    from tr_desktop.grounders.two_tower import RefinerKind
    from tr_desktop.library.index.screen_text import can_read, not_installed
    from tr_desktop.library.search.alike import asked_of
    from tr_desktop.library.search.media_at import judgement_of

    query, footage = arguments.query, arguments.paths
    if arguments.like is not None:
        query, footage = f"like {arguments.like}", [Path(query), *footage]
    if arguments.export is not None:
        export.check(query, arguments)
    refiner = None if arguments.refiner is None else RefinerKind(arguments.refiner)
    with (
        _video_grounder(arguments) as video_grounder,
        options.engine_of(arguments, refiner) as engine,
        IndexBar() as bar,
        WindowBar(arguments.grounder or "") as window_bar,
    ):
        judgements = [
            judgement_of(what, is_right, engine.catalog)
            for marked, is_right in ((arguments.like_more, True), (arguments.like_less, False))
            for what in marked
        ]
        answer = engine.find(
            query,
            footage or [_sample_clip(engine)],
            top=arguments.top,
            steps=0 if arguments.no_refine else arguments.steps,
            example=arguments.like,
            judgements=judgements,
            footage_filter=_footage_filter(arguments),
            video_grounder=video_grounder,
            on_progress=bar.update,
            on_window=window_bar.update,
        )
    if arguments.json:
        print(json.dumps(as_json(answer), indent=1))
    else:
        print(report.as_text(answer))
    print(report.coverage_text(answer.coverage), file=sys.stderr)
    if answer.cut:
        print(report.cut_text(answer), file=sys.stderr)
    if arguments.like is None and asked_of(query).is_for_text and not can_read():
        print(not_installed(), file=sys.stderr)
    for note in answer.notes:
        print(note, file=sys.stderr)
    if arguments.export is not None:
        export.write(answer.moments, answer.query, arguments)
    return options.OK if any(moment.confident for moment in answer.moments) else options.NOT_CONFIDENT


@contextmanager
def _video_grounder(arguments: argparse.Namespace) -> Iterator[VideoGrounder | None]:
    """The video language model that was asked for, running; None if none was. Raises UserError."""
    from tr_desktop.errors import UserError
    from tr_desktop.grounders.video_llm.checkpoints import Checkpoint
    from tr_desktop.grounders.video_llm.joining import DEFAULT_MOST, DEFAULT_TIMEOUT_S, VideoGrounder
    from tr_desktop.grounders.video_llm.packs import load_grounder

    if arguments.grounder is None:
        if arguments.ground is not None or arguments.ground_timeout is not None or arguments.ground_once:
            raise UserError(
                "--ground, --ground-once and --ground-timeout need --grounder", remedy="Say which: --grounder NAME"
            )
        if arguments.quantise is not None:
            raise UserError("--quantise needs --grounder", remedy="Say which: --grounder NAME")
        yield None
        return
    timeout_s = DEFAULT_TIMEOUT_S if arguments.ground_timeout is None else float(arguments.ground_timeout)
    everywhere = arguments.ground == options.ALL
    pack = load_grounder(arguments.grounder)
    if isinstance(pack.runs_on, Checkpoint):
        print(f"Opening {pack.name}, {size(pack.runs_on.weights_bytes)}…", file=sys.stderr, flush=True)
    grounder = VideoGrounder(
        pack,
        DEFAULT_MOST if everywhere or arguments.ground is None else arguments.ground,
        timeout_s,
        everywhere=everywhere,
        closer=not arguments.ground_once,
        device=_TORCH_DEVICES.get(arguments.device, "auto"),
        quantise=arguments.quantise or "none",
    )
    try:
        grounder.open()
        yield grounder
    finally:
        grounder.close()


def _footage_filter(arguments: argparse.Namespace) -> FootageFilter:
    from tr_desktop.library.filters import FootageFilter

    return FootageFilter(
        name=arguments.name,
        after=arguments.after,
        before=arguments.before,
        shortest_s=arguments.longer,
        longest_s=arguments.shorter,
        height=arguments.height,
        exclude=tuple(arguments.exclude),
    )


def _sample_clip(engine: Engine) -> Path:
    from tr_desktop.footage.sample import copy_sample
    from tr_desktop.sample_index import index_sample

    path = paths.sample_clip(engine.catalog.folder)
    print(f"No footage given: searching the sample clip {path}", file=sys.stderr)
    if not path.exists():
        copy_sample(path)
    index_sample(path, engine)
    return path


def _steps(text: str) -> int:
    value = int(text)
    if not 0 <= value <= MAX_STEPS:
        raise ValueError(text)
    return value
