"""A model of the list fetched from a server on loopback, and really converted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.convert.tiny import siglip
from tests.models.hub import serving
from tests.processes import PATIENCE_S
from tr_desktop.models.convert.catalogue import open_model
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack


def test_a_checkpoint_that_was_fetched_is_searched_with(tmp_path):
    model = open_model("siglip2-b16")
    checkpoint = siglip(tmp_path / "checkpoint")
    files = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    assert {*model.files} <= {*files}
    # What made the checkpoint here keeps itself offline by these variables.
    variables = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}
    with serving(model.repository, model.commit, files) as hub:
        got = subprocess.run(
            [sys.executable, "-m", "tr_desktop", "models", "get", model.name, "--yes", "--json"],
            env=variables | {"HF_ENDPOINT": hub.url, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        asked = [path for _, path, _ in hub.requests]
    assert got.returncode == 0, got.stderr
    assert all(path.startswith(("/api/models/", f"/{model.repository}/resolve/", "/cdn/")) for path in asked)
    pack = load_pack(model.name)
    assert model.commit in pack.card and model.repository in pack.card and model.commit in pack.sources[0]
    assert Encoder(pack, "cpu").encode_text(["a dog", "a red car"]).shape == (2, pack.width)
    assert pack.languages == model.languages
