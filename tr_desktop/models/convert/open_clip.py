"""Checkpoints as OpenCLIP saves them."""

from __future__ import annotations

import json
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, normalizers
from torch import Tensor, nn

from tr_desktop.errors import PackError
from tr_desktop.models.convert import libraries
from tr_desktop.models.convert.checkpoint import Checkpoint, PictureRules, SentenceRules
from tr_desktop.models.convert.recognise import OPEN_CLIP_CONFIG, Found, not_followed, part, text_config
from tr_desktop.picture_shape import Fit, Interpolation, PictureShape

_FITS = {"shortest": Fit.CROP, "squash": Fit.SQUASH}
_SPACES = (normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip())
# How OpenCLIP cleans sentences before it hands them to a tokenizer from Hugging Face.
_CLEANING = {
    "whitespace": _SPACES,
    "lower": (*_SPACES, normalizers.Lowercase()),
    "canonicalize": (
        normalizers.Replace("_", " "),
        normalizers.Replace(Regex(r"[!-/:-@\[-`{-~]"), ""),
        normalizers.Lowercase(),
        *_SPACES,
    ),
}


def load(found: Found) -> Checkpoint:
    """Load a checkpoint. Raises PackError for one that says what can't be followed."""
    package = libraries.open_clip()
    text = text_config(found)
    if "hf_model_name" in text:
        raise PackError(
            f"The checkpoint's text tower is described elsewhere, by {text['hf_model_name']}",
            path=found.folder,
            remedy="Choose a checkpoint that is complete",
        )
    from safetensors.torch import load_file

    model = package.create_model(f"local-dir:{found.folder}", load_weights=False, pretrained_text=False)
    model.load_state_dict(load_file(found.weights))
    model.eval()
    own = package.get_tokenizer(f"local-dir:{found.folder}")

    def tokens(texts: list[str]) -> tuple[Tensor, Tensor]:
        found = own(texts)
        return found, torch.ones_like(found)

    return Checkpoint(
        _Image(model), _Text(model), _pictures(found, model), _sentences(found, text, own, package), tokens
    )


class _Image(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> Tensor:
        vectors: Tensor = self.model.encode_image(pictures)
        return vectors


class _Text(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        vectors: Tensor = self.model.encode_text(tokens)
        return vectors


def _pictures(found: Found, model: Any) -> PictureRules:
    wanted: dict[str, Any] = model.visual.preprocess_cfg
    size = wanted["size"]
    sides = {int(size)} if isinstance(size, int) else {int(side) for side in size}
    if len(sides) != 1 or wanted["resize_mode"] not in _FITS:
        raise not_followed(found, f"it scales pictures to {size} by {wanted['resize_mode']}")
    try:
        interpolation = Interpolation(wanted["interpolation"])
    except ValueError as error:
        raise not_followed(found, f"it scales pictures with {wanted['interpolation']!r}") from error
    shape = PictureShape(sides.pop(), _FITS[wanted["resize_mode"]], interpolation)
    return PictureRules(shape, shape.size_px, 1 / 255, tuple(wanted["mean"]), tuple(wanted["std"]))


def _sentences(found: Found, text: dict[str, Any], own: Any, package: Any) -> SentenceRules:
    longest = int(text.get("context_length", own.context_length))
    if isinstance(own, package.SimpleTokenizer):
        return SentenceRules(_clip_tokenizer(own), longest, 0, has_mask=False)
    options = part(text, "tokenizer_kwargs", found.folder / OPEN_CLIP_CONFIG)
    if odd := set(options) - {"clean"}:
        raise not_followed(found, f"its tokenizer has the settings {', '.join(sorted(odd))}")
    tokenizer = Tokenizer.from_str(own.tokenizer.backend_tokenizer.to_str())
    cleaning = [*_CLEANING[options.get("clean", "whitespace")]]
    if tokenizer.normalizer is not None:
        cleaning.append(tokenizer.normalizer)
    tokenizer.normalizer = normalizers.Sequence(cleaning)
    pad = own.tokenizer.pad_token_id
    return SentenceRules(tokenizer.to_str(), longest, 0 if pad is None else int(pad), has_mask=False)


def _clip_tokenizer(own: Any) -> str:
    """tokenizer.json of CLIP's word pieces, which are a part of OpenCLIP."""
    merges = [pair for pair, _ in sorted(own.bpe_ranks.items(), key=lambda each: each[1])]
    tokenizer = libraries.transformers().CLIPTokenizer(
        vocab=own.encoder,
        merges=merges,
        bos_token="<start_of_text>",
        eos_token="<end_of_text>",
        unk_token="<end_of_text>",
        pad_token="<end_of_text>",
    )
    return json.dumps(json.loads(tokenizer.backend_tokenizer.to_str()))
