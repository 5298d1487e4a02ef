"""Whether the labels in an EDL are the intended frames, and the time to cut a clip beside ffmpeg.

    python -m benchmarks.handoff labels   # beside PySceneDetect, if it is installed
    python -m benchmarks.handoff cut      # needs the ffmpeg command

Both print Markdown tables. `labels` writes the same frames with both programs and reads both lists with one reader: a
label is hours, minutes and seconds of the nominal rate, less the labels that drop-frame skips if the list is
drop-frame. `cut` cuts 1 s out of generated 720p H.264 footage (GOP 250, B-frames), ours with its verification and
ffmpeg without one, and counts processor time, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
import resource
import subprocess
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from exporters import edl
from exporters.timeline import timeline_from_moments
from tr_desktop.footage.clips.check import verify_clip
from tr_desktop.footage.clips.exact import PRESETS, cut_exact
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, FrameTimes, Media, Moment, Refinement, RefineStep, Segment
from tr_desktop.timecode import Timecode

HOUR = 3600


def labels() -> None:
    has_scenedetect = importlib.util.find_spec("scenedetect") is not None
    print("| footage | source in, frame | ours | error | PySceneDetect | error |\n|---|---|---|---|---|---|")
    for rate in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(60000, 1001)):
        frame = int(HOUR * rate) + 1
        ours = first_label(our_edl(rate, frame))
        cells = [ours, str(Timecode.parse(ours, rate).frame - frame)]
        if has_scenedetect:
            theirs = first_label(scenedetect_edl(rate, frame))
            cells += [theirs, str(Timecode.parse(theirs, rate).frame - frame)]
        print(f"| {float(rate):.3f} fps | {frame} | {' | '.join(cells)} |")


def our_edl(rate: Fraction, frame: int) -> str:
    media = Media(Path("/a.mov"), 1, 1, 1920, 1080, rate, Timecode(0, rate))
    step = RefineStep(0, Segment(frame, frame + 50), frame / rate, (frame + 50) / rate, 1, 1, 1)
    times = FrameTimes(range(frame + 100), frame + 100, 1 / rate)
    return edl.render(timeline_from_moments([Moment(Footage(media, times), Refinement((step,), 0), 1, True, "")]))


def scenedetect_edl(rate: Fraction, frame: int) -> str:
    from scenedetect import FrameTimecode
    from scenedetect.output import write_scene_list_edl

    text = io.StringIO()
    write_scene_list_edl(text, [(FrameTimecode(frame, rate), FrameTimecode(frame + 50, rate))])
    return text.getvalue()


def first_label(text: str) -> str:
    return re.findall(r"\d\d:\d\d:\d\d[:;]\d\d", text)[0]


def cut() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source.mp4"
        make_footage(source)
        sampler = Sampler(probe(source), Fraction(1000), 32)
        list(sampler)
        media, times = sampler.media, sampler.times
        segment = Segment(76, 106)
        print("| preset | ffmpeg, s | cut and verified, s | ratio | of it verifying, s |\n|---|---|---|---|---|")
        for preset in PRESETS.values():
            out = folder / f"ours{preset.suffix}"
            plain = ffmpeg_command(source, folder / f"plain{preset.suffix}", media, segment, preset.name)
            theirs = processor_s(subprocess.run, plain, check=True)
            ours = processor_s(cut_exact, Footage(media, times), segment, out, preset)
            start_tc = media.start_tc + segment.start_frame
            verifying = processor_s(verify_clip, Footage(media, times), range(76, 106), out, start_tc, lossless=False)
            print(f"| {preset.title} | {theirs:.2f} | {ours:.2f} | {ours / theirs:.2f} | {verifying:.2f} |", flush=True)


def make_footage(path: Path) -> None:
    picture = "testsrc2=size=1280x720:rate=30:duration=6,noise=alls=12:allf=t"
    sound = "sine=frequency=440:duration=6:sample_rate=48000"
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-g", "250", "-bf", "3", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *codec, str(path)], check=True)


def ffmpeg_command(source: Path, out: Path, media: Media, segment: Segment, preset: str) -> list[str]:
    """The ffmpeg command for the same range and codec: start rounded down, length in frames."""
    start_us = int(segment.start_frame / media.rate * 1_000_000)
    frames = segment.end_frame - segment.start_frame
    codec = {
        "prores": ["prores_ks", "-profile:v", "3", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s24le"],
        "dnxhr": ["dnxhd", "-profile:v", "dnxhr_hqx", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s24le"],
        "h264": ["libx264", "-crf", "16", "-preset", "medium", "-c:a", "aac"],
        "hevc": ["libx265", "-crf", "18", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error", "-c:a", "aac"],
    }[preset]
    seek = ["-ss", f"{start_us / 1e6:.6f}", "-i", str(source), "-t", f"{float(frames / media.rate):.6f}"]
    return ["ffmpeg", "-v", "error", "-y", *seek, "-frames:v", str(frames), "-c:v", *codec, str(out)]


def processor_s(work: Callable[..., object], *args: object, **options: object) -> float:
    """Processor seconds that `work` takes, in this process and those it starts, on all cores together."""

    def used() -> float:
        own, children = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    before = used()
    work(*args, **options)
    return used() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("labels", "cut"), help="what to measure")
    {"labels": labels, "cut": cut}[parser.parse_args().what]()


if __name__ == "__main__":
    main()
