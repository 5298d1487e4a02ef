"""The app's waiting times, each beside a floor of the same run: window, Enter to first step, scrolling, closing.

    python -m benchmarks.app [--hours 100] [--runs 7]     # needs ffmpeg

Prints a Markdown table. The window is drawn without a screen. The large library is synthetic (vectors as in
`benchmarks.library`, of files that are there but hold no pictures); the ten minutes are the generated sample, over and
over. "Held" is how long Qt's event loop was blocked, sampled every 5 ms, while a file is indexed, searches run, steps
and edges are moved, and the selects are exported, saved and opened again; "computing itself" is the part of it that its
own thread used.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

QUERIES = ("a cat", "a rocket", "a cup of coffee", "a galaxy", "an astronaut", "an animal", "a machine", "food")
FLOOR_WINDOW = """
import time
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([]); window = QMainWindow(); window.show(); app.processEvents()
"""


def fill(folder: Path, footage: Path, hours: int) -> None:
    """A library of `hours` whose files exist, like an ordinary library."""
    import numpy as np

    from benchmarks.library import FILE_S, FPS, vectors
    from tr_desktop.library.store.catalog import Catalog
    from tr_desktop.library.store.records import Source
    from tr_desktop.models.pack import load_pack
    from tr_desktop.moments import Footage, FrameTimes, Media
    from tr_desktop.timecode import Timecode

    pack = load_pack("mini").sha256
    random, rate = np.random.default_rng(hours), Fraction(30)
    times = FrameTimes(range(FILE_S * 30), FILE_S * 30, 1 / rate)
    footage.mkdir()
    with Catalog(folder) as catalog, catalog.writing() as writer:
        for number in range(hours * 3600 // FILE_S):
            path = footage / f"{number}.mp4"
            path.write_bytes(b"x")
            stat = path.stat()
            source = Source(path, stat.st_size, stat.st_mtime_ns, number.to_bytes(16, "big"))
            media = Media(path, stat.st_size, stat.st_mtime_ns, 1920, 1080, rate, Timecode(0, rate))
            rows = vectors(random, 384)
            writer.append(source, Footage(media, times), pack, Fraction(1, FPS), 0, rows, decode_all=False)
            writer.finish(source, Footage(media, times), (), pack)


def ten_minutes(path: Path) -> None:
    from tr_desktop.footage.sample import copy_sample

    sample = path.with_name("sample.mp4")
    copy_sample(sample)
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-stream_loop", "24", "-i", str(sample), "-c", "copy", str(path)], check=True
    )


def in_app(folder: Path, footage: list[Path], script: Callable[[Any], None]) -> int:
    """Run the app on `footage` with its library in `folder`; `script` is given the window."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from tr_desktop.app.shell.window import Window
    from tr_desktop.commands.main import main as command
    from tr_desktop.projects.project import Project

    app = QApplication.instance() or QApplication([])
    failed: list[BaseException] = []

    def begin() -> None:
        window = next(w for w in app.topLevelWidgets() if isinstance(w, Window) and w.isVisible())
        try:
            script(window)
        except BaseException as error:  # noqa: BLE001 (raised once the window is closed)
            failed.append(error)
        window.session.editing.use(Project())
        window.close()

    QTimer.singleShot(0, begin)
    arguments = ["--settings", str(folder / "settings"), "--library", str(folder)]
    status = command(["app", *map(str, footage), *arguments])
    if failed:
        raise failed[0]
    return status


def wait(condition: Callable[[], object], seconds: float = 300) -> None:
    from PySide6.QtCore import QCoreApplication

    end_s = time.monotonic() + seconds
    while not condition():
        QCoreApplication.processEvents()
        time.sleep(0.001)
        if time.monotonic() > end_s:
            raise TimeoutError


# Each child prints one JSON value.


def child_window(folder: Path, footage: Path, began_s: float) -> float:
    """Seconds from the start of the process to the painted window, and until it shows the library's coverage."""
    found: list[float] = []

    def script(window: Any) -> None:
        window.repaint()
        found.append(time.time() - began_s)
        wait(lambda: window.session.indexing.status.coverage.searched)
        found.append(time.time() - began_s)

    in_app(folder, [footage], script)
    print(json.dumps(found))
    return found[0]


def child_search(folder: Path, footage: Path, runs: int) -> None:
    """(Enter to first step painted, the same search without a window to its first moments), seconds, for each run."""
    from PySide6.QtCore import QEvent, QObject

    class Painted(QObject):
        at_s = 0.0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Paint and not self.at_s and window_of[0].stage.moment is not None:
                self.at_s = time.perf_counter()
            return False

    window_of: list[Any] = []
    pairs: list[tuple[float, float]] = []

    class First(Exception):  # noqa: N818
        pass

    def first(moments: Any) -> None:
        if moments:
            raise First

    def script(window: Any) -> None:
        window_of.append(window)
        session, painted = window.session, Painted()
        wait(lambda: session.indexing.status.coverage.searched and not window.library.progress.isVisible())
        window.stage.scrubber.installEventFilter(painted)
        window.results.toggle_guesses()
        for query in QUERIES[: runs + 1]:
            window.stage.show(None)
            wait(lambda: True)
            painted.at_s = 0.0
            window.search.field.setText(query)
            started_s = time.perf_counter()
            window.search.search()
            window.results.toggle_guesses()  # a guess is drawn as well
            wait(lambda: painted.at_s)
            enter_s = painted.at_s - started_s
            wait(lambda: session.searching.results.is_final)
            started_s = time.perf_counter()
            try:
                session.engine.find(query, session.indexing.folders, on_moments=first)
            except First:
                pairs.append((enter_s, time.perf_counter() - started_s))

    in_app(folder, [footage], script)
    print(json.dumps(pairs[1:]))  # the first opens files


def child_held(folder: Path, footage: Path, new: Path, out: Path) -> None:
    """The watchdog's figures, {held_ms, own_ms}: idle, then from indexing to a reopened project."""
    from tests.app.watchdog import Watchdog

    found: list[dict[str, list[float]]] = []

    def seen(dog: Watchdog) -> dict[str, list[float]]:
        return {"held_ms": dog.held_ms, "own_ms": dog.own_ms}

    def script(window: Any) -> None:
        session, stage, export = window.session, window.stage, window.export
        wait(lambda: session.indexing.status.coverage.searched and not window.library.progress.isVisible())
        with Watchdog() as dog:
            pause(2)
        found.append(seen(dog))
        with Watchdog() as dog:
            session.indexing.add([new])
            wait(window.library.progress.isVisible)
            for query in QUERIES:
                window.search.ask(query)
                wait(lambda: session.searching.results.is_final)
                if stage.moment is not None:
                    for by in (-1, -1, 1, 1):
                        stage.walk_steps(by)
                        pause(0.05)
                    for _ in range(5):
                        stage.nudge(end=-1)
                        pause(0.05)
                    stage.accept()
            export.choose_format("edl")
            export.out.setText(str(out / "cut.edl"))
            export.run()
            wait(lambda: "read back" in export.message())
            session.editing.save(out / "cut.trproj")
            wait(lambda: not session.editing.project.is_changed)
            saved = session.editing.project
            window.files.open(out / "cut.trproj")
            wait(lambda: session.editing.project is not saved)
            pause(1)
        found.append(seen(dog))

    in_app(folder, [footage], script)
    print(json.dumps(found))


def pause(seconds: float) -> None:
    end_s = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end_s)


def child_scroll(folder: Path, footage: Path) -> None:
    """Median ms to draw the list at 200 places: of 10,000 results, and of 10."""
    found: list[list[float]] = []

    def script(window: Any) -> None:
        from tr_desktop.app.work.searching import Results

        session = window.session
        wait(lambda: session.indexing.status.coverage.searched and not window.library.progress.isVisible())
        window.search.ask("a cat")
        wait(lambda: session.searching.results.is_final and session.searching.results.moments)
        moment = session.searching.results.moments[0]
        for count in (10_000, 10):
            moments = tuple(replace(moment, query=f"a cat {number}", confident=True) for number in range(count))
            window.results.set_results(Results("a cat", moments, is_final=True))
            bar, times = window.results.list.verticalScrollBar(), []
            for place in range(200):
                bar.setValue(bar.maximum() * place // 200)
                started_s = time.perf_counter()
                window.results.list.viewport().repaint()
                times.append(1e3 * (time.perf_counter() - started_s))
            found.append(times)

    in_app(folder, [footage], script)
    print(json.dumps(found))


def child_close(folder: Path, new: Path) -> None:
    """Prints the time at which the window is closed; the parent measures when the process ends."""

    def script(window: Any) -> None:
        wait(lambda: window.library.progress.isVisible())
        pause(1)
        print(json.dumps(time.time()), flush=True)

    in_app(folder, [new], script)


def run_child(kind: str, *arguments: object) -> Any:
    command = [sys.executable, "-m", "benchmarks.app", "--child", kind, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--hours", type=int, default=100, help="hours of footage in the large library (default %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=7, help="runs of each measurement (default %(default)s)")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if given.child:
        from tr_desktop.app.shell import window

        kind, *rest = given.child
        if kind != "close":  # give a slow close time to be measured
            window.CLOSE_WITHIN_S = 60
        values: list[Any] = [float(word) if _is_number(word) else Path(word) for word in rest]
        if kind == "search":
            values[2] = int(values[2])
        {
            "window": child_window,
            "search": child_search,
            "held": child_held,
            "scroll": child_scroll,
            "close": child_close,
        }[kind](*values)
        return

    from tests.app.watchdog import p99

    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began\n")
    print("| | measured | beside its floor |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large, footage, small, clip = folder / "large", folder / "footage", folder / "small", folder / "clip.mp4"
        fill(large, footage, given.hours)
        ten_minutes(clip)
        subprocess.run(
            [sys.executable, "-m", "tr_desktop", "index", str(clip), "--library", str(small)],
            cwd=ROOT, check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ups, floors = [], []
        for _ in range(given.runs):
            started_s = time.perf_counter()
            subprocess.run([sys.executable, "-c", FLOOR_WINDOW], check=True, stderr=subprocess.DEVNULL)
            floors.append(time.perf_counter() - started_s)
            ups.append(run_child("window", large, footage, time.time()))
        window_s, stands_s = (statistics.median(up[index] for up in ups) for index in (0, 1))
        floor_s = statistics.median(floors)
        print(
            f"| window painted, library of {given.hours} h | {window_s:.2f} s | {window_s / floor_s:.1f} × an empty Qt"
            f" window and its process ({floor_s:.2f} s) |"
        )
        print(f"| until the window shows its coverage | {stands_s:.2f} s | {stands_s / floor_s:.1f} × the same |")
        pairs = run_child("search", small, clip, given.runs)
        enter_s, find_s = (statistics.median(pair[index] for pair in pairs) for index in (0, 1))
        print(
            f"| Enter to the first step drawn, 10 min | {1e3 * enter_s:.0f} ms | {enter_s / find_s:.1f} × the search"
            f" itself, without a window ({1e3 * find_s:.0f} ms) |"
        )
        idle, busy = run_child("held", small, clip, _another(clip), folder)
        for what, key in (("held", "held_ms"), ("computing itself", "own_ms")):
            print(
                f"| event loop {what}, from indexing to a reopened project, p99 | {p99(busy[key]):.0f} ms"
                f" (median {statistics.median(busy[key]):.1f}, maximum {max(busy[key]):.0f}) |"
                f" idle: p99 {p99(idle[key]):.0f} ms, maximum {max(idle[key]):.0f} |"
            )
        many, few = run_child("scroll", small, clip)
        print(
            f"| one screen of 10,000 results drawn, p95 | {sorted(many)[189]:.1f} ms |"
            f" {statistics.median(many) / statistics.median(few):.2f} × of 10 results (medians) |"
        )
        closes = []
        for run in range(3):
            closed_s = run_child("close", folder / f"close-{run}", clip)
            closes.append(time.time() - closed_s)
        print(f"| closing while it indexes, to the end of the command | {max(closes):.2f} s at most of 3 | |")


def _another(clip: Path) -> Path:
    """Other content, as far as the library knows."""
    other = clip.with_name("other.mp4")
    shutil.copy(clip, other)
    with other.open("ab") as file:
        file.write(bytes(64))
    return other


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


if __name__ == "__main__":
    main()
