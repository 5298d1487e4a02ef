"""The nominal frame rate of a video stream, and whether it is constant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from av.video.stream import VideoStream

from tr_desktop.moments import FrameTimes, Media
from tr_desktop.timecode import SMPTE_RATES, exact_rate

_FASTEST_FPS = 300  # FFmpeg reports the time base (1000, 57600, 90000) if it finds no rate
# Half of the difference between an SMPTE rate and its NTSC neighbour; clocks of phones and recorders are a little off.
_NEAR = Fraction(1, 2000)
_FALLBACK_FPS = Fraction(25)  # what FFmpeg assumes for bare streams that carry no clock


def header_rate(stream: VideoStream) -> tuple[Fraction, bool]:
    """(nominal frames a second, is it a variable rate?) by the file's header and index.

    An MP4 or MOV index lists every frame, which makes the answer final. In other files, `measured` corrects it after
    decoding.
    """
    ticks = [entry.timestamp for entry in stream.index_entries] if stream.frames else []
    if stream.time_base is not None and stream.frames == len(ticks) > 2:
        first = ticks[0]
        return rate_of_ticks([tick - first for tick in ticks], stream.time_base)
    average, guessed = stream.average_rate, stream.guessed_rate
    plausible = [r for r in (guessed, average) if r is not None and 0 < r <= _FASTEST_FPS]
    rate = exact_rate(plausible[0]) if plausible else _FALLBACK_FPS
    return rate, average is not None and abs(average - rate) > rate / 50 and average <= _FASTEST_FPS


def rate_of_ticks(ticks: Sequence[int], tick_s: Fraction) -> tuple[Fraction, bool]:
    """(nominal rate, is it variable?) of frames that start at these ticks, increasing from 0; at least 3 of them.

    Variable means that some frame is half a frame or more away from frame number / rate, the place where an editor that
    assumes a constant rate looks for it. The nominal rate of variable footage is that of its most frequent step.
    """
    steps = Counter(b - a for a, b in pairwise(ticks))
    average = (len(ticks) - 1) / (ticks[-1] * tick_s)
    nearest = min(SMPTE_RATES, key=lambda smpte: abs(smpte - average))
    rounding = Fraction(1, ticks[-1]) if len(steps) > 1 else 0  # the last tick may be one off
    if abs(nearest - average) <= average * (_NEAR + rounding) and keeps_rate(ticks, tick_s, nearest):
        return nearest, False
    if keeps_rate(ticks, tick_s, average, Fraction(1, 4)):  # an average always fits its frames somewhat, so be stricter
        return average, False
    usual = 1 / (steps.most_common(1)[0][0] * tick_s)
    return (exact_rate(usual) if usual <= _FASTEST_FPS else min(average, Fraction(_FASTEST_FPS))), True


def keeps_rate(ticks: Sequence[int], tick_s: Fraction, rate: Fraction, within: Fraction = Fraction(1, 2)) -> bool:
    """Whether every frame starts less than `within` of a frame away from frame number / rate."""
    # |tick·tick_s·rate - n| < within, in integers: millions of frames are checked
    frames = tick_s * rate
    up, down = frames.numerator * within.denominator, frames.denominator * within.denominator
    allowed = within.numerator * frames.denominator
    return all(abs(tick * up - n * down) < allowed for n, tick in enumerate(ticks))


def measured(media: Media, times: FrameTimes) -> Media:
    """`media` with the rate and `is_vfr` that its decoded frames show; call it once after sampling.

    A header rate that fits the frames is kept, so only containers without an index change.
    """
    if len(times) < 3:
        return media
    if keeps_rate(times.ticks, times.tick_s, media.rate):
        return replace(media, is_vfr=False)
    rate, is_vfr = rate_of_ticks(times.ticks, times.tick_s)
    if is_vfr:  # the header knows the nominal rate as well as a histogram does
        return replace(media, is_vfr=True)
    return replace(media, rate=rate, is_vfr=False, start_tc=media.start_tc.at_rate(rate))
