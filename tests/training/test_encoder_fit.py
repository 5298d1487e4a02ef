"""Fitting the towers: a second run from the same start learns as much as the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("PIL", reason="reading pictures needs the train extra")

from tr_desktop.training.encoder.backbone import FEATURES, EfficientNetLite2  # noqa: E402
from tr_desktop.training.encoder.batches import BatchSampler, Texts  # noqa: E402
from tr_desktop.training.encoder.config import EncoderConfig  # noqa: E402
from tr_desktop.training.encoder.corpus import Picture  # noqa: E402
from tr_desktop.training.encoder.features import ViewJob  # noqa: E402
from tr_desktop.training.encoder.fitting import fit, mean  # noqa: E402
from tr_desktop.training.encoder.text import WIDTH, Adapter, Sentences  # noqa: E402
from tr_desktop.training.encoder.towers import ImageHead, Towers  # noqa: E402

PICTURES = 24


def test_every_run_from_the_same_start_learns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pictures = [Picture(f"{n:02}", b"", (f"caption {n}",), (), (), "train", "toy", "A") for n in range(PICTURES)]
    vectors = torch.nn.functional.normalize(torch.randn(PICTURES, WIDTH), dim=1)
    sentences = Sentences(vectors.half(), torch.arange(PICTURES + 1), vectors)  # of one word each
    texts = Texts(sentences, [[n] for n in range(PICTURES)], [[] for _ in pictures])
    sampler = BatchSampler(pictures, [ViewJob(n, 0) for n in range(PICTURES)], texts, seed=0)
    pooled = torch.rand(PICTURES, FEATURES)
    net = EfficientNetLite2()
    towers = Towers(net, ImageHead(net.classes, None), Adapter(), torch.nn.Parameter(torch.tensor(3.0)))
    config = EncoderConfig(data=tmp_path, out=tmp_path, cache=tmp_path, batch=8, other_texts=8)
    parameters = [{"params": list(towers.head.parameters()), "lr": 1e-3}]
    start = towers.weights()
    moved = []
    for number in range(2):
        towers.load(start)
        fit(config, towers, sampler, lambda rows: pooled[rows], parameters, 2, tmp_path / f"{number}.pt", lambda: "")
        moved.append(float((towers.weights()["head.straight.weight"] - start["head.straight.weight"]).abs().mean()))
    assert moved[0] > 1e-4
    assert moved[1] == pytest.approx(moved[0], rel=0.2)


def test_the_mean_of_runs_lies_between_the_runs() -> None:
    ends = [{"a": torch.zeros(3), "b": torch.ones(2)}, {"a": torch.ones(3), "b": torch.ones(2)}]
    assert {name: value.tolist() for name, value in mean(ends).items()} == {"a": [0.5] * 3, "b": [1.0] * 2}
    assert np.isclose(mean(ends[:1])["a"].sum(), 0)
