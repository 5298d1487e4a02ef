"""VTimeLLM and TimeRefine: a hundred pictures become one token each, and times are hundredths of the window.

<s> A chat … USER: [100 pictures] \n During which frames can we see …? ASSISTANT: From 17 to 34.
└────────── read once ──────────┘ └───────────── each question ───────────┘
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import linear

from tr_desktop.errors import PackError, UserError
from tr_desktop.grounder_worker.base import Check
from tr_desktop.grounder_worker.decoding import written, yes_against_no
from tr_desktop.grounder_worker.load import free_memory, is_out_of_memory, load, transformers
from tr_desktop.grounder_worker.vtime_frames import pixels, spread
from tr_desktop.grounder_worker.vtime_tokenizer import END, START
from tr_desktop.grounders.video_llm.answers import WrittenSegment, segments_in
from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.grounders.video_llm.presets import PRESENCE, PRESETS

_SEGMENT_END = "<SEG_END>"
_AT_ONCE = 10  # pictures; between them it looks whether it should go on


class VTime:
    """One imported checkpoint, loaded. facts: of a `GrounderPack`. device, quantise: as in `load`.

    Raises PackError or UserError if it can't be loaded.
    """

    def __init__(self, facts: Mapping[str, Any], device: str = "auto", quantise: str = "none") -> None:
        self._name, folder = str(facts["name"]), Path(facts["folder"])
        self._preset, self._new_tokens_most = PRESETS[facts["preset"]], int(facts["new_tokens_most"])
        self._clip = load(folder / "clip", "clip_vision_model", device)
        llm = load(folder / "llm", "llama", device, quantise)
        try:
            self._projector = load_file(folder / "projector.safetensors", device=str(self._clip.device))
            self._tokenizer = Tokenizer.from_file(str(folder / "llm" / "tokenizer.json"))
        except Exception as error:  # of tokenizers, which raises this very class
            raise PackError(f"The model can't be read: {error}", path=folder, remedy="Add it again") from error
        self._start = self._tokenizer.encode(START, add_special_tokens=False).ids
        self._tokenizer.encode_special_tokens = True  # what users type is text
        ends = (self._tokenizer.token_to_id(token) for token in (END, _SEGMENT_END))
        self._ends = frozenset(each for each in ends if each is not None)
        self._conversation = _Conversation(llm)
        self._seen: Question | None = None

    def models(self) -> list[str]:
        return [self._name]

    def interrupt(self) -> None:
        """It looks itself between two tokens."""

    def ground(self, question: Question, check: Check) -> Iterator[WrittenSegment]:
        """The segments that the model writes about the window, as it writes them."""
        words = self._preset.prompt.replace("{}", _plain(question.query))
        yield from segments_in(self.say(question, words, check), self._preset.answer, question.length_s)

    def presence(self, question: Question, check: Check) -> float | None:
        """The probability of "yes" against "no" to the question whether the event is there."""
        with self._in_memory():
            logits = self._read(question, PRESENCE.replace("{}", question.query), check)
        return yes_against_no(logits, self._ids_of("yes"), self._ids_of("no"))

    def say(self, question: Question, words: str, check: Check) -> Iterator[tuple[str, float]]:
        """What the model writes when it is asked `words` about the window: pieces with their log-probabilities."""
        with self._in_memory():
            logits = self._read(question, words, check)
            yield from written(
                self._conversation,
                logits,
                self._tokenizer,
                self._new_tokens_most,
                check,
                ends=self._ends,
                not_written=(),
            )

    def frame_tokens(self, question: Question, check: Check) -> Tensor:
        """What the language model gets instead of the video, [100, hidden]."""
        chosen = spread(question.times_s, question.length_s)
        distinct = sorted(set(chosen))
        seen = list[Tensor]()
        with torch.inference_mode():
            for first in range(0, len(distinct), _AT_ONCE):
                check()
                pictures = question.pictures[distinct[first : first + _AT_ONCE]]
                made = pixels(pictures, self._clip.config.image_size).to(self._clip.device, self._clip.dtype)
                seen.append(self._clip(pixel_values=made).image_embeds)
            weight, bias = (self._projector[name].to(seen[0].dtype) for name in ("weight", "bias"))
            tokens = linear(torch.cat(seen), weight, bias)
        return tokens[[distinct.index(number) for number in chosen]]

    def prompt(self, words: str) -> tuple[str, str]:
        """The conversation before and after the video."""
        return f"{self._preset.system} USER: ", f"\n{words} ASSISTANT:"

    def _read(self, question: Question, words: str, check: Check) -> Tensor:
        """The logits of what follows `words`, float32 [vocabulary]."""
        before, after = (self._tokenizer.encode(text, add_special_tokens=False).ids for text in self.prompt(words))
        if self._seen is None or self._seen.pictures is not question.pictures:
            self._seen = None
            self._conversation.begin([*self._start, *before], self.frame_tokens(question, check))
            self._seen = question
        check()
        return self._conversation.ask(after)

    def _ids_of(self, word: str) -> list[int]:
        """The tokens that are the word, however it is written."""
        written_so = (space + case for space in ("▁", "") for case in (word, word.capitalize(), word.upper()))
        return [each for text in written_so if (each := self._tokenizer.token_to_id(text)) is not None]

    @contextmanager
    def _in_memory(self) -> Iterator[None]:
        """Raises UserError instead of torch's error if memory runs out."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._seen = None
            self._conversation.forget()
            free_memory()
            raise UserError(f"{self._name} runs out of memory", remedy="Use --quantise nf4, or close others") from error


class _Conversation:
    """What the language model has read and written. What it has read of the video stays for the next question."""

    def __init__(self, llm: Any) -> None:
        self._llm = llm
        self.forget()

    def forget(self) -> None:
        """Free the memory that it takes."""
        self._cache: Any = None
        self._begun = 0

    def begin(self, ids: list[int], frame_tokens: Tensor) -> None:
        """Read text and the frames after it."""
        self.forget()
        self._cache = transformers().DynamicCache(config=self._llm.config)
        text = self._embedded(ids)
        self._forward(torch.cat([text, frame_tokens.to(text)]))
        self._begun = self._cache.get_seq_length()

    def ask(self, ids: list[int]) -> Tensor:
        """The logits of what follows a question right after the frames, float32 [vocabulary]."""
        if more := self._cache.get_seq_length() - self._begun:
            self._cache.crop(-more)
        return self._forward(self._embedded(ids))

    def write(self, token_id: int) -> Tensor:
        """The logits of what follows the token, float32 [vocabulary]."""
        return self._forward(self._embedded([token_id]))

    def _embedded(self, ids: list[int]) -> Tensor:
        with torch.inference_mode():
            embedded: Tensor = self._llm.get_input_embeddings()(torch.tensor(ids, device=self._llm.device))
        return embedded

    def _forward(self, embedded: Tensor) -> Tensor:
        with torch.inference_mode():
            out = self._llm(inputs_embeds=embedded[None], cache=self._cache, use_cache=True, logits_to_keep=1)
            logits: Tensor = out.logits[0, -1].float()
        return logits


def _plain(query: str) -> str:
    """As the authors' evaluation writes a query: in small letters, without a full stop."""
    return query.strip().lower().removesuffix(".")
