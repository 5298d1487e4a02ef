"""Final Cut Pro 7 XML, read back by OpenTimelineIO and checked by the rules of the format."""

from __future__ import annotations

import os
from fractions import Fraction
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import pytest

from exporters import xmeml
from exporters.timeline import timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, LAYOUTS, NTSC_24, NTSC_30, PAL_WIDE, matrix_timeline, media, moment
from tests.exporters.build import over_the_matrix as over
from tr_desktop.moments import AudioTrack, FieldOrder, Media
from tr_desktop.timecode import Timecode, nominal_fps

otio = pytest.importorskip("opentimelineio")
pytest.importorskip("otio_fcp_adapter")


@over
def test_opentimelineio_reads_the_right_frames(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start)
    read = otio.adapters.read_from_string(xmeml.render(timeline), "fcp_xml")
    assert read.global_start_time.value == timeline.start_tc.frame
    assert read.global_start_time.rate == pytest.approx(float(rate))
    assert [len(tracks) for tracks in (read.video_tracks(), read.audio_tracks())] == [1, 1]  # a pair is one
    for track in read.tracks:
        clips = list(track.find_clips())
        for clip, (offset, meant) in zip(clips, timeline.placed(), strict=True):
            # the adapter counts a source range from the timecode of the media
            assert clip.source_range.start_time.value == meant.source_in.frame
            assert clip.source_range.duration.value == meant.frames
            assert clip.transformed_time_range(clip.trimmed_range(), read.tracks).start_time.value == offset
            assert clip.media_reference.available_range.start_time.value == meant.media.start_tc.frame
            assert clip.media_reference.available_range.duration.value == meant.media_frames
    for marker, (frame, meant) in zip(read.tracks.markers, timeline.marked(), strict=True):
        assert marker.marked_range.start_time.value == frame
        assert marker.marked_range.duration.value == meant.found.end_frame - meant.found.start_frame
        assert marker.name == "a dog catches a frisbee"


@over
def test_rates_and_labels_are_written_as_the_format_defines_them(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start)
    root = ET.fromstring(xmeml.render(timeline))
    for element in root.iter("rate"):
        ntsc = {"TRUE": Fraction(1000, 1001), "FALSE": Fraction(1)}[element.findtext("ntsc")]
        assert int(element.findtext("timebase")) * ntsc == rate and int(element.findtext("timebase")) == nominal_fps(
            rate
        )
    for element in root.iter("timecode"):
        assert element.findtext("string") == str(timeline.start_tc)
        assert element.findtext("displayformat") == ("DF" if drop else "NDF")
    assert root.findtext(".//file/timecode/reel/name") == "A001C003_210101_R2EC"
    for item in root.iter("clipitem"):
        assert 0 <= int(item.findtext("in")) < int(item.findtext("out")) <= int(item.findtext("duration"))
        assert int(item.findtext("end")) - int(item.findtext("start")) == int(item.findtext("out")) - int(
            item.findtext("in")
        )


@pytest.mark.parametrize("channels", LAYOUTS, ids=str)
def test_every_channel_has_a_place_and_is_linked_to_its_picture(channels: tuple[int, ...]) -> None:
    moments = [
        moment(media("a.mov", channels=channels)),
        moment(media("silent.mov")),
        moment(media("a.mov", channels=channels)),
    ]
    root = ET.fromstring(xmeml.render(timeline_from_moments(moments)))
    tracks = {kind: root.findall(f".//media/{kind}/track") for kind in ("video", "audio")}
    assert (len(tracks["video"]), len(tracks["audio"])) == (1, sum(channels))
    where = {
        item.get("id"): (kind, track_index, clip_index, item.findtext("start"))
        for kind in tracks
        for track_index, track in enumerate(tracks[kind], 1)
        for clip_index, item in enumerate(track.findall("clipitem"), 1)
    }
    assert len(where) == 3 + 2 * sum(channels)
    for item in root.iter("clipitem"):
        linked = [link.findtext("linkclipref") for link in item.findall("link")]
        for link in item.findall("link"):
            kind, track_index, clip_index, start = where[link.findtext("linkclipref")]
            assert kind == link.findtext("mediatype")
            assert (track_index, clip_index) == (int(link.findtext("trackindex")), int(link.findtext("clipindex")))
            assert start == item.findtext("start")
        together = [id_ for id_, place in where.items() if place[3] == item.findtext("start")]
        assert sorted(linked) == (sorted(together) if len(together) > 1 else [])
    sounds = [
        int(item.findtext("sourcetrack/trackindex")) for track in tracks["audio"] for item in track.findall("clipitem")
    ]
    assert sorted(set(sounds)) == list(range(1, sum(channels) + 1))
    pairs = [track.get("premiereTrackType") for track in tracks["audio"]]
    assert pairs == ["Stereo"] * 2 * channels.count(2) + ["Mono"] * sum(count for count in channels if count != 2)


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_any_name_finds_its_file_again(name: str) -> None:
    source = media(name)
    text = xmeml.render(timeline_from_moments([moment(source, query=name), moment(source)], name=name))
    root = ET.fromstring(text)
    [url] = [element.text for element in root.iter("pathurl")]
    assert url.isascii() and unquote_to_bytes(url.removeprefix("file://localhost")) == os.fsencode(source.path)
    assert len(list(root.iter("clipitem"))) == 2
    read = otio.adapters.read_from_string(text, "fcp_xml")
    assert [clip.name for clip in read.find_clips()] == [
        "".join(c if c.isprintable() or c in "\u200d" else " " for c in name)
    ] * 2


def test_each_rate_is_a_sequence() -> None:
    moments = [moment(media("a.mov", NTSC_24)), moment(media("b.mov", NTSC_30)), moment(media("c.mov", NTSC_24))]
    read = otio.adapters.read_from_string(xmeml.render(timeline_from_moments(moments, name="hits")), "fcp_xml")
    assert [sequence.name for sequence in read] == ["hits 23.976", "hits 29.97"]
    assert [[clip.name for clip in sequence.find_clips()] for sequence in read] == [["a.mov", "c.mov"], ["b.mov"]]
    ids = [
        element.get("id") for element in ET.fromstring(xmeml.render(timeline_from_moments(moments))).iter("clipitem")
    ]
    assert len(set(ids)) == 3


def pictures(*sources: Media) -> list[list[str]]:
    """How the sequence's picture and each file's are described."""
    root = ET.fromstring(xmeml.render(timeline_from_moments([moment(source) for source in sources])))
    found = [root.find(".//sequence/media/video/format"), *(file.find("media/video") for file in root.iter("file"))]
    names = ("width", "height", "anamorphic", "pixelaspectratio", "fielddominance")
    return [[each.findtext(f"samplecharacteristics/{name}") for name in names] for each in found if each is not None]


def test_sequence_and_file_say_which_field_comes_first() -> None:
    sources = [media(f"{fields.value}.mov", fields=fields) for fields in FieldOrder]
    assert [each[-1] for each in pictures(*reversed(sources))] == ["lower", "lower", "upper", "none", "none"]


@pytest.mark.parametrize(
    ("stored", "aspect", "name"),
    [
        ((720, 576), Fraction(16, 15), ["FALSE", "PAL-601"]),
        ((704, 576), Fraction(12, 11), ["FALSE", "PAL-601"]),
        ((720, 576), Fraction(64, 45), ["TRUE", "PAL-601"]),
        ((720, 576), Fraction(118, 81), ["TRUE", "PAL-601"]),
        ((720, 480), Fraction(8, 9), ["FALSE", "NTSC-601"]),
        ((720, 486), Fraction(10, 11), ["FALSE", "NTSC-601"]),
        ((720, 480), Fraction(32, 27), ["TRUE", "NTSC-601"]),
        ((960, 720), Fraction(4, 3), ["FALSE", "HD-(960x720)"]),
        ((1280, 1080), Fraction(3, 2), ["FALSE", "HD-(1280x1080)"]),
        ((1440, 1080), Fraction(4, 3), ["FALSE", "HD-(1440x1080)"]),
    ],
    ids=str,
)
def test_pixels_that_the_format_names_keep_their_shape(
    stored: tuple[int, int], aspect: Fraction, name: list[str]
) -> None:
    source = media(
        size=(round(stored[0] * aspect), stored[1]),
        stored_width=stored[0],
        stored_height=stored[1],
        pixel_aspect=aspect,
    )
    assert [each[:4] for each in pictures(source)] == [[*map(str, stored), *name]] * 2
    assert list(xmeml.notes(timeline_from_moments([moment(source)]))) == []


def test_other_pixels_are_square_at_the_shown_size_with_a_note() -> None:
    scope = media("scope.mov", size=(3656, 1556), stored_width=1828, stored_height=1556, pixel_aspect=Fraction(2))
    assert [each[:4] for each in pictures(scope)] == [["3656", "1556", "FALSE", "square"]] * 2
    [note] = xmeml.notes(timeline_from_moments([moment(scope), moment(media(**PAL_WIDE))]))
    assert "scope.mov (2)." in note


@pytest.mark.parametrize("start_frame", [25 * 86400, 25 * 86400 + 90010, -50, 25 * 86400 - 20], ids=str)
def test_label_and_number_of_a_timecode_agree_beyond_a_day(start_frame: int) -> None:
    source = media(start=Timecode(start_frame, Fraction(25)))
    root = ET.fromstring(xmeml.render(timeline_from_moments([moment(source)], start_tc="23:59:59:10")))
    for timecode in root.iter("timecode"):
        assert Timecode.parse(timecode.findtext("string"), Fraction(25)).frame == int(timecode.findtext("frame"))
    assert root.findtext(".//file/timecode/frame") == str(start_frame % (25 * 86400))


def test_sound_has_its_own_depth() -> None:
    codecs = ["pcm_s16le", "pcm_s24be", "pcm_f32le", "aac", "pcm_s32le_planar", "pcm_bluray"]
    source = media(audio=tuple(AudioTrack(codec, 2, 48000) for codec in codecs))
    root = ET.fromstring(xmeml.render(timeline_from_moments([moment(source)])))
    depths = [each.findtext("samplecharacteristics/depth") for each in root.findall(".//file/media/audio")]
    assert depths == ["16", "24", "32", "16", "32", "16"]
