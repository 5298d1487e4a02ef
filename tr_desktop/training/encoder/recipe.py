"""The recipe of the embedded pack: frozen features, then heads, then the late blocks, then calibration; one command.

Notable choices, each measured in docs/experiments.md:
- The early blocks run once, in 8 bits, as they do in the finished tower; everything trained reads their cached maps.
- Text is MiniLM's sentence vector plus an adapter that starts at zero and attends to the words. Targets of the
  contrastive loss are softened by MiniLM's similarity of the texts: two pictures of a running dog don't push each
  other's captions away. Margins are added: to the hardest negatives, and to captions with one word exchanged.
- Pictures are pooled by the mean of each channel and by the mean of its largest places, so that small things count.
- Labels are used as prompts too: trained on captions alone, the towers forget words for single things.
- ImageNet's class probabilities are a second path from picture to text space, through learned vectors of the class
  names, and a third, through the names as the text tower encodes them: it carries words that no caption taught.
- The late blocks are tuned several times from the same start, each time on other batches; the weights are averaged
  (Wortsman et al. 2022, model soups).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from tr_desktop.errors import UserError
from tr_desktop.training.encoder import plan
from tr_desktop.training.encoder.backbone import EfficientNetLite2, installed_backbone, load_lite2
from tr_desktop.training.encoder.batches import BatchSampler, Texts, gather_texts
from tr_desktop.training.encoder.config import EncoderConfig
from tr_desktop.training.encoder.corpus import Picture, read_corpus, without
from tr_desktop.training.encoder.features import ViewJob, cached_maps, feature_folder, pooled_features
from tr_desktop.training.encoder.fitting import fit, mean
from tr_desktop.training.encoder.late import LateBlocks
from tr_desktop.training.encoder.memory import keep_freed_memory
from tr_desktop.training.encoder.pack import export_pack
from tr_desktop.training.encoder.text import Adapter, installed_minilm, name_sentences, read_sentences
from tr_desktop.training.encoder.towers import ImageHead, Towers
from tr_desktop.training.encoder.validation import Validation
from tr_desktop.training.scores.material import CLIP_FRAMES


def train_encoder(config: EncoderConfig) -> None:
    """Build the pack `config.out`. Each stage is kept in `config.cache`: an interrupted run resumes there.

    Raises UserError if `config.data` lacks the clips that scores are fitted to.
    """
    if not (config.data / CLIP_FRAMES).is_file():
        raise UserError("There are no clips to calibrate the scores with", path=config.data / CLIP_FRAMES)
    config.cache.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    torch.manual_seed(config.seed)
    pictures = read_corpus(config.data, config.tiers)
    left_out = plan.left_out_labels(pictures)
    pictures = plan.chosen(without(pictures, left_out), config.max_per_label)
    jobs = plan.jobs(pictures, config.views)
    net = load_lite2(config.backbone or installed_backbone()).requires_grad_(False)
    folder = feature_folder(pictures, jobs, config.input_px, config.cache)
    maps = cached_maps(net, pictures, jobs, config.input_px, folder)
    pooled = pooled_features(net, maps, folder / "pooled.npy")
    texts = gather_texts(pictures, config.minilm or installed_minilm(), config.cache)
    towers = trained_towers(config, net, pictures, jobs, maps, pooled, texts)
    export_pack(config, towers, pictures, sorted(left_out))


def trained_towers(
    config: EncoderConfig, net: EfficientNetLite2, pictures: list[Picture], jobs: list[ViewJob],
    maps: NDArray[np.float16], pooled: NDArray[np.float16], texts: Texts,
) -> Towers:  # fmt: skip
    """Train the heads on frozen features, then the late blocks with them, several times; then average."""
    keys = [[pictures[job.picture].key, job.view] for job in jobs]
    after = ("tuned_runs", "final_names_weight")  # these change nothing of what each run learns
    numbers = {n: value for n, value in asdict(config).items() if n not in after and not isinstance(value, Path)}
    run = config.cache / f"run-{hashlib.sha256(json.dumps([keys, numbers]).encode()).hexdigest()[:16]}"
    run.mkdir(parents=True, exist_ok=True)  # a run of another configuration never resumes from these weights
    late = LateBlocks(net, config.input_px // 32)
    names = None
    if config.names:
        names = read_sentences(config.minilm or installed_minilm(), name_sentences(config.names), run / "names.npz")
    head = ImageHead(net.classes, None if names is None else names.vectors, config.names_weight)
    towers = Towers(net, head, Adapter(), nn.Parameter(torch.tensor(3.0)), names)
    sampler = BatchSampler(pictures, jobs, texts, config.seed)
    validation = Validation(pictures, jobs, texts)
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
        run / "head.pt", lambda: validation.report(towers, frozen),
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
                lambda: validation.report(towers, tuned),
            )  # fmt: skip
            ends.append(towers.weights())
        towers.load(mean(ends))
        tqdm.write(f"averaged; {validation.report(towers, tuned)}")
    head.names_weight = config.final_names_weight
    tqdm.write(f"names weigh {head.names_weight}; {validation.report(towers, tuned)}")
    return towers
