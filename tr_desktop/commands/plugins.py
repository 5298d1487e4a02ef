"""`tr-desktop plugins`: what is inside editors, and may ask from there; `tr-desktop send`: hand moments over."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tr_desktop.commands import export, options
from tr_desktop.errors import UserError

if TYPE_CHECKING:
    from tr_desktop.editor_plugins import Plugin
    from tr_desktop.serving.pairing import Pairing


def add_commands(commands: Any) -> None:
    """Add `send` and `plugins` to the subparsers of `tr-desktop`."""
    send = commands.add_parser("send", help="hand a project or a saved result over to the plugin inside an editor")
    _add_editor(send)
    export.add_source(send)
    options.add_handles(send)
    options.add_original_root(send)
    options.add_library(send)
    send.set_defaults(run=_send)

    plugins = commands.add_parser("plugins", help="install, remove, list or unpair the plugins inside editors")
    what = plugins.add_subparsers(required=True, metavar="WHAT")
    for name, about, run in (
        ("install", "copy a plugin into the editor's folder of this user", _install),
        ("remove", "remove what install wrote", _remove),
    ):
        command = what.add_parser(name, help=about)
        _add_editor(command)
        command.set_defaults(run=run)
    what.add_parser("list", help="list editors, and whether they have their plugin").set_defaults(run=_list)
    what.add_parser("paired", help="list the plugins that may ask the local API").set_defaults(run=_paired)
    unpair = what.add_parser("unpair", help="revoke a plugin's token for the local API, at once")
    unpair.add_argument("name", metavar="NAME", help="as tr-desktop plugins paired prints it")
    unpair.set_defaults(run=_unpair)


def _add_editor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plugin", metavar="EDITOR", help="such as resolve; tr-desktop plugins list names all")


def _plugin(name: str) -> Plugin:
    """Raises UserError if there is none of this name."""
    from tr_desktop.editor_plugins import PLUGINS

    if name not in PLUGINS:
        raise UserError(f"There is no plugin {name!r}", remedy=f"Known: {', '.join(PLUGINS)}")
    return PLUGINS[name]


def _send(arguments: argparse.Namespace) -> int:
    from exporters.outbox import send
    from tr_desktop import paths
    from tr_desktop.editor_plugins import State
    from tr_desktop.library.kept_files import KeptFiles
    from tr_desktop.library.relatives import Relatives
    from tr_desktop.library.store.catalog import Catalog

    plugin = _plugin(arguments.plugin)
    with Catalog(options.library_of(arguments)) as catalog:
        moments, name = export.moments_of(arguments.result, catalog)
        report = send(
            moments,
            paths.outbox_folder(),
            name=name,
            handles_s=arguments.handles,
            library=KeptFiles(catalog),
            relatives=Relatives(catalog, arguments.original_root),
        )
    for note in report.notes:
        print(note, file=sys.stderr)
    print(f"Handed over {export.counted(len(moments))}: {', '.join(map(str, report.files))}", file=sys.stderr)
    if plugin.state is not State.INSTALLED:
        print(f"The plugin is {plugin.state.value}. Use tr-desktop plugins install {plugin.name}", file=sys.stderr)
    print(plugin.next_step, file=sys.stderr)
    return options.OK


def _install(arguments: argparse.Namespace) -> int:
    from tr_desktop.editor_plugins import install

    plugin = _plugin(arguments.plugin)
    was_here = plugin.is_editor_here
    for path in install(plugin):
        print(f"Wrote {path}")
    if plugin.by_hand:
        print(plugin.by_hand, file=sys.stderr)
    if not was_here:
        print(f"{plugin.editor} has no folder here yet: the plugin waits for it", file=sys.stderr)
    print(f"Send moments with tr-desktop send {plugin.name}, or from the app. {plugin.next_step}", file=sys.stderr)
    if plugin.console is not None:
        print(f"{plugin.console.advice}\n    {plugin.console.line()}", file=sys.stderr)
    return options.OK


def _remove(arguments: argparse.Namespace) -> int:
    from tr_desktop.editor_plugins import remove

    plugin = _plugin(arguments.plugin)
    removal = remove(plugin)
    for path in (*removal.files, *removal.folders):
        print(f"Removed {path}")
    for path in removal.kept:
        print(f"Kept {path}: it was changed since it was installed", file=sys.stderr)
    if plugin.by_hand:
        print(f"If {plugin.editor} has the plugin already, remove it there as well", file=sys.stderr)
    return options.OK


def _paired(_: argparse.Namespace) -> int:
    paired = _pairing().paired()
    for plugin in paired:
        print(f"{plugin.name}  since {plugin.since}")
    if not paired:
        print("No plugin is paired. Get a code with tr-desktop serve --pair", file=sys.stderr)
    return options.OK


def _unpair(arguments: argparse.Namespace) -> int:
    pairing = _pairing()
    if not pairing.forget(arguments.name):
        known = ", ".join(plugin.name for plugin in pairing.paired()) or "none"
        raise UserError(f"No plugin {arguments.name!r} is paired", remedy=f"Paired: {known}")
    print(f"{arguments.name} may not ask any more", file=sys.stderr)
    return options.OK


def _pairing() -> Pairing:
    from tr_desktop import paths
    from tr_desktop.serving.pairing import Pairing

    return Pairing(paths.settings_folder())


def _list(_: argparse.Namespace) -> int:
    from tr_desktop.editor_plugins import PLUGINS, State

    for plugin in PLUGINS.values():
        editor = "found" if plugin.is_editor_here else "not found"
        state = "written" if plugin.by_hand and plugin.state is State.INSTALLED else plugin.state.value
        print(f"{plugin.name}  {plugin.editor}: {editor}, plugin {state}")
        for path in plugin.targets:
            print(f"    {path}")
        if plugin.by_hand:
            print(f"    {plugin.by_hand}")
        if plugin.console is not None and plugin.state is State.INSTALLED:
            print(f"    {plugin.console.advice}\n    {plugin.console.line()}")
    return options.OK
