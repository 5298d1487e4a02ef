"""How much nearer a closer window brings the edges of a model that sees as exactly as its pictures allow.

    python -m benchmarks.closer_window [--footage DIR]

A real worker and a real server stand for the model: it recognises each picture that it is sent, and answers with the
times of the first picture that shows the event and of the first one after it. So this is what the pictures allow; a
model is less exact. Files: colours at a constant rate, burnt-in numbers at a variable one; with --footage DIR, each of
its videos with a part of the next one spliced in.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.grounders.model_server import ModelServer, Request, serving
from tests.media import make_video
from tests.toy import write_clip
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.grounders.video_llm.joining import Searched, VideoGrounder
from tr_desktop.grounders.video_llm.packs import GrounderPack, Server
from tr_desktop.grounders.video_llm.presets import PRESETS
from tr_desktop.moments import Footage, Moment, Refinement, RefineStep, Segment

LENGTHS_S = (1, 2, 4, 8, 16)
AROUND_S = 20  # of other footage, on both sides
RATE = Fraction(25)
OFF_S = 1.5  # of the rough answer, at most
THUMB = 8

Errors = tuple[list[float], list[float], int]


@dataclass(frozen=True)
class Case:
    """start_frame, end_frame: of the event, which lasts about length_s."""

    kind: str
    length_s: int
    path: Path
    start_frame: int
    end_frame: int


def cases(folder: Path, footage: Path | None, rng: np.random.Generator) -> Iterator[Case]:
    for length_s in LENGTHS_S:
        before, event, after = (
            int(seconds * RATE) + int(rng.integers(25)) for seconds in (AROUND_S, length_s, AROUND_S)
        )
        shots = [("red", before), ("blue", event), ("red", after)]
        path = write_clip(folder / f"colours-{length_s}.mp4", shots)
        yield Case("colours, 25 a second", length_s, path, before, before + event)
        frames = before + event + after
        gaps = rng.choice([17, 33, 42, 50, 100], frames, p=[0.1, 0.4, 0.3, 0.15, 0.05])
        ticks = np.concatenate([[0], np.cumsum(gaps)[:-1]]).tolist()
        path = make_video(folder / f"numbers-{length_s}.mkv", frames=frames, ticks=ticks, time_base=Fraction(1, 1000))
        yield Case("numbers, variable rate", length_s, path, before, before + event)
    sources = sorted(footage.glob("*.m*")) if footage is not None else []
    videos = [path for path in sources if path.suffix in (".mp4", ".mkv")]
    for number, path in enumerate(videos):
        length_s = LENGTHS_S[number % len(LENGTHS_S)]
        inside = videos[(number + 1) % len(videos)]
        before, event = int(4 * RATE) + int(rng.integers(25)), int(length_s * RATE) + int(rng.integers(25))
        outer, inner = _pictures(path, before + int(8 * RATE)), _pictures(inside, event)
        before = min(before, len(outer))
        spliced = _write(folder / f"spliced-{number}.mp4", [*outer[:before], *inner, *outer[before:]])
        yield Case("real footage, spliced", length_s, spliced, before, before + len(inner))


def _pictures(path: Path, count: int) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        frames = (frame for frame in container.decode(video=0))
        return [frame.reformat(320, 180, "rgb24").to_ndarray() for frame, _ in zip(frames, range(count), strict=False)]


def _write(path: Path, pictures: list[NDArray[np.uint8]]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


class Recognises:
    """A model that knows each frame of one file."""

    def __init__(self, case: Case) -> None:
        self._case = case
        with av.open(str(case.path)) as container:
            self._known = np.stack([_thumb(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)])

    def answer(self, request: Request) -> list[str]:
        frames = [int(np.abs(self._known - _thumb(picture)).sum(axis=1).argmin()) for picture in request.pictures]
        shown = [self._case.start_frame <= frame < self._case.end_frame for frame in frames]
        if not any(shown):
            return ["[]"]
        first, last = shown.index(True), len(shown) - shown[::-1].index(True)
        end_s = request.times_s[min(last, len(shown) - 1)]
        return [f"[[{float(request.times_s[first]):.1f}, {float(end_s):.1f}]]"]


def _thumb(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = (side // THUMB * THUMB for side in picture.shape[:2])
    blocks = picture[:height, :width].reshape(THUMB, height // THUMB, THUMB, width // THUMB, 3)
    return blocks.mean(axis=(1, 3), dtype=np.float32).ravel()


def errors(case: Case, rng: np.random.Generator) -> Errors:
    """Seconds by which both edges are off, after the first answer and after the closer window; and questions asked."""
    sampler = Sampler(probe(case.path), Fraction(1), 32)
    _ = sum(1 for _ in sampler)
    footage, times = Footage(sampler.media, sampler.times), sampler.times
    truth = [float(times.time_s(case.start_frame)), float(times.time_s(case.end_frame))]
    start, end = (times.boundary_at(Fraction(edge_s + rng.uniform(-OFF_S, OFF_S))) for edge_s in truth)
    segment = Segment(min(start, end - 1), end)
    step = RefineStep(0, segment, times.time_s(segment.start_frame), times.time_s(end), 0.5, 0.5, 0.5)
    with serving(ModelServer(Recognises(case).answer)) as server:
        pack = GrounderPack("exact", Server(server.url, server.models[0]), PRESETS["timelens2"])
        with closing(VideoGrounder(pack)) as grounder:
            moment = Moment(footage, Refinement((step,), 0), 0.5, True, "the event")
            grounder.ground([moment], Searched("the event", lambda: (), lambda *_: 0.5), lambda _: None)
            (looked,) = grounder.looked
        (judged,) = looked.answers
        asked = sum(not request.is_presence for request in server.requests)
    places = [(float(p.step.start_s), float(p.step.end_s)) for p in (judged.answer, judged.best)]
    first, closer = ([abs(edge - true) for edge, true in zip(place, truth, strict=True)] for place in places)
    return first, closer, asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--footage", type=Path, help="a folder with videos")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    found: dict[str, list[Errors]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder), arguments.footage, rng):
            row = errors(case, rng)
            for group in (case.kind, f"all of about {case.length_s} s", "all"):
                found.setdefault(group, []).append(row)
    print("| files | edges | first answer p50 / p90 | closer window p50 / p90 | edges nearer / farther | questions |")
    print("|---|---|---|---|---|---|")
    for group in sorted(found, key=lambda name: (name.startswith("all"), len(name), name)):
        first, closer = (np.array([row[which] for row in found[group]]).ravel() for which in (0, 1))
        cells = [f"{np.median(off):.2f} / {np.quantile(off, 0.9):.2f} s" for off in (first, closer)]
        moved = f"{(closer < first - 1e-6).sum()} / {(closer > first + 1e-6).sum()}"
        asked = np.mean([row[2] for row in found[group]])
        print(f"| {group} | {len(first)} | {' | '.join(cells)} | {moved} | {asked:.1f} |")


if __name__ == "__main__":
    main()
