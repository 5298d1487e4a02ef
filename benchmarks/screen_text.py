"""Text in pictures: how many queries for it are answered, and what reading it costs (needs the extra `ocr`).

    python -m benchmarks.screen_text ../shared/footage

Right: the file and tIoU of at least 0.5 with a window, first and among the first five, asked of all files and of its
own. Every query is asked of an index without text and of one with it; the baseline answers with the complete file.
Other annotated queries show how often what is written leads them astray. Queries that no footage answers should have no
confident answer. Ordinary words and sentences that share a word with a name show how much a name counts. Costs:
processor time of `tr-desktop index`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tr_desktop.engine import Engine, open_engine
from tr_desktop.moments import TextKind
from tr_desktop.training.scores.nonsense import nonsense

TOP = 5
# Ordinary queries for things that the footage doesn't show, also in words that are in its texts.
_ABSENT = (
    "a wedding dance",
    "snow falling on a street at night",
    "a train arriving at a station",
    "horses on a meadow",
    "a helicopter over a city",
    "children building a sandcastle",
    "a surgeon at work",
    "a firework over a river",
    "a man shaving",
    "a cat sleeping on a sofa",
    "benefits of exercise",
    "key in a lock",
    "normal day at the office",
    "skin of an elephant",
    "a phone ringing",
    "sunscreen on a boat deck",
)
# Ordinary words and sentences with a word of the files' names.
_NAMED = (
    "a dog",
    "dog",
    "birthday",
    "a birthday party in a park",
    "coffee beans falling",
    "bikes",
    "a bottle of wine",
    "yoga",
    "cake",
    "a pancake breakfast with friends",
    "a demo",
    "test",
    "a test of strength",
    "timer",
)
_QUERIES = Path(__file__).with_suffix(".jsonl")

Query = dict[str, Any]
Answers = list[tuple[str, float, float, bool]]
"""(file, start_s, end_s, whether it is confident), best first."""


def asked(engine: Engine, query: str, path: Path) -> Answers:
    answer = engine.find(query, [path], read_new=False)
    return [
        (each.media.path.name, float(each.refinement.kept.start_s), float(each.refinement.kept.end_s), each.confident)
        for each in answer.moments
    ]


def is_right(query: Query, answer: tuple[str, float, float, bool]) -> bool:
    file, start_s, end_s, _ = answer
    return file == query["file"] and (bool(query.get("whole")) or best_iou(query, start_s, end_s) >= 0.5)


def best_iou(query: Query, start_s: float, end_s: float) -> float:
    def iou(a: float, b: float) -> float:
        both = max(min(b, end_s) - max(a, start_s), 0)
        return both / (max(b, end_s) - min(a, start_s))

    return max(iou(a, b) for a, b in query["windows"])


def line(name: str, queries: Sequence[Query], answer: Callable[[Query], Answers]) -> None:
    answers = [answer(query) for query in queries]
    pairs = list(zip(queries, answers, strict=True))

    def share(hits: Sequence[bool]) -> str:
        return f"{100 * sum(hits) / max(len(hits), 1):.1f}"

    right = [[is_right(query, each) for each in given[:TOP]] for query, given in pairs]
    files = [list(dict.fromkeys(each[0] for each in given)) for given in answers]
    print(
        f"| {name} | {len(queries)} | {share([any(each[:1]) for each in right])}"
        f" | {share([any(each) for each in right])}"
        f" | {share([query['file'] in file[:1] for query, file in zip(queries, files, strict=True)])}"
        f" | {share([query['file'] in file[:TOP] for query, file in zip(queries, files, strict=True)])}"
        f" | {share([given[0][3] if given else False for given in answers])} |",
        flush=True,
    )
    if "text on" in name and "all" in name:
        for query, hits in zip(queries, right, strict=True):
            if not any(hits):
                print(f"  not found: {query['query']}", file=sys.stderr)


def false_alarms(name: str, queries: Sequence[str], engine: Engine, footage: Path) -> None:
    """How many of `queries` get a confident answer; one for text; one for a name."""
    kinds = Counter[str]()
    for query in queries:
        confident = [each for each in engine.find(query, [footage], read_new=False).moments if each.confident]
        reasons = {each.quote.kind.value if each.quote else "pictures" for each in confident}
        kinds.update(reasons | {"any"} if confident else ())
        if reasons - {"pictures"}:
            print(f"  confident: {query}: {[each.quote.why for each in confident if each.quote]}", file=sys.stderr)
    counts = [kinds[kind] for kind in ("any", TextKind.SCREEN.value, TextKind.NAME.value)]
    print(f"| {name} | {len(queries)} | " + " | ".join(map(str, counts)) + " |", flush=True)


def index(footage: Path, library: Path, *options: str) -> float:
    """Processor seconds of an index run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "tr_desktop", "index", str(footage), "--library", str(library), *options]
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", type=Path, help="folder with videos and annotations.jsonl")
    parser.add_argument("--rounds", type=int, default=3, help="runs with and without text (default %(default)s)")
    given = parser.parse_args()
    footage = given.footage.absolute()
    texts = [json.loads(each) for each in _QUERIES.read_text().splitlines()]
    annotated = [json.loads(each) for each in (footage / "annotations.jsonl").read_text().splitlines()]
    others = [query for query in annotated if query["windows"] and query["kind"] != "text"]
    with tempfile.TemporaryDirectory() as folder:
        print("| queries | number | first right | one of five | which file: first | one of five | first confident |")
        print("|---" * 7 + "|")
        line("text, baseline: the complete own file", texts, lambda q: [(q["file"], 0.0, q["duration"], False)])
        for option, name in (("--no-text", "off"), ("", "on")):
            library = Path(folder) / name
            index(footage, library, *([option] if option else []))
            with open_engine(library, "mini") as engine:
                line(f"text on screen, all files, text {name}", texts, lambda q: asked(engine, q["query"], footage))
                line("the same, own file", texts, lambda q: asked(engine, q["query"], footage / q["file"]))
                line("others, all files", others, lambda q: asked(engine, q["query"], footage))
                line("others, own file", others, lambda q: asked(engine, q["query"], footage / q["file"]))
        words = sorted({word for query in annotated for word in query["query"].split()})
        print("\n| queries | number | with a confident answer | for text | for a name |\n" + "|---" * 5 + "|")
        with open_engine(Path(folder) / "on", "mini") as engine:
            false_alarms("nonsense", nonsense(words, 50, seed=1), engine, footage)
            false_alarms("what the footage doesn't show", _ABSENT, engine, footage)
            false_alarms("words in names", _NAMED, engine, footage)
        for number in range(given.rounds):
            off = index(footage, Path(folder) / f"off {number}", "--no-text")
            on = index(footage, Path(folder) / f"on {number}")
            print(
                f"index: {off:.1f} s of processor time, with text {on:.1f} s: {100 * (on / off - 1):+.1f} %", flush=True
            )


if __name__ == "__main__":
    main()
