"""`Media` and `FrameTimes` as the catalog's columns, and back."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import astuple, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from tr_desktop.moments import AudioTrack, Colour, FieldOrder, Media, OtherTrack, TrackKind
from tr_desktop.timecode import Timecode

FACTS_VERSION = 1
"""Which facts a row has. Rows of older versions (none at first) are read again from the file's header."""


def pack_ticks(ticks: Sequence[int]) -> bytes:
    return zlib.compress(np.diff(np.asarray(ticks, "<i8"), prepend=np.int64(0)).tobytes(), level=1)


def unpack_ticks(blob: bytes) -> array[int]:
    return array("q", np.cumsum(np.frombuffer(zlib.decompress(blob), "<i8")).tobytes())


def facts_of(media: Media) -> str:
    """The probe's facts, without those of the file system: JSON."""
    start = media.start_tc
    return json.dumps(
        {
            "version": FACTS_VERSION,
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
            "audio": [list(astuple(track)) for track in media.audio],
            "duration_s": None if media.duration_s is None else str(media.duration_s),
            "stored_width": media.stored_width,
            "stored_height": media.stored_height,
            "pixel_aspect": str(media.pixel_aspect),
            "codec_tag": media.codec_tag,
            "fields": media.fields.value,
            "colour": list(astuple(media.colour)),
            "has_alpha": media.has_alpha,
            "other_tracks": [
                [track.kind.value, track.codec, track.index, track.language] for track in media.other_tracks
            ],
        }
    )


def media_of(path: Path, size_bytes: int, mtime_ns: int, facts_json: str) -> Media:
    """`Media` of a row. Older libraries lack some facts, which stay unknown."""
    facts = json.loads(facts_json)
    facts.pop("version", None)
    start = facts.pop("start_tc")
    duration_s = facts.pop("duration_s", None)
    return Media(
        path=path,
        size_bytes=size_bytes,
        mtime_ns=mtime_ns,
        rate=Fraction(facts.pop("rate")),
        start_tc=Timecode(start["frame"], Fraction(start["rate"]), start["drop"]),
        audio=tuple(AudioTrack(*track) for track in facts.pop("audio")),
        duration_s=None if duration_s is None else Fraction(duration_s),
        pixel_aspect=Fraction(facts.pop("pixel_aspect", 1)),
        fields=FieldOrder(facts.pop("fields", "")),
        colour=Colour(*facts.pop("colour", ())),
        other_tracks=tuple(
            OtherTrack(TrackKind(kind), codec, index, language)
            for kind, codec, index, language in facts.pop("other_tracks", ())
        ),
        **facts,
    )


def renewed(facts_json: str, media: Media) -> str:
    """The facts of `media`, which was only probed, with what decoding had shown: the rate, and whether it varies."""
    facts = json.loads(facts_json)
    rate = Fraction(facts["rate"])
    return facts_of(replace(media, rate=rate, is_vfr=facts["is_vfr"], start_tc=media.start_tc.at_rate(rate)))
