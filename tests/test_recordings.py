"""A recording that the camera split into files: what is proven, one moment over the boundary, and its exports."""

import json
import os
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from exporters.hand_off import hand_off
from tests.media import make_video, numbered_picture, read_number
from tests.toy import ToyEncoder, write_clip
from tr_desktop.answer_json import as_json
from tr_desktop.commands import report
from tr_desktop.grounding import find
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.relatives import Relatives
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moment_json import FoundMoment, moments_of
from tr_desktop.moments import Quote, Segment, TextKind
from tr_desktop.projects.project import Project

RATE = Fraction(25)
FIRST, SECOND = [("red", 100), ("blue", 50)], [("blue", 75), ("red", 100)]
START, NEXT = "10:00:00:00", "10:00:06:00"


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


@pytest.fixture
def card(tmp_path) -> Path:
    """Two chapters, 150 and 175 frames: blue from frame 100 of the first to frame 75 of the second."""
    write_clip(tmp_path / "card" / "GX010042.MP4", FIRST, timecode=START)
    write_clip(tmp_path / "card" / "GX020042.MP4", SECOND, timecode=NEXT)
    return tmp_path / "card"


def places(moment) -> list[tuple[str, int, int]]:
    return [(part.footage.media.path.name, part.segment.start_frame, part.segment.end_frame) for part in moment.parts]


def test_a_moment_over_the_boundary_is_one(card, catalog):
    answer = find("blue", [card], catalog, ToyEncoder())
    [first, second] = places(answer.moments[0])
    assert first[0] == "GX010042.MP4" and abs(first[1] - 100) <= 7 and first[2] == 150
    assert second[:2] == ("GX020042.MP4", 0) and abs(second[2] - 75) <= 7
    assert answer.moments[0].confident
    spans = sorted(place for each in answer.moments for place in places(each))
    assert all(one[0] != two[0] or one[2] <= two[1] for one, two in pairwise(spans))
    assert "goes on in GX020042.MP4" in report.as_text(answer)


def test_a_moment_over_the_boundary_of_files_that_are_named_is_one(card, catalog):
    write_clip(card.parent / "other.mp4", [("red", 175)])
    answer = find("blue card", [card.parent], catalog, ToyEncoder())
    assert len(places(answer.moments[0])) == 2
    assert answer.moments[0].quote == Quote(str(Path("card/GX010042")), card / "GX010042.MP4", TextKind.NAME)
    spans = sorted(place for each in answer.moments for place in places(each))
    assert all(one[0] != two[0] or one[2] <= two[1] for one, two in pairwise(spans))


def test_the_neighbours_answer_is_fetched_if_it_was_not_among_the_best(card, catalog):
    [moment] = find("blue", [card], catalog, ToyEncoder(), top=1).moments
    assert [name for name, *_ in places(moment)] == ["GX010042.MP4", "GX020042.MP4"]


def test_a_chapter_that_leaves_the_library_during_a_search_is_not_joined(card, catalog):
    def forget(_):
        with catalog.writing() as writer:
            writer.forget(card / "GX010042.MP4")

    [moment] = find("blue", [card], catalog, ToyEncoder(), top=1, on_moments=forget).moments
    assert [name for name, *_ in places(moment)] == ["GX010042.MP4"]


def test_three_chapters_are_one_moment(card, catalog):
    write_clip(card / "GX020042.MP4", [("blue", 75)], timecode=NEXT)
    write_clip(card / "GX030042.MP4", SECOND, timecode="10:00:09:00")
    [moment] = find("blue", [card], catalog, ToyEncoder(), top=1).moments
    assert [name for name, *_ in places(moment)] == ["GX010042.MP4", "GX020042.MP4", "GX030042.MP4"]
    assert places(moment)[1] == ("GX020042.MP4", 0, 75)


def test_a_scene_that_ends_with_the_chapter_is_not_joined(card, catalog):
    write_clip(card / "GX020042.MP4", [("red", 175)], timecode=NEXT)
    for moment in find("blue", [card], catalog, ToyEncoder()).moments:
        assert len(moment.parts) == 1


@pytest.mark.parametrize(
    ("name", "timecode", "rate", "is_next"),
    [
        ("GX020042.MP4", NEXT, RATE, True),
        ("gx020042.mp4", NEXT, RATE, True),
        ("GX020042.MP4", "10:00:06:01", RATE, False),  # a gap of a frame
        ("GX020042.MP4", "", RATE, False),
        ("GX020042.MP4", "10:00:06:00", Fraction(30), False),
        ("GX020043.MP4", NEXT, RATE, False),  # another recording
        ("GX030042.MP4", NEXT, RATE, False),
    ],
)
def test_chapters_are_proven_by_name_and_timecode(card, catalog, name, timecode, rate, is_next):
    (card / "GX020042.MP4").unlink()
    write_clip(card / name, SECOND, rate, timecode)
    index_footage([card], catalog, ToyEncoder())
    after = Relatives(catalog).after(catalog.footage(card / "GX010042.MP4"))
    assert (after is not None and after.media.path == card / name) == is_next
    if is_next:
        before = Relatives(catalog).before(catalog.footage(card / name))
        assert before is not None and before.media.path.name == "GX010042.MP4"
    assert Relatives(catalog).before(catalog.footage(card / "GX010042.MP4")) is None


def full(path: Path, size_bytes: int) -> None:
    """Make a movie as large as a card's files can be; the end is a hole, which takes no room."""
    used = path.stat().st_size
    with path.open("ab") as file:
        file.write((1).to_bytes(4, "big") + b"free" + (size_bytes - used).to_bytes(8, "big"))
    os.truncate(path, size_bytes)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("DJI_0007.MP4", "DJI_0008.MP4"),
        ("DJI_20260501101500_0007_D.MP4", "DJI_20260501102000_0008_D.MP4"),
        ("PRIVATE/AVCHD/BDMV/STREAM/00000.MP4", "PRIVATE/AVCHD/BDMV/STREAM/00001.MP4"),
        ("C0009.MP4", "C0010.MP4"),
    ],
)
def test_files_that_are_only_counted_must_be_full(tmp_path, catalog, first, second):
    one = write_clip(tmp_path / "card" / first, FIRST, timecode=START)
    two = write_clip(tmp_path / "card" / second, SECOND, timecode=NEXT)
    index_footage([tmp_path / "card"], catalog, ToyEncoder())
    assert Relatives(catalog).after(catalog.footage(one)) is None  # the next take, with timecode that runs on
    full(one, 4_000_000_000)
    index_footage([tmp_path / "card"], catalog, ToyEncoder())
    after = Relatives(catalog).after(catalog.footage(one))
    assert after is not None and after.media.path == two


def created(path: Path, shots, time: str) -> Path:
    """A movie without timecode whose header says when it began."""
    plain = write_clip(path.with_suffix(".plain.mp4"), shots)
    with av.open(str(plain)) as source, av.open(str(path), "w") as out:
        out.metadata["creation_time"] = time
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    plain.unlink()
    return path


def test_without_timecode_the_clock_proves_full_files(tmp_path, catalog):
    one = created(tmp_path / "card" / "DJI_0001.MP4", FIRST, "2026-05-01T10:00:00.000000Z")
    two = created(tmp_path / "card" / "DJI_0002.MP4", SECOND, "2026-05-01T10:00:06.000000Z")
    full(one, 4_000_000_000)
    index_footage([tmp_path / "card"], catalog, ToyEncoder())
    after = Relatives(catalog).after(catalog.footage(one))
    assert after is not None and after.media.path == two
    created(two, SECOND, "2026-05-01T10:00:09.000000Z")
    index_footage([tmp_path / "card"], catalog, ToyEncoder())
    assert Relatives(catalog).after(catalog.footage(one)) is None


def p2_document(name: str, following: str) -> str:
    return (
        '<P2Main xmlns="urn:schemas-Professional-Plug-in:P2:ClipMetadata:v3.1"><ClipContent>'
        f"<ClipName>{name}</ClipName><Relation><Connection><Top><ClipName>{name}</ClipName></Top>"
        f"<Next><GlobalClipID>060A</GlobalClipID><ClipName>{following}</ClipName></Next></Connection></Relation></ClipContent></P2Main>"
    )


def test_a_p2_document_names_the_next_clip(tmp_path, catalog):
    video = tmp_path / "card" / "CONTENTS" / "VIDEO"
    one = write_clip(video / "0001AB.MP4", FIRST, timecode=START)
    two = write_clip(video / "0002CD.MP4", SECOND, timecode=NEXT)
    index_footage([tmp_path / "card"], catalog, ToyEncoder())
    assert Relatives(catalog).after(catalog.footage(one)) is None
    (video.parent / "CLIP").mkdir()
    (video.parent / "CLIP" / "0001AB.XML").write_text(p2_document("0001AB", "0002CD"))
    after = Relatives(catalog).after(catalog.footage(one))
    assert after is not None and after.media.path == two


def test_a_p2_document_that_names_its_own_clip_makes_no_circle(tmp_path, catalog):
    video = tmp_path / "card" / "CONTENTS" / "VIDEO"
    created(video / "0001AB.MP4", [("blue", 20)], "2026-05-01T10:00:00.000000Z")
    (video.parent / "CLIP").mkdir()
    (video.parent / "CLIP" / "0001AB.XML").write_text(p2_document("0001AB", "0001AB"))
    [moment] = find("blue", [tmp_path / "card"], catalog, ToyEncoder()).moments
    assert len(moment.parts) == 1


def test_json_and_projects_keep_the_further_parts(card, catalog, tmp_path):
    answer = find("blue", [card], catalog, ToyEncoder(), top=1)
    document = json.loads(json.dumps(as_json(answer)))
    [entry] = document["moments"][0]["continued"]
    end = answer.moments[0].continued[0].segment.end_frame
    assert entry["media"] == str(card / "GX020042.MP4")
    assert (entry["start_frame"], entry["end_frame"], entry["start_tc"]) == (0, end, NEXT)
    assert moments_of(document, catalog.footage)[0].parts == answer.moments[0].parts
    entry["new"] = 1
    assert FoundMoment.from_json(document["moments"][0]).to_json()["continued"][0]["new"] == 1

    project = Project()
    project.accept(answer.moments[0])
    project.save(tmp_path / "a.trproj")
    loaded = Project.load(tmp_path / "a.trproj")
    assert loaded.moments(catalog.footage)[0].parts == answer.moments[0].parts
    loaded.relink({str(card / "GX020042.MP4"): Path("/new/GX020042.MP4")})
    assert loaded.decisions[0].found.continued[0].media == "/new/GX020042.MP4"


def test_a_moment_whose_out_an_editor_moved_back_ends_there(card, catalog):
    [moment] = find("blue", [card], catalog, ToyEncoder(), top=1).moments
    project = Project()
    project.accept(moment)
    project.adjust(moment, Segment(110, 140))
    assert places(project.moments(catalog.footage)[0]) == [("GX010042.MP4", 110, 140)]
    project.adjust(moment, Segment(110, 150))
    assert len(project.moments(catalog.footage)[0].parts) == 2


def test_a_moment_accepted_before_the_search_ended_goes_on_as_well(card, catalog):
    [moment] = find("blue", [card], catalog, ToyEncoder(), top=1).moments
    project = Project()
    project.accept(replace(moment, continued=()))
    project.follow([moment])
    assert project.moments(catalog.footage)[0].parts == moment.parts


def listed(moments, tmp_path, catalog, handles_s=0) -> list[dict]:
    out = tmp_path / "hits.json"
    out.unlink(missing_ok=True)
    report = hand_off(moments, out, name="x", handles_s=Fraction(handles_s), relatives=Relatives(catalog))
    assert report.left_out == 0
    return json.loads(out.read_text())["moments"]


def test_an_export_has_an_event_for_each_file_and_handles_run_on(card, catalog, tmp_path):
    [found] = find("blue", [card], catalog, ToyEncoder(), top=1).moments
    end = found.continued[0].segment.end_frame
    rows = listed([found], tmp_path, catalog, 1)
    assert [(row["rank"], row["part"], row["file"]) for row in rows] == [
        (1, "part 1 of 2", "GX010042.MP4"),
        (1, "part 2 of 2", "GX020042.MP4"),
    ]
    start = found.segment.start_frame
    assert [(row["in_frame"], row["out_frame"]) for row in rows] == [(start - 25, 150), (0, end + 25)]


def test_handles_run_into_the_file_before_and_after_to_the_frame(card, catalog, tmp_path):
    moments = find("blue", [card], catalog, ToyEncoder(), top=1).moments
    at_end = as_segment(moments[0], Segment(100, 140))
    rows = listed([at_end], tmp_path, catalog, 1)
    assert [(r["part"], r["file"], r["in_frame"], r["out_frame"]) for r in rows] == [
        ("", "GX010042.MP4", 75, 150),
        ("handle", "GX020042.MP4", 0, 15),
    ]
    footage = moments[0].continued[0].footage
    at_start = as_segment(replace(moments[0], footage=footage, continued=()), Segment(10, 60))
    rows = listed([at_start], tmp_path, catalog, 1)
    assert [(r["part"], r["file"], r["in_frame"], r["out_frame"]) for r in rows] == [
        ("handle", "GX010042.MP4", 135, 150),
        ("", "GX020042.MP4", 0, 85),
    ]


def as_segment(moment, segment: Segment):
    kept = replace(moment.refinement.kept, step=0, segment=segment)
    return replace(moment, refinement=replace(moment.refinement, steps=(kept,), stop=0))


def test_markers_and_captions_are_at_the_first_part_only(card, catalog, tmp_path):
    [found] = find("blue", [card], catalog, ToyEncoder(), top=1).moments
    texts = {}
    for name in ("a.edl", "a.markers.edl", "a.fcpxml", "a.otio", "a.xml", "a.srt", "a.chapters.txt"):
        hand_off([found], tmp_path / name, name="x", handles_s=Fraction(1), relatives=Relatives(catalog))
        texts[name] = (tmp_path / name).read_text(encoding="utf-8")
    assert [line[-11:] for line in texts["a.edl"].splitlines() if "MOMENT 1" in line] == ["PART 1 OF 2", "PART 2 OF 2"]
    assert texts["a.markers.edl"].count("|M:blue") == 1 and "part 1 of 2" in texts["a.markers.edl"]
    assert texts["a.fcpxml"].count("<marker ") == 1 and texts["a.fcpxml"].count("<asset-clip ") == 2
    assert texts["a.otio"].count("Marker.2") == 1
    assert texts["a.xml"].count("<marker>") == 1
    assert texts["a.srt"].count("-->") == 1
    assert len(texts["a.chapters.txt"].split("\n")) == 2


def numbered(path: Path, numbers: range, timecode: str) -> Path:
    """Pictures with their number in the recording, blue from frame 100 to 200: the number is in light and dark blue."""
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = timecode
        stream = container.add_stream("libx264", rate=RATE, options={"g": "25"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in numbers:
            picture = numbered_picture(number, 160, 120)
            picture[..., slice(0, 2) if 100 <= number < 200 else slice(1, 3)] //= 3
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_clips_are_cut_file_by_file_to_the_frame(tmp_path, catalog):
    make_video(tmp_path / "warm up.mp4", frames=2)  # the encoder is there
    numbered(tmp_path / "card" / "GX010042.MP4", range(0, 150), START)
    numbered(tmp_path / "card" / "GX020042.MP4", range(150, 300), NEXT)
    [found] = find("blue", [tmp_path / "card"], catalog, ToyEncoder(), top=1).moments
    assert len(found.parts) == 2
    first, last = found.segment.start_frame, 150 + found.continued[0].segment.end_frame
    made = hand_off(
        [found], tmp_path / "clips", "prores", name="x", handles_s=Fraction(1, 5), relatives=Relatives(catalog)
    )
    assert ["part 1 of 2" in made.files[0].name, "part 2 of 2" in made.files[1].name] == [True, True]
    numbers = []
    for file in made.files:
        with av.open(str(file)) as container:
            for frame in container.decode(video=0):
                light = frame.to_ndarray(format="rgb24").max(axis=2)
                numbers.append(read_number(np.repeat(light[..., None], 3, axis=2)))
    assert numbers == list(range(first - 5, last + 5))
