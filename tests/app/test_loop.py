"""Nothing blocks the window: reading, writing, decoding and running models happen in other threads."""

import threading
from pathlib import Path

import av
import onnxruntime
from PySide6.QtCore import QSettings

from tests.app.test_stories import drag_edge
from tests.app.watchdog import Watchdog, files_touched_by_this_thread
from tr_desktop.app.scrubber.geometry import Edge
from tr_desktop.library.store.database import Database
from tr_desktop.projects.project import Project

FOOTAGE = Path(__file__).resolve().parents[3] / "shared" / "footage"


def test_from_indexing_to_a_reopened_project_the_windows_thread_only_draws(
    run_app, sample, tmp_path, monkeypatch, capsys
):
    caught: list[str] = []

    def watch(owner, name):
        function = getattr(owner, name)

        def checked(*args, **kwargs):
            if threading.current_thread() is threading.main_thread() and is_on:
                caught.append(name)
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, checked)

    is_on: list[bool] = []
    watch(av, "open")
    watch(onnxruntime.InferenceSession, "__init__")
    watch(onnxruntime.InferenceSession, "run")
    watch(QSettings, "sync")
    for name in ("rows", "execute", "execute_many", "transaction", "_open"):
        watch(Database, name)
    footage = FOOTAGE / "io_cockatoo.mp4"
    query = "a white cockatoo" if footage.exists() else "a cat"
    project, out = tmp_path / "cut.trproj", tmp_path / "cut.edl"

    def script(hands):
        window, stage, session = hands.window, hands.stage, hands.session
        with files_touched_by_this_thread(tmp_path) as touched, Watchdog() as dog:
            is_on.append(True)
            hands.wait(lambda: session.engine is not None)
            session.indexing.add([footage if footage.exists() else sample])
            hands.wait(lambda: session.indexing.status.coverage.searched and not window.library.progress.isVisible())
            hands.search(query)
            moment = stage.moment
            hands.wait(lambda: stage.scrubber.selected_step() == moment.refinement.stop)
            for step in reversed(moment.refinement.steps[: moment.refinement.stop]):
                hands.press("[")
                hands.shown(step.segment.start_frame)
            hands.press(*"]" * len(moment.refinement.steps), "Z")
            drag_edge(hands, Edge.OUT, -40)
            hands.press("Return", "Ctrl+Z", "Ctrl+Shift+Z", "Right", "I")
            hands.press("E")
            window.export.out.setText(str(out))
            window.export.run()
            hands.wait(lambda: "written and read back" in window.export.message())
            session.editing.save(project)
            hands.wait(lambda: not session.editing.project.is_changed)
            saved = session.editing.project
            window.files.open(project)
            hands.wait(lambda: session.editing.project is not saved and session.editing.moments)
            is_on.clear()
        caught.extend(touched)
        with capsys.disabled():
            print(f"\n{dog.message()}")

    assert run_app(script) == 0
    assert caught == []
    assert out.exists() and len(Project.load(project).selects) == 1
