"""Proxies that editors made: searched once, and handed over as their originals."""

import json
import shutil
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import av
import pytest

from exporters.hand_off import hand_off
from exporters.originals import exchange
from exporters.timeline import timeline_from_moments
from tests.drives import pretend_drive
from tests.media import make_video, read_number
from tests.toy import ToyEncoder
from tr_desktop.commands.main import main
from tr_desktop.grounding import find
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.relatives import Relatives
from tr_desktop.library.store.catalog import Catalog

LARGE, SMALL = (320, 240), (160, 120)


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library") as catalog:
        yield catalog


def clip(path: Path, size=LARGE, frames=50, timecode="10:00:00:00", **more) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_video(path, frames=frames, rate=Fraction(25), size=size, timecode=timecode, **more)


def searched(root: Path, catalog: Catalog) -> tuple[set[str], dict[str, str]]:
    coverage = index_footage([root], catalog, ToyEncoder())
    return (
        {str(path.relative_to(root)) for path in coverage.searched},
        {str(each.path.relative_to(root)): each.reason for each in coverage.skipped},
    )


@pytest.mark.parametrize(
    "proxy",
    [
        "A001.mov",  # smaller, in another folder
        "A001_Proxy.mov",
        "A001.proxy.mp4",
        "A001-proxy.mp4",
        "Proxy Media/A001.mov",
        "ProxyMedia/day 1/../A001.mp4",
    ],
)
def test_a_proxy_anywhere_in_the_search_is_searched_once_as_its_original(tmp_path, catalog, proxy):
    root = tmp_path / "f"
    clip(root / "cards" / "A001.mov")
    (root / "edit" / "ProxyMedia" / "day 1").mkdir(parents=True)
    made = clip((root / "edit" / proxy).resolve(), SMALL)
    names, reasons = searched(root, catalog)
    assert names == {"cards/A001.mov"}
    assert reasons == {str(made.relative_to(root)): "a proxy of A001.mov"}


@pytest.mark.parametrize(
    "other",
    [
        {"timecode": "10:00:00:01"},
        {"frames": 51},
        {"timecode": ""},
        {"size": LARGE},  # the same shot, transcoded at its size: which one to use is the user's choice
    ],
)
def test_clips_of_one_name_that_show_something_else_stay_two(tmp_path, catalog, other):
    clip(tmp_path / "f" / "a" / "C0001.mov")
    clip(tmp_path / "f" / "b" / "C0001.mp4", **({"size": SMALL} | other))
    assert searched(tmp_path / "f", catalog) == ({"a/C0001.mov", "b/C0001.mp4"}, {})


def test_without_timecode_equal_length_proves_only_what_is_called_a_proxy(tmp_path, catalog):
    clip(tmp_path / "f" / "a" / "C0001.mov", timecode="")
    clip(tmp_path / "f" / "b" / "C0001.mov", SMALL, timecode="")
    assert searched(tmp_path / "f", catalog)[0] == {"a/C0001.mov", "b/C0001.mov"}
    shutil.move(tmp_path / "f" / "b" / "C0001.mov", tmp_path / "f" / "b" / "C0001_proxy.mov")
    assert searched(tmp_path / "f", catalog)[0] == {"a/C0001.mov"}


def test_if_the_drive_of_the_original_is_away_its_proxy_is_searched(tmp_path, catalog, monkeypatch):
    drive = pretend_drive(monkeypatch, tmp_path / "f" / "drive")
    original, proxy = clip(drive / "A001.mov"), clip(tmp_path / "f" / "laptop" / "A001_proxy.mov", SMALL)
    assert searched(tmp_path / "f", catalog)[0] == {"drive/A001.mov"}
    shutil.move(drive, tmp_path / "unplugged")
    names, reasons = searched(tmp_path / "f", catalog)
    assert names == {"laptop/A001_proxy.mov"}
    assert reasons == {"drive/A001.mov": "offline; its proxy A001_proxy.mov is searched"}
    document, notes = exported(catalog, [tmp_path / "f"], tmp_path)
    assert document["moments"][0]["media"] == str(original)
    assert str(original) in notes[0] and proxy.name in notes[0] and "drive is away" in notes[0]


def exported(catalog, paths, tmp_path, root=None, **options):
    """The export's JSON, and its notes."""
    answer = find("white", paths, catalog, ToyEncoder())
    out = tmp_path / "hits.json"
    out.unlink(missing_ok=True)
    report = hand_off(answer.moments[:1], out, name="x", relatives=Relatives(catalog, root), **options)
    return json.loads(out.read_text()), report.notes


def test_a_proxy_is_handed_over_as_its_original_without_an_option(tmp_path, catalog):
    original = clip(tmp_path / "day" / "A001.mov")
    proxy = clip(tmp_path / "day" / "Proxy" / "A001.mp4", SMALL)
    document, notes = exported(catalog, [proxy], tmp_path)
    assert document["moments"][0]["media"] == str(original)
    assert document["moments"][0]["start_tc"].startswith("10:00:0")
    assert notes == (f"A001.mp4 is a proxy: the export refers to its original {original}.",)


@pytest.mark.parametrize(
    ("original", "proxy"),
    [
        ("GX010001.MP4", "GL010001.LRV"),
        ("GOPR0002.MP4", "GOPR0002.LRV"),
        ("DJI_0003.MP4", "DJI_0003.LRF"),
        ("CLIP/C0004.MP4", "SUB/C0004S03.MP4"),
        ("Clip/C0005.mov", "Sub/C0005S03.MP4"),
        ("A007.mov", "Proxies/A007_Proxy.mp4"),
    ],
)
def test_the_proxy_of_a_camera_is_handed_over_as_its_original(tmp_path, catalog, original, proxy):
    large = clip(tmp_path / "card" / original)
    small = clip(tmp_path / "card" / proxy, SMALL, container_format="mov")
    document, _ = exported(catalog, [small], tmp_path)
    assert document["moments"][0]["media"] == str(large)


def test_camera_raw_is_handed_over_by_its_name_alone_and_a_note_says_so(tmp_path, catalog):
    raw = tmp_path / "day" / "A001.braw"
    proxy = clip(tmp_path / "day" / "Proxy" / "A001.mp4", SMALL)
    raw.write_bytes(b"raw" * 1000)
    names, reasons = searched(tmp_path / "day", catalog)
    assert names == {"Proxy/A001.mp4"} and "camera raw" in reasons["A001.braw"]
    document, notes = exported(catalog, [tmp_path / "day"], tmp_path)
    assert document["moments"][0]["media"] == str(raw)
    assert str(raw) in notes[0] and "by its name alone" in notes[0]
    files = hand_off(
        find("white", [proxy], catalog, ToyEncoder()).moments[:1],
        tmp_path / "clips",
        "h264",
        name="x",
        relatives=Relatives(catalog),
    )
    assert "cut from the proxy" in files.notes[0] and len(files.files) == 1


def test_clips_are_cut_from_the_original_if_it_decodes(tmp_path, catalog):
    clip(tmp_path / "day" / "A001.mov")
    proxy = clip(tmp_path / "day" / "Proxy" / "A001.mp4", SMALL)
    [moment, *_] = find("white", [proxy], catalog, ToyEncoder()).moments
    report = hand_off([moment], tmp_path / "clips", "h264", name="x", relatives=Relatives(catalog))
    assert f"A001.mp4 is a proxy: the clips are cut from its original {tmp_path / 'day' / 'A001.mov'}." in report.notes
    with av.open(str(report.files[0])) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert pictures[0].shape == (240, 320, 3)
    assert [read_number(each) for each in pictures] == list(range(moment.segment.start_frame, moment.segment.end_frame))


def test_originals_are_found_under_a_folder_that_the_user_names(tmp_path, catalog):
    proxy = clip(tmp_path / "edit" / "A001.mp4", SMALL)
    clip(tmp_path / "drive" / "day 1" / "A001.mov", timecode="11:00:00:00")
    original = clip(tmp_path / "drive" / "day 2" / "A001.mov")
    (original.parent / "A001.wav").write_bytes(b"sound")
    document, notes = exported(catalog, [proxy], tmp_path, tmp_path / "drive")
    assert document["moments"][0]["media"] == str(original) and len(notes) == 1
    original.unlink()
    document, notes = exported(catalog, [proxy], tmp_path, tmp_path / "drive")
    assert document["moments"][0]["media"] == str(proxy)
    assert "timecode, rate or length differs" in notes[0]
    shutil.rmtree(tmp_path / "drive" / "day 1")
    assert "No original of A001.mp4 was found" in exported(catalog, [proxy], tmp_path, tmp_path / "drive")[1][0]


def test_two_originals_that_fit_are_both_named_and_the_proxy_stays(tmp_path, catalog):
    proxy = clip(tmp_path / "edit" / "A001_proxy.mp4", SMALL)
    first = clip(tmp_path / "drive" / "1" / "A001.mov")
    second = clip(tmp_path / "drive" / "2" / "A001.mov")
    document, notes = exported(catalog, [proxy], tmp_path, tmp_path / "drive")
    assert document["moments"][0]["media"] == str(proxy)
    assert str(first) in notes[0] and str(second) in notes[0]


def test_an_original_is_not_handed_over_as_its_proxy(tmp_path, catalog):
    original = clip(tmp_path / "day" / "A001.mov")
    clip(tmp_path / "day" / "A001_proxy.mp4", LARGE)
    for root in (None, tmp_path / "day"):
        document, notes = exported(catalog, [original], tmp_path, root)
        assert document["moments"][0]["media"] == str(original) and notes == ()


def test_the_command_line_takes_the_folder_of_originals(tmp_path, capsys):
    proxy = clip(tmp_path / "edit" / "A001.mp4", SMALL)
    original = clip(tmp_path / "drive" / "A001.mov")
    library = ["--library", str(tmp_path / "library")]
    roots = ["--original-root", str(tmp_path / "drive")]
    main(["find", "white", str(proxy), "--export", str(tmp_path / "hits.csv"), *roots, *library])
    assert f"refers to its original {original}" in capsys.readouterr().err
    assert str(original) in (tmp_path / "hits.csv").read_text()
    main(["find", "white", str(proxy), "--json", *library])
    (tmp_path / "found.json").write_text(capsys.readouterr().out)
    assert main(["export", str(tmp_path / "found.json"), "--to", str(tmp_path / "two.csv"), *roots, *library]) == 0
    assert str(original) in (tmp_path / "two.csv").read_text()
    gone = ["--original-root", str(tmp_path / "gone")]
    assert main(["export", str(tmp_path / "found.json"), "--to", str(tmp_path / "x.csv"), *gone, *library]) == 2
    assert "no such folder of originals" in capsys.readouterr().err


def test_the_timeline_keeps_the_proxy_beside_its_original(tmp_path, catalog):
    original = clip(tmp_path / "day" / "A001.mov")
    proxy = clip(tmp_path / "day" / "Proxy" / "A001.mp4", SMALL)
    [moment, *_] = find("white", [proxy], catalog, ToyEncoder()).moments
    exchanged = exchange([moment], Relatives(catalog), are_cut=False)
    [clipped] = timeline_from_moments(exchanged.moments, proxies=exchanged.proxies).clips
    assert (clipped.media.path, clipped.proxy, clipped.media.width) == (original, proxy, 320)


def test_fcpxml_refers_to_the_original_and_its_proxy(tmp_path, catalog):
    original = clip(tmp_path / "day" / "A001.mov")
    proxy = clip(tmp_path / "day" / "Proxy" / "A001.mp4", SMALL)
    [moment, *_] = find("white", [proxy], catalog, ToyEncoder()).moments
    out = tmp_path / "hits.fcpxml"
    hand_off([moment], out, name="x", relatives=Relatives(catalog))
    reps = {each.get("kind"): each.get("src") for each in ElementTree.parse(out).iter("media-rep")}
    assert reps == {"original-media": original.as_uri(), "proxy-media": proxy.as_uri()}
