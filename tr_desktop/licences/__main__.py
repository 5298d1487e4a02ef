"""Write the licences of a frozen build into it: `python -m tr_desktop.licences FOLDER`.

Run it with the Python whose packages were frozen. It fails if a library or a package is one that nobody named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tr_desktop.licences import WRITTEN
from tr_desktop.licences.listing import listing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tr_desktop.licences", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the build")
    folder: Path = parser.parse_args().folder
    made = listing(folder)
    for unnamed in made.unnamed:
        print(f"No licence is known: {unnamed}. Name it in tr_desktop/licences/libraries.csv", file=sys.stderr)
    places = {path.parent for path in folder.rglob("licences/texts")}
    if not places:
        print(f"{folder} has no folder tr_desktop/licences", file=sys.stderr)
        return 1
    for place in places:
        (place / WRITTEN.name).write_text(made.text, encoding="utf-8")
    return 1 if made.unnamed else 0


if __name__ == "__main__":
    sys.exit(main())
