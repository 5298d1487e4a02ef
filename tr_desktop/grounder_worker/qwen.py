"""Qwen3-VL and Qwen2.5-VL, and what was made from them: TimeLens2, TimeLens, Time-R1 and others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from tr_desktop.errors import UserError
from tr_desktop.grounder_worker.base import Check
from tr_desktop.grounder_worker.decoding import Context, written, yes_against_no
from tr_desktop.grounder_worker.load import free_memory, in_memory_bytes, is_out_of_memory, load, weights_bytes
from tr_desktop.grounder_worker.pictures import Video
from tr_desktop.grounder_worker.prompt import Encoder
from tr_desktop.grounders.video_llm.answers import WrittenSegment, segments_in
from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.grounders.video_llm.presets import PRESENCE, PRESETS

_HALF = 0.5**0.5  # of the sides, for half the tokens


class Qwen:
    """One checkpoint, loaded. facts: of a `GrounderPack`. device, quantise: as in `load`.

    Raises PackError or UserError if it can't be loaded.
    """

    def __init__(self, facts: Mapping[str, Any], device: str = "auto", quantise: str = "none") -> None:
        self._name, self._folder = str(facts["name"]), Path(facts["folder"])
        self._preset, self._new_tokens_most = PRESETS[facts["preset"]], int(facts["new_tokens_most"])
        self._quantise = quantise
        model = load(self._folder, facts["family"], device, quantise)
        self._context = Context(model)
        self._encoder = Encoder(self._folder, model.config)
        self._words = [_ids_of(word, self._encoder) for word in ("yes", "no")]
        self._scale = 1.0  # of the pictures' sides; less after memory ran out
        self._seen: tuple[Question, Video] | None = None

    def models(self) -> list[str]:
        return [self._name]

    def interrupt(self) -> None:
        """It looks itself between two tokens."""

    def ground(self, question: Question, check: Check) -> Iterator[WrittenSegment]:
        """The segments that the model writes about the window, as it writes them.

        Raises UserError if memory runs out though the pictures were made smaller.
        """
        logits = self._read(question, self._preset.prompt, check)
        yield from segments_in(self._written(logits, check), self._preset.answer, question.length_s)

    def presence(self, question: Question, check: Check) -> float | None:
        """The probability of "yes" against "no" to the question whether the event is there."""
        return yes_against_no(self._read(question, PRESENCE, check), *self._words)

    def _written(self, logits: Tensor, check: Check) -> Iterator[tuple[str, float]]:
        encoder = self._encoder
        with self._memory_explained():
            yield from written(
                self._context,
                logits,
                encoder.tokenizer,
                self._new_tokens_most,
                check,
                ends=encoder.ends,
                not_written=encoder.not_written,
            )

    def _read(self, question: Question, words: str, check: Check) -> Tensor:
        """The logits of what follows `words` about the question's window; if memory runs out, with half the tokens."""
        check()
        try:
            return self._read_scaled(question, words, check)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        self._scale *= _HALF
        self._forget()
        check()
        with self._memory_explained():
            return self._read_scaled(question, words, check)

    def _read_scaled(self, question: Question, words: str, check: Check) -> Tensor:
        if self._seen is None or self._seen[0].pictures is not question.pictures:
            self._forget()
            video = self._encoder.video_maker(question.pictures, question.times_s, self._scale)
            self._seen = question, video
            check()
        prompt = self._encoder.prompt(
            self._seen[1],
            words.replace("{}", question.query),
            system=self._preset.system,
            is_text_first=self._preset.is_text_first,
        )
        return self._context.read(prompt)

    def _forget(self) -> None:
        self._seen = None
        self._context.forget()
        free_memory()

    @contextmanager
    def _memory_explained(self) -> Iterator[None]:
        """Raises a UserError in place of torch's own error if memory runs out."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._forget()
            saved_gb = (weights_bytes(self._folder) - in_memory_bytes(self._folder, "nf4")) / 1e9
            smaller = f"--quantise nf4, which saves about {saved_gb:.1f} GB, or " if self._quantise == "none" else ""
            raise UserError(
                f"{self._name} runs out of memory, also with pictures of half the size",
                remedy=f"Use {smaller}fewer or smaller pictures: frames_most and side_px in its grounder.json",
            ) from error


def _ids_of(word: str, encoder: Encoder) -> list[int]:
    """The tokens that are the word, however it is written."""
    written_so = [f"{space}{case}" for space in ("", " ") for case in (word, word.capitalize(), word.upper())]
    encoded = [encoder.tokenizer.encode(each, add_special_tokens=False).ids for each in written_so]
    return sorted({ids[0] for ids in encoded if len(ids) == 1})
