"""The words, times and pictures of a question as Qwen's token ids and positions.

The text is what the templates of the released checkpoints render; a checkpoint's own template is a program, and isn't
run. A query can't contain a special token: its text is never read as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from tr_desktop.errors import PackError
from tr_desktop.grounder_worker.pictures import Video, VideoMaker
from tr_desktop.grounder_worker.positions import Block, positions

_START, _END, _END_OF_TEXT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
_VISION_START, _VISION_END, _VIDEO = "<|vision_start|>", "<|vision_end|>", "<|video_pad|>"
_SPECIAL = (_START, _END, _END_OF_TEXT, _VISION_START, _VISION_END, _VIDEO, "<|image_pad|>", "<|vision_pad|>")
_QWEN2_5_SYSTEM = "You are a helpful assistant."  # its template's, if there is none


class _Special(str):
    """A special token, as opposed to text that looks like one."""

    __slots__ = ()


@dataclass(frozen=True)
class Prompt:
    """A question as the model takes it.

    ids: int64 [L]. positions: int64 [3, L]. video: whose tokens the ids before video_end contain.
    """

    ids: Tensor
    positions: Tensor
    video: Video
    video_end: int

    def followed_by(self, ids: Sequence[int]) -> Prompt:
        """The same with more text after it, such as an answer."""
        after = positions([len(ids)]) + int(self.positions.max()) + 1
        more = torch.tensor(list(ids), dtype=torch.long)
        return Prompt(torch.cat([self.ids, more]), torch.cat([self.positions, after], 1), self.video, self.video_end)

    def vision_inputs(self) -> dict[str, Tensor]:
        """The video as arguments of the model's forward."""
        return {"pixel_values_videos": self.video.patches, "video_grid_thw": torch.tensor([self.video.grid])}


class Encoder:
    """Makes prompts for one checkpoint. folder: it. config: of the model, as transformers reads it.

    tokenizer: never reads text as special tokens. ends: ids that end an answer. not_written:
    ids that an answer can't contain.
    """

    def __init__(self, folder: Path, config: Any) -> None:
        self.tokenizer = _tokenizer(folder)
        numbers = {token: self.tokenizer.token_to_id(token) for token in _SPECIAL}
        self._ids = {token: number for token, number in numbers.items() if number is not None}
        if len(self._ids) < len(_SPECIAL) or self._ids[_VIDEO] != config.video_token_id:
            raise PackError("The model's tokenizer lacks Qwen's special tokens", path=folder / "tokenizer.json")
        self.video_maker = VideoMaker(folder, config)
        self._ticks_per_s: int | None = None  # Qwen3-VL's times are text
        if config.model_type == "qwen2_5_vl":
            self._ticks_per_s = int(config.vision_config.tokens_per_second)
        self.ends = frozenset(self._ids[token] for token in (_END, _END_OF_TEXT))
        pictures = {token_id for token, token_id in self._ids.items() if token not in (_END, _END_OF_TEXT)}
        without_text = range(self.tokenizer.get_vocab_size(), config.text_config.vocab_size)
        self.not_written = sorted(pictures | set(without_text))

    def prompt(self, video: Video, words: str, *, system: str = "", is_text_first: bool = False) -> Prompt:
        """The question `words` about a video. is_text_first: whether they stand before it."""
        ids, parts, video_end, text = list[int](), list[int | Block](), 0, ""
        for part in [*self._parts(video, words, system, is_text_first), _Special()]:
            if isinstance(part, str) and not isinstance(part, _Special):
                text += part
                continue
            of_text = self.tokenizer.encode(text, add_special_tokens=False).ids
            text = ""
            ids += of_text
            parts.append(len(of_text))
            if isinstance(part, Block):
                ids += [self._ids[_VIDEO]] * len(part)
                parts.append(part)
                video_end = len(ids)
            elif part:
                ids.append(self._ids[part])
                parts.append(1)
        return Prompt(torch.tensor(ids), positions(parts), video, video_end)

    def _parts(self, video: Video, words: str, system: str, is_text_first: bool) -> Iterator[str | Block]:
        ticks_per_s = self._ticks_per_s
        if system := system or ("" if ticks_per_s is None else _QWEN2_5_SYSTEM):
            yield from (_Special(_START), f"system\n{system}", _Special(_END), "\n")
        yield from (_Special(_START), "user\n")
        shown = self._with_times(video) if ticks_per_s is None else self._with_ticks(video, ticks_per_s)
        yield from (words, *shown) if is_text_first else (*shown, words)
        yield from (_Special(_END), "\n", _Special(_START), "assistant\n")

    def _with_ticks(self, video: Video, ticks_per_s: int) -> Iterator[str | Block]:
        """Qwen2.5-VL: times are positions. The nearest tick, since a frame begins a little before its place on a steady
        grid."""
        ticks = tuple(floor(first_s * ticks_per_s + Fraction(1, 2)) for first_s, _ in video.times_s)
        yield from (_Special(_VISION_START), self._block(video, ticks), _Special(_VISION_END))

    def _with_times(self, video: Video) -> Iterator[str | Block]:
        """Qwen3-VL: the time of each pair of frames, its middle, is text before it."""
        for first_s, second_s in video.times_s:
            yield f"<{(float(first_s) + float(second_s)) / 2:.1f} seconds>"
            yield from (_Special(_VISION_START), self._block(video, (0,)), _Special(_VISION_END))

    def _block(self, video: Video, ticks: tuple[int, ...]) -> Block:
        _, rows, columns = video.grid
        return Block(ticks, rows // self.video_maker.merged, columns // self.video_maker.merged)


def _tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # (the library raises this very class)
        raise PackError(
            f"The model's tokenizer can't be read: {error}", path=path, remedy="Download the model again"
        ) from error
    tokenizer.encode_special_tokens = True
    return tokenizer
