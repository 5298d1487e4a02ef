"""Every action, declared once. Menus, tooltips, the key sheet and the names in keys.json come from this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from tr_desktop.app.look.marks import COLOUR_NAMES, RATING_NAMES
from tr_desktop.app.look.translate import marked, tr
from tr_desktop.app.panels.library_panel import LibraryPanel
from tr_desktop.app.panels.results import ResultsPanel
from tr_desktop.app.panels.search_bar import SearchBar
from tr_desktop.app.shell.about import show_about, show_licences
from tr_desktop.app.shell.adding import Adding
from tr_desktop.app.shell.dialogs import bring_up
from tr_desktop.app.shell.editors_dialog import EditorsDialog
from tr_desktop.app.shell.models import Models
from tr_desktop.app.shell.offline_footage import OfflineFootage
from tr_desktop.app.shell.project_files import ProjectFiles
from tr_desktop.app.shell.sending import Sending
from tr_desktop.app.shell.side_panel import Side
from tr_desktop.app.shell.stage import Stage
from tr_desktop.app.shell.theming import Theming
from tr_desktop.app.work.session import Session
from tr_desktop.editor_plugins import BLENDER, PREMIERE, RESOLVE
from tr_desktop.library.index.screen_text import can_read, not_installed


class Target(Protocol):
    """The parts of the window that handlers use."""

    session: Session
    stage: Stage
    search: SearchBar
    library: LibraryPanel
    results: ResultsPanel
    files: ProjectFiles
    adding: Adding
    offline: OfflineFootage
    sending: Sending
    theming: Theming
    models: Models
    editors: EditorsDialog

    def close(self) -> bool: ...
    def focus_search(self) -> None: ...
    def search_by_frame(self) -> None: ...
    def walk(self, by: int) -> None: ...
    def describe(self) -> None: ...
    def show_side(self, side: Side) -> None: ...
    def show_export(self) -> None: ...
    def next_counting(self) -> None: ...
    def show_keys(self) -> None: ...


@dataclass(frozen=True)
class Action:
    """name: its name in keys.json. keys: the default ones. needs_moment: enabled only with a moment on the stage.
    submenu: in `menu`, or "". is_on: whether it is on, of a switch. hint: the tooltip in the menu, or "".

    text and menu are written in English here and translated where they are shown. handler: called with the window.
    """

    name: str
    text: str
    keys: tuple[str, ...]
    handler: Callable[[Target], object]
    menu: str
    needs_moment: bool = False
    submenu: str = ""
    is_on: Callable[[Target], bool] | None = None
    hint: Callable[[], str] = str


def _rate(rating: int, window: Target) -> None:
    window.stage.rate(rating)


def _mark(is_right: bool, window: Target) -> None:
    if window.stage.moment is not None:
        window.session.editing.mark(window.stage.moment, is_right)


def _text_hint() -> str:
    if not can_read():
        return str(not_installed())
    return tr("Titles, signs and slides are read when footage is indexed, and can be searched.")


def _clear_marks(window: Target) -> None:
    window.session.editing.clear_marks(window.session.searching.results.query)


def _about(window: Target) -> None:
    engine = window.session.engine
    show_about(window.search, None if engine is None else engine.encoder.pack)


def _colour_marker(colour: str, window: Target) -> None:
    window.stage.colour_marker(colour)


_FILE, _EDIT, _MOMENT, _PLAYBACK = marked("File"), marked("Edit"), marked("Moment"), marked("Playback")
_VIEW, _HELP = marked("View"), marked("Help")
MENUS = (_FILE, _EDIT, _MOMENT, _PLAYBACK, _VIEW, _HELP)

_file = partial(Action, menu=_FILE)
_edit = partial(Action, menu=_EDIT)
_moment = partial(Action, menu=_MOMENT, needs_moment=True)
_RATING, _COLOUR = marked("Rating"), marked("Marker colour")
_playback = partial(Action, menu=_PLAYBACK, needs_moment=True)
_view = partial(Action, menu=_VIEW)
ACTIONS: tuple[Action, ...] = (
    _file("project.new", marked("New project"), ("Ctrl+N",), lambda w: w.files.new()),
    _file("project.open", marked("Open project…"), ("Ctrl+O",), lambda w: w.files.choose()),
    _file("project.save", marked("Save project"), ("Ctrl+S",), lambda w: w.files.save()),
    _file("project.save-as", marked("Save project as…"), ("Ctrl+Shift+S",), lambda w: w.files.save_as()),
    _file("library.add-folder", marked("Add folder…"), ("Ctrl+Shift+O",), lambda w: w.adding.choose_folder()),
    _file("library.add-files", marked("Add files…"), (), lambda w: w.adding.choose_files()),
    _file("project.locate", marked("Locate folder…"), (), lambda w: w.offline.locate()),
    _file("library.update", marked("Index new footage"), ("F5",), lambda w: w.session.indexing.update()),
    _file(
        "library.read-text",
        marked("Read text in pictures"),
        ("Ctrl+Shift+R",),
        lambda w: w.session.switch_text(),
        is_on=lambda w: w.session.indexing.reads_text,
        hint=_text_hint,
    ),
    _file("models", marked("Models…"), ("Ctrl+Shift+M",), lambda w: w.models.show()),
    _file("export", marked("Export…"), ("E",), lambda w: w.show_export()),
    _file("send.resolve", marked("Send to Resolve"), (), lambda w: w.sending.send(RESOLVE)),
    _file("send.premiere", marked("Send to Premiere"), (), lambda w: w.sending.send(PREMIERE)),
    _file("send.blender", marked("Send to Blender"), (), lambda w: w.sending.send(BLENDER)),
    _file("editors", marked("Editors…"), (), lambda w: bring_up(w.editors)),
    _file("app.quit", marked("Quit"), ("Ctrl+Q",), lambda w: w.close()),
    _edit("edit.undo", marked("Undo"), ("Ctrl+Z",), lambda w: w.session.undoing.undo()),
    _edit("edit.redo", marked("Redo"), ("Ctrl+Shift+Z", "Ctrl+Y"), lambda w: w.session.editing.redo()),
    _edit("search.focus", marked("Search"), ("Ctrl+F",), lambda w: w.focus_search()),
    _edit(
        "search.grounder",
        marked("Change the video language model"),
        (),
        lambda w: w.session.video_model.choose_next(),
    ),
    _edit("search.filters", marked("Filters"), ("Ctrl+Shift+F",), lambda w: w.search.filters_button.toggle()),
    _edit(
        "search.like",
        marked("Find footage like this frame"),
        ("Shift+F",),
        lambda w: w.search_by_frame(),
        needs_moment=True,
    ),
    Action("result.next", marked("Next result"), ("Down",), lambda w: w.walk(1), _MOMENT),
    Action("result.previous", marked("Previous result"), ("Up",), lambda w: w.walk(-1), _MOMENT),
    _moment("moment.accept", marked("Accept as select"), ("Return", "Enter"), lambda w: w.stage.accept()),
    _moment("moment.more-like", marked("More like this"), ("Y",), partial(_mark, True)),
    _moment("moment.less-like", marked("Less like this"), ("N",), partial(_mark, False)),
    Action("marks.clear", marked("Clear the marks of this search"), (), _clear_marks, _MOMENT),
    Action("marks.clear-all", marked("Clear all marks"), (), lambda w: w.session.editing.clear_marks(), _MOMENT),
    _moment("select.remove", marked("Remove from selects"), ("Delete",), lambda w: w.stage.remove()),
    _moment("select.describe", marked("Name and note…"), ("F2",), lambda w: w.describe()),
    *(
        _moment(f"select.rate-{rating}", text, (str(rating),), partial(_rate, rating), submenu=_RATING)
        for rating, text in enumerate(RATING_NAMES)
    ),
    _moment("select.earlier", marked("Move select up"), ("Alt+Up",), lambda w: w.stage.move(-1)),
    _moment("select.later", marked("Move select down"), ("Alt+Down",), lambda w: w.stage.move(1)),
    _moment("step.previous", marked("Previous refinement step"), ("[",), lambda w: w.stage.walk_steps(-1)),
    _moment("step.next", marked("Next refinement step"), ("]",), lambda w: w.stage.walk_steps(1)),
    _moment("step.keep", marked("Keep this step"), ("Backspace",), lambda w: w.stage.keep_selected_step()),
    _moment("mark.in", marked("Set in"), ("I",), lambda w: w.stage.mark_in()),
    _moment("mark.out", marked("Set out"), ("O",), lambda w: w.stage.mark_out()),
    _moment(
        "mark.in-earlier", marked("Move the in one frame earlier"), ("Ctrl+Left",), lambda w: w.stage.nudge(start=-1)
    ),
    _moment("mark.in-later", marked("Move the in one frame later"), ("Ctrl+Right",), lambda w: w.stage.nudge(start=1)),
    _moment(
        "mark.out-earlier", marked("Move the out one frame earlier"), ("Alt+Left",), lambda w: w.stage.nudge(end=-1)
    ),
    _moment("mark.out-later", marked("Move the out one frame later"), ("Alt+Right",), lambda w: w.stage.nudge(end=1)),
    _moment("mark.clear", marked("Restore the kept step’s edges"), ("Alt+X",), lambda w: w.stage.clear_marks()),
    _moment("marker.toggle", marked("Add or remove a marker"), ("M",), lambda w: w.stage.toggle_marker()),
    *(
        _moment(f"marker.{colour}", text, (), partial(_colour_marker, colour), submenu=_COLOUR)
        for colour, text in COLOUR_NAMES.items()
    ),
    _moment("marker.next", marked("Next marker"), ("Shift+M",), lambda w: w.stage.next_marker()),
    _playback("play.toggle", marked("Play or pause"), ("Space",), lambda w: w.stage.toggle_play()),
    _playback("play.backward", marked("Play backward; again for faster"), ("J",), lambda w: w.stage.player.shuttle(-1)),
    _playback("play.pause", marked("Pause"), ("K",), lambda w: w.stage.player.pause()),
    _playback("play.forward", marked("Play forward; again for faster"), ("L",), lambda w: w.stage.player.shuttle(1)),
    _playback("play.moment", marked("Play the moment in a loop"), ("/",), lambda w: w.stage.play_moment()),
    _playback("go.frame-back", marked("One frame back"), ("Left", ","), lambda w: w.stage.go_by(-1)),
    _playback("go.frame-on", marked("One frame forward"), ("Right", "."), lambda w: w.stage.go_by(1)),
    _playback("go.second-back", marked("One second back"), ("Shift+Left",), lambda w: w.stage.go_by_seconds(-1)),
    _playback("go.second-on", marked("One second forward"), ("Shift+Right",), lambda w: w.stage.go_by_seconds(1)),
    _playback("go.in", marked("Go to in"), ("Shift+I",), lambda w: w.stage.go_to_in()),
    _playback("go.out", marked("Go to out"), ("Shift+O",), lambda w: w.stage.go_to_out()),
    _playback("go.to", marked("Go to timecode…"), ("G",), lambda w: w.stage.type_place()),
    _view("view.zoom-in", marked("Zoom in"), ("+", "="), lambda w: w.stage.scrubber.zoom(1.25), needs_moment=True),
    _view("view.zoom-out", marked("Zoom out"), ("-",), lambda w: w.stage.scrubber.zoom(0.8), needs_moment=True),
    _view(
        "view.fit-moment",
        marked("Zoom to the moment"),
        ("Z",),
        lambda w: w.stage.scrubber.fit_moment(),
        needs_moment=True,
    ),
    _view(
        "view.fit-file",
        marked("Zoom to the whole file"),
        ("Shift+Z",),
        lambda w: w.stage.scrubber.fit_file(),
        needs_moment=True,
    ),
    _view("view.counter", marked("Count in timecode, frames or seconds"), ("T",), lambda w: w.next_counting()),
    _view("view.guesses", marked("Show or hide guesses"), ("Ctrl+G",), lambda w: w.results.toggle_guesses()),
    _view(
        "view.library",
        marked("Show or hide the library"),
        ("Ctrl+L",),
        lambda w: w.library.setVisible(w.library.isHidden()),
    ),
    _view("view.selects", marked("Show selects"), ("Ctrl+1",), lambda w: w.show_side(Side.SELECTS)),
    _view("view.theme", marked("Switch theme: dark, light or system"), ("Ctrl+Shift+T",), lambda w: w.theming.switch()),
    Action("help.keys", marked("Keyboard shortcuts"), ("?", "F1"), lambda w: w.show_keys(), _HELP),
    Action("help.licences", marked("Licences"), (), lambda w: show_licences(w.search), _HELP),
    Action("help.about", marked("About TimeRefine"), (), _about, _HELP),
)
