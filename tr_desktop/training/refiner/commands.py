"""Arguments of `tr-desktop train refiner`, `evaluate refiner` and of the refiner's experiments.

What they run (`runs.py`) needs the extra `train` and is imported when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tr_desktop.training.annotations import READERS


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Train on composed videos and write `refiner.onnx`."""
    _add_sources(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the refiner.onnx to write")
    parser.add_argument("--videos", metavar="N", type=int, default=1500, help="composed training videos (default 1500)")
    parser.add_argument("--longest", metavar="S", type=float, default=300.0, help="their greatest length, seconds")
    parser.add_argument("--iterations", metavar="N", type=int, default=2500, help="training steps (default 2500)")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument("--threads", metavar="N", type=int, default=2)
    parser.set_defaults(run=_runs("run_train"))


def add_experiments_arguments(parser: argparse.ArgumentParser) -> None:
    """Leave parts out one by one, and vary the number of steps."""
    _add_sources(parser)
    parser.add_argument("--videos", metavar="N", type=int, default=1000, help="composed training videos (default 1000)")
    parser.add_argument("--longest", metavar="S", type=float, default=240.0, help="their greatest length, seconds")
    parser.add_argument("--iterations", metavar="N", type=int, default=1000, help="training steps (default 1000)")
    parser.add_argument("--seeds", metavar="N", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--queries", metavar="N", type=int, default=300, help="composed test queries (default 300)")
    parser.add_argument("--fps", metavar="F", type=float, default=1.0, help="rate of the index (default 1)")
    parser.add_argument("--variants", nargs="+", help="which (default all)")
    parser.add_argument(
        "--kept",
        metavar="FILE",
        type=Path,
        default=Path("experiments.jsonl"),
        help="what was measured so far; a run goes on from there (default experiments.jsonl)",
    )
    parser.add_argument("--threads", metavar="N", type=int, default=2)
    parser.set_defaults(seed=0)
    parser.set_defaults(run=_runs("run_experiments"))


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Metrics of every step beside the baselines."""
    parser.add_argument("bench", metavar="BENCH", help=f"composed, or an annotation form: {', '.join(sorted(READERS))}")
    _add_sources(parser)
    parser.add_argument("--annotations", metavar="FILE", type=Path, help="the annotation file")
    parser.add_argument("--videos", metavar="DIR", type=Path, help="where the annotated videos are")
    parser.add_argument("--cuts", action="store_true", help="every annotated edge is a hard cut (as in reels)")
    parser.add_argument("--refiner", metavar="FILE", type=Path, help="a refiner.onnx (default: the pack's)")
    parser.add_argument("--fps", metavar="F", type=float, nargs="+", default=[1.0, 2.0], help="rates of the index")
    parser.add_argument("--steps", metavar="K", type=int, default=2, help="steps on the index (default 2)")
    parser.add_argument("--queries", metavar="N", type=int, default=300, help="composed test queries (default 300)")
    parser.add_argument("--longest", metavar="S", type=float, default=600.0, help="longest composed video, s")
    parser.add_argument(
        "--shown", action="store_true", help="ask with the moment's own pictures, as if every query were understood"
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="write the reliability plots there (SVG)")
    parser.add_argument("--splits", nargs="+", default=["val", "test"], help="whose sources tests are made of")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.set_defaults(run=_runs("run_evaluate"))


def add_reels_arguments(parser: argparse.ArgumentParser) -> None:
    """Render reels with exact truth, to evaluate with `footage --cuts`."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="a folder with clips/")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="where videos and annotations are written"
    )
    parser.add_argument("--count", metavar="N", type=int, default=16, help="how many reels (default 16)")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.set_defaults(run=_runs("run_reels"))


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pack", metavar="PACK", default="mini", help="the pack whose encoder is used (default mini)")
    parser.add_argument("--data", metavar="DIR", type=Path, help="training data: a folder with clips/ and images/")
    parser.add_argument("--sources", metavar="FILE", type=Path, nargs="+", help="already encoded sources (.npz)")
    parser.add_argument("--takes", metavar="F", type=float, default=0.5, help="share of composed videos without cuts")
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, default=Path(".cache"), help="where encoded sources are kept"
    )


def _runs(name: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        from tr_desktop.training.refiner import runs

        status: int = getattr(runs, name)(arguments)
        return status

    return run
