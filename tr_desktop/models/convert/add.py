"""A checkpoint folder becomes one of the user's packs.

    recognise ─▶ licence ─▶ load ─▶ two graphs ─▶ background ─▶ compared with the checkpoint ─▶ written

Nothing is written to the packs before all of it has been checked.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tr_desktop.errors import PackError, UserError
from tr_desktop.models.build import PictureSource, build_pack, part_prefix
from tr_desktop.models.choice import place_for
from tr_desktop.models.convert import background, hugging_face, open_clip
from tr_desktop.models.convert.card import card
from tr_desktop.models.convert.check import expect_same, reference
from tr_desktop.models.convert.checkpoint import Checkpoint
from tr_desktop.models.convert.graphs import Precision, check_sizes, image_graph, text_graph
from tr_desktop.models.convert.licence import Licence, expect_agreed
from tr_desktop.models.convert.recognise import Found, Layout, recognise
from tr_desktop.models.pack import Pack

SAMPLE_FPS = "2"
_CHECKED_PICTURES = 12


@dataclass(frozen=True)
class Progress:
    """How far a conversion is. stage: a word for programs. done: of the whole, 0 to 1. text: a sentence for people."""

    stage: str
    done: float
    text: str


def add_checkpoint(
    folder: Path,
    name: str | None = None,
    precision: str = "fp32",
    pictures: PictureSource | None = None,
    accept_licence: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    source: Mapping[str, str] | None = None,
) -> Pack:
    """Convert the checkpoint in `folder` to a pack called `name`, or as the folder is.

    precision: fp32, fp16 or int8. pictures: of many kinds, for background.npy; None takes scikit-image's. source: where
    the checkpoint came from, such as its repository and commit; kept in pack.json and on the card.
    Raises LicenceError for a restricted licence that wasn't accepted, and PackError if the folder can't be converted,
    the result differs from the checkpoint, or it can't be written. An error from `on_progress` ends the conversion.
    Nothing is left then.
    """
    found, kind = recognise(folder), Precision(precision)
    licence = expect_agreed(folder, accept_licence)
    name = name or folder.resolve().name
    place = place_for(name)
    on_progress(Progress("load", 0.0, f"Reading {folder.resolve().name}, a checkpoint of the family {found.family}"))
    load = open_clip.load if found.layout is Layout.OPEN_CLIP else hugging_face.load
    with _in_words(found):
        checkpoint = load(found)
        check_sizes(checkpoint, kind, folder)
    bank = (pictures or background.sample_pictures)(checkpoint.pictures.shape)
    about = background.ABOUT if pictures is None else f"{len(bank)} pictures of the user's own"
    with _in_words(found):
        right = reference(checkpoint, bank[:: max(len(bank) // _CHECKED_PICTURES, 1)])
    try:
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=part_prefix(os.getpid())) as work:
            draft = Path(work) / "draft"  # one folder further down, or it would count as a pack
            draft.mkdir()
            on_progress(Progress("convert", 0.15, "Converting the image tower"))
            image_graph(checkpoint, kind, draft / "image.onnx")
            on_progress(Progress("convert", 0.3, "Converting the text tower"))
            text_graph(checkpoint, kind, draft / "text.onnx")
            (draft / "tokenizer.json").write_text(checkpoint.sentences.tokenizer, encoding="utf-8")
            shown = card(name, found, checkpoint, kind, licence, source or {}, about)
            (draft / "CARD.md").write_text(shown, encoding="utf-8")
            (draft / "pack.json").write_text(json.dumps(_facts(name, licence, checkpoint, source or {})))
            pack, _ = build_pack(
                draft,
                place,
                lambda _: bank,
                [lambda pack: expect_same(pack, right, kind)],
                lambda done: on_progress(Progress("compare", 0.45 + done / 2, "Encoding pictures to compare with")),
            )
    except OSError as error:
        raise PackError(f"The pack can't be written: {error.strerror or error}", path=place.parent) from error
    on_progress(Progress("done", 1.0, f"{name} is ready"))
    return pack


def _facts(name: str, licence: Licence, checkpoint: Checkpoint, source: Mapping[str, str]) -> dict[str, Any]:
    """pack.json, without what `build_pack` adds."""
    shape, sentences = checkpoint.pictures.shape, checkpoint.sentences
    named = " ".join(filter(None, (source.get("repository"), source.get("commit")))) or "a checkpoint folder"
    return {
        "name": name,
        "licence": licence.summary + (", restricts use" if licence.is_restricted else ""),
        "sources": [named],
        "source": dict(source),
        **({"languages": source["languages"]} if "languages" in source else {}),
        "input_px": shape.size_px,
        "fit": shape.fit.value,
        "interpolation": shape.interpolation.value,
        "sample_fps": SAMPLE_FPS,
        "max_tokens": sentences.max_tokens,
        "pads_to_max": True,
        "pad_id": sentences.pad_id,
    }


@contextmanager
def _in_words(found: Found) -> Iterator[None]:
    """Turns what the checkpoint's own code raises into a PackError, whatever its files are."""
    try:
        yield
    except (UserError, ImportError):
        raise
    except Exception as error:  # of packages that share no class of errors: the checkpoint is at fault
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise PackError(f"The checkpoint can't be used: {reason}", path=found.folder) from error
