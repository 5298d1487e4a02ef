"""How long an editor waits for a frame: seeking, stepping and dragging in the player's frame server, beside the floor.

    python -m benchmarks.seek             # needs the ffmpeg command; --keep FOLDER keeps the footage for the next run

Prints a Markdown table. The floor of a seek is the decoder alone: the file is open, the keyframe is known, and just the
packets from there to the wanted frame are decoded with the same threads, nothing left out and no picture made. Both are
measured in turns on the same frames; our times run from the request to its image, 1280 × 720.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PySide6.QtCore import QCoreApplication, Qt

from benchmarks.decode import SCENE
from tr_desktop.app.pictures.frame_server import FrameRequest, FrameServer
from tr_desktop.footage.frames import Sampler
from tr_desktop.footage.probe import probe
from tr_desktop.moments import Footage, FrameTimes, Media

X264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -sc_threshold 0"
FOOTAGE = {
    "H.264 1080p30, GOP 50, 8 Mb/s": ("h264_50_8.mp4", f"{X264} -g 50 -b:v 8M"),
    "H.264 1080p30, GOP 50, 20 Mb/s": ("h264_50_20.mp4", f"{X264} -g 50 -b:v 20M"),
    "H.264 1080p30, GOP 250, 8 Mb/s": ("h264_250_8.mp4", f"{X264} -g 250 -b:v 8M"),
    "ProRes 422 HQ 1080p30": ("prores.mov", "-t 6 -c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le"),
}
SECONDS = 20
BOX_PX = (1280, 720)


class Viewer:
    """Asks the frame server and waits for the picture, as fast as it comes: no event loop in between."""

    def __init__(self, media: Media, times: FrameTimes) -> None:
        self._media, self._times = media, times
        self._server = FrameServer()
        self._arrived = threading.Semaphore(0)
        self._frame = -1
        # A direct connection runs in the server's thread.
        self._server.ready.connect(self._note, Qt.ConnectionType.DirectConnection)

    def _note(self, request: FrameRequest, image: object) -> None:
        self._frame = request.frame
        self._arrived.release()

    def wait(self, frame: int, direction: int = 0) -> tuple[float, float]:
        """(seconds, processor seconds) from the request for `frame` to its image."""
        began_s, used_s = time.perf_counter(), time.process_time()
        self._server.ask(FrameRequest(Footage(self._media, self._times), frame, BOX_PX, direction))
        while self._arrived.acquire(timeout=60) and self._frame != frame:
            pass
        return time.perf_counter() - began_s, time.process_time() - used_s

    def close(self) -> None:
        self._server.shut_down()


class Floor:
    """The decoder alone: from the keyframe before a frame to the frame."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path))
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._packets = [packet for packet in self._container.demux(self._stream) if packet.size]
        self._shown = sorted(packet.pts for packet in self._packets if packet.pts is not None)

    def wait(self, frame: int) -> tuple[float, float]:
        """(seconds, processor seconds) until the decoder returns `frame`."""
        pts = self._shown[frame]
        key = max(i for i, p in enumerate(self._packets) if p.is_keyframe and p.pts is not None and p.pts <= pts)
        began_s, used_s = time.perf_counter(), time.process_time()
        context = self._stream.codec_context
        context.flush_buffers()
        for packet in [*self._packets[key:], None]:
            if any(found.pts == pts for found in context.decode(packet)):
                return time.perf_counter() - began_s, time.process_time() - used_s
        raise ValueError(f"frame {frame} doesn't come out")


def footage(path: Path, options: str) -> Path:
    if not path.exists():
        part = path.with_stem(f"{path.stem}.part")
        make = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", SCENE, "-t", str(SECONDS), *options.split()]
        subprocess.run([*make, str(part)], check=True)
        part.replace(path)
    return path


def measure(path: Path, seeks: int) -> list[str]:
    """The figures of one file, as the columns of the table."""
    sampler = Sampler(probe(path), Fraction(1), 64)
    for _ in sampler:
        pass
    media, times = sampler.media, sampler.times
    chance = random.Random(path.name)
    frames = [chance.randrange(len(times)) for _ in range(seeks)]
    viewer, floor = Viewer(media, times), Floor(path)
    viewer.wait(0)
    pairs = []
    for frame in frames:
        ours_s = viewer.wait(frame)
        time.sleep(0.5)  # the server reads on around the frame meanwhile, as it does while an editor looks
        pairs.append((ours_s, floor.wait(frame)))
    both = 1000 * np.array(pairs)  # [seeks, ours or floor, seconds or processor seconds]
    middle = len(times) // 2
    viewer.wait(middle, 1)
    forward = [_paced(viewer, middle + step, 1) for step in range(1, 60)]
    backward = [_paced(viewer, middle + 59 - step, -1) for step in range(1, 100)]
    viewer.close()
    return [
        *(
            f"{np.percentile(both[:, 0, kind], q):.0f} / {np.percentile(both[:, 1, kind], q):.0f}"
            for kind in (0, 1)
            for q in (50, 95)
        ),
        f"{np.median(both[:, 0, 1] / both[:, 1, 1]):.2f}",
        *(f"{1000 * np.percentile(forward, q):.0f}" for q in (50, 95)),
        *(f"{1000 * np.percentile(backward, q):.0f}" for q in (50, 95)),
    ]


def _paced(viewer: Viewer, frame: int, direction: int) -> float:
    """One step of an arrow key that is held: 30 a second."""
    waited_s, _ = viewer.wait(frame, direction)
    time.sleep(max(1 / 30 - waited_s, 0))
    return waited_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder to keep the footage in, for the next run")
    parser.add_argument("--seeks", type=int, default=60, help="random seeks in each file (default %(default)s)")
    given = parser.parse_args()
    _ = QCoreApplication([])
    print("Milliseconds; seeks: ours / floor.\n")
    print("| footage | seek p50 | p95 | processor p50 | p95 | ours ÷ floor | step on p50 | p95 | step back p50 | p95 |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        keep = given.keep or Path(folder)
        keep.mkdir(parents=True, exist_ok=True)
        for title, (name, options) in FOOTAGE.items():
            print(f"| {title} |", " | ".join(measure(footage(keep / name, options), given.seeks)), "|", flush=True)


if __name__ == "__main__":
    main()
