"""The default places of the program's own files."""

from __future__ import annotations

from pathlib import Path

APPLICATION = "TimeRefine"


def library_folder() -> Path:
    """The default library."""
    from platformdirs import user_data_path

    return user_data_path(APPLICATION, appauthor=False)


def settings_folder() -> Path:
    """Settings of the app, and the choice of model pack."""
    from platformdirs import user_config_path

    return user_config_path(APPLICATION, appauthor=False)


def packs_folder() -> Path:
    """Model packs that the user added; each is a folder there, and its name is the pack's."""
    return library_folder() / "packs"


def grounders_folder() -> Path:
    """Video language models that the user added; each is a folder there, and its name is the grounder's."""
    return library_folder() / "grounders"


def outbox_folder() -> Path:
    """What plugins inside editors read: the latest hand-over."""
    return library_folder() / "outbox"


def plugins_folder() -> Path:
    """Plugins that the user gives to an editor's own installer."""
    return library_folder() / "plugins"


def downloads_folder() -> Path:
    """Checkpoints that are being fetched; each is a folder there until it is a pack."""
    return library_folder() / "downloads"


def sample_clip(library: Path) -> Path:
    """The copy of the sample clip that is searched if no footage is given; it lives in the library's folder."""
    return library / "sample" / "sample.mp4"


def cache_folder() -> Path:
    """What can be made again: models compiled for a device, and which devices work."""
    from platformdirs import user_cache_path

    return user_cache_path(APPLICATION, appauthor=False)
