"""Tiny random checkpoints of the families that run in the worker, laid out as Hugging Face does, made without network.

They write nonsense. With them every program path can be tried in seconds: `train grounder --tiny` and the tests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

FAMILIES = ("qwen2_5_vl", "qwen3_vl")

# As the released tokenizers have them, in the order of their numbers. The first fourteen are special.
_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>"),
    *("<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
    *("<|image_pad|>", "<|video_pad|>"),
)
_OTHER = ("<tool_call>", "</tool_call>", "<think>", "</think>")
# Words, punctuation and spaces as Qwen2's tokenizer splits them; every digit is a token of its own.
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_TEXT = (
    "You are a helpful assistant. system user assistant Find the event a person opens a red door in the video",
    "Given the query return ALL time spans (in seconds) where the query is relevant. The event happens in 3.0 - 8.5",
    "<timestep>12.54 to 17.83</timestep> <answer>3.50 to 9.75</answer> Answer with one word, yes or no. Yes No",
)
_SIDE_TOKENS = 2  # patches a token, each way
_PATCH_PX = {"qwen2_5_vl": 14, "qwen3_vl": 16}


def write_tiny(family: str, folder: Path, *, extra_tokens: Sequence[str] = (), seed: int = 0) -> Path:
    """Write a random checkpoint of 0.2 million parameters into the new folder `folder`, and return it.

    family: one of FAMILIES. extra_tokens: added to the tokenizer, such as those of an answer's format.
    """
    write_random(family, folder, extra_tokens=extra_tokens, seed=seed)
    return folder


def write_random(
    family: str,
    folder: Path,
    *,
    text: Mapping[str, Any] = MappingProxyType({}),
    vision: Mapping[str, Any] = MappingProxyType({}),
    extra_tokens: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """The same with sizes of its own. text, vision: of the two parts' configurations, in place of the tiny ones."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    folder.mkdir(parents=True)
    tokenizer = tiny_tokenizer(extra_tokens)
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, content in _tokenizer_and_picture_files(family).items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    torch.manual_seed(seed)
    model = _model(family, tokenizer, text, vision)
    if not text:
        _stretch(model)
    end, start = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = [end, start], start
    model.save_pretrained(folder)


def tiny_tokenizer(extra_tokens: Sequence[str] = ()) -> Tokenizer:
    """A byte-level BPE that is trained on a few sentences, with Qwen's special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_TEXT * 20, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in _SPECIAL])
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in (*_OTHER, *extra_tokens)])
    return tokenizer


def _tokenizer_and_picture_files(family: str) -> dict[str, dict[str, Any]]:
    is_newer = family == "qwen3_vl"
    clip = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
    mean, deviation = ([0.5] * 3, [0.5] * 3) if is_newer else clip
    pictures = {
        "patch_size": _PATCH_PX[family],
        "temporal_patch_size": 2,
        "merge_size": _SIDE_TOKENS,
        "image_mean": mean,
        "image_std": deviation,
        "processor_class": "Qwen3VLProcessor" if is_newer else "Qwen2_5_VLProcessor",
    }
    video = "Qwen3VLVideoProcessor" if is_newer else "Qwen2VLVideoProcessor"
    return {
        "preprocessor_config.json": pictures | {"image_processor_type": "Qwen2VLImageProcessor"},
        "video_preprocessor_config.json": pictures | {"video_processor_type": video},
        "tokenizer_config.json": {
            "tokenizer_class": "Qwen2Tokenizer",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "additional_special_tokens": _SPECIAL[1:],
            "model_max_length": 32768,
            "clean_up_tokenization_spaces": False,
        },
    }


def _model(family: str, tokenizer: Tokenizer, own_text: Mapping[str, Any], own_vision: Mapping[str, Any]) -> Any:
    import transformers

    ids = {token: tokenizer.token_to_id(token) for token in _SPECIAL}
    text: dict[str, Any] = {
        "vocab_size": -(-tokenizer.get_vocab_size() // 64) * 64,  # more than there are tokens, as in released ones
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32768,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    vision: dict[str, Any] = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": _PATCH_PX[family],
        "spatial_merge_size": _SIDE_TOKENS,
        "temporal_patch_size": 2,
        "out_hidden_size": 64,
    }
    tokens: dict[str, Any] = {
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "tie_word_embeddings": True,
    }
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0}
    if family == "qwen2_5_vl":
        text |= {"rope_parameters": rope | {"mrope_section": [2, 3, 3]}}
        vision |= {"window_size": 112, "fullatt_block_indexes": [1], "tokens_per_second": 2}
        config: Any = transformers.Qwen2_5_VLConfig(
            text_config={**text, **own_text}, vision_config={**vision, **own_vision}, **tokens
        )
        return transformers.Qwen2_5_VLForConditionalGeneration(config)
    text |= {"head_dim": 16, "rope_parameters": rope | {"mrope_section": [4, 2, 2], "mrope_interleaved": True}}
    vision |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0]}
    config = transformers.Qwen3VLConfig(
        text_config={**text, **own_text}, vision_config={**vision, **own_vision}, **tokens
    )
    return transformers.Qwen3VLForConditionalGeneration(config)


def _stretch(model: Any) -> None:
    """Initial weights of these families are for large widths: at this one, pictures and times would hardly count."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "embed_tokens" not in name:
                parameter.mul_(5)
        # Else no token could ever be likely: an adapter trains neither of these.
        model.get_input_embeddings().weight.mul_(2)
        model.model.language_model.norm.weight.mul_(8)
