"""*Models*: packs are added, used, changed back and removed, and searches go on meanwhile."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMessageBox, QPushButton

from tests.app.test_stories import CAT
from tests.models.toy_pack import OPSETS, image_model, list_files, text_model, write_pack
from tests.toy import write_clip
from tr_desktop.app.look.settings import Settings
from tr_desktop.app.work import models_process
from tr_desktop.engine import Engine, open_engine
from tr_desktop.errors import PackError
from tr_desktop.models import choice
from tr_desktop.models.choice import default_pack, use_pack
from tr_desktop.models.pack import EMBEDDED, load_pack
from tr_desktop.paths import packs_folder, settings_folder
from tr_desktop.projects.project import Project


def turned(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same tower in another space: its numbers in another order."""
    graph = model.graph
    graph.node[-1].output[0] = "before"
    graph.node.append(helper.make_node("Gather", ["before", "order"], ["vectors"], axis=1))
    graph.initializer.append(numpy_helper.from_array(np.array([2, 0, 1], np.int64), "order"))
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=9)


def write_other(folder: Path, name: str = "other") -> Path:
    """A toy pack whose vectors don't fit to those of the toy pack."""
    write_pack(folder)
    for tower, model in (("image.onnx", image_model()), ("text.onnx", text_model())):
        (folder / tower).write_bytes(turned(model).SerializeToString())
    return list_files(folder, name=name, languages="English")


@pytest.fixture
def footage(tmp_path) -> Path:
    folder = tmp_path / "footage"
    for name, colours in (("a", "red green"), ("b", "blue red"), ("c", "green blue")):
        write_clip(folder / f"{name}.mp4", [(colour, 50) for colour in colours.split()])
    return folder


@pytest.fixture
def toy() -> Path:
    """The pack in use: a small one of the user."""
    folder = write_pack(packs_folder() / "toy")
    use_pack("toy")
    return folder


@pytest.fixture
def other() -> Path:
    return write_other(packs_folder() / "other")


@pytest.fixture(autouse=True)
def _child(monkeypatch):
    monkeypatch.setattr(models_process, "_PROGRAM", "tests.app.models_child")
    monkeypatch.setattr("tr_desktop.app.shell.models_dialog.missing_packages", list)


@pytest.fixture
def gate(monkeypatch):
    """Indexing with any pack but toy waits until this is set."""
    gate, index = threading.Event(), Engine.index

    def index_later(self, folders, on_progress, stop, **options):
        def report(progress):
            on_progress(progress)
            while self.encoder.pack.name != "toy" and not gate.wait(0.02) and not stop.is_set():
                continue

        return index(self, folders, report, stop, **options)

    monkeypatch.setattr(Engine, "index", index_later)
    yield gate
    gate.set()


def ready(hands) -> None:
    """Wait until all footage is indexed, and open *Models*."""
    session = hands.session
    hands.wait(lambda: len(session.indexing.status.coverage.searched) == 3 and session.indexing.at_work is None)
    hands.press("Ctrl+Shift+M")
    hands.wait(lambda: hands.window.models.dialog.isVisible() and session.packs.known)


def to_window(hands) -> None:
    """Leave *Models* open, and go on in the window."""
    hands.window.activateWindow()
    hands.wait(hands.window.isActiveWindow)


def row(hands, key: str):
    hands.wait(lambda: key in hands.window.models.dialog.rows)
    return hands.window.models.dialog.rows[key]


def answer(name: str) -> None:
    """Press a button of the question on screen."""
    box = next(each for each in QApplication.topLevelWidgets() if isinstance(each, QMessageBox) and each.isVisible())
    next(button for button in box.findChildren(QPushButton) if button.text().replace("&", "") == name).click()


def found(hands) -> set[str]:
    return {moment.media.path.name for moment in hands.session.searching.results.moments}


def test_a_pack_is_added_and_used_while_searches_go_on_and_changing_back_costs_nothing(
    run_app, footage, toy, gate, tmp_path, monkeypatch
):
    source = write_other(tmp_path / "elsewhere" / "other")
    archive = str(source)
    monkeypatch.setattr("PySide6.QtWidgets.QFileDialog.getExistingDirectory", lambda *_: archive)

    def script(hands):
        session, window = hands.session, hands.window
        ready(hands)
        models = window.models.dialog
        assert row(hands, "toy").state.text() == "In use" and not row(hands, "toy").use_button.isVisible()
        assert "mini" in models.rows and not row(hands, "mini").remove_button.isVisible()
        models.add_folder()
        assert models.progress.isVisible() and not models.add.isEnabled()
        hands.wait(lambda: not models.progress.isVisible() and not session.packs.measuring)
        other = row(hands, "other")
        hands.wait(lambda: "pictures a second" in other.facts.text())
        assert (
            "English" in other.facts.text() and "Apache-2.0" in other.facts.text() and "3 numbers" in other.facts.text()
        )
        assert other.state.text().startswith("Re-index 3 files, about ")

        other.use_button.click()
        hands.wait(lambda: session.changing.text() == "Indexing with other: 1 of 3 files; searches use toy until then")
        assert window._status.text().startswith(session.changing.text())
        assert other.state.text().startswith("Indexing: 1 of 3 files") and other.bar.isVisible()
        assert window.library.progress.isVisible() and window.library._now.toolTip() == "other: a.mp4"
        to_window(hands)
        hands.search("red")
        assert found(hands) >= {"a.mp4", "b.mp4"} and window.results.pack() == "toy"
        before = session.searching.results.moments
        assert default_pack() == "toy"

        gate.set()
        hands.wait(lambda: "Searches use other" in window.notice.text())
        assert session.changing.text() == "" and session.settings.wanted_pack == ""
        assert session.searching.results.moments == before  # what is looked at doesn't change by itself
        window.notice.press("Search again")
        hands.wait(lambda: session.searching.results.is_final and window.results.pack() == "other")
        assert found(hands) >= {"a.mp4", "b.mp4"}
        hands.wait(lambda: default_pack() == "other")

        gate.clear()
        assert row(hands, "toy").state.text() == "All footage is indexed: changing costs nothing"
        row(hands, "toy").use_button.click()
        hands.wait(lambda: session.searching.results.is_final and window.results.pack() == "toy")
        assert session.searching.results.moments == before
        hands.wait(lambda: default_pack() == "toy")

        row(hands, "other").remove_button.click()
        answer("Remove")
        hands.wait(lambda: "other" not in models.rows and not (packs_folder() / "other").exists())

    assert run_app(script, footage) == 0


def test_nothing_is_cut_off_in_a_small_dialog(run_app, footage, toy, other):
    (write_other(packs_folder() / "broken") / "pack.json").write_text("{")

    def script(hands):
        ready(hands)
        dialog = hands.window.models.dialog
        dialog.resize(dialog.minimumSize())
        row(hands, "broken")
        hands.wait(lambda: dialog.width() == dialog.minimumWidth())
        QApplication.processEvents()
        for each in (*dialog.rows.values(), *dialog.open_rows):
            for part in (*each.findChildren(QLabel), *each.findChildren(QAbstractButton)):
                if part.isVisible():
                    assert each.rect().contains(part.mapTo(each, part.rect().bottomRight())), part.text()
            for text in each.findChildren(QLabel):
                assert text.isHidden() or text.height() >= text.heightForWidth(text.width()), text.text()

    assert run_app(script, footage) == 0


def test_closing_while_the_new_pack_indexes_goes_on_at_the_next_start(run_app, footage, toy, other, gate, tmp_path):
    def first(hands):
        ready(hands)
        row(hands, "other").use_button.click()
        hands.wait(lambda: "1 of 3" in hands.session.changing.text())

    assert run_app(first, footage) == 0
    assert default_pack() == "toy" and Settings(tmp_path / "settings").wanted_pack == "other"
    gate.set()

    def second(hands):
        hands.wait(lambda: "Searches use other" in hands.window.notice.text())
        hands.search("blue")
        assert found(hands) >= {"b.mp4", "c.mp4"} and hands.session.searching.results.pack == "other"

    assert run_app(second) == 0
    assert default_pack() == "other" and Settings(tmp_path / "settings").wanted_pack == ""


def test_the_change_is_given_up_or_made_before_its_time(run_app, footage, toy, other, gate):
    def script(hands):
        session = hands.session
        ready(hands)
        to_window(hands)
        hands.search("red")
        row(hands, "other").use_button.click()
        hands.wait(lambda: session.changing.preparation is not None and session.changing.preparation.progress)
        row(hands, "other").stay_button.click()
        assert session.changing.text() == "" and session.changing.wanted == ""
        hands.wait(lambda: session.indexing.at_work is None)
        assert session.searching.results.pack == "toy"

        row(hands, "other").use_button.click()
        hands.wait(lambda: row(hands, "other").now_button.isVisible())
        row(hands, "other").now_button.click()
        hands.wait(lambda: session.searching.results.pack == "other" and session.searching.results.is_final)
        gate.set()  # it goes on indexing
        hands.wait(lambda: len(session.indexing.status.coverage.searched) == 3 and session.indexing.at_work is None)
        assert not session.indexing.status.coverage.incomplete

    assert run_app(script, footage) == 0


def test_new_footage_is_searched_with_the_pack_in_use_first(run_app, footage, toy, other, gate, tmp_path):
    more = write_clip(tmp_path / "more" / "d.mp4", [("red", 50)])

    def script(hands):
        session = hands.session
        ready(hands)
        row(hands, "other").use_button.click()
        hands.wait(lambda: "1 of 3" in session.changing.text())
        session.indexing.add([more])
        hands.wait(lambda: more in session.indexing.status.coverage.searched)
        hands.wait(lambda: "of 4 files; searches use toy" in session.changing.text())
        session.indexing.stop()
        hands.wait(lambda: session.indexing.at_work is None)
        hands.wait(lambda: session.changing.text().endswith("files aren’t indexed with other yet; searches use toy"))
        gate.set()
        hands.window.findChild(QAction, "library.update").trigger()
        hands.wait(lambda: "Searches use other" in hands.window.notice.text())
        hands.wait(lambda: len(session.indexing.status.coverage.searched) == 4)

    assert run_app(script, footage) == 0


@pytest.mark.parametrize("name", ["slow", "slow and deaf"])
def test_adding_is_stopped_by_the_user_or_by_closing_and_nothing_is_left(run_app, footage, toy, name):
    def start(hands):
        ready(hands)
        models = hands.window.models.dialog
        hands.session.packs.get(name)
        hands.wait(lambda: models.stage.toolTip() == f"{name}: half of it")
        assert models.bar.value() == 500 and any(packs_folder().glob(".pack-*"))
        return models

    def script(hands):
        models = start(hands)
        models.cancel.click()
        hands.wait(lambda: not models.progress.isVisible())
        hands.wait(lambda: not any(packs_folder().glob(".pack-*")))
        assert models.problem.isHidden() and models.add.isEnabled()
        start(hands)  # and close

    assert run_app(script, footage) == 0
    assert [path.name for path in packs_folder().iterdir()] == ["toy"]


def test_what_goes_wrong_in_adding_is_said_in_a_sentence(run_app, footage, toy, tmp_path, monkeypatch):
    damaged = write_pack(tmp_path / "damaged")
    (damaged / "image.onnx").write_bytes(b"not what was listed")

    def script(hands):
        ready(hands)
        models = hands.window.models.dialog
        hands.session.packs.add(damaged)
        hands.wait(lambda: "image.onnx of the model pack doesn't match" in models.problem.text().replace("\u200b", ""))
        hands.session.packs.add(tmp_path / "crash")
        hands.wait(lambda: "ended unexpectedly: MemoryError" in models.problem.text().replace("\u200b", ""))
        monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))
        hands.session.packs.add(damaged)
        hands.wait(lambda: "No process can be started" in models.problem.text())

    assert run_app(script, footage) == 0
    assert [path.name for path in packs_folder().iterdir()] == ["toy"]


def test_a_licence_that_restricts_use_is_shown_and_asked_for(run_app, footage, toy, tmp_path):
    checkpoint = tmp_path / "research"
    write_pack(checkpoint).joinpath("pack.json").rename(checkpoint / "later.json")
    (checkpoint / "LICENSE").write_text("For non-commercial use only. Section 2 follows.")

    def script(hands):
        ready(hands)
        models = hands.window.models.dialog
        for name in ("Cancel", "Accept and add"):
            hands.session.packs.add(checkpoint)
            hands.wait(lambda: any(each.isVisible() for each in models.findChildren(QMessageBox)))
            box = next(each for each in models.findChildren(QMessageBox) if each.isVisible())
            assert "Section 2 follows" in box.informativeText()
            assert not hands.session.packs.at_work
            answer(name)
            hands.wait(lambda: not any(each.isVisible() for each in models.findChildren(QMessageBox)))
        assert hands.session.packs.at_work == "research"
        hands.wait(lambda: not hands.session.packs.at_work)
        assert "research accepted" in models.problem.text().replace("\u200b", "")

    assert run_app(script, footage) == 0


def test_a_model_of_the_list_is_fetched_after_its_licence_and_size_were_shown(run_app, footage, toy):
    def script(hands):
        ready(hands)
        models = hands.window.models.dialog
        listed = next(each for each in models.open_rows if each.model.commercial)
        model = listed.model
        assert f"{model.download_bytes / 1e6:.0f} MB to download" in listed.facts.text()
        assert model.licence in listed.facts.text() and model.languages in listed.facts.text()
        assert all(each.model.commercial or "NO COMMERCIAL USE" in each.facts.text() for each in models.open_rows)
        listed.get_button.click()
        (box,) = models.findChildren(QMessageBox)
        shown = box.informativeText()
        assert model.licence in shown and model.licence_url in shown and model.repository in shown
        answer("Cancel")
        assert not hands.session.packs.at_work
        listed.get_button.click()
        answer("Accept and get")
        hands.wait(lambda: listed.model.name in models.rows)
        assert listed.get_button.text() == "Added" and not listed.get_button.isEnabled()

    assert run_app(script, footage) == 0


def test_without_the_packages_for_conversion_models_are_listed_and_packs_added(
    run_app, footage, toy, tmp_path, monkeypatch
):
    monkeypatch.setattr("tr_desktop.app.shell.models_dialog.missing_packages", lambda: ["torch"])

    def script(hands):
        ready(hands)
        models = hands.window.models.dialog
        assert "aren’t installed here: torch" in models.needs.text() and models.needs.isVisible()
        assert models.open_rows and not any(each.get_button.isEnabled() for each in models.open_rows)
        hands.session.packs.add(write_other(tmp_path / "other"))
        row(hands, "other")

    assert run_app(script, footage) == 0


def test_a_damaged_pack_is_not_used(run_app, footage, toy, other):
    content = bytearray((other / "image.onnx").read_bytes())
    content[-1] ^= 1
    (other / "image.onnx").write_bytes(content)
    (write_other(packs_folder() / "broken") / "pack.json").write_text("{")

    def script(hands):
        session = hands.session
        ready(hands)
        assert "pack.json is damaged" in row(hands, "broken").state.text().replace("\u200b", "")
        assert not row(hands, "broken").use_button.isVisible() and row(hands, "broken").remove_button.isVisible()
        row(hands, "other").use_button.click()
        hands.wait(lambda: "doesn't match its pack.json" in hands.window.notice.text())
        assert session.changing.wanted == "" and default_pack() == "toy"
        to_window(hands)
        hands.search("red")
        assert session.searching.results.pack == "toy" and found(hands)

    assert run_app(script, footage) == 0


@pytest.mark.parametrize("gone", ["pack.json", "text.onnx", "image.onnx"])
def test_a_pack_in_use_that_is_damaged_is_replaced_by_the_embedded_one(run_app, footage, toy, gone):
    (toy / gone).unlink()

    def script(hands):
        session = hands.session
        hands.wait(lambda: hands.window.notice.text().startswith("Searches use mini: "))
        hands.wait(lambda: len(session.indexing.status.coverage.searched) == 3 and session.indexing.at_work is None)
        hands.search("red")
        assert session.searching.results.pack == "mini"

    assert run_app(script, footage) == 0
    assert default_pack() == "toy"  # its drive may come back


def test_a_select_that_another_pack_found_is_finished_once_the_pack_in_use_has_indexed_it(
    run_app, sample, library, tmp_path
):
    twin = shutil.copytree(EMBEDDED / "mini", tmp_path / "twin")
    facts = json.loads((twin / "pack.json").read_text())
    facts.pop("indexed_as", None)
    (twin / "pack.json").write_text(json.dumps(facts | {"name": "twin"}))
    project = Project()
    with open_engine(library, "mini", "cpu") as engine:
        project.accept(engine.find("a cat", [sample], top=1, steps=1).moments[0])
    assert project.selects[0].is_unfinished and project.selects[0].segment != CAT
    project.save(tmp_path / "cut.trproj")

    def script(hands):
        session = hands.session
        hands.wait(lambda: session.editing.project.selects)
        hands.wait(lambda: not session.editing.project.selects[0].is_unfinished)
        (select,) = session.editing.project.selects
        assert select.segment == CAT and len(select.found.steps) == len(project.selects[0].found.steps) + 2
        assert session.packs.in_use == str(twin)

    assert run_app(script, sample, tmp_path / "cut.trproj", "--model", twin, library=library) == 0


def test_the_command_itself_adds_a_pack_file_and_says_what_is_no_checkpoint(
    run_app, footage, toy, tmp_path, monkeypatch
):
    monkeypatch.setattr(models_process, "_PROGRAM", "tr_desktop")
    source, archive = write_other(tmp_path / "other"), tmp_path / "other.trpack"
    with zipfile.ZipFile(archive, "w") as file:
        for path in source.iterdir():
            file.write(path, path.name)

    def script(hands):
        ready(hands)
        models = hands.window.models.dialog
        hands.session.packs.add(archive)
        row(hands, "other")
        hands.session.packs.add(footage)
        hands.wait(lambda: "holds no checkpoint" in models.problem.text())

    assert run_app(script, footage) == 0
    assert sorted(path.name for path in packs_folder().iterdir()) == ["other", "toy"]


def mismatched(folder: Path) -> Path:
    """A pack that is what its pack.json says, but whose image tower takes pictures of another size."""
    write_other(folder, "mismatched")
    return list_files(folder, name="mismatched", input_px=48)


def said(hands) -> str:
    return hands.window.models.dialog.problem.text().replace("\u200b", "")


@pytest.mark.parametrize("is_in_use", [False, True])
def test_a_pack_that_came_into_use_while_its_removal_was_asked_for_stays(run_app, footage, toy, other, gate, is_in_use):
    def script(hands):
        session = hands.session
        ready(hands)
        row(hands, "other").remove_button.click()
        session.changing.use("other")
        hands.wait(lambda: session.changing.preparation is not None)
        if is_in_use:
            gate.set()
            hands.wait(lambda: session.packs.in_use == "other")
        assert row(hands, "other").remove_button.isHidden()
        answer("Remove")
        hands.wait(lambda: said(hands).startswith("other can’t be removed: it is in use, or will be"))
        assert (other / "text.onnx").exists() and "other" in hands.window.models.dialog.rows

    assert run_app(script, footage) == 0
    assert other.exists()


def test_the_choice_of_a_pack_is_written_by_one_thread(run_app, footage, toy, other, monkeypatch):
    threads, write = [], choice.write_verified

    def noted(*arguments):
        threads.append(threading.current_thread().name)
        write(*arguments)

    monkeypatch.setattr(choice, "write_verified", noted)

    def script(hands):
        ready(hands)
        row(hands, "toy").remove_button.click()  # the default, but not in use
        answer("Remove")
        hands.wait(lambda: not toy.exists())
        row(hands, "mini").use_button.click()
        row(hands, "mini")
        hands.wait(lambda: hands.session.changing.preparation is not None or hands.session.packs.in_use == "mini")
        hands.session.changing.use_now()
        hands.wait(lambda: len(threads) == 2)

    assert run_app(script, footage, "--model", "other") == 0
    assert len(set(threads)) == 1 and default_pack() == "mini"


def test_a_pack_is_removed_while_another_is_added(run_app, footage, toy, other):
    def script(hands):
        ready(hands)
        hands.session.packs.get("slow")
        row(hands, "other").remove_button.click()
        answer("Remove")
        assert "other" not in hands.window.models.dialog.rows  # nobody can choose it any more
        hands.wait(lambda: not other.exists())
        assert hands.session.packs.at_work == "slow"
        hands.session.packs.cancel()
        hands.wait(lambda: not hands.session.packs.at_work)

    assert run_app(script, footage) == 0


def test_measuring_a_pack_whose_model_does_not_run_ends_in_a_sentence(run_app, footage, toy):
    mismatched(packs_folder() / "mismatched")

    def script(hands):
        ready(hands)
        row(hands, "mismatched").measure_button.click()
        hands.wait(lambda: said(hands).startswith("image.onnx doesn't run as a pack's models have to"))
        hands.wait(lambda: row(hands, "mismatched").measure_button.isEnabled())

    assert run_app(script, footage) == 0


def test_what_a_pack_says_is_shown_as_it_is(run_app, footage, toy, tmp_path):
    pack = write_other(packs_folder() / "<b>bold<b>")
    list_files(pack, name="x", licence="<img src='file:///x.png'>Apache-2.0", languages="<b>English</b>")
    (write_other(packs_folder() / "<i>bad<i>") / "pack.json").write_text("{")

    def script(hands):
        ready(hands)
        models = hands.window.models.dialog
        shown = row(hands, "<b>bold<b>")
        assert "<img" in shown.facts.text() and "<b>English</b>" in shown.facts.text()
        shown.remove_button.click()
        labels = [each for each in models.findChildren(QLabel) if "<" in each.text()]
        assert len(labels) >= 5  # two names, the facts, the problem, and the question
        assert all(
            each.textFormat() == Qt.TextFormat.PlainText
            for each in (*labels, models.problem, hands.window.notice._text)
        )
        assert all("&lt;b&gt;bold" in each.toolTip() for each in (shown.use_button, shown.remove_button))
        assert shown.use_button.accessibleName() == "Use <b>bold<b>"
        answer("Cancel")

    assert run_app(script, footage) == 0


def test_packs_are_listed_with_a_notice_if_the_choice_is_damaged(run_app, footage, toy, other):
    choice_file = settings_folder() / "models.json"
    choice_file.write_text("{")

    def script(hands):
        ready(hands)
        models = hands.window.models.dialog
        assert {"mini", "toy", "other"} <= set(models.rows)
        assert "models.json" in models.unlisted.text().replace("\u200b", "") and models.unlisted.isVisible()
        row(hands, "mini").use_button.click()  # choosing again puts it right
        hands.wait(lambda: hands.session.changing.preparation is not None)
        hands.session.changing.use_now()
        hands.wait(lambda: default_or_none() == "mini")
        hands.session.packs.refresh()
        hands.wait(models.unlisted.isHidden)

    def default_or_none() -> str:
        try:
            return default_pack()
        except PackError:
            return ""

    assert run_app(script, footage, "--model", "toy") == 0


def test_a_pack_at_another_place_that_is_gone_is_taken_off_the_list(run_app, footage, toy, tmp_path):
    away = write_other(tmp_path / "away")
    use_pack(str(away))
    use_pack("toy")
    shutil.rmtree(away)

    def script(hands):
        ready(hands)
        row(hands, str(away)).remove_button.click()
        (box,) = hands.window.models.dialog.findChildren(QMessageBox)
        assert "taken off this list" in box.informativeText()
        answer("Remove")
        hands.wait(lambda: str(away) not in choice.known_packs())
        hands.session.packs.refresh()
        hands.wait(lambda: str(away) not in hands.window.models.dialog.rows)
        assert hands.window.models.dialog.problem.isHidden()

    assert run_app(script, footage) == 0


def test_one_pack_that_nobody_thought_of_does_not_hide_the_others(run_app, footage, toy, other, monkeypatch):
    def load(key):
        if key == "other":
            raise RecursionError("too deep")
        return load_pack(key)

    monkeypatch.setattr("tr_desktop.app.work.packs.load_pack", load)

    def script(hands):
        ready(hands)
        assert "RecursionError: too deep" in row(hands, "other").state.text().replace("\u200b", "")
        assert row(hands, "toy").state.text() == "In use"

    assert run_app(script, footage) == 0
