"""Tiny random checkpoints of each family that torch runs, once for all tests. Nothing here may reach the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.offline import refuse_network
from tr_desktop.grounders.video_llm.presets import PRESETS


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """Nothing here may reach the network."""
    refuse_network(monkeypatch)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Callable[[str], Path]:
    """From a family's name to its checkpoint folder."""
    made: dict[str, Path] = {}

    def of(family: str) -> Path:
        if family not in made:
            from tr_desktop.training.grounder.tiny import write_tiny

            made[family] = write_tiny(family, tmp_path_factory.mktemp("checkpoints") / family)
        return made[family]

    return of


@pytest.fixture(scope="session")
def loaded(checkpoint) -> Callable[[str], tuple[Any, Any]]:
    """From a family's name to its model, and what makes prompts for it."""
    made: dict[str, tuple[Any, Any]] = {}

    def of(family: str) -> tuple[Any, Any]:
        if family not in made:
            from tr_desktop.grounder_worker.load import load
            from tr_desktop.grounder_worker.prompt import Encoder

            model = load(checkpoint(family), family, "cpu")
            made[family] = model, Encoder(checkpoint(family), model.config)
        return made[family]

    return of


@pytest.fixture(scope="session")
def facts_of(checkpoint) -> Callable[..., dict[str, Any]]:
    """From a family's name to the facts of a pack, as the worker is told them; more facts replace those."""

    def of(family: str, **more: Any) -> dict[str, Any]:
        facts = {
            "schema": 1,
            "name": "tiny",
            "family": family,
            "folder": str(checkpoint(family)),
            "preset": "timelens",
            "licence": "none",
            "fps": "2",
            "frames_most": 16,
            "side_px": 64,
            "window_s": "64",
            "new_tokens_most": 24,
        }
        assert facts["preset"] in PRESETS
        return facts | more

    return of


@pytest.fixture(scope="session")
def scripted(tmp_path_factory) -> Callable[[str, str], Path]:
    """From a family's name and a text to a checkpoint that writes the text, whatever it is shown; without an end, again
    and again if the text is followed by an ellipsis."""
    made: dict[tuple[str, str], Path] = {}

    def of(family: str, text: str) -> Path:
        if (family, text) not in made:
            from tests.llm.scripted import write_scripted

            made[family, text] = write_scripted(family, tmp_path_factory.mktemp("scripted") / family, text)
        return made[family, text]

    return of
