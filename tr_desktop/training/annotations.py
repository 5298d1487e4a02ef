"""Readers for annotated sentences: Charades-STA, ActivityNet Captions, QVHighlights, TACoS, and our own footage form.

Every reader returns sentences, each with its video and the windows in which it holds. They read labels, never video:
users bring their own copies. A `.gz` file is unpacked. The formats are from: TALL (Gao et
al., ICCV 2017), Dense-Captioning Events (Krishna et al., ICCV 2017), QVHighlights (Lei et al., NeurIPS 2021), TACoS
(Regneri et al., TACL 2013) as 2D-TAN and as Lighthouse lay them out.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tr_desktop.errors import UserError

Window = tuple[float, float]


@dataclass(frozen=True)
class Annotation:
    """One sentence about one video.

    windows: (start_s, end_s) of each part in which it holds, in the file's order; empty if none. duration_s: of
    the video, or None if the format doesn't have it. whole: the sentence fits the whole video. kind: what it asks for
    (action, object, scene, camera, text), "" if the format doesn't say.
    """

    query_id: str
    video: str
    query: str
    windows: tuple[Window, ...]
    duration_s: float | None
    whole: bool = False
    kind: str = ""


def read_charades_sta(path: Path, durations_s: Mapping[str, float] | None = None) -> list[Annotation]:
    """`VIDEO start end##sentence` lines. durations_s: video → seconds (`read_charades_lengths`)."""
    found = []
    for number, line in enumerate(_lines(path)):
        place, separator, query = line.partition("##")
        fields = place.split()
        if not separator or len(fields) != 3:
            raise UserError(f"line {number + 1} isn't `VIDEO start end##sentence`", path=path)
        video, (start_s, end_s) = fields[0], sorted((float(fields[1]), float(fields[2])))
        found.append(Annotation(str(number), video, query, ((start_s, end_s),), (durations_s or {}).get(video)))
    return found


def read_charades_lengths(path: Path) -> dict[str, float]:
    """Video → seconds, from Charades' own `Charades_v1_*.csv` (columns id and length)."""
    return {row["id"]: float(row["length"]) for row in csv.DictReader(_lines(path)) if row["length"]}


def read_activitynet_captions(path: Path) -> list[Annotation]:
    """One JSON object: video → {duration, timestamps: [[s, e]], sentences}. Windows with the end first are swapped."""
    return [
        Annotation(f"{video}/{number}", video, query.strip(), (_window(window),), float(entry["duration"]))
        for video, entry in _json(path).items()
        for number, (window, query) in enumerate(zip(entry["timestamps"], entry["sentences"], strict=True))
    ]


def read_qvhighlights(path: Path) -> list[Annotation]:
    """JSON lines with qid, query, vid, duration, relevant_windows (absent in a blind test set).

    Lighthouse's and Moment-DETR's conversions of Charades-STA, TACoS and ActivityNet Captions have this format too.
    """
    return [
        Annotation(
            str(row["qid"]),
            str(row["vid"]),
            row["query"],
            tuple(_window(window) for window in row.get("relevant_windows", ())),
            float(row["duration"]),
        )
        for row in map(json.loads, _lines(path))
    ]


def read_tacos(path: Path) -> list[Annotation]:
    """One JSON object: video → {timestamps in frames, fps, num_frames, sentences}."""
    return [
        Annotation(
            f"{video}/{number}",
            video,
            query.strip(),
            (_window([frame / entry["fps"] for frame in window]),),
            entry["num_frames"] / entry["fps"],
        )
        for video, entry in _json(path).items()
        for number, (window, query) in enumerate(zip(entry["timestamps"], entry["sentences"], strict=True))
    ]


def read_footage(path: Path) -> list[Annotation]:
    """JSON lines: file, query, windows (empty: it doesn't occur), duration, `whole` if it fits everything, `kind`."""
    return [
        Annotation(
            str(number),
            row["file"],
            row["query"],
            tuple(_window(window) for window in row["windows"]),
            float(row["duration"]),
            bool(row.get("whole", False)),
            row.get("kind", ""),
        )
        for number, row in enumerate(map(json.loads, _lines(path)))
    ]


READERS: dict[str, Callable[[Path], list[Annotation]]] = {
    "charades-sta": read_charades_sta,
    "activitynet-captions": read_activitynet_captions,
    "qvhighlights": read_qvhighlights,
    "tacos": read_tacos,
    "footage": read_footage,
}


def read_annotations(path: Path, form: str) -> list[Annotation]:
    """Read `path` as `form`, one of READERS. Raises UserError if the file is missing or in another format."""
    try:
        return READERS[form](path)
    except OSError as error:
        raise UserError(f"can't be read: {error.strerror or error}", path=path) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"isn't a {form} annotation file: {error}", path=path) from error


def _window(ends: Iterable[float]) -> Window:
    start_s, end_s = sorted(float(end) for end in ends)
    return start_s, end_s


def _text(path: Path) -> str:
    blob = path.read_bytes()
    return (gzip.decompress(blob) if path.suffix == ".gz" else blob).decode("utf-8")


def _lines(path: Path) -> list[str]:
    return [line for line in _text(path).splitlines() if line.strip()]


def _json(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(_text(path))
    return parsed
