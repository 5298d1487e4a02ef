"""Where the frozen programs start: `tr-desktop …`, and `TimeRefine …`, which is `tr-desktop app …` with no console."""

import os
import sys
from pathlib import Path

WINDOW = "TimeRefine"


def prepare(program: Path) -> None:
    """Make this process what `program` stands for: its file name alone tells the two apart."""
    # A program without a console has no standard streams on Windows, and libraries write to them.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (open to the end)
    if program.stem == WINDOW:
        sys.argv[1:1] = ["app"]
        # The window starts this program for jobs of their own. Those are commands, and no second window.
        sys.executable = str(program.with_name(f"tr-desktop{program.suffix}"))


if __name__ == "__main__":
    prepare(Path(sys.executable))
    from tr_desktop.commands.main import main

    sys.exit(main())
