"""Names are shown short, told apart by their folders, and can't move the terminal's cursor."""

from pathlib import Path

import pytest

from tr_desktop.names import plain, printable, short_names


def paths(*names: str) -> list[Path]:
    return [Path(name) for name in names]


@pytest.mark.parametrize(
    ("files", "among", "shown"),
    [
        (["/a/1.mp4", "/a/2.mp4"], [], ["1.mp4", "2.mp4"]),
        (["/day1/C0001.MP4", "/day2/C0001.MP4", "/day2/C2.MP4"], [], ["day1/C0001.MP4", "day2/C0001.MP4", "C2.MP4"]),
        (["/a/dcim/1.mp4", "/b/dcim/1.mp4", "/c/1.mp4"], [], ["a/dcim/1.mp4", "b/dcim/1.mp4", "c/1.mp4"]),
        (["/1.mp4", "/a/1.mp4"], [], ["/1.mp4", "a/1.mp4"]),
        (["/day1/1.mp4"], ["/day1/1.mp4", "/day2/1.mp4"], ["day1/1.mp4"]),
        (["/a/caf\u00e9.mp4", "/b/cafe\u0301.mp4"], [], ["a/caf\u00e9.mp4", "b/cafe\u0301.mp4"]),
        (["/a/1.mp4", "/a/1.mp4"], [], ["1.mp4", "1.mp4"]),
        (["/"], [], ["/"]),
    ],
)
def test_as_much_of_the_path_is_shown_as_tells_names_apart(files, among, shown):
    names = short_names(paths(*files), paths(*among))
    assert [names[path] for path in paths(*files)] == paths_as_shown(shown)


def paths_as_shown(names: list[str]) -> list[str]:
    return [str(Path(name)) for name in names]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x1b[2Jb\n\x7f\x9bc", "a\\x1b[2Jb\\n\\x7f\\x9bc"),
        ("evil\u202egpj.mp4", "evil\\u202egpj.mp4"),
        ("caf\udce9.mp4", "caf\\xe9.mp4"),
        ("日本 👩\u200d🚀\u3000é.mp4", "日本 👩\u200d🚀\u3000é.mp4"),
    ],
)
def test_what_is_no_text_is_shown_as_its_code(name, shown):
    assert printable(name) == shown


def test_names_are_equal_whatever_their_case_and_unicode_form():
    assert plain("CAF\u00c9.MOV") == plain("cafe\u0301.mov") != plain("cafe.mov")
