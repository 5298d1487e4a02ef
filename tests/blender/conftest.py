"""Blender as a Python module, with the add-on as `tr-desktop plugins install blender` leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.blender.footage import HEIGHT, WIDTH
from tr_desktop import paths
from tr_desktop.editor_plugins import BLENDER, install

MODULE = "bl_ext.user_default.timerefine"


@dataclass(frozen=True)
class AddOn:
    """installed: its files. outbox: where it looks for a hand-over."""

    installed: tuple[Path, ...]
    outbox: Path


@pytest.fixture(scope="session")
def add_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AddOn]:
    """The add-on, installed for a user with this version of Blender, and switched on in it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            patch.setenv(name, str(home / 'a "folder" ü'))
        (BLENDER.home() / ".".join(version("bpy").split(".")[:2])).mkdir(parents=True)
        installed, outbox = install(BLENDER), paths.outbox_folder()
        import bpy  # only now: it asks for the user's folders once

        bpy.ops.wm.read_factory_settings(use_empty=True)
        assert bpy.ops.preferences.addon_enable(module=MODULE) == {"FINISHED"}
        yield AddOn(installed, outbox)


@pytest.fixture
def scene(add_on: AddOn) -> Any:
    """A new file's scene; it renders at the size of the test footage, without a change of colours."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    made = bpy.context.scene
    made.render.resolution_x, made.render.resolution_y, made.render.resolution_percentage = WIDTH, HEIGHT, 100
    made.render.image_settings.file_format, made.render.image_settings.color_mode = "PNG", "RGB"
    made.view_settings.view_transform = "Standard"
    return made


@pytest.fixture
def run(scene: Any, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls the operator, with a file or without; what Blender reports then. RuntimeError for an error of its own."""
    import ctypes

    import bpy

    def run(file: Path | None = None) -> str:
        capfd.readouterr()
        bpy.ops.sequencer.timerefine_moments(**({"filepath": str(file)} if file else {}))
        ctypes.CDLL(None).fflush(None)  # Blender prints with C's buffer
        return capfd.readouterr().out

    return run
