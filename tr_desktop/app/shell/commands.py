"""What each action does to the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tr_desktop.app.shell.window import Window


def handlers(window: Window) -> dict[str, Callable[[], object]]:
    """By the names of `actions.ACTIONS`, all of them."""
    stage = window.stage
    return {
        "project.new": window.files.new,
        "project.open": window.files.choose,
        "project.save": window.files.save,
        "project.save-as": window.files.save_as,
        "library.add-folder": window.choose_folder,
        "library.add-files": window.choose_files,
        "library.update": window.session.update_index,
        "export": window.show_export,
        "app.quit": window.close,
        "edit.undo": lambda: window.undo(window.session.project.undo),
        "edit.redo": lambda: window.undo(window.session.project.redo),
        "search.focus": window.focus_search,
        "search.filters": window.search.filters_button.toggle,
        "search.like": window.search_like_frame,
        "result.next": lambda: window.walk(1),
        "result.previous": lambda: window.walk(-1),
        "moment.accept": stage.accept,
        "select.remove": stage.remove,
        "select.describe": window.describe,
        "select.earlier": lambda: stage.move(-1),
        "select.later": lambda: stage.move(1),
        "step.previous": lambda: stage.walk_steps(-1),
        "step.next": lambda: stage.walk_steps(1),
        "step.keep": stage.keep_selected_step,
        "mark.in": stage.mark_in,
        "mark.out": stage.mark_out,
        "mark.in-earlier": lambda: stage.nudge(start=-1),
        "mark.in-later": lambda: stage.nudge(start=1),
        "mark.out-earlier": lambda: stage.nudge(end=-1),
        "mark.out-later": lambda: stage.nudge(end=1),
        "mark.clear": stage.clear_marks,
        "marker.toggle": stage.toggle_marker,
        "marker.next": stage.next_marker,
        "play.toggle": stage.toggle_play,
        "play.backward": lambda: stage.player.shuttle(-1),
        "play.pause": stage.player.pause,
        "play.forward": lambda: stage.player.shuttle(1),
        "play.moment": stage.play_moment,
        "go.frame-back": lambda: stage.go_by(-1),
        "go.frame-on": lambda: stage.go_by(1),
        "go.second-back": lambda: stage.go_by_seconds(-1),
        "go.second-on": lambda: stage.go_by_seconds(1),
        "go.in": stage.go_to_in,
        "go.out": stage.go_to_out,
        "go.to": stage.type_place,
        "view.zoom-in": lambda: stage.scrubber.zoom(1.25),
        "view.zoom-out": lambda: stage.scrubber.zoom(0.8),
        "view.fit-moment": stage.scrubber.fit_moment,
        "view.fit-file": stage.scrubber.fit_file,
        "view.counter": window.next_counting,
        "view.guesses": window.results.toggle_guesses,
        "view.library": lambda: window.library.setVisible(window.library.isHidden()),
        "view.selects": lambda: window.show_side(0),
        "view.theme": window.next_theme,
        "help.keys": window.show_keys,
    }
