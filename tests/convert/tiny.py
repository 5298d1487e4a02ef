"""Tiny checkpoints of each family with random weights, as transformers and OpenCLIP save them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel

from tr_desktop.models.convert import libraries
from tr_desktop.models.convert.background import sample_pictures
from tr_desktop.picture_shape import PictureShape

README = "---\nlicense: apache-2.0\ntags:\n- vision\n---\n# Tiny\n"
WORDS = "a dog catches frisbee two people shake hands in front of window rain red blue green car the cat"


def words(lower: bool, start: str | None, end: str, pad: str) -> Any:
    """A tokenizer of whole words, as transformers wraps it."""
    special = [token for token in dict.fromkeys((pad, start, end, "<unk>")) if token]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS.split(), *"0123456789"])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [*([normalizers.Lowercase()] if lower else []), normalizers.Replace(Regex(r"[.,!-]"), "")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    around = f"{start} $A {end}" if start else f"$A {end}"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=around, special_tokens=[(token, vocabulary[token]) for token in (start, end) if token]
    )
    return libraries.transformers().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=start,
        eos_token=end,
        pad_token=pad,
        unk_token="<unk>",
        padding_side="right",
    )


TOWER = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
PICTURES = {"image_size": 64, "patch_size": 16}


def clip(folder: Path) -> Path:
    package = libraries.transformers()
    tokenizer = words(True, "<start>", "<end>", "<end>")
    config = package.CLIPConfig(
        text_config=TOWER | {"vocab_size": 60, "max_position_embeddings": 20, "eos_token_id": tokenizer.eos_token_id},
        vision_config=TOWER | PICTURES,
        projection_dim=24,
    )
    processor = package.CLIPImageProcessor(size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64})
    return _save(folder, package.CLIPModel(config), processor, tokenizer)


def siglip(folder: Path) -> Path:
    package = libraries.transformers()
    tokenizer = words(True, None, "<end>", "<pad>")
    config = package.SiglipConfig(
        text_config=TOWER | {"vocab_size": 60, "max_position_embeddings": 16, "projection_size": 32},
        vision_config=TOWER | PICTURES,
    )
    processor = package.SiglipImageProcessor(size={"height": 64, "width": 64}, resample=3)
    return _save(folder, package.SiglipModel(config), processor, tokenizer)


def siglip2(folder: Path) -> Path:
    package = libraries.transformers()
    config = package.Siglip2Config(
        text_config=TOWER | {"vocab_size": 60, "max_position_embeddings": 16, "projection_size": 32},
        vision_config=TOWER | {"num_patches": 9, "patch_size": 16},
    )
    processor = package.Siglip2ImageProcessor(patch_size=16, max_num_patches=16)
    return _save(folder, package.Siglip2Model(config), processor, words(True, None, "<end>", "<pad>"))


def chinese_clip(folder: Path) -> Path:
    package = libraries.transformers()
    config = package.ChineseCLIPConfig(
        text_config=TOWER | {"vocab_size": 60, "max_position_embeddings": 64},
        vision_config=TOWER | PICTURES,
        projection_dim=24,
    )
    processor = package.ChineseCLIPImageProcessor(
        size={"height": 64, "width": 64}, crop_size={"height": 64, "width": 64}
    )
    return _save(folder, package.ChineseCLIPModel(config), processor, words(True, "<start>", "<end>", "<pad>"))


def altclip(folder: Path) -> Path:
    package = libraries.transformers()
    tokenizer = words(False, "<start>", "<end>", "<pad>")
    config = package.AltCLIPConfig(
        text_config=TOWER
        | {"vocab_size": 60, "max_position_embeddings": 90, "project_dim": 24, "pad_token_id": tokenizer.pad_token_id},
        vision_config=TOWER | PICTURES,
        projection_dim=24,
    )
    processor = package.CLIPImageProcessor(size={"shortest_edge": 64}, crop_size={"height": 56, "width": 56})
    config.vision_config.image_size = 56
    config.vision_config.patch_size = 14
    return _save(folder, package.AltCLIPModel(config), processor, tokenizer)


def open_clip(folder: Path) -> Path:
    vision = {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
    return _save_open_clip(folder, {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}, {})


def open_clip_resnet(folder: Path) -> Path:
    """As OpenCLIP keeps CLIP's ResNets, whose parameters' names don't all say which tower they belong to."""
    vision = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 64}
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
    return _save_open_clip(folder, {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}, {})


def open_clip_siglip(folder: Path) -> Path:
    """As OpenCLIP keeps SigLIP: a tower of timm, a tokenizer from Hugging Face, sentences cleaned before it."""
    model = {
        "embed_dim": 64,
        "custom_text": True,
        "init_logit_bias": -10,
        "vision_cfg": {
            "image_size": 160,
            "timm_model_name": "test_vit",
            "timm_pool": "avg",
            "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": 16,
            "vocab_size": 60,
            "width": 64,
            "heads": 2,
            "layers": 2,
            "hf_tokenizer_name": "somebody/elsewhere",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "no_causal_mask": True,
            "pool_type": "last",
        },
    }
    squash = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    _save_open_clip(folder, model, squash)
    words(False, None, "<end>", "<pad>").save_pretrained(folder)
    return folder


def few_pictures(shape: PictureShape) -> npt.NDArray[np.uint8]:
    """A few of the pictures that come with the package: enough for tests."""
    return sample_pictures(shape)[::11]


FAMILIES: dict[str, Callable[[Path], Path]] = {
    each.__name__: each
    for each in (clip, siglip, siglip2, chinese_clip, altclip, open_clip, open_clip_resnet, open_clip_siglip)
}


def _save(folder: Path, model: Any, processor: Any, tokenizer: Any) -> Path:
    _stretch(model)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(README)
    return folder


def _save_open_clip(folder: Path, model_config: dict[str, Any], preprocessing: dict[str, Any]) -> Path:
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": model_config, "preprocess_cfg": preprocessing})
    )
    model = libraries.open_clip().create_model(f"local-dir:{folder}", load_weights=False)
    _stretch(model)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    (folder / "README.md").write_text(README)
    return folder


def _stretch(model: Any) -> None:
    """Random weights as they come make all vectors alike; larger ones tell sentences and pictures apart."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.ndim > 1:
                value.copy_(torch.randn_like(value) * (0.5 if "embed" in name else 0.25))
