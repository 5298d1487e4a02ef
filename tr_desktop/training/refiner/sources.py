"""The material that training videos are composed from: short clips and camera moves over stills, encoded once.

A source is a row of vectors along its own time, with the sentences that describe it. Composing happens on vectors
(`compose.py`), so thousands of untrimmed videos cost no decoding at all. Files are plain `.npz`, without pickles.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from tr_desktop.errors import UserError

Vectors = npt.NDArray[np.float32]
Pictures = npt.NDArray[np.uint8]

EVERY_CLIP_FRAME = 3  # clips have 10 or 12 frames a second; consecutive ones are nearly alike
CAMERA_STOPS = 6  # pictures along a camera move over a still
STILL_SHARE = {"train": 0.06, "val": 0.2, "test": 0.2}  # of the captioned pictures
BATCH = 32


@dataclass(frozen=True)
class ClipSource:
    """One clip or still. vectors: fp32 [n, D], L2-normalised, `fps` a second; a still's are stops of a camera move.

    group: the video that a clip comes from (clips of one video look alike), or the still itself. captions: rows of
    `Sources.captions`.
    """

    key: str
    group: str
    split: str
    is_still: bool
    fps: float
    vectors: Vectors
    captions: tuple[int, ...]


@dataclass(frozen=True)
class Sources:
    """All sources as one encoder sees them. caption_vectors: [C, D]; background: [B, D] of other pictures."""

    items: tuple[ClipSource, ...]
    captions: tuple[str, ...]
    caption_vectors: Vectors
    background: Vectors

    def of_splits(self, *splits: str) -> Sources:
        """The sources of these splits, with all captions."""
        items = tuple(item for item in self.items if item.split in splits)
        return Sources(items, self.captions, self.caption_vectors, self.background)


def joined(parts: Sequence[Sources]) -> Sources:
    """All sources of some files, encoded by the same pack."""
    items, first = list[ClipSource](), 0
    for part in parts:
        items += (replace(item, captions=tuple(number + first for number in item.captions)) for item in part.items)
        first += len(part.captions)
    captions = tuple(caption for part in parts for caption in part.captions)
    return Sources(tuple(items), captions, np.concatenate([p.caption_vectors for p in parts]), parts[0].background)


def encode_sources(
    data: Path,
    out: Path,
    encode_images: Callable[[Pictures], Vectors],
    encode_text: Callable[[list[str]], Vectors],
    background: npt.NDArray[np.floating],
    input_px: int,
    only_frames: bool = False,
) -> None:
    """Run every source under `data` (its `clips/` and `images/`) through an encoder and write them to `out`.

    only_frames: read the clips that are kept as a few frames each, and nothing else.
    encode_images: uint8 RGB [N, S, S, 3] → [N, D]; encode_text: sentences → [C, D]; both L2-normalised.
    """
    about: list[dict[str, Any]] = []
    vectors: list[Vectors] = []
    captions: dict[str, int] = {}
    read = _clip_frames(data / "clips", input_px) if only_frames else _pictures(data, input_px)
    for entry, pictures in tqdm(read, desc="sources", unit=" sources", mininterval=5):
        rows = [encode_images(pictures[i : i + BATCH]) for i in range(0, len(pictures), BATCH)]
        vectors.append(np.concatenate(rows))
        numbers = [captions.setdefault(caption, len(captions)) for caption in dict.fromkeys(entry.pop("captions"))]
        about.append(entry | {"frames": len(pictures), "captions": numbers})
    sentences = list(captions)
    text = [encode_text(sentences[i : i + BATCH]) for i in range(0, len(sentences), BATCH)]
    np.savez(
        out,
        vectors=np.concatenate(vectors).astype(np.float16),
        caption_vectors=np.concatenate(text).astype(np.float16),
        background=background.astype(np.float16),
        about=np.frombuffer(json.dumps({"sources": about, "captions": sentences}).encode(), np.uint8),
    )


def load_sources(path: Path) -> Sources:
    """Read a file that `encode_sources` wrote. Raises UserError if it is another file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            vectors, text, background = (
                file[k].astype(np.float32) for k in ("vectors", "caption_vectors", "background")
            )
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"These aren't encoded sources: {error}", path=path) from error
    ends = np.cumsum([entry["frames"] for entry in about["sources"]])
    items = tuple(
        ClipSource(
            key=entry["key"],
            group=entry["group"],
            split=entry["split"],
            is_still=entry["is_still"],
            fps=entry["fps"],
            vectors=vectors[end - entry["frames"] : end],
            captions=tuple(entry["captions"]),
        )
        for entry, end in zip(about["sources"], ends, strict=True)
    )
    return Sources(items, tuple(about["captions"]), text, background)


def _pictures(data: Path, size_px: int) -> Iterator[tuple[dict[str, Any], Pictures]]:
    yield from _clips(data / "clips", size_px)
    yield from _stills(data / "images", size_px)


def _clips(folder: Path, size_px: int) -> Iterator[tuple[dict[str, Any], Pictures]]:
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    manifest = {(entry["tar"], entry["file"]): entry for entry in map(json.loads, lines)}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                entry, stream = manifest.get((path.name, Path(member.name).name)), tar.extractfile(member)
                if entry is None or stream is None:
                    continue
                pictures, fps = _decode(stream.read(), size_px)
                yield (
                    {
                        "key": Path(entry["file"]).stem,
                        "group": entry["source"],
                        "split": entry["split"],
                        "is_still": False,
                        "fps": fps / EVERY_CLIP_FRAME,
                        "captions": [*entry["captions"], *entry["captions_machine"]],
                    },
                    pictures[::EVERY_CLIP_FRAME],
                )


def _decode(clip: bytes, size_px: int) -> tuple[Pictures, float]:
    with av.open(io.BytesIO(clip), "r") as container:
        stream = container.streams.video[0]
        frames = [
            frame.reformat(size_px, size_px, "rgb24", interpolation="AREA").to_ndarray()
            for frame in container.decode(stream)
        ]
        return np.stack(frames), float(stream.average_rate or 12)


def _clip_frames(folder: Path, size_px: int) -> Iterator[tuple[dict[str, Any], Pictures]]:
    """Clips of which a few frames are kept, spread evenly: `clip-frames.tar` with `KEY_NUMBER.webp`."""
    with gzip.open(folder / "clip-frames.jsonl.gz", "rt", encoding="utf-8") as lines:
        about = {entry["key"]: entry for entry in map(json.loads, lines)}
    frames: dict[str, list[tuple[int, bytes]]] = {}
    with tarfile.open(folder / "clip-frames.tar") as tar:
        for member in tar:
            key, _, number = Path(member.name).stem.rpartition("_")
            if key in about and (stream := tar.extractfile(member)) is not None:
                frames.setdefault(key, []).append((int(number), stream.read()))
    for key, stored in frames.items():
        entry = about[key]
        yield (
            {
                "key": key,
                "group": entry["source"],
                "split": entry["split"],
                "is_still": False,
                "fps": len(stored) / entry["length"],
                "captions": entry["captions_machine"],
            },
            np.stack([_square(data, size_px) for _, data in sorted(stored)]),
        )


def _square(data: bytes, size_px: int) -> Pictures:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(picture.resize((size_px, size_px), Image.Resampling.BICUBIC), np.uint8)


def _stills(folder: Path, size_px: int) -> Iterator[tuple[dict[str, Any], Pictures]]:
    with gzip.open(folder / "captions-machine.jsonl.gz", "rt", encoding="utf-8") as lines:
        machine = {entry["key"]: entry["captions"] for entry in map(json.loads, lines)}
    for path in sorted(folder.glob("*.tar.gz")):
        picture: bytes = b""
        with tarfile.open(path, "r|gz") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is None or member.name.endswith(".webp"):
                    picture = stream.read() if stream else b""
                    continue
                about, key = json.loads(stream.read()), Path(member.name).stem
                captions = [*about["captions"], *machine.get(key, ())]
                rng = np.random.default_rng(list(key.encode()))
                if captions and rng.random() < STILL_SHARE[about["split"]]:
                    yield (
                        {
                            "key": key,
                            "group": key,
                            "split": about["split"],
                            "is_still": True,
                            "fps": 0.0,
                            "captions": captions,
                        },
                        _camera_move(Image.open(io.BytesIO(picture)).convert("RGB"), size_px, rng),
                    )


def _camera_move(image: Image.Image, size_px: int, rng: np.random.Generator) -> Pictures:
    """Pan and zoom over a still: CAMERA_STOPS pictures [S, S, 3] from one random box of it to another."""
    sizes, places = rng.uniform(0.6, 1, 2), rng.uniform(0, 1, (2, 2))
    stops = []
    for share in np.linspace(0, 1, CAMERA_STOPS):
        zoom = sizes[0] + share * (sizes[1] - sizes[0])
        wide, high = image.width * zoom, image.height * zoom
        left, top = (places[0] + share * (places[1] - places[0])) * (image.width - wide, image.height - high)
        box = (left, top, left + wide, top + high)
        stops.append(np.asarray(image.resize((size_px, size_px), Image.Resampling.BILINEAR, box=box)))
    return np.stack(stops)
