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
from tr_desktop.training.encoder.exchanged import exchanged  # noqa: E402
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


def test_one_word_is_exchanged_for_another_of_its_kind() -> None:
    for text, others in {
        "A red car": {f"A {colour} car" for colour in ("blue", "green", "black", "white", "yellow", "gray")},
        "two dogs run": {f"{number} dogs run" for number in ("one", "three", "four", "five", "six")},
        "turn LEFT here": {"turn right here"},
    }.items():
        other = exchanged(text)
        assert other is not None and other != text and exchanged(text) == other
        assert len(other.split()) == len(text.split())
        assert other in others or text.startswith("A red")
    assert exchanged("a dog jumps over a fence, predicted and fired") is None  # parts of words are none


def test_pictures_learn_to_stay_away_from_captions_with_one_word_exchanged(tmp_path: Path) -> None:
    """Each picture's own caption and its exchanged one are nearly the same; without the margin both fit alike."""

    def told_apart(weight: float) -> float:
        torch.manual_seed(0)
        pictures = [Picture(f"{n:02}", b"", (f"caption {n}",), (), (), "train", "toy", "A") for n in range(PICTURES)]
        own = torch.nn.functional.normalize(torch.randn(PICTURES, WIDTH), dim=1)
        changed = torch.nn.functional.normalize(own + 0.01 * torch.randn(PICTURES, WIDTH), dim=1)
        vectors = torch.cat([own, changed])
        sentences = Sentences(vectors.half(), torch.arange(2 * PICTURES + 1), vectors)
        exchanged = {n: PICTURES + n for n in range(PICTURES)}
        texts = Texts(sentences, [[n] for n in range(PICTURES)], [[] for _ in pictures], exchanged)
        sampler = BatchSampler(pictures, [ViewJob(n, 0) for n in range(PICTURES)], texts, seed=0)
        features = torch.rand(PICTURES, FEATURES)
        net = EfficientNetLite2()
        towers = Towers(net, ImageHead(net.classes, None), Adapter(), torch.nn.Parameter(torch.tensor(3.0)))
        config = EncoderConfig(data=tmp_path, out=tmp_path, cache=tmp_path, batch=12, other_texts=8, exchanged=weight)
        joint = [*towers.head.parameters(), *towers.adapter.parameters()]
        fit(
            config, towers, sampler, lambda rows: features[rows], [{"params": joint, "lr": 1e-3}], 20,
            tmp_path / f"{weight}.pt", lambda: "",
        )  # fmt: skip
        towers.head.eval()
        towers.adapter.eval()
        with torch.no_grad():
            images = towers.head(features)
            texts_of = sentences.encode(towers.adapter, range(2 * PICTURES))
        return float(((images * texts_of[:PICTURES]).sum(1) - (images * texts_of[PICTURES:]).sum(1)).mean())

    assert told_apart(3.0) > 1.5 * told_apart(0.0)
