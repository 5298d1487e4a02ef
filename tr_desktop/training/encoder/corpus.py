"""The pictures and clips that the encoder learns from, read into one list of `Picture`s.

Two kinds of folder are read (`images/` and `clips/`, see their own README files): tars of WebP pictures with a JSON
beside each, and short clips, as videos with one manifest or as a few frames each. A clip becomes several pictures
that share its captions. Of the clips that are kept as frames, half of the repositories are read: the scores are fitted
to the other half.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tr_desktop.training import repositories

FRAMES_PER_CLIP = 6
CUT = 0.4  # distance of colour histograms from which on neighbouring frames are probably of two shots


@dataclass(frozen=True)
class Picture:
    """One picture: encoded bytes, captions by people and by machines, its labels (specific name first) and rights.

    clip: key of the clip it is a frame of, or "". at: its place in the clip, 0 … 1. is_squashed: stored as a square,
    whatever its shape was.
    """

    key: str
    data: bytes
    human: tuple[str, ...]
    machine: tuple[str, ...]
    labels: tuple[str, ...]
    split: str
    source: str
    tier: str
    clip: str = ""
    at: float = 0.0
    is_squashed: bool = False

    @property
    def captions(self) -> tuple[str, ...]:
        return self.human + self.machine

    def pixels(self) -> Image.Image:
        return Image.open(io.BytesIO(self.data)).convert("RGB")


def read_corpus(data: Path, tiers: str = "ABC") -> list[Picture]:
    """Every picture of `data` with rights in `tiers` that has a caption or a label, sorted by key."""
    pictures = sorted(
        [*_pictures(data / "images"), *_frames(data / "clips"), *_kept_frames(data / "clips")], key=lambda p: p.key
    )
    return [p for p in pictures if p.tier in tiers and (p.captions or p.labels)]


def without(pictures: Iterable[Picture], left_out: frozenset[str]) -> list[Picture]:
    """`pictures` without the training pictures that have a left-out label and the training captions that name one."""
    if not left_out:
        return list(pictures)
    spoken = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(left_out))) + r")s?\b", re.I)
    kept = []
    for picture in pictures:
        if picture.split == "train":
            if left_out & set(picture.labels):
                continue
            picture = replace(
                picture,
                human=tuple(c for c in picture.human if not spoken.search(c)),
                machine=tuple(c for c in picture.machine if not spoken.search(c)),
            )
        if picture.captions or picture.labels:
            kept.append(picture)
    return kept


def read_sentences(data: Path) -> list[str]:
    """Caption sentences written by people, without pictures."""
    with gzip.open(data / "images" / "captions-text.txt.gz", "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t", 1)[1] for line in lines]


def _pictures(folder: Path) -> Iterator[Picture]:
    with gzip.open(folder / "captions-machine.jsonl.gz", "rt", encoding="utf-8") as lines:
        machine = {entry["key"]: tuple(entry["captions"]) for entry in map(json.loads, lines)}
    for path in sorted(folder.glob("*.tar.gz")):
        pixels = b""
        with tarfile.open(path, "r|gz") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is None:
                    continue
                if member.name.endswith(".webp"):
                    pixels = stream.read()
                    continue
                about = json.loads(stream.read())
                key = Path(member.name).stem
                by_machine = about.get("origin") == "machine"
                captions = tuple(about["captions"])
                yield Picture(
                    key=key,
                    data=pixels,
                    human=() if by_machine else captions,
                    machine=(captions if by_machine else ()) + machine.get(key, ()),
                    labels=tuple(about["labels"]),
                    split=about["split"],
                    source=about["source"],
                    tier=about["rights"],
                    is_squashed=about.get("squashed", False),
                )


def _frames(folder: Path) -> Iterator[Picture]:
    about = {}
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        about[entry["tar"], entry["file"]] = entry
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                entry = about.get((path.name, Path(member.name).name))
                stream = tar.extractfile(member)
                if entry is None or stream is None:
                    continue
                for at, data in _spread(stream.read()):
                    yield Picture(
                        key=f"clip_{Path(entry['file']).stem}_{round(at * 100):03d}",
                        data=data,
                        human=(),
                        machine=(*entry["captions"], *entry["captions_machine"]),
                        labels=(),
                        split=entry["split"],
                        source="clips",
                        tier="C",  # third-party footage, rights unknown
                        clip=Path(entry["file"]).stem,
                        at=at,
                    )


def _kept_frames(folder: Path) -> Iterator[Picture]:
    """The frames of `clip-frames.tar` that are for training, less the clips that are probably cut: there not every
    caption fits every frame."""
    if not (folder / "clip-frames.tar").is_file():
        return
    with gzip.open(folder / "clip-frames.jsonl.gz", "rt", encoding="utf-8") as lines:
        about = {entry["key"]: entry for entry in map(json.loads, lines)}
    ours, _ = repositories.halves(entry["source"] for entry in about.values())
    with tarfile.open(folder / "clip-frames.tar") as tar:
        for member in tar:
            key, _, number = Path(member.name).stem.rpartition("_")
            entry, stream = about.get(key), tar.extractfile(member)
            if entry is None or stream is None or repositories.repository(entry["source"]) not in ours:
                continue
            if max(entry["hist_steps"]) <= CUT:
                yield Picture(
                    key=f"frames_{key}_{number}",
                    data=stream.read(),
                    human=(),
                    machine=tuple(entry["captions_machine"]),
                    labels=(),
                    split=entry["split"],
                    source="clip-frames",
                    tier=entry["rights"],
                    clip=f"frames_{key}",
                    at=0.1 + 0.2 * int(number),
                )


def _spread(clip: bytes) -> Iterator[tuple[float, bytes]]:
    """`FRAMES_PER_CLIP` frames spread evenly over a clip, as JPEG."""
    with av.open(io.BytesIO(clip), "r") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    places = (np.arange(FRAMES_PER_CLIP) + 0.5) / FRAMES_PER_CLIP
    for index in sorted({int(p * len(frames)) for p in places}):
        out = io.BytesIO()
        Image.fromarray(frames[index]).save(out, "JPEG", quality=93)
        yield (index + 0.5) / len(frames), out.getvalue()
