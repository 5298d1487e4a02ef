"""Trash, system files, proxies and what the user leaves out are not footage, and each is listed with its reason."""

import shutil

import pytest

from tests.drives import pretend_drive
from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands import report
from tr_desktop.commands.main import main
from tr_desktop.grounding import find
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def clips(root, *names):
    """A clip of another length for each name, so that none is a copy."""
    for number, name in enumerate(names):
        write_clip(root / "plain.mp4", [("red", 30 + number)])
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "plain.mp4").rename(root / name)


def outcome(coverage, root):
    """({names searched}, {name: reason of those skipped}), below `root`."""
    return (
        {str(path.relative_to(root)) for path in coverage.searched},
        {str(each.path.relative_to(root)): each.reason for each in coverage.skipped},
    )


def test_trash_system_and_hidden_folders_are_not_entered_unless_they_are_named(tmp_path, catalog):
    trash = [".Trash-1000", ".Trashes", "$RECYCLE.BIN", "#recycle", ".Trash"]
    system = ["@eaDir", "System Volume Information"]
    hidden = [".Spotlight-V100", ".cache"]
    root = tmp_path / "f"
    inside = [f"{name}/files/clip.mp4" for name in trash + system + hidden]
    clips(root, "kept.mp4", "sub/.trashed-1700000000-gone.mp4", *inside)
    searched, skipped = outcome(index_footage([root], catalog, ToyEncoder()), root)
    assert searched == {"kept.mp4"}
    assert skipped == {
        **dict.fromkeys(trash, "a trash folder"),
        **dict.fromkeys(system, "a folder of the system"),
        **dict.fromkeys(hidden, "a hidden folder"),
        "sub/.trashed-1700000000-gone.mp4": "in the trash",
    }
    named = index_footage([root / ".cache"], catalog, ToyEncoder())
    assert named.searched == [root / ".cache" / "files" / "clip.mp4"]
    assert outcome(index_footage([root], catalog, ToyEncoder()), root)[0] == {"kept.mp4"}


def test_hidden_files_are_footage_only_if_they_are_named(tmp_path, catalog, monkeypatch):
    root = pretend_drive(monkeypatch, tmp_path / "f")
    clips(root, "kept.mp4", ".hidden.mp4", "sub/.pending-17-new.mp4")
    hidden = dict.fromkeys([".hidden.mp4", "sub/.pending-17-new.mp4"], "a hidden file")
    named = index_footage([root / ".hidden.mp4"], catalog, ToyEncoder())
    assert named.searched == [root / ".hidden.mp4"]
    coverage = index_footage([root], catalog, ToyEncoder())
    assert outcome(coverage, root) == ({"kept.mp4"}, hidden)
    assert "Searched 1 of 1 files.\n  not footage: " in report.coverage_text(coverage)  # nobody misses them
    root.rename(tmp_path / "away")  # the rule is the same for what the library knows
    assert index_footage([root], catalog, ToyEncoder()).searched == [root / "kept.mp4"]


def test_notes_of_macs_and_windows_are_named_as_such(tmp_path, catalog):
    clips(tmp_path / "f", "A001.mp4")
    for name in ("._A001.mp4", ".DS_Store", "desktop.ini", "Thumbs.db"):
        (tmp_path / "f" / name).write_bytes(b"\0\5\x16\7" * 20)
    _, skipped = outcome(index_footage([tmp_path / "f"], catalog, ToyEncoder()), tmp_path / "f")
    assert skipped == {
        "._A001.mp4": "a Mac's note on another file (AppleDouble)",
        **dict.fromkeys((".DS_Store", "desktop.ini", "Thumbs.db"), "a file of the system"),
    }


PAIRS = {
    "gopro/GX010001.MP4": "gopro/GL010001.LRV",
    "old gopro/GOPR0002.MP4": "old gopro/GOPR0002.LRV",
    "dji/DJI_0003.MP4": "dji/DJI_0003.LRF",
    "M4ROOT/CLIP/C0004.MP4": "M4ROOT/SUB/C0004S03.MP4",
    "XDROOT/Clip/C0005.MXF": "XDROOT/Sub/C0005S03.MP4",
    "resolve/A006.mov": "resolve/Proxy/A006.mov",
    "premiere/A007.mov": "premiere/Proxies/A007_Proxy.mp4",
}


def test_a_proxy_is_no_answer_beside_its_original(tmp_path, catalog):
    root = tmp_path / "card"
    clips(root, *PAIRS, *PAIRS.values())
    searched, skipped = outcome(index_footage([root], catalog, ToyEncoder()), root)
    assert searched == set(PAIRS)
    assert skipped == {proxy: f"a proxy of {original.split('/')[-1]}" for original, proxy in PAIRS.items()}


def test_a_proxy_without_its_original_is_footage(tmp_path, catalog):
    root = tmp_path / "card"
    clips(root, *PAIRS, *PAIRS.values())
    for original in PAIRS:
        (root / original).unlink()
    (root / "resolve" / "A006.xml").write_text("<notes/>")
    searched, _ = outcome(index_footage([root], catalog, ToyEncoder()), root)
    assert searched == set(PAIRS.values())


def test_patterns_leave_out_files_and_folders(tmp_path, catalog):
    root = tmp_path / "f"
    clips(root, "kept.mp4", "Cache/a.mp4", "day/cache/b.mp4", "day/render.TMP", "day/Entwürfe/c.mp4")
    patterns = ("cache", "*.tmp", f"{root}/day/Entwu\u0308rfe")  # as a Mac writes an umlaut
    answer = find("red", [root], catalog, ToyEncoder(), footage_filter=FootageFilter(exclude=patterns))
    searched, skipped = outcome(answer.coverage, root)
    assert searched == {"kept.mp4"}
    assert skipped == {
        "Cache": "left out: it matches cache",
        "day/cache": "left out: it matches cache",
        "day/render.TMP": "left out: it matches *.tmp",
        "day/Entwürfe": f"left out: it matches {patterns[2]}",
    }
    assert len(index_footage([root], catalog, ToyEncoder()).searched) == 5


def test_the_librarys_own_list_holds_for_every_run_and_for_offline_footage(tmp_path, capsys, monkeypatch):
    root, library = pretend_drive(monkeypatch, tmp_path / "f"), ["--library", str(tmp_path / "library")]
    clips(root, "kept.mp4", "Cache/a.mp4")
    with Catalog(tmp_path / "library") as catalog:
        assert len(index_footage([root], catalog, ToyEncoder()).searched) == 2
    assert main(["library", "exclude", "Cache", "*.tmp", *library]) == 0
    capsys.readouterr()
    assert main(["library", "exclude", *library]) == 0
    assert capsys.readouterr().out.split() == ["*.tmp", "Cache"]
    with Catalog(tmp_path / "library") as catalog:
        assert index_footage([root], catalog, ToyEncoder()).searched == [root / "kept.mp4"]
        shutil.move(root, tmp_path / "unplugged")
        assert index_footage([root], catalog, ToyEncoder()).offline == [root / "kept.mp4"]
    assert main(["library", "exclude", "--none", *library]) == 0
    with Catalog(tmp_path / "library") as catalog:
        assert len(index_footage([root], catalog, ToyEncoder()).offline) == 2


def test_exclude_on_the_command_line(tmp_path, capsys):
    clips(tmp_path / "f", "kept.mp4", "Cache/a.mp4")
    for command in (["index"], ["find", "red"]):
        patterns = ["--exclude", "Cache", "--exclude", "*.x"]
        main([*command, str(tmp_path / "f"), *patterns, "--library", str(tmp_path / "library")])
        error = capsys.readouterr().err
        assert "Searched 1 of 2 files" in error and "skipped Cache: left out: it matches Cache" in error
