"""`find --like-more` and `--like-less`, as a user runs them."""

import json

import pytest

from tr_desktop.commands.main import main


@pytest.fixture(scope="module")
def library(tmp_path_factory, sample) -> str:
    library = str(tmp_path_factory.mktemp("library"))
    assert main(["index", str(sample), "--library", library]) == 0
    return library


def ask(capsys, sample, library, *options: str) -> dict:
    capsys.readouterr()
    assert main(["find", "a cat", str(sample), "--library", library, "--json", *options]) in (0, 1)
    return json.loads(capsys.readouterr().out)


def has(moment: dict, frame: int) -> bool:
    return moment["start_frame"] <= frame < moment["end_frame"]


def test_a_wrong_answer_leaves_the_list(sample, library, capsys):
    plain = ask(capsys, sample, library)
    assert has(plain["moments"][0], 250) and "marks" not in plain
    document = ask(capsys, sample, library, "--like-less", f"{sample}@10.42")
    assert document["marks"] == [{"media": str(sample), "frame": 250, "right": False}]
    assert document["moments"] and not any(has(moment, 250) for moment in document["moments"])


def test_a_right_answer_comes_first(sample, library, capsys):
    rocket = 432
    document = ask(capsys, sample, library, "--like-more", f"{sample.name}@18", "--like-less", f"{sample.name}@0")
    assert has(document["moments"][0], rocket)
    assert [moment["rank"] for moment in document["moments"]] == list(range(1, len(document["moments"]) + 1))
    assert [mark["right"] for mark in document["marks"]] == [True, False]


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ("other.mov@2", "isn't in the library"),
        ("{name}@99", "lasts 24.00 s"),
        ("{name}@soon", "neither seconds nor a timecode"),
        ("{name}", "isn't MEDIA@SECONDS"),
    ],
)
def test_a_mark_that_means_nothing_ends_with_a_sentence(sample, library, capsys, mark, sentence):
    given = mark.format(name=sample.name)
    assert main(["find", "a cat", str(sample), "--library", library, "--like-more", given]) == 2
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error
