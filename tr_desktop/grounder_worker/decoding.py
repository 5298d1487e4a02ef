"""A model reads a prompt and writes an answer, token by token.

`generate` of transformers would do the same, but it can't be stopped between tokens without a thread, and it numbers
positions by itself from state that it keeps on the model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor

from tr_desktop.grounder_worker.base import Check
from tr_desktop.grounder_worker.pictures import Video
from tr_desktop.grounder_worker.prompt import Prompt


class Context:
    """What a model has read and written so far. It looks at a video once, for all questions about it."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._vocabulary = int(model.config.text_config.vocab_size)
        self.forget()

    def forget(self) -> None:
        """Free the memory that it takes."""
        self._cache: Any = None
        self._video: Video | None = None
        self._video_ids = torch.empty(0, dtype=torch.long)
        self._next = 0  # the position after all

    def read(self, prompt: Prompt) -> Tensor:
        """The logits of what follows the prompt, float32 [vocabulary]."""
        if prompt.video is self._video and torch.equal(prompt.ids[: prompt.video_end], self._video_ids):
            if more := self._cache.get_seq_length() - prompt.video_end:
                self._cache.crop(-more)
        else:
            from transformers import DynamicCache

            self.forget()
            self._cache = DynamicCache(config=self._model.config)
            end = prompt.video_end
            self._forward(prompt.ids[:end], prompt.positions[:, :end], **prompt.vision_inputs())
            self._video, self._video_ids = prompt.video, prompt.ids[:end]
        rest = slice(prompt.video_end, None)
        self._next = int(prompt.positions.max()) + 1
        return self._forward(prompt.ids[rest], prompt.positions[:, rest])

    def write(self, token_id: int) -> Tensor:
        """The logits of what follows the token, float32 [vocabulary]."""
        self._next += 1
        return self._forward(torch.tensor([token_id]), torch.full((3, 1), self._next - 1))

    def _forward(self, ids: Tensor, positions: Tensor, **vision: Tensor) -> Tensor:
        device = self._model.device
        with torch.inference_mode():
            out = self._model(
                input_ids=ids[None].to(device),
                position_ids=positions[:, None].to(device),
                cache=self._cache,
                use_cache=True,
                logits_to_keep=1,
                **{name: value.to(device) for name, value in vision.items()},
            )
            logits: Tensor = out.logits[0, -1].float()
        return logits


def yes_against_no(logits: Tensor, yes: list[int], no: list[int]) -> float | None:
    """The probability of "yes" if the answer is one of both; None if the tokenizer has no token for one of them.

    logits: [vocabulary]. yes, no: the tokens that are the word.
    """
    if not yes or not no:
        return None
    # Of logits: as probabilities both may be too small to tell apart.
    return float((logits[yes].logsumexp(0) - logits[no].logsumexp(0)).sigmoid())


class Writer(Protocol):
    """A model in the middle of an answer."""

    def write(self, token_id: int) -> Tensor:
        """The logits of what follows the token, float32 [vocabulary]."""


def written(
    context: Writer,
    logits: Tensor,
    tokenizer: Tokenizer,
    most: int,
    check: Check,
    *,
    ends: Collection[int],
    not_written: Sequence[int],
) -> Iterator[tuple[str, float]]:
    """Text and its log-probability, piece by piece, each the likeliest next: at most `most` tokens after `logits`.

    A character may take several tokens: a piece is whole characters. check: called before each token. ends: ids that
    end it. not_written: ids that can't be chosen.
    """
    ids, shown, log_probability = list[int](), "", 0.0
    banned = torch.tensor(list(not_written), dtype=torch.long, device=logits.device)
    for number in range(most):
        check()
        likely = logits.index_fill(0, banned, -torch.inf).log_softmax(-1)
        token_id = int(likely.argmax())
        if token_id in ends:
            break
        ids.append(token_id)
        log_probability += float(likely[token_id])
        text = tokenizer.decode(ids, skip_special_tokens=False)
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):
            yield text[len(shown) :], log_probability
            shown, log_probability = text, 0.0
        if number + 1 < most:
            logits = context.write(token_id)
    text = tokenizer.decode(ids, skip_special_tokens=False)
    if text != shown:
        yield text[len(shown) :], log_probability
