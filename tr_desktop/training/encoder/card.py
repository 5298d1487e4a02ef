"""CARD.md of a pack: what it was made of, by whom, on which terms, and how to make it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tr_desktop.training.encoder.corpus import Picture

TIERS = {
    "A": "an open licence is stated for the set",
    "B": "research or non-commercial terms",
    "C": "gathered from the web, photographers' rights unknown",
}
TERMS = {
    "ade20k_val": "ADE20K: research and education",
    "animals25": "pictures found by web search, rights unknown",
    "caltech101": "CC BY 4.0 stated by its publisher",
    "cats_dogs": "rights unknown",
    "clip-frames": "frames of short clips of third-party footage, rights unknown",
    "clips": "short clips of third-party footage, rights unknown",
    "clothing": "CC0",
    "coco_2014": "annotations CC BY 4.0, pictures under the photographers' terms",
    "coco_mini": "annotations CC BY 4.0, pictures under the photographers' terms",
    "coco_misc": "pictures under the photographers' terms",
    "coco_val2014": "annotations CC BY 4.0, pictures under the photographers' terms",
    "day_night": "MIT; webcam pictures of the AMOS archive",
    "flickr8k": "non-commercial research and education; photographers keep copyright",
    "grocery": "MIT",
    "har15": "gathered from the web, rights unknown",
    "houses": "published for research",
    "imagenet_det200": "ImageNet: non-commercial research",
    "imagenet_mini": "ImageNet: non-commercial research",
    "imagenet_misc": "ImageNet: non-commercial research",
    "imagenet_sample": "ImageNet: non-commercial research",
    "imagenette": "ImageNet: non-commercial research",
    "imagewoof": "ImageNet: non-commercial research",
    "intel_scenes": "© original authors",
    "openstax": "CC BY 4.0 (tier A) or CC BY-NC-SA 4.0 (tier B), by book",
    "pacs_photo": "research set, no licence stated",
    "sports": "gathered from the web, rights unknown",
    "sports_web": "gathered from the web, rights unknown",
    "sun_cmu8": "SUN: research",
    "sun_cmu_b": "SUN: research",
    "voc_animals": "pictures under the photographers' terms, research",
    "weather_fog": "CC BY 4.0 stated for the shared pictures",
    "weather_ndb": "CC BY 4.0 stated by its publisher",
}


def card(name: str, pictures: Sequence[Picture], left_out: Sequence[str], tiers: str) -> str:
    """The card's Markdown."""
    train = [p for p in pictures if p.split == "train"]
    rows = []
    for (tier, source), count in sorted(Counter((p.tier, p.source) for p in train).items()):
        own = [p for p in train if (p.tier, p.source) == (tier, source)]
        human, machine = sum(bool(p.human) for p in own), sum(bool(p.machine) for p in own)
        rows.append(f"| {source} | {tier} | {count} | {human} | {machine} | {TERMS.get(source, 'unknown')} |")
    terms = "\n".join(f"- {tier}: {meaning}" for tier, meaning in TIERS.items() if tier in tiers)
    table, held = "\n".join(rows), ", ".join(left_out)
    return f"""# Model pack `{name}`

Two towers into one space of 384 numbers: pictures (EfficientNet-Lite2, 8 bits) and sentences (all-MiniLM-L6-v2 with
an adapter, 8 bits). Made to find moments in footage offline; English. It knows everyday scenes, people, animals,
sports, food and vehicles best; it does not read text in pictures, know faces or names, or hear.

## Where it starts

- EfficientNet-Lite2 by Google, Apache-2.0, trained on ImageNet-1k.
- all-MiniLM-L6-v2 by the sentence-transformers authors, Apache-2.0.

## What it was trained on

The weights are Apache-2.0 as far as they are ours to give; the pictures they were trained on are on other terms:
{terms}

None of the pictures is in this pack. Captions by people and those written by a vision-language model are counted apart;
a clip counts as several pictures. The data set's own sentences for clips are counted with the machine captions, because
some were written from a label or a frame.

| source | tier | training pictures | with human captions | with machine captions | terms |
|---|---|---|---|---|---|
{table}

Left out of training to test on: {held}.

## Measured

- A score is the chance that a moment is right among all that was searched. It is fitted on libraries of 1 to 120 videos
  composed of clips (tier C) that the towers never saw.
- Figures on footage, Flickr8k and labels, with their baselines: `docs/experiments.md`.

## The refiner

`refiner.onnx`, once it is in the pack, places both edges of a moment, step by step. It reads signals that any pair of
towers gives (`tr_desktop/refine/signals.py`) and is trained on videos composed of the training split's clips and
pictures above, half of them single takes: as this pack sees them, and as a second encoder does that never saw them, for
features of pictures that an encoder learned from are better than those of footage will be. Its figures, beside the
trivial baselines: `docs/experiments-refiner.md`.

## How to make it again

`tr-desktop train encoder --data DATA --out {name} --names IMAGENET_LABELS`; with `--tiers A` a pack from
openly licensed pictures alone. Machine captions can be wrong in small things.
Then `tr-desktop train refiner --pack {name} --data DATA --out {name}/refiner.onnx`, which lists it in the pack; the
second encoder's sources are given with `--sources`. At last `tr-desktop models calibrate {name} DATA OUT`, since scores
use the refiner's judgement.
"""
