"""The clip that comes with the program, to try the search on: five pictures, each for a few seconds, with hard cuts.

All pictures are CC0 or in the public domain. `tests/make_sample.py` made the clip of them.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tr_desktop.errors import UserError
from tr_desktop.files import write_verified

CLIP = Path(__file__).with_name("sample.mp4")
RATE = Fraction(24)
# Picture, seconds on screen, a sentence that is true of this shot alone.
SHOTS = (
    ("coffee", 4, "a cup of coffee"),
    ("astronaut", 5, "an astronaut"),
    ("chelsea", 6, "a cat"),
    ("rocket", 5, "a rocket"),
    ("hubble_deep_field", 4, "galaxies in deep space"),
)


def copy_sample(path: Path) -> None:
    """Copy the clip to `path`. Raises UserError if it can't be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_verified(path, CLIP.read_bytes())
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(
            f"The sample clip can't be written: {why}", path=path, remedy="Make room on the disk"
        ) from error
