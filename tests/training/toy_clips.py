"""Captioned clips as training data keeps them: a few frames each."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.toy import COLOURS


def captioned_clips(data: Path) -> Path:
    """Two dozen clips of four frames, each of one or two colours, from as many repositories."""
    folder, rng = data / "clips", np.random.default_rng(0)
    folder.mkdir(parents=True)
    names = list(COLOURS)
    with (
        tarfile.open(folder / "clip-frames.tar", "w") as tar,
        gzip.open(folder / "clip-frames.jsonl.gz", "wt") as lines,
    ):
        for number in range(24):
            colours = rng.permutation(names)[:2]
            for frame in range(4):
                content = io.BytesIO()
                Image.new("RGB", (32, 32), COLOURS[colours[frame // 2]]).save(content, "WEBP", lossless=True)
                about = tarfile.TarInfo(f"k{number}_{frame}.webp")
                about.size = content.tell()
                content.seek(0)
                tar.addfile(about, content)
            said = [f"{colours[0]} then {colours[1]} number {number}"]
            entry = {"key": f"k{number}", "captions_machine": said, "source": f"o/r{number}@1:a", "length": 4}
            lines.write(json.dumps(entry | {"split": "val", "rights": "C", "hist_steps": [0.0, 1.0, 0.0]}) + "\n")
    return data
