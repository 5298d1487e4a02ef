"""The plugins inside editors: which there are, where each belongs, and how it is installed and removed again.

A plugin is copied into the editor's folder of this user: nothing needs an administrator. What was written is kept in
`plugins.json` in the settings folder, so that removing undoes exactly that.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path

import tr_desktop
from exporters.handover import lua_text
from exporters.outbox import JSON_NAME, LUA_NAME
from tr_desktop import paths
from tr_desktop.errors import UserError
from tr_desktop.files import write_verified
from tr_desktop.marking import marked

RECORD_NAME = "plugins.json"
PANEL_FILES = (
    "found.js",
    "index.html",
    "job.js",
    "main.js",
    "manifest.json",
    "moments.js",
    "outbox.js",
    "page.js",
    "pairing.js",
    "panel.js",
    "pictures.js",
    "project.js",
    "results.js",
    "search.js",
    "searching.js",
    "server.js",
    "time.js",
)
_RESOLVE_SCRIPT = "TimeRefine.lua"
_OUTBOX = b'"@OUTBOX@"'  # in the sources of plugins that can't find it by themselves
_BLENDER_OLDEST, _BLENDER_USUAL = (4, 5), "5.0"  # the oldest that the add-on runs in; for a Blender that never ran here
_BLENDER_FILES = ("blender_manifest.toml", "__init__.py", "hand_over.py", "placing.py", "LICENSE")


class State(Enum):
    """Whether a plugin is installed. OTHER: as another version has it, or changed since."""

    INSTALLED = "installed"
    MISSING = "not installed"
    OTHER = "of another version, or changed: install it again"


@dataclass(frozen=True)
class Console:
    """The editor's console, where a line runs the installed plugin. advice: when and where to paste it."""

    advice: str
    line: Callable[[], str]


@dataclass(frozen=True)
class Plugin:
    """A plugin for one editor. name: of its folder in `plugins/`. editor: the editor's name.

    next_step: what to do in the editor once something was handed over. home: the editor's folder of this user, which is
    there if the editor was ever started. folder: where the plugin belongs. files: file names with their content, as
    installed. by_hand: what the user does with the files after `install`, if the editor doesn't find them by itself.
    console: another way to run the plugin, if there is one. The app translates the sentences where it shows them.
    """

    name: str
    editor: str
    next_step: str
    home: Callable[[], Path]
    folder: Callable[[], Path]
    files: Callable[[], Mapping[str, bytes]]
    by_hand: str = ""
    console: Console | None = None

    @property
    def targets(self) -> dict[Path, bytes]:
        """The installed files with their content. Raises UserError if this program has no copy of them."""
        return {self.folder() / name: content for name, content in self.files().items()}

    @property
    def is_editor_here(self) -> bool:
        """Whether the editor's folder is there, and holds something that `install` didn't make."""
        home, record = self.home(), _records().get(self.name, _Written())
        if str(home) not in record.folders:
            return home.is_dir()
        return any(str(path) not in {*record.files, *record.folders} for path in home.rglob("*"))

    @property
    def state(self) -> State:
        """Raises UserError as `targets`."""
        there = {path: _content(path) for path in self.targets}
        if there == self.targets:
            return State.INSTALLED
        return State.OTHER if any(content is not None for content in there.values()) else State.MISSING

    @property
    def was_installed(self) -> bool:
        """Whether `install` wrote something that `remove` would remove."""
        return self.name in _records()


def _application_data() -> Path:
    """Where programs keep files of this user, on Windows and macOS."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    return Path.home() / "Library" / "Application Support"


def _resolve_home() -> Path:
    # Per user, from "README.txt" of Resolve's Developer/Scripting folder.
    if sys.platform == "win32":
        return _application_data() / "Blackmagic Design" / "DaVinci Resolve" / "Support"
    if sys.platform == "darwin":
        return _application_data() / "Blackmagic Design" / "DaVinci Resolve"
    return Path.home() / ".local" / "share" / "DaVinciResolve"


def _resolve_files() -> dict[str, bytes]:
    outbox = lua_text(str(paths.outbox_folder() / LUA_NAME)).encode()
    return {_RESOLVE_SCRIPT: _source("resolve", _RESOLVE_SCRIPT).replace(_OUTBOX, outbox)}


def _resolve_folder() -> Path:
    return _resolve_home() / "Fusion/Scripts/Utility"


def _resolve_line() -> str:
    """ASCII without a line break, whatever is in the path. Slashes, which Windows takes too, need no escapes."""
    return f"dofile({lua_text((_resolve_folder() / _RESOLVE_SCRIPT).as_posix())})"


RESOLVE = Plugin(
    name="resolve",
    editor="DaVinci Resolve",
    next_step=marked("In Resolve, open a project and choose Workspace > Scripts > TimeRefine."),
    home=_resolve_home,
    folder=_resolve_folder,
    files=_resolve_files,
    console=Console(
        marked("If the menu doesn't run it, choose Workspace > Console, then Lua, and paste the line that runs it."),
        _resolve_line,
    ),
)


def _premiere_home() -> Path:
    # Of its preferences, on Windows and macOS. The documents may lie elsewhere on Windows, as in OneDrive.
    from platformdirs import user_documents_path

    return user_documents_path() / "Adobe" / "Premiere Pro"


def _premiere_files() -> dict[str, bytes]:
    return {"TimeRefine.ccx": packed({name: _source("premiere/panel", name) for name in PANEL_FILES})}


PREMIERE = Plugin(
    name="premiere",
    editor="Premiere Pro",
    next_step=marked("In Premiere, choose Window > UXP Plugins > TimeRefine, and press Load."),
    home=_premiere_home,
    folder=paths.plugins_folder,
    files=_premiere_files,
    by_hand=marked("Double-click TimeRefine.ccx: Creative Cloud installs it in Premiere (25.6 or newer)."),
)


def _blender_home() -> Path:
    # Per user and version, from Blender's manual (Advanced > Blender's Directory Layout).
    if sys.platform == "win32":
        return _application_data() / "Blender Foundation" / "Blender"
    if sys.platform == "darwin":
        return _application_data() / "Blender"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "blender"


def _blender_files() -> dict[str, bytes]:
    """The add-on for each version of Blender that ever ran here."""
    outbox = ascii(str(paths.outbox_folder() / JSON_NAME)).encode()
    sources = {name: _source("blender", name).replace(_OUTBOX, outbox) for name in _BLENDER_FILES}
    folders = [folder.name for folder in _blender_home().glob("[0-9]*.[0-9]*") if folder.is_dir()]
    versions = [name for name in folders if _is_new_enough(name)] or [_BLENDER_USUAL]
    return {
        f"{version}/extensions/user_default/timerefine/{name}": content
        for version in sorted(versions)
        for name, content in sources.items()
    }


def _is_new_enough(version: str) -> bool:
    major, _, minor = version.partition(".")
    return major.isdecimal() and minor.isdecimal() and (int(major), int(minor)) >= _BLENDER_OLDEST


BLENDER = Plugin(
    name="blender",
    editor="Blender",
    next_step=marked(
        "In Blender's sequencer (Video Editing), choose Add > TimeRefine moments. The first time, switch on TimeRefine "
        "in Edit > Preferences > Add-ons."
    ),
    home=_blender_home,
    folder=_blender_home,
    files=_blender_files,
)
PLUGINS = {plugin.name: plugin for plugin in (RESOLVE, PREMIERE, BLENDER)}


@dataclass
class _Written:
    """What an installation wrote. files: sha256 by path. folders: those that it made, outermost first."""

    files: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Removal:
    """files, folders: what was removed. kept: files that somebody changed since they were installed."""

    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    kept: tuple[Path, ...]


def install(plugin: Plugin) -> tuple[Path, ...]:
    """Copy the plugin into its editor's folder, in place of an older copy; the files that were written.

    UserError: something that we didn't write is in the way, a file can't be written, or this program has no copy.
    """
    records = _records()
    record = records.setdefault(plugin.name, _Written())
    targets = plugin.targets
    for path, content in targets.items():
        there = _content(path)
        if os.path.lexists(path) and there != content and (there is None or record.files.get(str(path)) != _sha(there)):
            raise UserError(
                "A file that TimeRefine didn't install, or that was changed since, is in the way",
                path=path,
                remedy="Move it away, and install the plugin again",
            )
    for path, content in targets.items():
        with _errors(path):
            record.folders += [str(made) for made in _make_folder(path.parent)]
            write_verified(path, content)
        record.files[str(path)] = _sha(content)
    _keep(records)
    return tuple(targets)


def remove(plugin: Plugin) -> Removal:
    """Undo what `install` did. UserError: the plugin isn't installed, or a file can't be removed."""
    records = _records()
    record = records.pop(plugin.name, None)
    if record is None:
        raise UserError(f"The plugin for {plugin.editor} isn't installed")
    removed, folders, kept = [], [], []
    for path, digest in ((Path(name), digest) for name, digest in record.files.items()):
        there = _content(path)
        if there is not None and _sha(there) == digest:
            with _errors(path):
                path.unlink()
            removed.append(path)
            _remove_compiled(path)
        elif os.path.lexists(path):
            kept.append(path)
    for folder in map(Path, reversed(record.folders)):
        with suppress(OSError):  # it holds something else by now, or is gone
            folder.rmdir()
            folders.append(folder)
    _keep(records)
    return Removal(tuple(removed), tuple(folders), tuple(kept))


def _remove_compiled(path: Path) -> None:
    """Remove what an editor's Python made of the module `path`."""
    compiled = path.parent / "__pycache__"
    with suppress(OSError):
        for each in compiled.glob(f"{path.stem}.*.pyc"):
            each.unlink()
        compiled.rmdir()


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of `files`, such as a plugin for an Adobe program (.ccx): the same bytes for the same files, anywhere."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)  # dated 1980
            entry.create_system = 3  # Unix, on Windows too
            entry.external_attr = 0o644 << 16
            made.writestr(entry, files[name])  # stored: versions of zlib compress differently
    return archive.getvalue()


def _source(plugin: str, name: str) -> bytes:
    """A file of a plugin as this program has it: inside the package if installed or frozen, else in the checkout."""
    package = Path(tr_desktop.__file__).parent
    found = [_content(folder / "plugins" / plugin / name) for folder in (package, package.parent)]
    content = next((each for each in found if each is not None), None)
    if content is None:
        raise UserError(f"This installation has no plugin {plugin}", remedy="Install TimeRefine again")
    return content


def _content(path: Path) -> bytes | None:
    """The content of a file; None if there is none that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _make_folder(folder: Path) -> Iterable[Path]:
    """The folders that had to be made for `folder`, outermost first. Raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return reversed(missing)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _records() -> dict[str, _Written]:
    """What is installed, by plugin."""
    try:
        return {name: _Written(**entry) for name, entry in json.loads((_record_path()).read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _keep(records: Mapping[str, _Written]) -> None:
    path = _record_path()
    with _errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {name: asdict(record) for name, record in records.items()}
        write_verified(path, json.dumps(content, indent=1).encode())


def _record_path() -> Path:
    return paths.settings_folder() / RECORD_NAME


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"The plugin can't be changed: {reason}", path=path, remedy="Check the folder") from error
