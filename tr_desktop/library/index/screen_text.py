"""Text in the pictures (titles, signs, slides, slates), read by RapidOCR if the extra `ocr` is installed.

    shots ─▶ a keyframe of each ─ strokes? ─▶ the likeliest are read, as far as the budget goes ─▶ texts with times

Reading must not slow indexing down by more than about a seventh. The budget is counted in work, not in time, so that
the same footage always gives the same texts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from tr_desktop.errors import MediaError, UserError
from tr_desktop.footage.captions import Cue
from tr_desktop.library.index.coverage import Coverage, TextProgress
from tr_desktop.library.index.prefetch import Pause
from tr_desktop.library.index.text_frames import LIKELY_BLOCKS, RgbPicture, ShotPicture, shot_parts, shot_pictures
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import Indexed, TextKind
from tr_desktop.this_program import how_to_get

if TYPE_CHECKING:
    from tr_desktop.models.encoder import Encoder

TextReader = Callable[[RgbPicture], Sequence[str]]
"""From a picture, RGB uint8 [H, W, 3], to the lines of text in it."""

# Finding the lines of a picture costs as much as reading one of them: about 40 ms of a core. Six for a minute of
# footage are a tenth of the time that indexing takes with the embedded pack. A run may spend this much at once, so that
# a short clip of slides is read as well.
_A_SECOND = Fraction(6, 60)
_AT_ONCE = 16
# Pictures that wait to be read, the likeliest first, are in memory.
_STRETCH_S = 120
_FIND_PX = 400  # long side of the picture in which lines are found; they are read in the full one
_MIN_SURE = 0.75
_MIN_CHARACTERS = 2
_SAME_TEXT = 0.6  # two readings of one text are at least this alike
_BLOCK_PX, _CHANGE = 16, 8  # a block that changed by this much may hold different text
SEPARATOR = " | "  # between the lines of a text


def can_read() -> bool:
    """Whether the extra is installed."""
    return find_spec("rapidocr") is not None


def not_installed() -> UserError:
    """Says that the extra isn't installed, and how to install it."""
    return UserError(
        "Text in pictures can't be read: RapidOCR isn't installed",
        remedy=how_to_get("ocr"),
    )


def open_reader() -> TextReader:
    """RapidOCR with the models that come in its package. Raises UserError if the extra isn't installed."""
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise not_installed() from error
    engine: Any = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": _MIN_SURE,
            "Global.use_cls": False,  # lines that stand on their head are rare
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_type": "max",
            "Det.limit_side_len": _FIND_PX,
            "Rec.rec_batch_num": 1,  # in a batch, short lines cost as much as the longest
        }
    )

    def read(picture: RgbPicture) -> list[str]:
        lines = engine(np.ascontiguousarray(picture[..., ::-1])).txts or ()  # it takes BGR
        return [line for line in lines if sum(map(str.isalnum, line)) >= _MIN_CHARACTERS]

    return read


@dataclass
class _Budget:
    """Work left, in lines. None: no limit."""

    left: Fraction | None

    def earn(self, footage_s: Fraction) -> None:
        if self.left is not None:
            self.left += footage_s * _A_SECOND

    def spend(self, lines: int) -> None:
        if self.left is not None:
            self.left -= 1 + lines

    @property
    def is_spent(self) -> bool:
        return self.left is not None and self.left < 1


def read_screen_text(
    coverage: Coverage,
    catalog: Catalog,
    encoder: Encoder,
    open_reader: Callable[[], TextReader] = open_reader,
    on_progress: Callable[[TextProgress], None] = lambda _: None,
    stop: threading.Event | None = None,
    *,
    pause: threading.Event | None = None,
    everything: bool = False,
) -> int:
    """Read and store the text in the footage of `coverage` that hasn't been read yet; the number of files read.

    Footage that is offline or only partly indexed is left for the next run. open_reader: called before the first file.
    stop: when set, it ends within a second; finished files are kept. pause: while set, reading waits. everything: read
    whatever may be text, without a budget, also in files for which the budget of an earlier run wasn't enough.
    Raises NotWritableError if another process is the library's writer at that moment, LibraryError for a full disk.
    """
    stop, waits, done = stop or threading.Event(), Pause(pause), 0

    def go_on() -> None:
        waits(stop.is_set)
        if stop.is_set():
            raise _Stopped

    budget = _Budget(None if everything else Fraction(_AT_ONCE))
    reader: TextReader | None = None
    unread = catalog.quotes.not_looked_for_in(coverage.media, TextKind.SCREEN, again_if_partly=everything)
    left_for_later = {*coverage.offline, *coverage.incomplete, *coverage.coarse}
    files = [media_id for media_id in unread if coverage.media[media_id] not in left_for_later]
    for number, media_id in enumerate(files, 1):
        path = coverage.media[media_id]
        try:
            go_on()
            item = catalog.load(path, encoder.pack.sha256)
            on_progress(TextProgress(path, number, len(files), Fraction(0), item.times.duration_s))
            reader = reader or open_reader()
            reading = _Reading(item, reader, budget, encoder, go_on)
            for done_s in reading.stretches():
                on_progress(TextProgress(path, number, len(files), done_s, item.times.duration_s))
        except _Stopped:
            break
        except (MediaError, KeyError):  # it went away after it was indexed
            continue
        with catalog.writing() as writer:
            writer.add_text(media_id, TextKind.SCREEN, reading.cues, PARTLY if reading.left_out else None)
        done += 1
    return done


PARTLY = "the budget was not enough for all pictures"


class _Stopped(Exception):  # noqa: N818 (it is not an error)
    """Raised inside a file when reading has to end."""


class _Reading:
    """The texts of one file. go_on: called before each step of the work; waits, or raises `_Stopped`. left_out:
    pictures that the budget wasn't enough for.
    """

    def __init__(
        self, item: Indexed, reader: TextReader, budget: _Budget, encoder: Encoder, go_on: Callable[[], None]
    ) -> None:
        self._item, self._reader, self._budget, self._go_on = item, reader, budget, go_on
        unrelated = encoder.background.mean(axis=0)
        self._parts = shot_parts(item, max(1 - float(unrelated @ unrelated), 1e-3))
        self.cues: list[Cue] = []
        self.left_out = 0

    def stretches(self) -> Iterator[Fraction]:
        """Read stretch after stretch; the seconds done."""
        held, begun_s = list[ShotPicture](), Fraction(0)
        for shot in shot_pictures(self._item, self._parts):
            self._go_on()
            if shot.end_s - begun_s > _STRETCH_S and held:
                self._read(held, held[-1].end_s - begun_s)
                begun_s, held = held[-1].end_s, []
                yield begun_s
            held.append(shot)
        duration_s = self._item.times.duration_s
        self._read(held, duration_s - begun_s)
        yield duration_s

    def _read(self, shots: Sequence[ShotPicture], footage_s: Fraction) -> None:
        """Read the likeliest of `shots`, as far as the budget goes, and keep their texts in the order of time."""
        self._budget.earn(footage_s)
        lines: dict[int, Sequence[str]] = {}
        looks_like: dict[int, int] = {}  # a shot whose picture has not changed, by that of the earlier one
        for at in range(1, len(shots)):
            if not shots[at].begins_shot and not _changed(shots[at - 1].picture, shots[at].picture):
                looks_like[at] = looks_like.get(at - 1, at - 1)
        likely = [at for at, shot in enumerate(shots) if shot.strokes >= LIKELY_BLOCKS and at not in looks_like]
        for at in sorted(likely, key=lambda at: -shots[at].strokes):
            if self._budget.is_spent:
                self.left_out += 1
                continue
            self._go_on()
            lines[at] = self._reader(shots[at].picture)
            self._budget.spend(len(lines[at]))
        for at, shot in enumerate(shots):
            if found := lines.get(looks_like.get(at, at)):
                self._keep(Cue(shot.start_s, shot.end_s, SEPARATOR.join(found)), shot.begins_shot)

    def _keep(self, cue: Cue, begins_shot: bool) -> None:
        last = self.cues[-1] if self.cues else None
        if last is not None and not begins_shot and last.end_s == cue.start_s and _alike(last.text, cue.text):
            self.cues[-1] = last._replace(end_s=cue.end_s, text=max(last.text, cue.text, key=len))
        else:
            self.cues.append(cue)


def _alike(first: str, second: str) -> bool:
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _SAME_TEXT


def _changed(before: RgbPicture, now: RgbPicture) -> bool:
    if before.shape != now.shape:  # the size changed in the middle of the file
        return True
    difference = np.abs(before.astype(np.int16) - now).max(axis=2)
    high, wide = (size // _BLOCK_PX for size in difference.shape)
    blocks = difference[: high * _BLOCK_PX, : wide * _BLOCK_PX].reshape(high, _BLOCK_PX, wide, _BLOCK_PX)
    return bool(blocks.size and blocks.mean(axis=(1, 3)).max() > _CHANGE)
