"""What `commands.py` starts: train, evaluate, experiments, reels."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tr_desktop.errors import UserError
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.refine.learned import Refiner
from tr_desktop.refine.pipeline import Step
from tr_desktop.training import metrics
from tr_desktop.training.annotations import READERS, read_annotations
from tr_desktop.training.pack_files import list_in_pack
from tr_desktop.training.refiner.compose import DURATION_S, MISUNDERSTOOD
from tr_desktop.training.refiner.data import INDEX_FPS, TrainingTimeline, compose_timelines
from tr_desktop.training.refiner.evaluate import (
    Case,
    answer_with_refiner,
    answer_without_training,
    calibration,
    composed_cases,
    edge_table,
    findings,
    judged,
    table,
)
from tr_desktop.training.refiner.experiments import VARIANTS, Kept, compare
from tr_desktop.training.refiner.export import export_refiner
from tr_desktop.training.refiner.footage import footage_cases
from tr_desktop.training.refiner.reels import render_reels
from tr_desktop.training.refiner.sources import Sources, encode_sources, load_sources
from tr_desktop.training.refiner.train import Recipe, train
from tr_desktop.training.reliability_plot import Panel, reliability_plot

# Seeds of composed sets are apart from one another: training, calibration, test.
TRAIN_SEED, CALIBRATION_SEED, TEST_SEED = 1000, 2000, 3000
TEST_SPLITS = ("val", "test")
RATE_FPS = 25.0  # edge errors are shown in frames of this rate
CHARADES_PRIOR = (0.0, 0.45)  # the best constant share on Charades-STA; annotated sets bring no training part here
Bench = tuple[list[Case], npt.NDArray[np.float32], tuple[float, float]]  # cases, background vectors, constant prior


def run_train(arguments: argparse.Namespace) -> int:
    """Compose, train, calibrate, export."""
    torch.set_num_threads(arguments.threads)
    sources = [_sources(arguments, path).of_splits("train") for path in _source_files(arguments)]
    by_depth = _training_videos(arguments, sources)
    recipe = Recipe(iterations=arguments.iterations, seed=arguments.seed)
    model = train(by_depth, recipe, _say)
    export_refiner(model, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), arguments.out)
    refiner = Refiner(arguments.out.read_bytes())
    length = (DURATION_S[0], arguments.longest)
    seed, cases, chains = CALIBRATION_SEED + arguments.seed, list[Case](), list[list[Step]]()
    for part in sources:
        for number, fps in enumerate(INDEX_FPS):
            some = composed_cases(part, 150, seed + number, fps, length, arguments.takes, MISUNDERSTOOD)
            chains += answer_with_refiner(refiner, some, part.background).chains
            cases += some
    fitted = calibration(cases, chains)
    export_refiner(model, torch.from_numpy(fitted).float(), arguments.out)
    list_in_pack(arguments.out)
    _say(f"calibration {fitted.round(3).tolist()}; {arguments.out}: {arguments.out.stat().st_size} bytes")
    return 0


def _training_videos(arguments: argparse.Namespace, sources: list[Sources]) -> list[list[TrainingTimeline]]:
    """At each depth; an equal share from each encoder's sources."""
    by_depth: list[list[TrainingTimeline]] = [[], [], []]
    share = -(-arguments.videos // len(sources))
    for number, part in enumerate(sources):
        seed, longest = TRAIN_SEED + arguments.seed + number, (DURATION_S[0], arguments.longest)
        for timelines, composed in zip(
            by_depth, compose_timelines(part, share, seed, longest, arguments.takes), strict=True
        ):
            timelines += composed
        _say(f"{share} training videos composed")
    return by_depth


def run_experiments(arguments: argparse.Namespace) -> int:
    """Print the tables of variants and of K."""
    torch.set_num_threads(arguments.threads)
    sources = [_sources(arguments, path) for path in _source_files(arguments)]
    by_depth = _training_videos(arguments, [part.of_splits("train") for part in sources])
    test, length = sources[0].of_splits(*TEST_SPLITS), (DURATION_S[0], arguments.longest)
    cases = composed_cases(test, arguments.queries, TEST_SEED, arguments.fps, length, arguments.takes)
    a = arguments
    settings = f"{a.videos} videos to {a.longest:g} s, {a.iterations} iterations, {a.queries} queries at {a.fps:g} fps"
    kept = Kept(arguments.kept, f"{settings}, takes {a.takes:g}")
    chosen = (arguments.variants or list(VARIANTS), arguments.seeds, arguments.iterations)
    print("\n".join(compare(by_depth, cases, test.background, *chosen, kept, _say)))
    return 0


def run_reels(arguments: argparse.Namespace) -> int:
    """Render reels with exact truth, to evaluate with `evaluate footage --cuts`."""
    print(render_reels(arguments.data, arguments.out, arguments.count, arguments.seed))
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Print a table for each index rate."""
    is_composed = arguments.bench == "composed"
    refiner, panels = Refiner(_refiner_content(arguments)), list[Panel]()
    for fps in arguments.fps:
        cases, background, prior = _composed(arguments, fps) if is_composed else _annotated(arguments, fps)
        answers = answer_with_refiner(refiner, cases, background, arguments.steps)
        print(f"\n{arguments.bench}, {len(cases)} queries, index at {fps:g} fps\n")
        print("\n".join(table(cases, [*answer_without_training(cases, prior), *answers.by_step], RATE_FPS)))
        print("\n" + "\n".join(edge_table(cases, answers)))
        print("\n" + "\n".join(f"- {name}: {value:.3f}" for name, value in vars(findings(cases, answers)).items()))
        said = judged(cases, answers)
        panels += [
            Panel(f"{arguments.bench}, {fps:g} fps: a moment is right", said.score, said.right),
            Panel(f"{arguments.bench}, {fps:g} fps: an edge is within half a second", said.trust, said.near),
        ]
    if arguments.plot:
        arguments.plot.write_text(reliability_plot(panels), encoding="utf-8")
    return 0


def _refiner_content(arguments: argparse.Namespace) -> bytes:
    if arguments.refiner:
        content: bytes = arguments.refiner.read_bytes()
        return content
    return load_pack(arguments.pack).read("refiner.onnx")


def _composed(arguments: argparse.Namespace, fps: float) -> Bench:
    sources = _sources(arguments, _source_files(arguments)[0])
    length = (DURATION_S[0], arguments.longest)
    test = sources.of_splits(*arguments.splits)
    seed, takes = TEST_SEED + arguments.seed, arguments.takes
    cases = composed_cases(test, arguments.queries, seed, fps, length, takes, is_shown=arguments.shown)
    return cases, sources.background, _prior(test, length, arguments.takes)


def _annotated(arguments: argparse.Namespace, fps: float) -> Bench:
    if arguments.bench not in READERS or arguments.annotations is None or arguments.videos is None:
        raise UserError(
            f"{arguments.bench} can't be evaluated like this",
            remedy=f"Say composed, or one of {', '.join(sorted(READERS))} with --annotations and --videos",
        )
    encoder = Encoder(load_pack(arguments.pack))
    rows = read_annotations(arguments.annotations, arguments.bench)
    cases = footage_cases(rows, arguments.videos, encoder, fps, is_cut=arguments.cuts)
    return cases, encoder.background, CHARADES_PRIOR


def _prior(sources: Sources, length: tuple[float, float], takes: float) -> tuple[float, float]:
    cases: list[Case] = [c for c in composed_cases(sources, 200, TRAIN_SEED, 1.0, length, takes) if c.windows_s]
    return metrics.best_constant([c.windows_s for c in cases], [c.duration_s for c in cases])


def _source_files(arguments: argparse.Namespace) -> list[Path]:
    if arguments.sources:
        return list(arguments.sources)
    if not arguments.data:
        raise UserError("There is nothing to compose videos from", remedy="Give --data or --sources")
    pack = load_pack(arguments.pack)
    return [arguments.cache / f"sources-{pack.sha256[:16]}.npz"]


def _sources(arguments: argparse.Namespace, path: Path) -> Sources:
    if not path.exists() and not arguments.sources:
        encoder = Encoder(load_pack(arguments.pack))
        path.parent.mkdir(parents=True, exist_ok=True)
        encode_sources(
            arguments.data, path, encoder.encode_images, encoder.encode_text, encoder.background, encoder.pack.input_px
        )
    return load_sources(path)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
