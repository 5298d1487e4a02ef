"""Dialogs that choose files begin where the user chose last, for each purpose, also at the next start."""

import pytest
from PySide6.QtWidgets import QFileDialog

from tr_desktop.app.look.settings import Settings
from tr_desktop.app.shell.dialogs import Dialogs, Purpose


@pytest.fixture
def asked(monkeypatch):
    """The places in which dialogs began; `answer` is what the user chooses in the next one."""

    class Asked(list):
        answer = ""

    asked = Asked()

    def one(_parent, _title, place, *_):
        asked.append(place)
        return asked.answer

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", one)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: (one(*given), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: (one(*given), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *given: ([name for name in [one(*given)] if name], ""))
    return asked


def test_each_purpose_remembers_its_folder(tmp_path, asked, qapp):
    for name in ("card", "clips", "cuts"):
        (tmp_path / name).mkdir()
    settings = Settings(tmp_path / "settings")
    dialogs = Dialogs(settings, None)
    first = str(dialogs.folder(Purpose.FOOTAGE))

    assert dialogs.choose_folder("Add", Purpose.FOOTAGE) is None  # cancelled: nothing is remembered
    asked.answer = str(tmp_path / "card")
    assert dialogs.choose_folder("Add", Purpose.FOOTAGE) == tmp_path / "card"
    asked.answer = str(tmp_path / "clips" / "a.mov")
    assert dialogs.choose_files("Add", Purpose.FOOTAGE) == [tmp_path / "clips" / "a.mov"]
    asked.answer = str(tmp_path / "cuts" / "b.trproj")
    assert dialogs.choose_new_file("Save", Purpose.PROJECT, "", tmp_path / "x.trproj") == tmp_path / "cuts" / "b.trproj"
    asked.answer = ""
    dialogs.choose_file("Open", Purpose.PROJECT, "")
    dialogs.choose_files("Add", Purpose.FOOTAGE)
    then = [tmp_path / name for name in ("card", "x.trproj", "cuts", "clips")]
    assert asked == [first, first, *map(str, then)]

    settings.save()
    again = Dialogs(Settings(tmp_path / "settings"), None)
    assert again.folder(Purpose.FOOTAGE) == tmp_path / "clips" and again.folder(Purpose.PROJECT) == tmp_path / "cuts"
    (tmp_path / "clips").rmdir()
    assert str(again.folder(Purpose.FOOTAGE)) == first  # a folder that is gone isn't offered
