"""OpenTimelineIO, read by its own library."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from exporters import otio as exporter
from exporters.timeline import timeline_from_moments
from tests.exporters.build import AWKWARD_NAMES, LAYOUTS, PAL_WIDE, matrix_timeline, media, moment
from tests.exporters.build import over_the_matrix as over
from tr_desktop.files import write_verified
from tr_desktop.moments import AudioTrack, OtherTrack, Part, Segment, TrackKind

otio = pytest.importorskip("opentimelineio")


@over
def test_the_library_reads_the_right_frames(rate: Fraction, drop: bool, start: str) -> None:
    timeline = matrix_timeline(rate, drop, start)
    read = otio.adapters.read_from_string(exporter.render(timeline), "otio_json")
    assert read.global_start_time == otio.opentime.RationalTime(timeline.start_tc.frame, float(rate))
    assert [(track.name, track.kind) for track in read.tracks] == [("Video 1", "Video"), ("Audio 1", "Audio")]
    for track in read.tracks:
        for clip, (offset, meant) in zip(track.find_clips(), timeline.placed(), strict=True):
            available, source = clip.media_reference.available_range, clip.source_range
            assert (available.start_time.value, available.duration.value) == (
                meant.media.start_tc.frame,
                meant.media_frames,
            )
            assert (source.start_time.value, source.duration.value) == (meant.source_in.frame, meant.frames)
            assert available.start_time <= source.start_time
            assert (
                source.start_time.value + source.duration.value <= available.start_time.value + available.duration.value
            )
            assert clip.range_in_parent().start_time.value == offset
    for clip, meant in zip(read.video_tracks()[0].find_clips(), timeline.clips, strict=True):
        [marker] = clip.markers
        marked = marker.marked_range
        assert marked.start_time.value == meant.media.start_tc.frame + meant.found.start_frame
        assert marked.duration.value == meant.found.end_frame - meant.found.start_frame
        assert marker.metadata["Resolve_OTIO"]["Note"] == marker.comment == meant.evidence


@pytest.mark.parametrize("channels", LAYOUTS, ids=str)
def test_each_stream_is_a_track_linked_to_its_picture(channels: tuple[int, ...]) -> None:
    moments = [
        moment(media("a.mov", channels=channels)),
        moment(media("silent.mov")),
        moment(media("a.mov", channels=channels)),
    ]
    read = otio.adapters.read_from_string(exporter.render(timeline_from_moments(moments)), "otio_json")
    audio = read.audio_tracks()
    assert len(audio) == len(channels)
    for stream, (track, count) in enumerate(zip(audio, channels, strict=True)):
        assert [type(child).__name__ for child in track] == ["Clip", "Gap", "Clip"]
        assert track.duration() == read.duration()
        for child, link in ((track[0], 1), (track[2], 3)):
            assert (
                child.metadata["Resolve_OTIO"]["Link Group ID"] == child.metadata["PremierePro_OTIO"]["LinkID"] == link
            )
            places = [
                (c["Source Track ID"], c["Source Channel ID"]) for c in child.metadata["Resolve_OTIO"]["Channels"]
            ]
            assert places == [(stream, channel) for channel in range(count)]


@pytest.mark.parametrize("name", [*AWKWARD_NAMES, "undecodable \udcff.mov"])
def test_any_name_finds_its_file_again(name: str) -> None:
    source = media(name)
    text = exporter.render(timeline_from_moments([moment(source, query=name)], name=name))
    text.encode()
    [clip] = otio.adapters.read_from_string(text, "otio_json").find_clips()
    assert unquote_to_bytes(clip.media_reference.target_url.removeprefix("file://")) == os.fsencode(source.path)


def test_the_bundle_is_read_and_is_the_same_every_time(tmp_path: Path) -> None:
    timeline = timeline_from_moments([moment(media(channels=(2,)))])
    content = exporter.render_zip(timeline)
    assert content == exporter.render_zip(timeline)
    write_verified(tmp_path / "hits.otioz", content)
    read = otio.adapters.read_from_file(str(tmp_path / "hits.otioz"))
    assert json.loads(read.to_json_string()) == json.loads(
        otio.adapters.read_from_string(exporter.render(timeline), "otio_json").to_json_string()
    )


def test_each_kind_of_sound_has_tracks_of_its_kind() -> None:
    sources = [
        media("dual.mov", channels=(1, 1)),
        media("stereo.mov", channels=(2,)),
        media("surround.mov", channels=(6, 2)),
        media("discrete.mxf", audio=(AudioTrack("pcm_s24le", 6, 48000, is_layout_known=False),)),
        media("wide.mov", channels=(8, 1, 4)),
    ]
    timeline = timeline_from_moments([moment(source) for source in sources])
    read = otio.adapters.read_from_string(exporter.render(timeline), "otio_json")
    kinds = {1: "Mono", 2: "Stereo", 6: "5.1", 8: "7.1", 4: "Adaptive"}
    placed = []
    for track in read.audio_tracks():
        kind = track.metadata["Resolve_OTIO"]["Audio Type"]
        assert track.duration() == read.duration()
        for clip in track.find_clips():
            channels = clip.metadata["Resolve_OTIO"]["Channels"]
            assert kind == ("Adaptive" if clip.name == "discrete.mxf" else kinds[len(channels)])
            assert clip.metadata["PremierePro_OTIO"]["AudioChannels"]["ChannelType"] == kind
            placed.append((clip.name, channels[0]["Source Track ID"], len(channels)))
    streams = [(s.path.name, n, track.channels) for s in sources for n, track in enumerate(s.audio)]
    assert sorted(placed) == sorted(streams)
    assert len(read.audio_tracks()) == 6  # mono, mono, stereo, 5.1, adaptive, 7.1


def test_a_stream_is_counted_among_all_of_the_files_audio() -> None:
    source = media(
        audio=(AudioTrack("aac", 2, 48000, index=2), AudioTrack("aac", 2, 48000, index=5)),
        other_tracks=(OtherTrack(TrackKind.AUDIO, "", 1), OtherTrack(TrackKind.DATA, "", 3)),
    )
    read = otio.adapters.read_from_string(exporter.render(timeline_from_moments([moment(source)])), "otio_json")
    clips = [next(iter(track.find_clips())) for track in read.audio_tracks()]
    assert [clip.metadata["Resolve_OTIO"]["Channels"][0]["Source Track ID"] for clip in clips] == [1, 2]


def test_each_file_of_a_moment_is_linked_to_its_own_sound() -> None:
    one, two = media("1.mov", channels=(2,)), media("2.mov", channels=(2,))
    over_two = replace(moment(one, 900, 1000), continued=(Part(moment(two).footage, Segment(0, 50)),))
    read = otio.adapters.read_from_string(exporter.render(timeline_from_moments([over_two, moment(one)])), "otio_json")
    [picture], [sound] = read.video_tracks(), read.audio_tracks()
    for editor, key in (("Resolve_OTIO", "Link Group ID"), ("PremierePro_OTIO", "LinkID")):
        links = [[clip.metadata[editor][key] for clip in track.find_clips()] for track in (picture, sound)]
        assert links == [[1, 2, 3]] * 2


def test_the_media_says_what_the_format_has_no_place_for() -> None:
    timeline = timeline_from_moments([moment(media(reel="A1", **PAL_WIDE)), moment(media("plain.mov"))])
    first, second = otio.adapters.read_from_string(exporter.render(timeline), "otio_json").find_clips()
    assert first.media_reference.metadata["timerefine"] == {
        "reel": "A1",
        "fields": "upper",
        "pixel_aspect": "64/45",
        "colour": {"primaries": 5, "transfer": 1, "matrix": 6},
    }
    assert not second.media_reference.metadata
