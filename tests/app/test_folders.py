"""Removing a folder can be undone, takes its results away, and leaves the indexing of the others alone."""

from tr_desktop.app.shell.actions import ACTIONS


def test_removing_a_folder_is_undone_by_name_and_its_results_leave(run_app, sample, library, tmp_path):
    def script(hands):
        session, stage = hands.session, hands.stage
        hands.wait(lambda: session.engine is not None)
        hands.search("a cat")
        hands.press("Return")
        hands.window.library.removed.emit(sample)
        assert session.indexing.folders == [] and not session.searching.results.moments
        assert hands.results.list.moments.rowCount() == 0
        undo = next(a for a in hands.window.actions() if a.objectName() == "edit.undo")
        assert undo.text() == f"Undo remove folder {sample.name}"
        undo.trigger()
        assert session.indexing.folders == [sample] and undo.text() == "Undo accept"
        assert len(session.editing.project.selects) == 1
        hands.wait(lambda: session.searching.results.is_final and session.searching.results.moments)
        hands.window.library.removed.emit(sample)
        session.editing.edit(lambda project: project.add_marker(stage.moment or moment(session), 3))
        assert undo.text() == "Undo add marker"
        undo.trigger()
        assert undo.text().startswith("Undo remove folder") and session.indexing.folders == []
        session.indexing.add([sample])
        assert undo.text() == "Undo accept"

    def moment(session):
        return session.editing.decided_moment(session.editing.project.selects[0])

    assert any(action.name == "edit.undo" for action in ACTIONS)
    run_app(script, sample, library=library)


def test_the_other_folders_are_read_on_after_one_was_removed(run_app, sample, tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        for part in range(2):
            (folder / f"{part}.mp4").write_bytes(sample.read_bytes() + bytes([number, part]) * 64)

    def script(hands):
        hands.wait(lambda: hands.window.library.progress.isVisible())
        hands.window.library.removed.emit(folders[0])
        status = lambda: hands.session.indexing.status.coverage  # noqa: E731
        hands.wait(lambda: len(status().searched) == 2 and not status().waiting and not status().incomplete)
        assert {path.parent for path in status().media.values()} == {folders[1]}

    run_app(script, *folders)
