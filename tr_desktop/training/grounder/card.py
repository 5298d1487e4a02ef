"""README.md of a trained grounder: what it was made of, on which terms, and how well it answers.

Its front matter is as Hugging Face has it, so that `models add` reads the licence from there; the base's carries over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tr_desktop.files import replacing
from tr_desktop.models.convert.licence import Licence, licence_of
from tr_desktop.training.grounder.data import Look

CARD = "README.md"


@dataclass(frozen=True)
class Made:
    """base: folder of the model it was made of. preset: by which it is asked. annotations, figures: in sentences."""

    name: str
    base: Path
    recipe: str
    preset: str
    look: Look
    annotations: str
    figures: Sequence[str]


def write_card(made: Made, folder: Path) -> None:
    """Write the card of the model in `folder`."""
    licence, look = licence_of(made.base), made.look
    figures = "\n".join(f"- {line}" for line in made.figures)
    text = f"""{_front_matter(licence)}# {made.name}

A grounder: it is asked for a sentence and writes when that holds in a window of video.

- Made of: {made.base.resolve().name}, with a LoRA adapter that is merged into its weights.
- Licence: {licence.summary}, that of the base. What it was trained on may restrict it further.
- Trained on: {made.annotations}. The videos are not in it; their terms aren't known here: add them.
- Recipe: {made.recipe} (`tr-desktop train grounder`, docs/train-a-grounder.md).
- Asked as the preset `{made.preset}`, with {float(look.fps):g} pictures a second, {look.side_px} pixels on the longer
  side, in windows of up to {float(look.window_s):g} s.

## Measured

{figures}

Steps on the way to an answer show how it was found. That they make answers better is not claimed: compare with a model
that was trained to answer directly, on other videos.
"""
    with replacing(folder / CARD) as part:
        part.write_text(text, encoding="utf-8")


def _front_matter(licence: Licence) -> str:
    if not licence.name:
        return ""
    link = f"license_link: {licence.link}\n" if licence.link else ""
    return f"---\nlicense: other\nlicense_name: {licence.name}\n{link}---\n"
