"""A project finds its files again by their content."""

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.drives import pretend_drive
from tests.library.test_masters import write_master
from tests.media import make_video
from tests.toy import ToyEncoder, write_clip
from tr_desktop.answer_json import as_json
from tr_desktop.commands.main import main
from tr_desktop.errors import UserError
from tr_desktop.grounding import find
from tr_desktop.library.index.identity import content_digest, full_digest
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.records import Content
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


def digest_of(path: Path, size_bytes: int) -> bytes:
    return hashlib.blake2b(path.read_bytes()[:size_bytes]).digest()


def nothing_longer(path: Path) -> bytes:
    raise AssertionError(path)


def identity(path: Path) -> FileIdentity:
    size_bytes = path.stat().st_size
    return FileIdentity.of(str(path), Content(digest_of(path, size_bytes), None, size_bytes, 0, Fraction(1)))


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
    located = locate(wanted, sorted(tmp_path.iterdir()), digest_of, nothing_longer)
    assert located.found == {
        r"D:\shoot\A.MOV": tmp_path / "a.mov",
        "/Volumes/shoot/renamed.mov": tmp_path / "b.mov",
    }
    assert located.other_content == {"/Volumes/shoot/c.mov": tmp_path / "c.mov"}


def test_only_files_of_the_right_size_are_opened(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.mov").write_bytes(bytes(number))
    opened = []

    def noted(path: Path, size_bytes: int) -> bytes:
        opened.append(path)
        return digest_of(path, size_bytes)

    locate({"/gone/3.mov": identity(tmp_path / "3.mov")}, sorted(tmp_path.iterdir()), noted, nothing_longer)
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


def test_a_file_replaced_and_read_again_since_the_search_is_not_exported(project, catalog, tmp_path, capsys):
    path = tmp_path / "here" / "one.mov"
    saved = tmp_path / "result.json"
    saved.write_text(json.dumps(as_json(find("red", [path], catalog, ToyEncoder()))))
    write_clip(path, [("green", 60), ("red", 52), ("blue", 60)])
    answer = find("red", [tmp_path / "here"], catalog, ToyEncoder())
    to = ["--to", str(tmp_path / "out.edl"), "--library", str(tmp_path / "library")]
    for result in (tmp_path / "cut.trproj", saved):
        assert main(["export", str(result), *to]) == 2
        error = capsys.readouterr().err
        assert f"The file has changed since the search ({path})" in error and "Search again" in error
        assert not (tmp_path / "out.edl").exists()
    again = next(moment for moment in answer.moments if moment.media.path == path)
    with pytest.raises(UserError, match="changed since the search"):
        project.moments(catalog.footage)
    for select in project.selects:
        if select.found.media == str(path):
            project.remove(select)
    project.accept(again)
    project.snapshot().identified(catalog).save(tmp_path / "cut.trproj")
    assert main(["export", str(tmp_path / "cut.trproj"), *to]) == 0
    assert (tmp_path / "out.edl").read_text().count("one.mov") == 1


def test_a_replaced_file_is_noticed_by_projects_of_older_versions(project, catalog, tmp_path):
    document = json.loads((tmp_path / "cut.trproj").read_bytes())
    for select in document["selects"]:
        del select["moment"]["content"]
    (tmp_path / "cut.trproj").write_text(json.dumps(document))
    assert len(Project.load(tmp_path / "cut.trproj").moments(catalog.footage)) == 2
    write_clip(tmp_path / "here" / "one.mov", [("green", 60), ("red", 52), ("blue", 60)])
    index_footage([tmp_path / "here"], catalog, ToyEncoder())
    with pytest.raises(UserError, match="changed since the search"):
        Project.load(tmp_path / "cut.trproj").moments(catalog.footage)


def test_a_recording_that_only_got_longer_has_not_changed(catalog, tmp_path):
    recording = make_video(tmp_path / "whole.ts", frames=500, rate=Fraction(25), gop=25).read_bytes()
    clip = tmp_path / "clip.ts"
    clip.write_bytes(recording[: len(recording) // 2 // 188 * 188])
    moment = find("red", [clip], catalog, ToyEncoder()).moments[0]
    project = Project()
    project.accept(moment)
    clip.write_bytes(recording)
    index_footage([clip], catalog, ToyEncoder())
    (exported,) = project.moments(catalog.footage)
    assert len(exported.times) == 500 and exported.segment == moment.segment


def test_a_second_file_of_the_same_samples_is_located(catalog, tmp_path):
    """Its identity is longer: that of its samples alone is the first file's, too."""
    first, second = write_master(tmp_path / "a.avi"), write_master(tmp_path / "b.avi", range(20, 60))
    index_footage([first, second], catalog, ToyEncoder())
    content = catalog.content_of(second)
    assert content.digest[:16] == catalog.content_of(first).digest
    (tmp_path / "elsewhere").mkdir()
    first.rename(tmp_path / "elsewhere" / "b.avi")  # another file by its name
    moved = second.rename(tmp_path / "elsewhere" / "renamed.avi")
    wanted = {str(second): FileIdentity.of(str(second), content)}
    located = locate(wanted, sorted((tmp_path / "elsewhere").iterdir()), content_digest, full_digest)
    assert located.found == {str(second): moved}
    with Catalog(tmp_path / "other") as other:  # which meets the second file first
        index_footage([moved], other, ToyEncoder())
        assert wanted[str(second)].has(other.content_of(moved))
