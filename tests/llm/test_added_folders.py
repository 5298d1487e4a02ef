"""Folders as transformers writes them: `models add` takes them, and `doctor` asks the Python that would run them."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch", reason="video language models need the extra `llm`")
pytest.importorskip("transformers", reason="video language models need the extra `llm`")

from tr_desktop.commands import grounder_report  # noqa: E402
from tr_desktop.commands.main import main  # noqa: E402
from tr_desktop.grounders.video_llm.packs import load_grounder  # noqa: E402
from tr_desktop.training.grounder.tiny import FAMILIES, write_tiny  # noqa: E402


@pytest.mark.parametrize("family", FAMILIES)
def test_what_transformers_wrote_is_added_and_fits(family, tmp_path, monkeypatch):
    monkeypatch.delenv("TR_GROUNDER_PYTHON", raising=False)
    folder = write_tiny(family, tmp_path / "Time-R1-tiny")
    assert main(["models", "add", str(folder), "--as", "tiny"]) == 0
    pack = load_grounder("tiny")
    assert (pack.runs_on.family, pack.runs_on.folder, pack.preset.name) == (family, folder, "time-r1")
    assert pack.runs_on.weights_bytes == sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    lines = list(grounder_report.lines())
    assert f"Run by {sys.executable}: torch {torch.__version__.partition('+')[0]}" in lines[1]
    assert lines[-1].startswith("  tiny: fits, about 1.5 GB")
