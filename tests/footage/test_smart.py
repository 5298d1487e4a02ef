"""Smart cuts hold exactly the frames asked for, and their copied packets are the source's, byte for byte."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from exporters.hand_off import hand_off
from exporters.write import ExportReport
from tests.exporters.build import moment
from tests.footage.recipes import FIRST_NUMBER, MAKERS
from tests.media import make_video, read_number
from tr_desktop.errors import ExportError
from tr_desktop.footage.clips import smart
from tr_desktop.footage.clips.cut import Cut
from tr_desktop.footage.clips.parameter_sets import free_ids, sets_of, unit_kind, units_of
from tr_desktop.footage.clips.smart import cut_smart
from tr_desktop.footage.clips.smart_plan import Plan
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, Moment, Segment

PAL = Fraction(25)
LONG = {
    "h264": {"preset": "veryfast", "x264-params": "keyint=250:scenecut=0:bframes=3"},
    "hevc": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:keyint=250:scenecut=0:bframes=3"},
}
REFUSED = {"open_gop.mp4", "intra_refresh.ts", "interlaced.ts", "mpeg2.mpg", "h264.avi"}
TAKEN = [name for name in MAKERS if name not in REFUSED and not name.startswith(("mpeg2", "prores", "mj", "vp9", "dn"))]

Get = Callable[[str], Footage]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Get:
    folder = tmp_path_factory.mktemp("smart")
    known: dict[str, Footage] = {}

    def get(name: str) -> Footage:
        if name not in known:
            known[name] = whole(MAKERS[name](folder / name))
        return known[name]

    return get


def whole(path: Path) -> Footage:
    sampler = Sampler(probe(path), Fraction(1000), 32, decode_all=True)
    assert list(sampler)
    return sampler.footage


def stored(path: Path) -> list[tuple[int, bytes, bool]]:
    """(time stamp, data, whether a keyframe) of each coded picture, in stored order."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return [(packet.pts, bytes(packet), packet.is_keyframe) for packet in packets]


def numbers(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [read_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def copied_frames(made: Cut, source: Footage) -> set[int]:
    """The source frames whose packet is in the clip, at the frame's place, with the same bytes."""
    start_pts = source.times.start_pts or 0
    frame_at = {start_pts + tick: frame for frame, tick in enumerate(source.times.ticks)}
    of_source = {frame_at[pts]: data for pts, data, _ in stored(source.media.path) if pts in frame_at}
    clip = stored(made.path)
    order = sorted(pts for pts, *_ in clip)
    assert len(set(order)) == made.segment.frames
    place = {pts: made.segment.start_frame + at for at, pts in enumerate(order)}
    return {place[pts] for pts, data, _ in clip if of_source[place[pts]] == data}


def check(made: Cut, source: Footage, first: int = 0) -> set[int]:
    """The copied frames, after checking that the clip shows those asked for, from its start and from each keyframe."""
    segment = made.segment
    meant = list(range(first + segment.start_frame, first + segment.end_frame))
    assert numbers(made.path) == meant
    clip = stored(made.path)
    start = min(pts for pts, *_ in clip)
    times = sorted(pts for pts, *_ in clip)
    for pts in (pts for pts, _, is_keyframe in clip if is_keyframe):
        with av.open(str(made.path)) as container:
            stream = container.streams.video[0]
            container.seek(pts, stream=stream)
            shown = [frame for frame in container.decode(stream) if frame.pts is not None and frame.pts >= pts]
        read = [read_number(frame.to_ndarray(format="rgb24")) for frame in shown]
        assert read == meant[times.index(pts) :], f"from the keyframe at {pts - start}"
    with av.open(str(made.path)) as container:
        decoding = [packet.dts for packet in container.demux(video=0) if packet.size]
    assert all(a < b for a, b in pairwise(decoding))
    copied = copied_frames(made, source)
    assert str(segment.frames - len(copied)) in made.notes[0].split() or not copied
    return copied


@pytest.mark.parametrize("name", [*TAKEN, "open_gop.mp4"])
def test_frames_are_exact_and_packets_copied(name: str, footage: Get, tmp_path: Path) -> None:
    source = footage(name)
    start_pts = source.times.start_pts or 0
    frame_at = {start_pts + tick: frame for frame, tick in enumerate(source.times.ticks)}
    keyframes = sorted(frame_at[pts] for pts, _, key in stored(source.media.path) if key and pts in frame_at)
    if name == "open_gop.mp4":
        keyframes = keyframes[:1]  # the only IDR picture
    chance = random.Random(name)
    for number in range(2):
        start = chance.randrange(len(source) - 1) if name != "open_gop.mp4" else 0
        segment = Segment(start, chance.randint(start + 1, len(source)))
        made = cut_smart(source, segment, tmp_path / f"{number}.mov")
        copied = check(made, source, FIRST_NUMBER.get(name, 0)) if name not in {"turned.mp4", "mirrored.mp4"} else set()
        first = next((frame for frame in keyframes if frame >= start), None)
        if copied:
            assert copied == set(range(min(copied), max(copied) + 1))
            assert min(copied) == first and segment.end_frame - max(copied) <= 8
        assert made.segment == segment
        clip = probe(made.path)
        assert made.start_tc == source.timecode_at(start)
        assert source.media.is_vfr or clip.start_tc == made.start_tc  # labels are for constant rates
        assert (clip.rotation, clip.mirrored, clip.rate) == (
            source.media.rotation,
            source.media.mirrored,
            source.media.rate,
        )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("open_gop.mp4", "IDR"),
        ("intra_refresh.ts", "IDR"),
        ("interlaced.ts", "interlaced|fields"),
        ("mpeg2.ts", "only H.264 and HEVC"),
        ("prores.mov", "only H.264 and HEVC"),
        ("h264.avi", "time stamps"),
    ],
)
def test_footage_that_cant_be_joined_is_refused(name: str, reason: str, footage: Get, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=rf"(?s)smart cut isn't possible: .*({reason}).*Use an exact cut"):
        cut_smart(footage(name), Segment(5, min(len(footage(name)), 100)), tmp_path / "clip.mov")


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "is_taken"),
    [
        ("libx264", "yuv420p10le", True),
        ("libx264", "yuv422p", True),
        ("libx264", "yuv422p10le", True),
        ("libx264", "yuv444p", False),
        ("libx264", "yuv444p10le", False),
        ("libx265", "yuv420p10le", True),
        ("libx265", "yuv422p10le", True),
        ("libx265", "yuv444p", False),
    ],
)
def test_profiles(codec: str, pix_fmt: str, is_taken: bool, tmp_path: Path) -> None:
    options = {"preset": "ultrafast", "bf": "2", "x265-params": "log-level=none:pools=1:keyint=20"}
    source = whole(
        make_video(tmp_path / "a.mp4", frames=60, codec=codec, pix_fmt=pix_fmt, gop=20, options=options, audio=True)
    )
    if is_taken:
        made = cut_smart(source, Segment(13, 47), tmp_path / "clip.mov")
        assert check(made, source) >= set(range(20, 40))
        assert probe(made.path).audio[0].codec == "pcm_s24le"
    else:
        with pytest.raises(ExportError, match="can't be encoded as the source has them"):
            cut_smart(source, Segment(13, 47), tmp_path / "clip.mov")


def test_hdr_and_full_range_are_kept_in_the_encoded_pictures(tmp_path: Path) -> None:
    params = (
        "log-level=none:pools=1:keyint=20:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1"
        ":max-cll=1000,400:range=full"
    )
    source = whole(
        make_video(
            tmp_path / "a.mov",
            frames=50,
            codec="libx265",
            pix_fmt="yuv420p10le",
            options={"preset": "ultrafast", "x265-params": params},
        )
    )
    made = cut_smart(source, Segment(7, 45), tmp_path / "clip.mov")
    assert min(check(made, source)) == 20
    with av.open(str(made.path)) as container:
        frames = list(container.decode(video=0))
    assert {(f.color_primaries, f.color_trc, f.colorspace, f.color_range) for f in frames} == {(9, 16, 9, 2)}
    assert all("CONTENT_LIGHT_LEVEL" in {side.type.name for side in frame.side_data} for frame in frames)


def test_a_cra_picture_with_other_sets_follows_an_end_of_sequence(footage: Get, tmp_path: Path) -> None:
    """FFmpeg also decodes without it, but the standard wants it (ITU-T H.265, 7.4.2.4.2)."""
    made = cut_smart(footage("hevc.mp4"), Segment(22, 80), tmp_path / "clip.mov")
    kinds = [[unit_kind(unit, "hevc") for unit in units_of(data, 4)] for _, data, _ in stored(made.path)]
    joins = [at for at, units in enumerate(kinds) if 21 in units]
    assert 0 < joins[0] <= 8 and kinds[joins[0] - 1][-1] == 36
    assert all(36 not in kinds[at - 1] for at in joins[1:])  # the others follow the source's own pictures


@pytest.mark.parametrize("name", ["gop30.mp4", "hevc.mp4"])
def test_a_smart_clip_can_be_cut_again(name: str, footage: Get, tmp_path: Path) -> None:
    """Its sample entry has two kinds of sets already, and its copied pictures may follow an end of sequence."""
    once = cut_smart(footage(name), Segment(8, 86), tmp_path / "once.mov")
    source = whole(once.path)
    for start, end in ((5, 70), (0, 78), (11, 60)):
        made = cut_smart(source, Segment(start, end), tmp_path / "twice.mov")
        assert len(check(made, source, first=8)) >= 30


def test_the_sample_entry_holds_all_sets(footage: Get, tmp_path: Path) -> None:
    """Also of a stream in Matroska or a transport stream, so that Apple's programs open it."""
    for name, tag in (("hevc_layers.mkv", "hvc1"), ("offset.ts", "avc1")):
        made = cut_smart(footage(name), Segment(8, 71), tmp_path / "clip.mov")
        with av.open(str(made.path)) as container:
            context = container.streams.video[0].codec_context
            assert context.codec_tag == tag
            sets = sets_of(context.extradata or b"", context.name)
        kinds = [unit_kind(unit, context.name) for unit in sets]
        assert all(kinds.count(kind) == 2 for kind in kinds) and len(set(sets)) == len(sets)


@pytest.mark.parametrize(("name", "codec"), [("gop30.mp4", "h264"), ("hevc.mp4", "hevc")])
def test_a_decoder_configuration_that_is_cut_off_is_an_error_in_words(name: str, codec: str, footage: Get) -> None:
    with av.open(str(footage(name).media.path)) as container:
        configuration = container.streams.video[0].codec_context.extradata or b""
    assert sets_of(configuration, codec)
    reasons = set()
    for size in range(len(configuration)):
        try:
            free_ids(sets_of(configuration[:size], codec), codec)
        except ValueError as error:
            reasons.add(str(error))
    assert "its decoder configuration is cut off" in reasons


def test_an_export_counts_the_encoded_frames_and_copies_pictures_that_stand_alone(footage: Get, tmp_path: Path) -> None:
    def export(name: str) -> ExportReport:
        return hand_off([found_in(footage(name))], tmp_path / "clips", "smart", name="x")

    report = export("gop30.mp4")
    assert numbers(report.files[0]) == list(range(17, 40))
    assert any("14 of 23 frames were encoded" in note for note in report.notes)
    report = export("prores.mov")
    assert probe(report.files[0]).codec == "prores" and numbers(report.files[0]) == list(range(17, 40))


def found_in(source: Footage) -> Moment:
    return moment(source.media, 17, 40, times=source.times)


def test_a_moment_between_keyframes_is_encoded_and_that_is_said(footage: Get, tmp_path: Path) -> None:
    made = cut_smart(footage("gop250.mp4"), Segment(20, 60), tmp_path / "clip.mov")
    assert numbers(made.path) == list(range(20, 60))
    assert made.notes == ("all 40 frames were encoded: between the edges is no keyframe at which copying can begin",)


def test_a_picture_that_differs_is_noticed(footage: Get, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy whose pictures were damaged on the way isn't handed out."""
    source = footage("gop30.mp4")
    plan_cut = smart.plan_cut

    def damaged(footage: Footage, start_pts: int, segment: Segment) -> Plan:
        plan = plan_cut(footage, start_pts, segment)
        middle = next(at for at, each in enumerate(plan.copied) if each.frame == 40)
        plan.copied[middle] = replace(plan.copied[middle], data=plan.copied[middle + 1].data)
        return plan

    monkeypatch.setattr(smart, "plan_cut", damaged)
    with pytest.raises(ExportError, match="failed verification"):
        cut_smart(source, Segment(25, 80), tmp_path / "clip.mov")


def test_other_readers_decode_the_joins(footage: Get, tmp_path: Path) -> None:
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg isn't installed")
    for name, (start, end) in {"pyramid.mp4": (11, 140), "hevc.mp4": (8, 83)}.items():
        made = cut_smart(footage(name), Segment(start, end), tmp_path / f"{name}.mov")
        plain = read_by("ffmpeg", made.path, tmp_path)
        assert plain == list(range(start, end))
        keyframes = [pts for pts, _, is_keyframe in stored(made.path) if is_keyframe]
        for key in (*keyframes[:2], keyframes[-1]):
            with av.open(str(made.path)) as container:
                seconds = key * (container.streams.video[0].time_base or 1)
            later = read_by("ffmpeg", made.path, tmp_path, "-ss", f"{float(seconds):.6f}")
            assert later == plain[round(seconds * 30) :]
        if shutil.which("melt"):
            assert read_by("melt", made.path, tmp_path) == plain


def read_by(program: str, clip: Path, folder: Path, *options: str) -> list[int]:
    """The numbers on the frames that another program decodes, without a word of complaint."""
    out = folder / "decoded.mkv"
    out.unlink(missing_ok=True)
    if program == "ffmpeg":
        command = ["ffmpeg", "-v", "warning", *options, "-i", str(clip), "-c:v", "ffv1", "-an", str(out)]
    else:
        command = ["melt", str(clip), "-consumer", f"avformat:{out}", "vcodec=ffv1", "an=1"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    complaints = [line for line in ran.stderr.splitlines() if "error" in line.lower() or program == "ffmpeg"]
    assert not complaints
    return numbers(out)


def in_groups(path: Path, codec: str, *, frames: int, gop: int) -> Footage:
    """Footage with a keyframe each `gop` frames."""
    encoder = {"h264": "libx264", "hevc": "libx265"}[codec]
    options = {name: value.replace("keyint=250", f"keyint={gop}") for name, value in LONG[codec].items()}
    return whole(make_video(path, frames=frames, rate=PAL, codec=encoder, gop=gop, options=options))


@pytest.mark.slow
@pytest.mark.parametrize("codec", LONG)
def test_thirty_ten_second_ranges_of_long_groups(codec: str, tmp_path: Path) -> None:
    """Keyframes at 0, 250 and 500: a range holds one, and no frame after it is encoded but the last few."""
    source = in_groups(tmp_path / "a.mp4", codec, frames=750, gop=250)
    chance = random.Random(codec)
    for number in range(30):
        start = chance.randrange(500)
        segment = Segment(start, start + 250)
        made = cut_smart(source, segment, tmp_path / "clip.mov")
        copied = check(made, source)
        keyframe = -(-start // 250) * 250
        assert min(copied, default=keyframe) == keyframe and segment.end_frame - max(copied, default=keyframe) <= 6
        if number % 6 == 0 and shutil.which("ffmpeg") and shutil.which("melt"):
            assert read_by("ffmpeg", made.path, tmp_path) == read_by("melt", made.path, tmp_path) == numbers(made.path)


@pytest.mark.slow
@pytest.mark.parametrize("codec", LONG)
def test_at_most_a_tenth_is_encoded_if_a_keyframe_comes_each_second(codec: str, tmp_path: Path) -> None:
    source = in_groups(tmp_path / "a.mp4", codec, frames=500, gop=25)
    chance = random.Random(codec)
    for _ in range(10):
        start = chance.randrange(250)
        made = cut_smart(source, Segment(start, start + 250), tmp_path / "clip.mov")
        assert 250 - len(check(made, source)) <= 25 + 3


def test_sound_is_exact_to_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"g": "25"})
        picture.width, picture.height, picture.pix_fmt = 160, 120, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        for _ in range(75):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((120, 160, 3), np.uint8), format="rgb24")))
        container.mux(picture.encode(None))
        ramp = (np.arange(144000) // 160).astype(np.int16).reshape(1, -1)
        samples = av.AudioFrame.from_ndarray(ramp, format="s16", layout="mono")
        samples.sample_rate, samples.pts = 48000, 0
        container.mux(sound.encode(samples))
    made = cut_smart(whole(path), Segment(11, 58), tmp_path / "clip.mov")
    with av.open(str(made.path)) as container:
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    assert np.array_equal(heard, ramp[0, 11 * 1920 : 58 * 1920])
