"""One account of a library, whoever shows it."""

from fractions import Fraction
from pathlib import Path

from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands.report import coverage_text
from tr_desktop.library.index.counts import Counts, count
from tr_desktop.library.index.coverage import NOT_YET, Coverage, Skipped
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog


def test_subtitles_and_documents_are_not_footage_that_was_missed(tmp_path):
    folder = tmp_path / "footage"
    write_clip(folder / "a.mov", [("red", 50)])
    (folder / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    (folder / "readme.txt").write_text("notes")
    (folder / "empty.mov").touch()
    with Catalog(tmp_path / "library") as catalog:
        coverage = index_footage([folder], catalog, ToyEncoder())
    assert count(coverage) == Counts(whole=1, refused=1, other=2)
    assert "Searched 1 of 2 files." in coverage_text(coverage)
    assert "not footage: readme.txt" in coverage_text(coverage)


def test_a_file_that_is_partly_read_is_not_counted_as_whole():
    one, two, three = Path("/f/a.mov"), Path("/f/b.mov"), Path("/g/c.mov")
    coverage = Coverage(
        searched=[one, two],
        incomplete={two: Fraction(3)},
        skipped=[Skipped(three, NOT_YET)],
        offline=[one],
    )
    assert count(coverage) == Counts(whole=1, partial=1, waiting=1, offline=1)
    assert count(coverage, within=Path("/g")) == Counts(waiting=1)
    assert count(coverage, within=two) == Counts(partial=1)
    assert (count(coverage).searchable, count(coverage).footage) == (2, 3)
