"""The window says one thing about what can be searched, whatever was searched for last."""

from fractions import Fraction

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from tests.toy import write_clip


def status(hands) -> str:
    return hands.window.statusBar().findChild(QLabel).toolTip()


def test_a_filter_changes_no_number(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: "1 of 1 file can be searched" in status(hands))
        rows = [label.text() for label in hands.window.library.findChildren(QLabel)]
        hands.window.search.filters_button.setChecked(True)
        hands.window.search.longer.setValue(3600)
        hands.search("a cat")
        assert not hands.session.searching.results.moments
        assert "1 of 1 file can be searched" in status(hands)
        assert [label.text() for label in hands.window.library.findChildren(QLabel)] == rows

    run_app(script, sample, library=library)


def test_the_numbers_follow_indexing_and_removed_folders(run_app, tmp_path):
    """The clips are small, so that this takes seconds, and long enough to be counted one by one."""
    folder, seen = tmp_path / "footage", set()
    for colour in ("red", "green", "blue"):
        write_clip(folder / f"{colour}.mp4", [(colour, 250)])
    other = write_clip(tmp_path / "other.mp4", [("white", 25)])

    def script(hands):
        hands.session.indexing.status_changed.connect(lambda _: seen.add(status(hands)))
        hands.wait(lambda: "3 of 3 files can be searched" in status(hands))
        assert any("3 not indexed yet" in text for text in seen)
        assert any(f"{ready} of 3" in text for text in seen for ready in range(1, 3)), seen
        hands.session.indexing.add([other])
        hands.wait(lambda: "4 of 4 files" in status(hands))
        hands.session.indexing.remove(folder)
        hands.wait(lambda: "1 of 1 file can be searched" in status(hands))

    run_app(script, folder)


def test_long_footage_answers_coarsely_until_it_is_read(run_app, tmp_path):
    clip = write_clip(tmp_path / "long.mp4", [("red", 26), ("blue", 26), ("green", 26)], Fraction(1, 4))

    def script(hands):
        indexing, searching, rows = hands.session.indexing, hands.session.searching, hands.window.results.list.moments
        field = hands.window.search.field

        def said() -> str:
            return rows.data(rows.index(0), Qt.ItemDataRole.AccessibleTextRole)

        indexing.looked.connect(lambda: indexing.pause(True))
        # No query begins like an earlier one: without a screen, a list of those takes the focus away when it closes.
        hands.press("Ctrl+F")
        hands.type("red wall")
        hands.press("Return")  # before anything can be searched
        hands.press("Ctrl+F")
        hands.type("green")
        hands.wait(lambda: "1 of 1 file can be searched" in status(hands))
        assert indexing.status.coverage.coarse == [clip]
        hands.wait(lambda: searching.results.moments and searching.results.is_final)  # nobody asked again
        assert searching.results.query == "red wall"
        assert field.hasFocus() and field.text() == "green"  # what is being typed is left alone
        hands.search("blue wall")
        assert searching.results.lacks_footage and searching.results.moments[0].is_coarse
        assert "coarse: still being read" in said()
        indexing.pause(False)
        hands.wait(lambda: not indexing.status.coverage.coarse)
        hands.search("green wall")
        assert searching.results.moments and not searching.results.lacks_footage
        assert "coarse" not in said()

    run_app(script, clip)
