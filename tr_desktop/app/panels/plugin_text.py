"""Sentences about a plugin inside an editor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tr_desktop.app.look.counter import counted, plural
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.plugins import KnownPlugin
from tr_desktop.editor_plugins import Plugin, Removal, State
from tr_desktop.names import printable


def places(files: Sequence[Path]) -> list[str]:
    """The files by their folders: a file that is alone there by its path."""
    shown = []
    for folder, group in groupby(sorted(files), lambda path: path.parent):
        names = list(group)
        if len(names) == 1:
            shown.append(printable(str(names[0])))
        else:
            inside = printable(str(folder))
            shown.append(tr("{files} in {folder}", files=counted(len(names), "file"), folder=inside))
    return shown


def targets(known: KnownPlugin) -> str:
    """Where the plugin's files are, or will be."""
    if known.state is State.MISSING:
        return tr("To be written: {places}", places=", ".join(places(known.targets)))
    return "\n".join(places(known.targets))


def state(known: KnownPlugin) -> str:
    """Whether the plugin is installed, and whether its editor is."""
    plugin = known.plugin
    if known.state is None:
        return known.problem
    editor = (
        tr("{editor} was found here.", editor=plugin.editor)
        if known.is_editor_here
        else tr("{editor} wasn’t found here.", editor=plugin.editor)
    )
    if known.state is State.MISSING:
        said = tr("The plugin isn’t installed.")
    elif known.state is State.OTHER:
        said = tr("The plugin is of another version, or was changed: install it again.")
    elif plugin.by_hand:
        said = tr("The plugin’s package is written.")
    elif known.is_editor_here:
        said = tr("The plugin is installed.")
    else:
        said = tr("The plugin is installed, and waits for the editor.")
    return f"{editor} {said}"


def next_steps(known: KnownPlugin) -> str:
    """What the user does with an installed plugin, or ""."""
    if known.state is not State.INSTALLED:
        return ""
    return " ".join(tr(step) for step in (known.plugin.by_hand, known.plugin.next_step) if step)


def wrote(files: Sequence[Path]) -> str:
    return tr("Wrote {places}.", places=", ".join(places(files)))


def removed(plugin: Plugin, removal: Removal) -> str:
    """A line for what was removed, for what was kept, and for what is left to the user."""
    lines = []
    if removal.files:
        lines.append(tr("Removed {places}.", places=", ".join(places(removal.files))))
    if removal.folders:
        lines.append(
            plural(
                len(removal.folders),
                "Removed {count} folder that was made for it.",
                "Removed {count} folders that were made for it.",
            )
        )
    if removal.kept:
        kept = ", ".join(places(removal.kept))
        lines.append(tr("Kept {places}, changed since the installation.", places=kept))
    if not lines:
        lines.append(tr("There was nothing left to remove."))
    if plugin.by_hand:
        lines.append(tr("If {editor} has the plugin already, remove it there as well.", editor=plugin.editor))
    return "\n".join(lines)
