"""The window says one thing about what can be searched, whatever was searched for last."""

from PySide6.QtWidgets import QLabel


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


def test_the_numbers_follow_indexing_and_removed_folders(run_app, sample, tmp_path):
    folder, seen = tmp_path / "footage", set()
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.mp4").write_bytes(sample.read_bytes() + bytes([number]) * 64)

    def script(hands):
        hands.session.indexing.status_changed.connect(lambda _: seen.add(status(hands)))
        hands.wait(lambda: "5 of 5 files can be searched" in status(hands))
        assert any("5 not indexed yet" in text for text in seen)
        assert any(f"{ready} of 5" in text for text in seen for ready in range(1, 5)), seen
        hands.session.indexing.add([sample])
        hands.wait(lambda: "6 of 6 files" in status(hands))
        hands.session.indexing.remove(folder)
        hands.wait(lambda: "1 of 1 file can be searched" in status(hands))

    run_app(script, folder)
