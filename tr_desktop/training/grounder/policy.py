"""The model that is trained: a frozen checkpoint with LoRA in its language layers (Hu et al., ICLR 2022).

The vision tower stays as it is. One forward serves both kinds of training, and it always gets the pictures: with them
left out it would give probabilities of another input, without an error.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import DynamicCache

from tr_desktop.errors import UserError
from tr_desktop.files import replacing
from tr_desktop.grounder_worker.prompt import Prompt
from tr_desktop.grounders.video_llm.answers import TIME_TOKENS
from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.grounders.video_llm.presets import Preset
from tr_desktop.training.grounder.checkpoint import Checkpoint

_TARGETS = r".*language_model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"
_SMALL_PARAMETERS = 5e9  # up to here a smaller adapter is enough
_END = "<|im_end|>"
_HEAD = "segment_head.safetensors"
ADAPTER = "adapter_model.safetensors"


@dataclass(frozen=True)
class Adapter:
    """rank, alpha, dropout: of LoRA."""

    rank: int
    alpha: int
    dropout: float = 0.05

    @classmethod
    def for_size(cls, parameters: int) -> Adapter:
        """TimeRefine's for 7 B; a quarter of it for up to 4 B."""
        return cls(16, 32) if parameters < _SMALL_PARAMETERS else cls(64, 128)


@dataclass(frozen=True)
class Scored:
    """Answers under the model, padded at their ends to the longest one, A tokens.

    log_probabilities: [B, A] of each token, 0 in the padding. is_written: [B, A], False in the padding. hidden: the
    last layer [B, A, H] at each token, after it was read.
    """

    log_probabilities: Tensor
    is_written: Tensor
    hidden: Tensor


class Policy:
    """A checkpoint with an adapter. It asks as `preset` does. base: the name of the checkpoint's folder.

    has_head: with TimeRefine's auxiliary head. Raises UserError if the checkpoint has no layers that an adapter fits.
    """

    def __init__(
        self, base: Checkpoint, preset: Preset, adapter: Adapter | None = None, *, has_head: bool = False
    ) -> None:
        self.preset, self.encoder, self._inner = preset, base.encoder, base.model
        self.base = base.folder.resolve().name
        self.device: torch.device = base.model.device
        ids = _begin_tokens(base)
        matrices = ["embed_tokens"] if _is_tied(base.model) else ["embed_tokens", "lm_head"]
        size = adapter or Adapter.for_size(base.model.num_parameters())
        config = LoraConfig(
            r=size.rank,
            lora_alpha=size.alpha,
            lora_dropout=size.dropout,
            target_modules=_TARGETS,
            trainable_token_indices={name: ids for name in matrices} if ids else None,
        )
        try:
            with warnings.catch_warnings(action="ignore", category=FutureWarning):  # peft reads a name of before
                self._peft: Any = get_peft_model(base.model, config)
        except ValueError as error:
            raise UserError(f"This checkpoint can't be trained here: {error}", path=base.folder) from error
        self._inner.config.use_cache = False
        width = base.model.config.get_text_config().hidden_size
        self.head = nn.Linear(width, 2, device=self.device) if has_head else None
        end = self.encoder.tokenizer.token_to_id(_END)
        assert end is not None  # the encoder has looked
        self._end = end
        self._not_written = torch.tensor(self.encoder.not_written, device=self.device)

    def parameters(self) -> list[nn.Parameter]:
        """What is trained."""
        own = [parameter for parameter in self._peft.parameters() if parameter.requires_grad]
        return own + (list(self.head.parameters()) if self.head is not None else [])

    def train(self, *, drops: bool = True, saves_memory: bool = False) -> None:
        """Make ready for training. drops: with LoRA's dropout. saves_memory: compute activations again going back."""
        if saves_memory:
            self._inner.activation_checkpointing_enable({"use_reentrant": False})
        self._peft.train()
        for module in self._peft.modules():
            if isinstance(module, nn.Dropout) and not drops:
                module.eval()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Without gradients and dropout while the block runs."""
        was_training = [(module, module.training) for module in self._peft.modules()]
        self._peft.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for module, training in was_training:
                module.training = training

    def prompt(self, question: Question) -> Prompt:
        """The question as the worker asks it."""
        return self.encoder.prompt(
            self.encoder.video_maker(question.pictures, question.times_s),
            self.preset.prompt.replace("{}", question.query),
            system=self.preset.system,
            is_text_first=self.preset.is_text_first,
        )

    def ids_of(self, text: str) -> list[int]:
        """An answer's tokens, with the one that ends it."""
        return [*self.encoder.tokenizer.encode(text, add_special_tokens=False).ids, self._end]

    def text_of(self, ids: Iterable[int]) -> str:
        """What tokens say, without the one that ends it."""
        kept = [each for each in ids if each not in self.encoder.ends]
        text: str = self.encoder.tokenizer.decode(kept, skip_special_tokens=False)
        return text

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], *, as_sampled: bool = False) -> Scored:
        """The answers' probabilities after the prompts. as_sampled: among the tokens that `sample` draws from."""
        whole = [prompt.followed_by(answer) for prompt, answer in zip(prompts, answers, strict=True)]
        ids, mask = _padded([each.ids for each in whole]), _padded([torch.ones_like(each.ids) for each in whole])
        hidden = self._inner.model(
            input_ids=ids.to(self.device),
            attention_mask=mask.to(self.device),
            position_ids=torch.stack(
                [_padded(list(rows)) for rows in zip(*(each.positions for each in whole), strict=True)]
            ).to(self.device),
            use_cache=False,
            **self._vision(prompts),
        ).last_hidden_state
        counts = torch.tensor([len(answer) for answer in answers])
        written = torch.arange(int(counts.max())) < counts[:, None]  # [B, A]
        # Where each token of the answer is read; the place before it says how likely it is.
        starts = torch.tensor([len(prompt.ids) for prompt in prompts])
        at = torch.where(written, starts[:, None] + torch.arange(int(counts.max())), 1)
        row = torch.arange(len(whole))[:, None]
        logits = self._inner.lm_head(hidden[row, at - 1]).float()
        if as_sampled:
            logits = logits.index_fill(-1, self._not_written, -torch.inf)
        chosen = logits.log_softmax(-1).gather(-1, ids[row, at].to(self.device)[..., None])[..., 0]
        written = written.to(self.device)
        return Scored(torch.where(written, chosen, 0), written, hidden[row, at])

    def sample(self, prompt: Prompt, count: int, longest: int, *, temperature: float = 1.0) -> list[list[int]]:
        """`count` answers of up to `longest` tokens; the pictures are looked at once. temperature: 0 is greedy."""
        cache, position = DynamicCache(config=self._inner.config), int(prompt.positions.max()) + 1
        answers: list[list[int]] = [[] for _ in range(count)]
        with self.asking():
            logits = self._inner(
                input_ids=prompt.ids[None].to(self.device),
                position_ids=prompt.positions[:, None].to(self.device),
                cache=cache,
                use_cache=True,
                logits_to_keep=1,
                **self._vision([prompt]),
            ).logits[:, -1]
            cache.batch_repeat_interleave(count)
            logits = logits.expand(count, -1)
            for step in range(longest):
                drawn = self._draw(logits, temperature)
                for answer, token in zip(answers, drawn.tolist(), strict=True):
                    if not answer or answer[-1] not in self.encoder.ends:
                        answer.append(token)
                if all(answer[-1] in self.encoder.ends for answer in answers):
                    break
                if step + 1 < longest:
                    logits = self._inner(
                        input_ids=drawn[:, None],
                        position_ids=torch.full((3, count, 1), position + step, device=self.device),
                        cache=cache,
                        use_cache=True,
                    ).logits[:, -1]
        return answers

    def save(self, folder: Path) -> None:
        """Write the head if there is one, and the adapter last, into `folder`: with the adapter, all is there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._peft.peft_config["default"].save_pretrained(folder)
        if self.head is not None:
            with replacing(folder / _HEAD) as part:
                save_file({name: value.detach().cpu() for name, value in self.head.state_dict().items()}, part)
        state = {name: value.detach().cpu().contiguous() for name, value in self._adapter().items()}
        with replacing(folder / ADAPTER) as part:
            save_file(state, part)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote. Raises UserError if it is of another model."""
        try:
            state = load_file(folder / ADAPTER)
            if state.keys() != self._adapter().keys():
                raise ValueError("it has other layers")
            self.load_state(state)
            if self.head is not None:
                self.head.load_state_dict(load_file(folder / _HEAD))
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"This adapter doesn't fit the model: {error}", path=folder) from error

    def state(self) -> dict[str, Tensor]:
        """What is trained, as it is now."""
        head = {} if self.head is None else {f"head.{name}": value for name, value in self.head.state_dict().items()}
        return {name: value.detach().cpu().clone() for name, value in (*self._adapter().items(), *head.items())}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` gave."""
        head = {name.removeprefix("head."): value for name, value in state.items() if name.startswith("head.")}
        if self.head is not None and head:
            self.head.load_state_dict(head)
        own = {name: value for name, value in state.items() if not name.startswith("head.")}
        set_peft_model_state_dict(self._peft, own)

    def merged(self) -> Any:
        """The checkpoint with the adapter added to its weights. Nothing can be trained after that."""
        return self._peft.merge_and_unload()

    def _adapter(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = get_peft_model_state_dict(self._peft, save_embedding_layers=False)
        return state

    def _vision(self, prompts: Sequence[Prompt]) -> dict[str, Tensor]:
        parts = [prompt.vision_inputs() for prompt in prompts]
        return {name: torch.cat([part[name] for part in parts]).to(self.device) for name in parts[0]}

    def _draw(self, logits: Tensor, temperature: float) -> Tensor:
        """[B] tokens from [B, V]."""
        logits = logits.float().index_fill(-1, self._not_written, -torch.inf)
        if temperature == 0:
            return logits.argmax(-1)
        return torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0]


def _padded(rows: Sequence[Tensor]) -> Tensor:
    """[B, L] of rows that are filled with 0 at their ends."""
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True)


def _is_tied(model: Any) -> bool:
    tied: bool = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    return tied


def _begin_tokens(base: Checkpoint) -> list[int]:
    """The numbers of the new tokens. Each begins as what it stands for: the mean of the tokens in its place before."""
    tokenizer = base.encoder.tokenizer
    ids = [number for name in base.new_tokens if (number := tokenizer.token_to_id(name)) is not None]
    matrices = (base.model.get_input_embeddings().weight, base.model.get_output_embeddings().weight)
    with torch.no_grad():
        for name, number in zip(base.new_tokens, ids, strict=True):
            before = TIME_TOKENS.get(name, name.replace("<", " "))
            pieces = tokenizer.encode(before, add_special_tokens=False).ids
            for matrix in matrices:
                matrix[number] = matrix[pieces].mean(0)
    return ids
