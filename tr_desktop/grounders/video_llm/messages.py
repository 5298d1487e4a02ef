"""What goes between this program and the worker that runs a model: lines of JSON, one object each.

    this program                                         the worker
    {"about": {}}                                    ──▶
                                                     ◀── {"about": facts of its Python and of the computer}
    {"open": facts of the pack, "device", "quantise"} ─▶
                                                     ◀── {"opened": {"models": [...]}} or {"failed": sentences}
    {"ask": id, "query", "times_s", "length_s",
     "shape"}, then the pictures' bytes              ──▶ with "only_presence": no segments
                                                     ◀── {"segment": id, ...} each as it is written
                                                     ◀── {"presence": id, "probability"}
                                                     ◀── {"end": id} or {"failed": sentences, "id"}
    {"cancel": id}                                   ──▶ ends soon
    closes the pipe                                  ──▶ exits

Times are fractions as text, exact. Another program may speak this too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tr_desktop.grounders.video_llm.answers import WrittenSegment


@dataclass(frozen=True)
class Question:
    """One window and what is asked of it.

    pictures: uint8 RGB [n, H, W, 3]. times_s: when each is shown, seconds from the window's start. length_s: of the
    window. only_presence: ask only whether the event is there, not when.
    """

    query: str
    pictures: NDArray[np.uint8]
    times_s: tuple[Fraction, ...]
    length_s: Fraction
    only_presence: bool = False

    def header(self, number: int) -> dict[str, Any]:
        return {
            "ask": number,
            "query": self.query,
            "times_s": [str(time_s) for time_s in self.times_s],
            "length_s": str(self.length_s),
            "shape": self.pictures.shape,
            "only_presence": self.only_presence,
        }

    @classmethod
    def of(cls, header: Mapping[str, Any], pictures: bytes) -> Question:
        return cls(
            query=header["query"],
            pictures=np.frombuffer(pictures, np.uint8).reshape(header["shape"]),
            times_s=tuple(map(Fraction, header["times_s"])),
            length_s=Fraction(header["length_s"]),
            only_presence=header.get("only_presence", False),
        )


@dataclass(frozen=True)
class About:
    """What a worker is.

    python: its program. torch, transformers: their versions, None if they aren't installed. device: what `auto` means
    there (cpu, cuda or mps). device_name: the hardware's. memory_bytes, free_bytes: of the device; None if not known.
    """

    python: str
    torch: str | None
    transformers: str | None
    device: str
    device_name: str
    memory_bytes: int | None
    free_bytes: int | None


@dataclass(frozen=True)
class Presence:
    """probability: with which the model says that the window shows the event; None if its answer was neither yes nor
    no."""

    probability: float | None


def segment_message(number: int, segment: WrittenSegment) -> dict[str, Any]:
    facts = vars(segment) | {"start_s": str(segment.start_s), "end_s": str(segment.end_s)}
    return {"segment": number, **facts}


def segment_of(message: Mapping[str, Any]) -> WrittenSegment:
    facts = {key: value for key, value in message.items() if key != "segment"}
    return WrittenSegment(**facts | {"start_s": Fraction(facts["start_s"]), "end_s": Fraction(facts["end_s"])})
