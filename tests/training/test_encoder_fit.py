"""Fitting the towers: a second run from the same start learns as much as the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("PIL", reason="reading pictures needs the train extra")

from tr_desktop.training.encoder.backbone import FEATURES, EfficientNetLite2, pooled  # noqa: E402
from tr_desktop.training.encoder.batches import BatchSampler, Texts  # noqa: E402
from tr_desktop.training.encoder.config import EncoderConfig  # noqa: E402
from tr_desktop.training.encoder.corpus import Picture  # noqa: E402
from tr_desktop.training.encoder.features import ViewJob  # noqa: E402
from tr_desktop.training.encoder.fitting import Queue, contrastive, fit, mean  # noqa: E402
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


def test_sentences_of_any_length_share_a_batch() -> None:
    torch.manual_seed(0)
    adapter = Adapter().eval()
    torch.nn.init.normal_(adapter.branch[-1].weight, std=0.05)  # it starts at zero
    lengths = [3, 9, 1, 5]
    words = torch.randn(sum(lengths), WIDTH)
    starts = torch.tensor([0, 3, 12, 13, 18])
    vectors = torch.nn.functional.normalize(torch.randn(4, WIDTH), dim=1)
    sentences = Sentences(words, starts, vectors)
    alone = torch.cat([sentences.encode(adapter, [row]) for row in range(4)])
    torch.testing.assert_close(sentences.encode(adapter, [2, 0, 3, 1], batch=3), alone[[2, 0, 3, 1]])
    torch.testing.assert_close(alone.norm(dim=1), torch.ones(4))
    assert (alone * vectors).sum(1).max() < 0.999  # the words count


def test_a_small_bright_spot_changes_what_is_pooled_more_than_a_faint_haze() -> None:
    spot, haze = torch.zeros(1, 1, 49), torch.full((1, 1, 49), 5 / 49)
    spot[..., :5] = 1
    of_spot, of_haze = pooled(spot)[0], pooled(haze)[0]
    assert of_spot[0] == pytest.approx(float(of_haze[0]))
    assert of_spot[1] > 9 * of_haze[1]


def test_the_hardest_wrong_pair_counts_and_a_text_that_may_fit_does_not() -> None:
    def loss(sentences: torch.Tensor, hardest: float) -> float:
        texts = torch.eye(3, WIDTH)
        images = torch.nn.functional.normalize(torch.eye(3, WIDTH) + 0.9 * torch.eye(3, WIDTH).roll(1, 0), dim=1)
        none = torch.zeros(0, WIDTH)
        scale, group = torch.tensor(20.0), torch.arange(3)
        return float(contrastive(images, texts, sentences, group, none, none, Queue(0), scale, 30.0, hardest))

    different, alike = torch.eye(3, WIDTH), torch.nn.functional.normalize(torch.eye(3, WIDTH) + 3, dim=1)
    assert loss(different, 1.0) > loss(different, 0.0)
    assert loss(alike, 1.0) == pytest.approx(loss(alike, 0.0))
