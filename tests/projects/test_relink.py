"""A project finds its files again by their content."""

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.drives import pretend_drive
from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands.main import main
from tr_desktop.grounding import find
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.projects.project import Project
from tr_desktop.projects.relink import FileIdentity, locate, name_of


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def project(tmp_path, catalog):
    """A saved project with a select in each of two files."""
    for name, length in (("one", 50), ("two", 70)):
        write_clip(tmp_path / "here" / f"{name}.mov", [("blue", 60), ("red", length), ("green", 60)])
    project = Project()
    for moment in find("red", [tmp_path / "here"], catalog, ToyEncoder()).moments[:2]:
        project.accept(moment)
    project.snapshot().identified(catalog).save(tmp_path / "cut.trproj")
    return Project.load(tmp_path / "cut.trproj")


def digest_of(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes()).digest()


def identity(path: Path) -> FileIdentity:
    return FileIdentity.of(str(path), (digest_of(path), path.stat().st_size, Fraction(1)))


def test_a_project_keeps_what_its_files_contain(project, catalog, tmp_path):
    path = tmp_path / "here" / "one.mov"
    kept = project.files[str(path)]
    assert (kept.name, kept.size_bytes) == ("one.mov", path.stat().st_size)
    assert kept.has(catalog.content_of(path)) and kept.duration_s == pytest.approx(170 / 25, abs=0.001)
    document = json.loads((tmp_path / "cut.trproj").read_bytes())
    document["files"][str(path)]["camera"] = "B"
    (tmp_path / "cut.trproj").write_text(json.dumps(document))
    again = Project.load(tmp_path / "cut.trproj")
    again.save()
    assert json.loads((tmp_path / "cut.trproj").read_bytes()) == document


def test_moved_files_that_the_library_knows_are_used_at_once(project, catalog, tmp_path):
    (tmp_path / "here").rename(tmp_path / "there")
    index_footage([tmp_path / "there"], catalog, ToyEncoder())
    project.remove(project.selects[1])
    moved = project.moved_files(catalog)
    assert moved == {
        str(tmp_path / "here" / f"{name}.mov"): tmp_path / "there" / f"{name}.mov" for name in ("one", "two")
    }
    project.relink(moved)
    project.undo()
    project.save()
    moments = Project.load(tmp_path / "cut.trproj").moments(catalog.footage)
    assert {moment.media.path.parent for moment in moments} == {tmp_path / "there"}
    assert not Project.load(tmp_path / "cut.trproj").moved_files(catalog)


def test_files_at_their_path_stay_although_there_are_copies(project, catalog, tmp_path):
    copy = tmp_path / "copy.mov"
    copy.write_bytes((tmp_path / "here" / "one.mov").read_bytes())
    index_footage([copy], catalog, ToyEncoder())
    assert not project.moved_files(catalog)


def test_a_file_with_other_content_is_never_used(project, catalog, tmp_path):
    (tmp_path / "here").rename(tmp_path / "there")
    write_clip(tmp_path / "there" / "one.mov", [("green", 60), ("red", 50), ("blue", 60)])
    index_footage([tmp_path / "there"], catalog, ToyEncoder())
    assert list(project.moved_files(catalog)) == [str(tmp_path / "here" / "two.mov")]


def test_the_command_line_exports_a_project_whose_files_were_moved(project, catalog, tmp_path, capsys):
    (tmp_path / "here").rename(tmp_path / "there")
    index_footage([tmp_path / "there"], catalog, ToyEncoder())
    catalog.close()
    out, library = tmp_path / "cut.csv", str(tmp_path / "library")
    assert main(["export", str(tmp_path / "cut.trproj"), "--to", str(out), "--library", library]) == 0
    assert str(tmp_path / "there" / "one.mov") in out.read_text()
    assert "Using the same content" in capsys.readouterr().err


def test_a_folder_is_searched_by_content_whatever_its_files_are_called(tmp_path):
    for name, content in {"a.mov": b"first", "b.mov": b"other", "c.mov": b"third!"}.items():
        (tmp_path / name).write_bytes(content)
    wanted = {
        r"D:\shoot\A.MOV": identity(tmp_path / "a.mov"),
        "/Volumes/shoot/renamed.mov": replace(identity(tmp_path / "b.mov"), name="renamed.mov"),
        "/Volumes/shoot/c.mov": replace(identity(tmp_path / "c.mov"), digest="00"),
        "/Volumes/shoot/gone.mov": FileIdentity("gone.mov", 5, 1.0, "01"),
    }
    located = locate(wanted, sorted(tmp_path.iterdir()), digest_of)
    assert located.found == {
        r"D:\shoot\A.MOV": tmp_path / "a.mov",
        "/Volumes/shoot/renamed.mov": tmp_path / "b.mov",
    }
    assert located.other_content == {"/Volumes/shoot/c.mov": tmp_path / "c.mov"}


def test_only_files_of_the_right_size_are_opened(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.mov").write_bytes(bytes(number))
    opened = []

    def noted(path: Path) -> bytes:
        opened.append(path)
        return digest_of(path)

    locate({"/gone/3.mov": identity(tmp_path / "3.mov")}, sorted(tmp_path.iterdir()), noted)
    assert opened == [tmp_path / "3.mov"]


@pytest.mark.parametrize("path", [r"D:\shoot\day 1\a.mov", "/Volumes/shoot/a.mov", r"\\server\share\a.mov", "a.mov"])
def test_names_are_read_from_paths_of_any_system(path):
    assert name_of(path) == "a.mov"


def test_a_project_without_identities_finds_files_that_the_library_knew(project, catalog, tmp_path, monkeypatch):
    # Without a drive of its own, the folder would count as renamed, and its old paths be forgotten.
    index_footage([pretend_drive(monkeypatch, tmp_path / "here")], catalog, ToyEncoder())
    document = json.loads((tmp_path / "cut.trproj").read_bytes())
    del document["files"]
    (tmp_path / "cut.trproj").write_text(json.dumps(document))
    (tmp_path / "here").rename(tmp_path / "there")
    index_footage([tmp_path / "there"], catalog, ToyEncoder())
    assert len(Project.load(tmp_path / "cut.trproj").moved_files(catalog)) == 2
