"""What marks are worth: the first answers to a query are marked right or wrong by its annotation, and the search is
ranked again.

    python -m benchmarks.feedback --footage DIR     # a folder with videos and annotations.jsonl
    python -m benchmarks.feedback --data DIR        # a library composed from the clips of DIR that no encoder learned
    python -m benchmarks.feedback --hours 14        # how long ranking again takes, with 7,200 synthetic rows an hour

Measured on what is left of the list: without the marked answers, and without all that shows a source which was marked
right, since finding near copies is no feat. Beside it stands the trivial use of marks, which only takes these out. In a
composed library a query is a word, and right are the shots of all clips whose captions have it.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.library import fill
from tr_desktop.grounders.base import Search
from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.grounding import MAX_FILES, best_moments
from tr_desktop.library.search.feedback import judged_vector, ranked
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.limits import DEFAULT_STEPS
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.moments import Judgement, Moment
from tr_desktop.training.annotated_footage import annotated_footage
from tr_desktop.training.metrics import best_iou, bootstrap_interval, expected_calibration_error
from tr_desktop.training.refiner.sources import Sources
from tr_desktop.training.scores.answers import RIGHT, best_first
from tr_desktop.training.scores.material import encoded_clips
from tr_desktop.training.scores.questions import LIBRARY, ComposedLibraries, Question, about_footage

TOP = 15  # answers in a list
FIRST = 5  # of what is left of it
FILES = 12  # with the best frames
MOMENTS = 30  # in the app's list
VIDEOS = 60  # in a composed library
LEAST_SOURCES, MOST_CLIPS = 4, 40  # that a word is about
LITTLE_WORDS = frozenset(("and", "the", "with", "from", "over", "under", "into", "near", "for", "his", "her", "their"))


@dataclass(frozen=True)
class Place:
    """Seconds [start_s, end_s) of a file that show one source."""

    path: Path
    start_s: float
    end_s: float
    source: str

    def shared_s(self, moment: Moment) -> float:
        kept = moment.refinement.kept
        shared_s = min(self.end_s, float(kept.end_s)) - max(self.start_s, float(kept.start_s))
        return shared_s if self.path == moment.media.path else 0.0


@dataclass(frozen=True)
class Asked:
    """A question and the places of its library, the right ones first among them."""

    question: Question
    places: Sequence[Place]

    def is_right(self, moment: Moment) -> bool:
        kept, windows = moment.refinement.kept, self.question.truths.get(moment.media.path, ())
        return best_iou((float(kept.start_s), float(kept.end_s)), windows) >= RIGHT

    def source(self, moment: Moment) -> str:
        """The source that most of the moment shows, or ""."""
        best = max(self.places, key=lambda place: place.shared_s(moment), default=None)
        return "" if best is None or best.shared_s(moment) <= 0 else best.source


@dataclass(frozen=True)
class Rest:
    """[≤ FIRST] scores of the first answers left, and which are right. marked_right: how many marks said right."""

    scores: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    marked_right: int


def of_footage(folder: Path, catalog: Catalog, encoder: Encoder) -> Iterator[Asked]:
    annotations, files = annotated_footage(folder, catalog, encoder)
    for question in about_footage(annotations, files, encoder.encode_text, 0, 0):
        if question.kind == LIBRARY and not question.anywhere:
            windows = ((path, window) for path, some in question.truths.items() for window in some)
            yield Asked(question, [Place(path, *window, f"{path} {window}") for path, window in windows])


def of_clips(sources: Sources, encoder: Encoder, count: int, seed: int) -> Iterator[Asked]:
    """`count` words asked of one library."""
    library = ComposedLibraries(sources, VIDEOS, seed, 1 / encoder.pack.sample_fps)
    words = {id(item): _words(item.captions, sources) for item in sources.items}
    shots: list[tuple[Place, frozenset[str]]] = []
    for composed in library.videos:
        video, path = composed.example.video, composed.item.media.path
        spans = list(zip(video.starts[:-1], video.starts[1:], (shot.source for shot in video.shots), strict=True))
        for start, end, source in [*spans, *((event.start, event.end, event.shot.source) for event in video.events)]:
            place = Place(path, float(start) / video.rate_fps, float(end) / video.rate_fps, source.group)
            shots.append((place, words[id(source)]))
    about = {
        word: [place for place, its in shots if word in its]
        for word in sorted(frozenset[str]().union(*words.values()))
        if sum(word in its for its in words.values()) <= MOST_CLIPS
    }
    chosen = [word for word, places in about.items() if len({place.source for place in places}) >= LEAST_SOURCES]
    files, places = tuple(each.item for each in library.videos), [place for place, _ in shots]
    for word in np.random.default_rng(seed).permutation(chosen)[:count].tolist():
        truths: dict[Path, list[tuple[float, float]]] = {}
        for place in about[word]:
            truths.setdefault(place.path, []).append((place.start_s, place.end_s))
        yield Asked(Question(LIBRARY, word, encoder.encode_text([word])[0], files, truths, word), places)


def _words(captions: Sequence[int], sources: Sources) -> frozenset[str]:
    text = " ".join(sources.captions[number].lower() for number in captions)
    return frozenset(re.findall(r"[a-z]{3,}", text)) - LITTLE_WORDS


def answers(question: Question, judgements: Sequence[Judgement], grounder: TwoTower, encoder: Encoder) -> list[Moment]:
    """The first TOP answers, as `find` ranks them with these judgements, without looking closer."""
    files = {item.media.path: item for item in question.files}
    vector, counted = judged_vector(question.vector, judgements, files.__getitem__, encoder.background)
    best, search = best_first(replace(question, vector=vector))
    search = replace(search, best=search.best[len({each.path for each in counted if each.is_right}) :])
    steps = DEFAULT_STEPS - grounder.steps_that_look_closer(DEFAULT_STEPS)
    *_, (_, found) = best_moments(search, best[:FILES], grounder, TOP, steps, judgements=judgements)
    return found


def marked(
    asked: Asked, before: Sequence[Moment], marks: int, grounder: TwoTower, encoder: Encoder
) -> tuple[Rest, Rest] | None:
    """What is left after marking the first `marks` answers: only without them, and ranked again; None if nothing right
    is left to find."""
    judgements, sources = [], set[str]()
    for moment in before[:marks]:
        segment, right = moment.segment, asked.is_right(moment)
        middle = (segment.start_frame + segment.end_frame) // 2
        judgements.append(Judgement(moment.media.path, middle, right))
        if right:
            sources.add(asked.source(moment))
    right_places = [
        place
        for place in asked.places
        if (place.start_s, place.end_s) in asked.question.truths.get(place.path, ()) and place.source not in sources
    ]
    if not right_places:
        return None

    def left(moments: Sequence[Moment]) -> Rest:
        some = [
            moment
            for moment in moments
            if not any(each.is_about(moment) for each in judgements) and asked.source(moment) not in sources
        ][:FIRST]
        right = np.array([asked.is_right(moment) for moment in some], bool)
        return Rest(np.array([moment.score for moment in some]), right, sum(each.is_right for each in judgements))

    return left(ranked(before, ())), left(answers(asked.question, judgements, grounder, encoder))


def time_ranking(hours: int, runs: int, encoder: Encoder) -> None:
    """Print how long it takes, with three marks, until a list is ranked again without looking closer."""
    with tempfile.TemporaryDirectory() as folder, Catalog(Path(folder)) as catalog:
        vector = encoder.encode_text(["a dog"])[0]
        fill(catalog, hours, len(vector))
        media = {each.media_id or 0: Path(os.fsdecode(path)) for path, each in catalog.known("pack").items()}
        marks = [Judgement(path, 27_000, number != 1) for number, path in enumerate(islice(media.values(), 3))]
        grounder, times = TwoTower(catalog, encoder), list[tuple[float, ...]]()
        steps = DEFAULT_STEPS - grounder.steps_that_look_closer(DEFAULT_STEPS)
        for _ in range(runs):
            started_s, used_s = time.perf_counter(), time.process_time()
            moved, _ = judged_vector(vector, marks, lambda path: catalog.load(path, "pack"), encoder.background)
            files, best = catalog.best_files("pack", moved, media, MAX_FILES)
            compared_s, compared_used_s = time.perf_counter(), time.process_time()
            search = Search("a dog", moved, len(media), best)
            *_, (_, moments) = best_moments(search, files, grounder, MOMENTS, steps, judgements=marks)
            shown_s = time.perf_counter()
            ranked(moments, marks)
            ends = time.perf_counter() - shown_s, compared_s - started_s, shown_s - started_s
            times.append((*ends, compared_used_s - used_s, time.process_time() - used_s))
    first, compared, whole, compared_used, whole_used = (
        1000 * statistics.median(each) for each in zip(*times, strict=True)
    )
    print(f"{hours} h: the list that is shown {first:.2f} ms; all rows compared {compared:.0f} ms (processor")
    print(f"{compared_used:.0f}); {len(moments)} moments of the best files {whole:.0f} ms (processor {whole_used:.0f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", metavar="DIR", type=Path)
    parser.add_argument("--data", metavar="DIR", type=Path)
    parser.add_argument("--hours", metavar="N", type=int)
    parser.add_argument("--questions", metavar="N", type=int, default=120, help="words (default %(default)s)")
    parser.add_argument("--marks", metavar="N", type=int, nargs="+", default=[1, 3], help="(default 1 3)")
    parser.add_argument("--model", metavar="PACK", default="mini", help="(default %(default)s)")
    parser.add_argument("--cache", metavar="DIR", type=Path, default=Path(".cache"), help="for the index and clips")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    arguments = parser.parse_args()
    encoder = Encoder(load_pack(arguments.model))
    if arguments.hours is not None:
        time_ranking(arguments.hours, 5, encoder)
    with tempfile.TemporaryDirectory() as folder, Catalog(Path(folder)) as catalog:
        grounder = TwoTower(catalog, encoder)
        if arguments.footage is not None:
            with Catalog(arguments.cache / "library") as library:
                report("footage", list(of_footage(arguments.footage, library, encoder)), arguments, grounder, encoder)
        if arguments.data is not None:
            sources = encoded_clips(arguments.data, arguments.cache, encoder)
            questions = list(of_clips(sources, encoder, arguments.questions, arguments.seed))
            report("clips", questions, arguments, grounder, encoder)


def report(
    title: str, questions: Sequence[Asked], arguments: argparse.Namespace, grounder: TwoTower, encoder: Encoder
) -> None:
    """Print a Markdown table, in percent with 95 % intervals over queries."""
    before = [answers(asked.question, (), grounder, encoder) for asked in questions]
    for name, value in _figures([_rest(a, b) for a, b in zip(questions, before, strict=True)]).items():
        print(f"{title}, before any mark: {name} {value}", flush=True)
    print("\n| left after | queries | ranked | " + " | ".join(_NAMES) + " |\n|---|---|---|" + "---|" * len(_NAMES))
    for marks in arguments.marks:
        pairs = [
            pair
            for asked, moments in zip(questions, before, strict=True)
            if (pair := marked(asked, moments, marks, grounder, encoder)) is not None
        ]
        for kind, some in (
            ("all", pairs),
            ("a right mark", [pair for pair in pairs if pair[0].marked_right]),
            ("only wrong marks", [pair for pair in pairs if not pair[0].marked_right]),
        ):
            for way, rests in zip(("as before", "again"), zip(*some, strict=True), strict=False):
                figures = " | ".join(_figures(rests).values())
                print(f"| {marks} | {kind} ({len(some)}) | {way} | {figures} |", flush=True)
            if some:
                gain = [[float(again.right.any()) - float(same.right.any())] for same, again in some]
                low, high = bootstrap_interval(gain)
                mean = 100 * float(np.mean(gain))
                print(f"| {marks} | {kind} | gain in R@5 | {mean:+.1f} [{100 * low:.1f}, {100 * high:.1f}] |")


def _rest(asked: Asked, moments: Sequence[Moment]) -> Rest:
    some = moments[:FIRST]
    right = np.array([asked.is_right(moment) for moment in some], bool)
    return Rest(np.array([moment.score for moment in some]), right, 0)


_NAMES = ("R@5", "R@1", "right among five", "mean score of five", "ECE of five")


def _figures(rests: Sequence[Rest]) -> dict[str, str]:
    values = (
        [float(rest.right.any()) for rest in rests],
        [float(rest.right[:1].any()) for rest in rests],
        [float(rest.right.sum()) / FIRST for rest in rests],
    )
    shown = []
    for value in values:
        low, high = bootstrap_interval([[each] for each in value])
        shown.append(f"{100 * np.mean(value):.1f} [{100 * low:.1f}, {100 * high:.1f}]")
    scores, right = (np.concatenate([getattr(rest, name) for rest in rests]) for name in ("scores", "right"))
    shown += [f"{100 * scores.mean():.1f}", f"{expected_calibration_error(scores, right):.3f}"]
    return dict(zip(_NAMES, shown, strict=True))


if __name__ == "__main__":
    main()
