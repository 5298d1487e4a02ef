"""What can be asked: weighed and negative terms, examples, and limits to names, dates, lengths and sizes."""

import os
import shutil
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.toy import COLOURS, ToyEncoder, write_clip
from tr_desktop.errors import UserError
from tr_desktop.grounding import find
from tr_desktop.library.filters import FootageFilter
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.search.terms import parse_terms
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.library.store.database import FILE_NAME


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def footage(tmp_path) -> Path:
    for colour in COLOURS:
        write_clip(tmp_path / "footage" / f"{colour}.mp4", [("red" if colour == "blue" else "blue", 75), (colour, 75)])
    return tmp_path / "footage"


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("a dog catches a frisbee", [("a dog catches a frisbee", 1)]),
        ("a dog -beach", [("a dog", 1), ("beach", -0.5)]),
        ("-beach a dog", [("a dog", 1), ("beach", -0.5)]),
        ('"red car"^2 rain -"city at night"^0.5', [("rain", 1), ("red car", 2), ("city at night", -0.5)]),
        ("dog^3 cat", [("cat", 1), ("dog", 3)]),
        ("a close-up - of 3 -5 degrees", [("a close-up - of 3 -5 degrees", 1)]),
        ('an unfinished "quote', [('an unfinished "quote', 1)]),
        ("2^x", [("2^x", 1)]),
    ],
)
def test_terms(query, terms):
    assert [tuple(term) for term in parse_terms(query)] == terms


@pytest.mark.parametrize("query", ["", "  ", "-beach", '-"a b" -c'])
def test_a_query_must_ask_for_something(query):
    with pytest.raises(UserError, match="query"):
        parse_terms(query)


@pytest.mark.parametrize(
    ("query", "best"),
    [("white", "white"), ("white -red -green", "blue"), ("red^3 green", "red"), ("red green^3", "green")],
)
def test_weights_and_signs_change_the_results(footage, catalog, query, best):
    moment = find(query, [footage], catalog, ToyEncoder()).moments[0]
    middle, name = (moment.segment.start_frame + moment.segment.end_frame) / 2, moment.media.path.stem
    first = "red" if name == "blue" else "blue"
    assert (first if middle < 75 else name) == best


def write_picture(path: Path, colour: str) -> Path:
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png" if path.suffix == ".png" else "mjpeg", rate=1)
        stream.width, stream.height = 40, 30
        stream.pix_fmt = "rgb24" if path.suffix == ".png" else "yuvj420p"
        picture = np.full((30, 40, 3), COLOURS[colour], np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_finds_moments_like_it(tmp_path, footage, catalog, suffix):
    picture = write_picture(tmp_path / f"example{suffix}", "green")
    best = find("like it", [footage], catalog, ToyEncoder(), example=str(picture)).moments[0]
    assert best.media.path.name == "green.mp4" and abs(best.segment.start_frame - 75) <= 7


def test_a_moment_finds_others_like_it_but_not_itself(tmp_path, footage, catalog):
    clip = write_clip(tmp_path / "elsewhere" / "clip.mp4", [("green", 50), ("red", 50)])
    best = find("like it", [footage], catalog, ToyEncoder(), example=f"{clip}@0.5").moments[0]
    assert best.media.path.name == "green.mp4"
    same = find("like it", [footage], catalog, ToyEncoder(), example=f"{footage / 'green.mp4'}@4").moments
    assert not any(m.media.path.name == "green.mp4" and m.segment.end_frame > 120 for m in same)
    timecode = f"{footage / 'green.mp4'}@00:00:04:00"
    assert find("like it", [footage], catalog, ToyEncoder(), example=timecode).moments == same
    copy = shutil.copy(footage / "green.mp4", clip.with_name("copy.mp4"))  # searched without the example's own file
    same = find("like it", [clip.parent], catalog, ToyEncoder(), example=f"{footage / 'green.mp4'}@4").moments
    assert not any(m.media.path == copy and m.segment.end_frame > 120 for m in same)


@pytest.mark.parametrize(
    "example",
    [
        *("nothing.png", "nowhere.mp4@3", "@3", "{clip}", "{clip}@99", "{clip}@x", "{clip}@1e999999999", "{clip}@9:9"),
        *("{text}", "{text}@3", "{folder}@3", "{library}@3"),
    ],
)
def test_a_file_that_is_no_example_is_refused(tmp_path, footage, catalog, example):
    text, database = tmp_path / "text.png", catalog.folder / FILE_NAME
    text.write_text("no picture")
    example = example.format(clip=footage / "red.mp4", text=text, folder=footage, library=database)
    with pytest.raises(UserError):
        find("like it", [footage], catalog, ToyEncoder(), example=example)


@pytest.mark.parametrize(
    ("footage_filter", "kept"),
    [
        (FootageFilter(name="b*.mp4"), {"b.mp4"}),
        (FootageFilter(name="*/two/*"), {"c.mp4"}),
        (FootageFilter(after=datetime(2020, 1, 1)), {"b.mp4", "c.mp4"}),
        (FootageFilter(before=datetime(2020, 1, 1)), {"a.mp4"}),
        (FootageFilter(shortest_s=Fraction(3)), {"b.mp4", "c.mp4"}),
        (FootageFilter(longest_s=Fraction(3), name="[ab]*"), {"a.mp4"}),
        (FootageFilter(height=49), set()),
        (FootageFilter(height=48), {"a.mp4", "b.mp4", "c.mp4"}),
    ],
)
def test_a_filtered_search_reports_what_it_left_out(tmp_path, catalog, footage_filter, kept):
    for name, frames in (("one/a.mp4", 25), ("one/b.mp4", 100), ("two/c.mp4", 101)):
        write_clip(tmp_path / "footage" / name, [("red", frames)])
    os.utime(tmp_path / "footage" / "one" / "a.mp4", (0, 10**9))  # 2001
    encoder = ToyEncoder()
    coverage = index_footage([tmp_path / "footage"], catalog, encoder, footage_filter=footage_filter)
    assert {path.name for path in coverage.searched} == kept
    assert coverage.files == 3 and all(s.reason.startswith("left out: ") for s in coverage.skipped)
    if footage_filter.name or footage_filter.after or footage_filter.before:
        assert {Path(os.fsdecode(path)).name for path in catalog.known("toy")} >= kept
        assert encoder.encoded_frames < 18


@pytest.mark.parametrize(
    ("pattern", "name", "is_kept"),
    [
        ("*.mov", "A001.MOV", True),
        ("a00[12]*", "A001.mov", True),
        ("Caf\u00e9*", "Cafe\u0301.mp4", True),
        ("CAFE\u0301*", "caf\u00e9.mp4", True),
        ("clip [final].mp4", "clip [final].mp4", True),
        ("clip [final].mp4", "clip f.mp4", True),
        ("*/Day1/*", "day1/A.mp4", True),
        ("*/Day 1 [a]/A.mp4", "Day 1 [b]/A.mp4", False),
        ("*.mov", "A001.mp4", False),
    ],
)
def test_names_match_whatever_their_case_and_unicode_form(pattern, name, is_kept):
    assert (FootageFilter(name=pattern).leaves_out_file(Path("/footage") / name) is None) == is_kept


@pytest.mark.parametrize("query", ["cat^0", "-beach^0"])
def test_a_query_of_weight_zero_is_told_from_one_that_leaves_out(query):
    with pytest.raises(UserError, match="weight 0"):
        parse_terms(query)
