"""Clips hold the right frames, samples and labels: proven by numbers burnt into the pictures."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from exporters import clips
from exporters.clips import export_clips
from tests.exporters.build import NTSC_30, moment
from tests.footage.recipes import FIRST_NUMBER, MAKERS
from tests.media import make_video, read_number
from tr_desktop.errors import ExportError
from tr_desktop.files import write_verified
from tr_desktop.footage.clips import exact as cutting
from tr_desktop.footage.clips.exact import PRESETS, cut_exact
from tr_desktop.footage.clips.lossless import cut_lossless, lossless_suffix
from tr_desktop.footage.frames import PictureMaker, Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, FrameTimes, Media, Segment

CUTS = 3  # random cuts of each source; the slow test makes a hundred in all

SOURCES: dict[str, Callable[[Path], Path]] = {
    "gop250.mp4": MAKERS["gop250.mp4"],
    "open_gop_10bit.mp4": lambda path: make_video(
        path,
        frames=200,
        rate=NTSC_30,
        codec="libx265",
        pix_fmt="yuv420p10le",
        timecode="00:59:58;00",
        options={"preset": "ultrafast", "x265-params": "log-level=none:pools=1:open-gop=1:keyint=48:bframes=3"},
    ),
    "prores.mov": MAKERS["prores.mov"],
    "offset.ts": MAKERS["offset.ts"],
    "vfr.mp4": MAKERS["vfr.mp4"],
}
ReadFootage = Callable[[str], tuple[Media, FrameTimes]]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> ReadFootage:
    folder = tmp_path_factory.mktemp("sources")
    made: dict[str, tuple[Media, FrameTimes]] = {}

    def get(name: str) -> tuple[Media, FrameTimes]:
        if name not in made:
            made[name] = read((SOURCES.get(name) or MAKERS[name])(folder / name))
        return made[name]

    return get


def read(path: Path) -> tuple[Media, FrameTimes]:
    sampler = Sampler(probe(path), Fraction(1000), 32)
    assert list(sampler)
    return sampler.media, sampler.times


def numbers(path: Path) -> list[int]:
    """The number on every frame of a clip, decoded from its start and turned upright."""
    upright = PictureMaker(probe(path), 100)
    with av.open(str(path)) as container:
        return [read_number(upright(frame)) for frame in container.decode(video=0)]


@pytest.mark.parametrize("cuts", [CUTS, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SOURCES)
def test_random_exact_cuts_hold_the_right_frames(name: str, cuts: int, footage: ReadFootage, tmp_path: Path) -> None:
    media, times = footage(name)
    chance = random.Random(f"{name} {cuts}")
    for number in range(cuts):
        start = chance.randrange(len(times))
        segment = Segment(start, chance.randint(start + 1, min(len(times), start + 40)))
        preset = PRESETS[chance.choice(["h264", "prores", "hevc"])]
        out = tmp_path / f"{number}{preset.suffix}"
        made = cut_exact(Footage(media, times), segment, out, preset)
        assert numbers(out) == list(range(segment.start_frame, segment.end_frame))
        clip, clip_times = read(out)
        start_s = times.time_s(segment.start_frame)
        meant = [times.time_s(frame) - start_s for frame in range(segment.start_frame, segment.end_frame)]
        for frame, time_s in enumerate(meant):
            assert abs(clip_times.time_s(frame) - time_s) <= max(clip_times.tick_s, times.tick_s)
        if not media.is_vfr:
            assert clip.rate == media.rate and clip.start_tc == made.start_tc == media.start_tc + segment.start_frame


@pytest.mark.parametrize("preset", ["prores", "h264", "hevc"])
def test_clips_of_one_or_two_frames_are_cut(preset: str, footage: ReadFootage, tmp_path: Path) -> None:
    media, times = footage("prores.mov")
    for start in (0, len(times) - 4):
        for length in (1, 2, 4):
            out = tmp_path / f"{start}{PRESETS[preset].suffix}"
            cut_exact(Footage(media, times), Segment(start, start + length), out, PRESETS[preset])
            assert numbers(out) == list(range(start, start + length))


@pytest.mark.parametrize("name", MAKERS)
def test_lossless_cuts_hold_the_frames_they_report_or_are_refused(
    name: str, footage: ReadFootage, tmp_path: Path
) -> None:
    media, times = footage(name)
    first = FIRST_NUMBER.get(name, 0)
    for start in (0, len(times) // 3, len(times) - 2):
        segment = Segment(start, min(len(times), start + 20))
        out = tmp_path / f"{start}{lossless_suffix(media)}"
        try:
            made = cut_lossless(Footage(media, times), segment, out)
        except ExportError:
            # no time stamps, no keyframes, or a keyframe that an edit list hides
            assert times.start_pts is None or name in {"intra_refresh.ts", "edit_list.mp4"}
            continue
        held = made.segment
        assert held.start_frame <= segment.start_frame and segment.end_frame <= held.end_frame
        assert numbers(out) == list(range(first + held.start_frame, first + held.end_frame))
        if media.codec in {"prores", "mjpeg", "dnxhd"} or name == "intra.mp4":
            assert held == segment


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_clip_has_its_own_timecode_and_the_reel_and_rotation_of_its_source(tmp_path: Path, mirrored: bool) -> None:
    path = make_video(
        tmp_path / "a.mov", frames=90, rate=NTSC_30, timecode="00:59:59;00", reel="A001", rotation=90, mirrored=mirrored
    )
    media, times = read(path)
    for out, make in (
        (tmp_path / "exact.mov", lambda out: cut_exact(Footage(media, times), Segment(40, 50), out, PRESETS["prores"])),
        (tmp_path / "lossless.mov", lambda out: cut_lossless(Footage(media, times), Segment(40, 50), out)),
    ):
        made = make(out)
        clip, _ = read(out)
        assert clip.start_tc == made.start_tc == media.start_tc + made.segment.start_frame
        assert (clip.reel, clip.rotation, clip.mirrored) == ("A001", 90, mirrored)
        assert numbers(out)[0] == made.segment.start_frame
        assert (clip.width, clip.height) == (media.width, media.height)


def with_sound(path: Path, layouts: tuple[str, ...], codec: str = "pcm_s16le") -> Path:
    """25 frames a second for 4 s, and in every channel of every track a sample that counts up: 12 a frame."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"g": "50", "bf": "2"})
        picture.width, picture.height, picture.pix_fmt = 160, 120, "yuv420p"
        tracks = [container.add_stream(codec, rate=48000, layout=layout) for layout in layouts]
        for track in tracks:
            track.metadata["language"] = "deu"
        for _ in range(100):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((120, 160, 3), np.uint8), format="rgb24")))
        container.mux(picture.encode(None))
        for track in tracks:
            count = track.codec_context.layout.nb_channels
            ramp = np.repeat(np.arange(192000) // 160, count).astype(np.int16).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(ramp, format="s16", layout=track.codec_context.layout.name)
            sound.sample_rate, sound.pts = 48000, 0
            container.mux(track.encode(sound))
            container.mux(track.encode(None))
    return path


def samples(path: Path, index: int) -> np.ndarray:
    """Every sample of one track, [n, channels]."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[index]
        channels = stream.codec_context.layout.nb_channels
        return np.concatenate([frame.to_ndarray().reshape(-1, channels) for frame in container.decode(stream)])


@pytest.mark.parametrize("layouts", [("mono",), ("stereo", "mono"), ("mono",) * 8], ids=str)
def test_every_track_is_cut_to_the_sample(layouts: tuple[str, ...], tmp_path: Path) -> None:
    media, times = read(with_sound(tmp_path / "a.mov", layouts))
    out = tmp_path / "clip.mov"
    cut_exact(Footage(media, times), Segment(31, 57), out, PRESETS["prores"])
    assert [track.channels for track in probe(out).audio] == [2 if layout == "stereo" else 1 for layout in layouts]
    for index in range(len(layouts)):
        heard = samples(out, index)
        assert len(heard) == 26 * 1920
        assert (heard == (np.arange(31 * 1920, 57 * 1920) // 160)[:, None]).all()


def test_copied_sound_stays_in_step(tmp_path: Path) -> None:
    media, times = read(with_sound(tmp_path / "a.mov", ("stereo",)))
    made = cut_lossless(Footage(media, times), Segment(60, 70), tmp_path / "clip.mov")
    with av.open(str(made.path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            first = made.segment.start_frame * 1920 + round(frame.time * 48000)
            assert abs(int(frame.to_ndarray().reshape(-1, 2)[0, 0]) - first // 160) <= 1


def test_hdr10_and_colour_tags_are_kept(tmp_path: Path) -> None:
    tags = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:max-cll=1000,400"
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    params = f"log-level=none:pools=1:{tags}:master-display={display}"
    path = make_video(
        tmp_path / "hdr.mp4", frames=20, codec="libx265", pix_fmt="yuv420p10le", options={"x265-params": params}
    )
    media, times = read(path)

    def colours(clip: Path) -> tuple[int, ...]:
        with av.open(str(clip)) as container:
            frame = next(container.decode(video=0))
            return frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range

    def display_of(clip: Path) -> dict[str, bytes]:
        with av.open(str(clip)) as container:
            sides = next(container.decode(video=0)).side_data
            return {side.type.name: bytes(side) for side in sides if side.type.name != "SEI_UNREGISTERED"}

    for preset in ("hevc", "prores", "h264"):
        made = cut_exact(
            Footage(media, times), Segment(3, 13), tmp_path / f"{preset}{PRESETS[preset].suffix}", PRESETS[preset]
        )
        assert colours(made.path) == colours(path) == (9, 16, 9, 1)
    assert set(display_of(path)) == {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}
    assert display_of(tmp_path / "hevc.mp4") == display_of(path)


def test_clips_are_named_by_rank_source_and_label(tmp_path: Path) -> None:
    path = make_video(tmp_path / "park ü.mov", frames=90, rate=NTSC_30, timecode="01:00:00;00")
    media, times = read(path)
    seen: list[tuple[int, int, int, int]] = []
    report = export_clips(
        [moment(media, 29, 31, times=times), moment(media, 60, 61, times=times)],
        tmp_path / "clips",
        preset_name="h264",
        handles_s=Fraction(1, 10),
        on_progress=lambda *at: seen.append(at),
    )
    assert [file.name for file in report.files] == ["01 park ü 01-00-00-26.mp4", "02 park ü 01-00-01-27.mp4"]
    assert sorted(file.name for file in (tmp_path / "clips").iterdir()) == [file.name for file in report.files]
    assert [numbers(file) for file in report.files] == [list(range(26, 34)), list(range(57, 64))]
    assert seen[0] == (1, 2, 1, 8) and seen[-1] == (2, 2, 7, 7)
    lossless = export_clips([moment(media, 29, 31, times=times)], tmp_path / "clips", preset_name="lossless")
    assert "holds frames 0 to 30" in lossless.notes[0] or "holds frames 0 to 60" in lossless.notes[0]


def test_a_failed_cut_leaves_the_folder_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video(tmp_path / "a.mov", frames=60, rate=Fraction(25))
    media, times = read(path)
    found = [moment(media, 5, 30, times=times)]
    folder = tmp_path / "clips"
    [old] = export_clips(found, folder).files
    write_verified(old, b"yesterday")

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_clips(found, folder, on_progress=stop)
    assert old.read_bytes() == b"yesterday" and list(folder.iterdir()) == [old]

    with monkeypatch.context() as patch:  # an encoder that leaves out a frame
        whole = cutting._source_frames
        patch.setattr(cutting, "_source_frames", lambda *args: list(whole(*args))[:-1].__iter__())
        with pytest.raises(ExportError, match="24 frames instead of 25"):
            export_clips(found, folder)
    with monkeypatch.context() as patch:  # one that is a frame late
        patch.setattr(cutting, "_source_frames", lambda footage, _: whole(footage, range(6, 31)))
        with pytest.raises(ExportError, match="isn't frame 5 of the source"):
            export_clips(found, folder)
    with monkeypatch.context() as patch:
        patch.setattr(clips.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
        with pytest.raises(ExportError, match="GB is free"):
            export_clips(found, folder)
    assert old.read_bytes() == b"yesterday" and list(folder.iterdir()) == [old]


def test_unknown_clip_formats_and_missing_folders_are_refused(tmp_path: Path) -> None:
    media, times = read(make_video(tmp_path / "a.mov", frames=10))
    found = [moment(media, 1, 3, times=times)]
    with pytest.raises(ExportError, match="prores"):
        export_clips(found, tmp_path, preset_name="betamax")
    with pytest.raises(ExportError, match="no moments"):
        export_clips([], tmp_path)
    with pytest.raises(ExportError, match="can't be made"):
        export_clips(found, tmp_path / "no" / "such")
    with pytest.raises(ExportError, match="256 wide"):
        export_clips(found, tmp_path, preset_name="dnxhr")
