"""*File > Send to Blender* hands over, and offers the add-on for Blender."""

from PySide6.QtGui import QAction

from tests.app.test_sending import home  # noqa: F401 (a fixture)
from tr_desktop import paths
from tr_desktop.editor_plugins import BLENDER


def test_the_selects_are_handed_over_and_the_add_on_is_offered(run_app, sample, library):
    def script(hands):
        notice = hands.window.notice
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Return")
        hands.wait(lambda: not hands.session.refining.unfinished())
        hands.window.findChild(QAction, "send.blender").trigger()
        hands.wait(lambda: "Handed over 1 select" in notice.text())
        assert "The plugin for Blender isn't installed" in notice.text()
        notice.press("Install the plugin")
        hands.wait(lambda: BLENDER.next_step in notice.text())
        assert all(path.exists() for path in BLENDER.targets)

    assert run_app(script, sample, library=library) == 0
    assert (paths.outbox_folder() / "latest.json").exists()
