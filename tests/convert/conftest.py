"""Checkpoints of each family, and packs made of them, once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.offline import refuse_network

FAMILIES = ("clip", "siglip", "siglip2", "chinese_clip", "altclip", "open_clip", "open_clip_resnet", "open_clip_siglip")


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """Nothing here may reach the network."""
    refuse_network(monkeypatch)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Callable[[str], Path]:
    """From a family's name to its checkpoint folder."""
    from tests.convert import tiny

    made: dict[str, Path] = {}

    def of(family: str) -> Path:
        if family not in made:
            made[family] = tiny.FAMILIES[family](tmp_path_factory.mktemp("checkpoints") / family)
        return made[family]

    return of


@pytest.fixture(scope="session")
def packed(tmp_path_factory, checkpoint) -> Callable[[str], Path]:
    """From a family's name to the folder of its pack."""
    from tests.convert.tiny import few_pictures
    from tr_desktop.models.convert.add import add_checkpoint

    made: dict[str, Path] = {}
    home = tmp_path_factory.mktemp("packs")

    def of(family: str) -> Path:
        if family not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("XDG_DATA_HOME", str(home))
                made[family] = add_checkpoint(checkpoint(family), family, pictures=few_pictures).location
        return made[family]

    return of
