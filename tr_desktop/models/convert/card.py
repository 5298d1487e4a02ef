"""CARD.md of a converted pack."""

from __future__ import annotations

from collections.abc import Mapping

from tr_desktop.models.convert.checkpoint import Checkpoint
from tr_desktop.models.convert.graphs import Precision
from tr_desktop.models.convert.licence import Licence
from tr_desktop.models.convert.recognise import Found


def card(
    name: str,
    found: Found,
    checkpoint: Checkpoint,
    precision: Precision,
    licence: Licence,
    source: Mapping[str, str],
    bank: str,
) -> str:
    """The card. source: facts about where the checkpoint came from. bank: the pictures behind background.npy."""
    pictures, sentences = checkpoint.pictures, checkpoint.sentences
    came_from = [f"- {key}: {value}" for key, value in source.items()]
    return "\n".join(
        [
            f"# Model pack `{name}`",
            "",
            f"Made from a checkpoint of the family {found.family} ({found.layout.value}), in {precision.value}.",
            "",
            "## Where it comes from",
            "",
            *(came_from or [f"- a folder named {found.folder.resolve().name}"]),
            f"- weights: {found.weights.name}",
            "",
            "## Licence",
            "",
            licence.summary + ("" if not licence.is_restricted else ". It restricts what the model may be used for."),
            *(["", "```", licence.text.strip(), "```"] if licence.text else []),
            "",
            "## How it is used",
            "",
            f"- pictures: {pictures.crop_px} × {pictures.crop_px}, {_FITS[pictures.shape.fit.value]},"
            f" {pictures.shape.interpolation.value}",
            f"- sentences: {sentences.max_tokens} word pieces; longer ones are cut",
            f"- what scores are compared with: {bank}",
            "- refiner: that of the embedded pack; so is the calibration, scaled to what this pack gives by chance."
            " Scores are estimates until the pack is calibrated (`tr-desktop models calibrate`).",
            "",
        ]
    )


_FITS = {"squash": "squashed", "crop": "cut to the centre"}
