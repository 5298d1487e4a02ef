"""`tr-desktop models get` in a process of its own, with a stand-in for the conversion, which needs torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace

from tests.models.toy_pack import write_pack
from tr_desktop.commands.main import main
from tr_desktop.errors import PackError
from tr_desktop.models.choice import place_for
from tr_desktop.models.convert import get
from tr_desktop.models.convert.licence import expect_agreed
from tr_desktop.models.pack import Pack, load_pack


def toy_checkpoint(
    folder: Path,
    name: str,
    *,
    source: Mapping[str, str],
    on_progress: Callable[..., None],
    accept_licence: bool,
    **_: object,
) -> Pack:
    """Adds the toy pack, with its source and the names of the files that came; refuses a configuration of `broken`."""
    if (folder / "config.json").read_text() == "broken":
        raise PackError("The checkpoint can't be loaded", path=folder)
    expect_agreed(folder, accept_licence)
    on_progress(SimpleNamespace(stage="compare", done=1.0, text="It is the same."))
    write_pack(place_for(name), name=name, sources=[*source.values(), *(path.name for path in folder.iterdir())])
    return load_pack(name)


if __name__ == "__main__":
    stand_in = ModuleType("add")
    stand_in.add_checkpoint = toy_checkpoint  # type: ignore[attr-defined]
    sys.modules["tr_desktop.models.convert.add"] = stand_in
    get.missing_packages = list  # those are for the conversion
    get.TIMEOUT_S = 2
    sys.exit(main(["models", "get", *sys.argv[1:]]))
