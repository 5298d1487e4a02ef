"""`Media` and `FrameTimes` as the catalog's columns, and back."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from tr_desktop.moments import AudioTrack, Media
from tr_desktop.timecode import Timecode


def pack_ticks(ticks: Sequence[int]) -> bytes:
    return zlib.compress(np.diff(np.asarray(ticks, "<i8"), prepend=np.int64(0)).tobytes(), level=1)


def unpack_ticks(blob: bytes) -> array[int]:
    return array("q", np.cumsum(np.frombuffer(zlib.decompress(blob), "<i8")).tobytes())


def facts_of(media: Media) -> str:
    """The probe's facts, without those of the file system: JSON."""
    start = media.start_tc
    return json.dumps(
        {
            "width": media.width,
            "height": media.height,
            "rate": str(media.rate),
            "start_tc": {"frame": start.frame, "rate": str(start.rate), "drop": start.drop},
            "has_timecode": media.has_timecode,
            "rotation": media.rotation,
            "mirrored": media.mirrored,
            "is_vfr": media.is_vfr,
            "codec": media.codec,
            "reel": media.reel,
            "audio": [[track.codec, track.channels, track.rate_hz] for track in media.audio],
            "duration_s": None if media.duration_s is None else str(media.duration_s),
        }
    )


def media_of(path: Path, size_bytes: int, mtime_ns: int, facts_json: str) -> Media:
    facts = json.loads(facts_json)
    start = facts.pop("start_tc")
    duration_s = facts.pop("duration_s", None)  # older libraries don't have it
    return Media(
        path=path,
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
        rate=Fraction(facts.pop("rate")),
        start_tc=Timecode(start["frame"], Fraction(start["rate"]), start["drop"]),
        audio=tuple(AudioTrack(*track) for track in facts.pop("audio")),
        duration_s=None if duration_s is None else Fraction(duration_s),
        **facts,
    )
