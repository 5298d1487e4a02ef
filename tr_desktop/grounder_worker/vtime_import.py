"""VTimeLLM's and TimeRefine's published parts become one folder that the worker can run.

    Vicuna ──────────┐
    stage 1 ─────────┤
                     ├─▶ read ─▶ compared with what Llama and CLIP need ─▶ adapters added one after the other ─▶ written
    PEFT's adapters ─┤
    CLIP ViT-L/14 ───┘

    llm/{config.json, tokenizer.json, model-*.safetensors}   clip/{config.json, model.safetensors}
    projector.safetensors   segment_head.safetensors: TimeRefine's aid in training, which the worker doesn't run

One weight after the other is made, so it takes about 3 GB of memory and not 14.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from tokenizers import Tokenizer
from torch import Tensor

from tr_desktop.errors import PackError
from tr_desktop.files import write_verified
from tr_desktop.grounder_worker.load import transformers
from tr_desktop.grounder_worker.vtime_sources import (
    Adapter,
    adapter_of,
    expect_plain,
    model_config,
    projector_of,
    weights_of,
)
from tr_desktop.grounder_worker.vtime_tokenizer import llama_tokenizer

NEW_TOKENS = ("<SEG_START>", "<SEG_END>", "<RETHINK>", "<OFFSET>")
"""What TimeRefine's answers are written with; their numbers follow those of the vocabulary."""

FILE_BYTES = 1 << 29
_STEMS = ("model", "pytorch_model")
_PROJECTOR, _HEAD = "model.mm_projector.", "segment_head."
_VOCABULARY = ("model.embed_tokens.weight", "lm_head.weight")
_COMPUTED = ("rotary_emb.inv_freq", "position_ids")  # older versions of transformers save these too

OnProgress = Callable[[float, str], None]
"""How far it is, 0 to 1, and what is being done."""


@dataclass(frozen=True)
class Parts:
    """The published parts, read but not merged yet.

    llama, clip: configurations of transformers. language, vision: their weights; language has the projector too.
    """

    llama: Any
    clip: Any
    tokenizer: Tokenizer
    language: Mapping[str, Tensor]
    vision: Mapping[str, Tensor]
    adapters: Sequence[Adapter]

    @property
    def is_timerefine(self) -> bool:
        return self.tokenizer.token_to_id(NEW_TOKENS[0]) is not None

    def merged(self, name: str) -> Tensor:
        """A weight of the language model or the projector, with all adapters."""
        value = self.language[name].float()
        for adapter in self.adapters:
            if name in adapter.whole:
                value = adapter.whole[name].float()
            if name in adapter.pairs:
                down, up = adapter.pairs[name]
                value = value + adapter.scale * (up.float() @ down.float())
        return value.to(self.language[name].dtype).contiguous()

    def shape(self, name: str) -> tuple[int, ...]:
        """Of `merged`."""
        whole = [adapter.whole[name] for adapter in self.adapters if name in adapter.whole]
        return tuple((whole or [self.language[name]])[-1].shape)

    def head(self) -> dict[str, Tensor]:
        """TimeRefine's prediction head, {} if there is none."""
        found: dict[str, Tensor] = {}
        for adapter in self.adapters:
            found |= {key: value for key, value in adapter.whole.items() if key.startswith(_HEAD)}
        return {key.removeprefix(_HEAD): value.contiguous() for key, value in found.items()}


def read_parts(base: Path, stage1: Path, adapters: Sequence[Path], clip: Path) -> Parts:
    """The parts in the user's folders, checked against each other.

    base: Vicuna. stage1: VTimeLLM's projector. adapters: VTimeLLM's stage 2 and 3, or TimeRefine's one. clip: OpenAI's
    CLIP ViT-L/14, as transformers saves it. Raises PackError for what is missing, doesn't fit or could run code.
    """
    expect_plain(base)
    language = _without_computed(weights_of(base, _STEMS))
    language |= {_PROJECTOR + key: value for key, value in projector_of(stage1).items()}
    parts = [adapter_of(folder) for folder in adapters]
    llama = _config("LlamaConfig", model_config(base), "llama", base)
    rows = _rows(parts, llama.vocab_size)
    tokenizer = llama_tokenizer(base, NEW_TOKENS if rows > llama.vocab_size else ())
    if rows != llama.vocab_size and rows != tokenizer.get_vocab_size():
        what = f"The adapter has {rows} tokens, the tokenizer {tokenizer.get_vocab_size()}"
        raise PackError(what, path=parts[-1].folder, remedy="Give the Vicuna that the adapter was made with")
    llama.vocab_size = rows
    vision_config, vision = _clip(clip)
    read = Parts(llama, vision_config, tokenizer, language, vision, parts)
    _expect_fit(read, base, clip)
    return read


def write_parts(parts: Parts, folder: Path, on_progress: OnProgress = lambda *_: None) -> None:
    """Merge and write everything to `folder`, which is empty. Raises OSError."""
    llm, clip = folder / "llm", folder / "clip"
    for each in (llm, clip):
        each.mkdir()
    _write_config(parts.llama, llm)
    write_verified(llm / "tokenizer.json", parts.tokenizer.to_str().encode())
    names = sorted(name for name in parts.language if not name.startswith(_PROJECTOR))
    groups = list(_groups(names, parts))
    files = [f"model-{number + 1:05}-of-{len(groups):05}.safetensors" for number in range(len(groups))]
    for number, (file, group) in enumerate(zip(files, groups, strict=True)):
        on_progress(number / (len(groups) + 1), f"Merging the language model, part {number + 1} of {len(groups)}")
        _write_tensors(llm / file, {name: parts.merged(name) for name in group})
    place = {name: file for file, group in zip(files, groups, strict=True) for name in group}
    index = {"metadata": {"total_size": sum(_bytes(parts, name) for name in names)}, "weight_map": place}
    write_verified(llm / "model.safetensors.index.json", json.dumps(index, indent=1).encode())
    on_progress(len(groups) / (len(groups) + 1), "Writing the image tower")
    _write_config(parts.clip, clip)
    _write_tensors(clip / "model.safetensors", {key: value.contiguous() for key, value in parts.vision.items()})
    projector = {key: parts.merged(_PROJECTOR + key) for key in ("weight", "bias")}
    _write_tensors(folder / "projector.safetensors", projector)
    if head := parts.head():
        _write_tensors(folder / "segment_head.safetensors", head)


def _clip(folder: Path) -> tuple[Any, dict[str, Tensor]]:
    """Configuration and weights of CLIP's image tower. Raises PackError."""
    archive = folder if folder.suffix == ".pt" else next(folder.glob("*.pt"), None)
    if archive is not None and not (folder / "config.json").is_file():
        raise PackError(
            f"{archive.name} is a program (TorchScript), which is refused",
            path=archive,
            remedy="Give the folder of openai/clip-vit-large-patch14 instead: the same weights as safetensors",
        )
    expect_plain(folder)
    facts = model_config(folder)
    kind = facts.get("model_type")
    vision = facts.get("vision_config") if kind == "clip" else facts
    weights = _without_computed(weights_of(folder, _STEMS))
    prefixes = ("vision_model.", "visual_projection.")
    weights = {key: value for key, value in weights.items() if key.startswith(prefixes)}
    projection = weights.get("visual_projection.weight")
    if not isinstance(vision, dict) or projection is None:
        raise PackError("The folder isn't a CLIP of transformers with its projection", path=folder)
    facts = vision | {"model_type": "clip_vision_model", "projection_dim": projection.shape[0]}
    return _config("CLIPVisionConfig", facts, "clip_vision_model", folder), weights


def _config(class_name: str, facts: Mapping[str, Any], family: str, folder: Path) -> Any:
    """A configuration of transformers. Raises PackError if it is of another family, or damaged."""
    if facts.get("model_type") != family:
        raise PackError(f"The model is of the family {facts.get('model_type')!r}, not {family}", path=folder)
    try:
        return getattr(transformers(), class_name).from_dict(dict(facts))
    except Exception as error:  # of transformers and huggingface_hub
        raise PackError(f"config.json isn't understood: {error}", path=folder / "config.json") from error


def _rows(adapters: Sequence[Adapter], vocab_size: int) -> int:
    """How many tokens the merged model knows. Raises PackError if they are neither Vicuna's nor four more."""
    whole = {name: value for adapter in adapters for name, value in adapter.whole.items()}
    rows = {len(whole[name]) for name in _VOCABULARY if name in whole} or {vocab_size}
    has_head = any(name.startswith(_HEAD) for name in whole)
    has_both = all(name in whole for name in _VOCABULARY)
    if rows == {vocab_size} and not has_head:
        return vocab_size
    if rows == {vocab_size + len(NEW_TOKENS)} and has_both:
        return vocab_size + len(NEW_TOKENS)
    raise PackError(
        f"TimeRefine's adapter lacks the rows of its {len(NEW_TOKENS)} tokens in {' or '.join(_VOCABULARY)}",
        path=adapters[-1].folder,
        remedy="Give the adapter's whole folder, as its authors published it",
    )


def _without_computed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in weights.items() if not key.endswith(_COMPUTED)}


def _expect_fit(parts: Parts, base: Path, clip: Path) -> None:
    """Raises PackError unless names and shapes are those of Llama and CLIP, and each part of an adapter has a place."""
    package = transformers()
    with torch.device("meta"):  # shapes, without numbers
        llama = package.LlamaForCausalLM(parts.llama).state_dict()
        vision = package.CLIPVisionModelWithProjection(parts.clip).state_dict()
    wanted = {key: tuple(value.shape) for key, value in llama.items()}
    wanted[f"{_PROJECTOR}weight"] = (parts.llama.hidden_size, parts.clip.projection_dim)
    wanted[f"{_PROJECTOR}bias"] = (parts.llama.hidden_size,)
    for adapter in parts.adapters:
        for name, (down, up) in adapter.pairs.items():
            if wanted.get(name) != (up.shape[0], down.shape[1]):
                raise _misfit(f"{name} of an adapter", (up.shape[0], down.shape[1]), wanted.get(name), adapter.folder)
        for name, value in adapter.whole.items():
            if not name.startswith(_HEAD) and wanted.get(name) != tuple(value.shape):
                raise _misfit(f"{name} of an adapter", tuple(value.shape), wanted.get(name), adapter.folder)
    _expect_same({name: parts.shape(name) for name in parts.language}, wanted, base)
    shapes = {key: tuple(value.shape) for key, value in parts.vision.items()}
    _expect_same(shapes, {key: tuple(value.shape) for key, value in vision.items()}, clip)


def _expect_same(found: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]], folder: Path) -> None:
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise _misfit(name, found.get(name), wanted.get(name), folder)


def _misfit(name: str, found: tuple[int, ...] | None, wanted: tuple[int, ...] | None, folder: Path) -> PackError:
    if wanted is None:
        return PackError(f"{name} has no place in the model", path=folder)
    said = "missing" if found is None else f"{list(found)} numbers instead of {list(wanted)}"
    return PackError(f"{name} doesn't fit: {said}", path=folder, remedy="Give the parts that belong together")


def _groups(names: Sequence[str], parts: Parts) -> Iterator[list[str]]:
    """The names in groups of at most FILE_BYTES."""
    group: list[str] = []
    size = 0
    for name in names:
        if group and size + _bytes(parts, name) > FILE_BYTES:
            yield group
            group, size = [], 0
        group.append(name)
        size += _bytes(parts, name)
    yield group


def _bytes(parts: Parts, name: str) -> int:
    return torch.Size(parts.shape(name)).numel() * parts.language[name].element_size()


def _write_config(config: Any, folder: Path) -> None:
    write_verified(folder / "config.json", config.to_json_string().encode())


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    write_verified(path, save(dict(tensors), metadata={"format": "pt"}))
