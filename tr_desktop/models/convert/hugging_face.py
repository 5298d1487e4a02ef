"""Checkpoints as transformers saves them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tr_desktop.models.convert import libraries
from tr_desktop.models.convert.checkpoint import Checkpoint, PictureRules, SentenceRules
from tr_desktop.models.convert.recognise import Found, not_followed
from tr_desktop.picture_shape import Fit, Interpolation, PictureShape

_MODELS = {
    "clip": "CLIPModel",
    "siglip": "SiglipModel",
    "siglip2": "Siglip2Model",
    "chinese_clip": "ChineseCLIPModel",
    "altclip": "AltCLIPModel",
}
_WITHOUT_MASK = ("clip", "siglip", "siglip2")
# Sentences of these families have no fixed length; their models were trained with shorter ones than they can take.
_USUAL_TOKENS = {"chinese_clip": 52, "altclip": 77}
INTERPOLATIONS = {2: Interpolation.BILINEAR, 3: Interpolation.BICUBIC, 4: Interpolation.AREA}  # as Pillow counts


def load(found: Found) -> Checkpoint:
    """Load a checkpoint. Raises PackError for one that says what can't be followed."""
    transformers = libraries.transformers()
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    model, report = getattr(transformers, _MODELS[found.family]).from_pretrained(
        found.folder,
        use_safetensors=True,
        dtype=torch.float32,
        attn_implementation="eager",
        output_loading_info=True,
        **options,
    )
    if missing := sorted(report["missing_keys"]):  # transformers itself goes on with random numbers
        raise not_followed(found, f"its weights lack {missing[0]}")
    model.eval()
    processor = transformers.AutoImageProcessor.from_pretrained(found.folder, **options)
    tokenizer = transformers.AutoTokenizer.from_pretrained(found.folder, **options)
    sentences = _sentences(found, model, tokenizer)

    def tokens(texts: list[str]) -> tuple[Tensor, Tensor]:
        encoded = tokenizer(
            texts, padding="max_length", max_length=sentences.max_tokens, truncation=True, return_tensors="pt"
        )
        mask = encoded["attention_mask"] if "attention_mask" in encoded else torch.ones_like(encoded["input_ids"])
        return encoded["input_ids"], mask

    if found.family == "siglip2":
        side = round(processor.max_num_patches**0.5) * processor.patch_size
        shape = PictureShape(side, Fit.SQUASH, _interpolation(found, processor))
        pictures = _rules(processor, shape, side)
        image: nn.Module = _Patches(model, processor.patch_size, side // processor.patch_size)
    else:
        pictures = _pictures(found, processor)
        image = _Image(model)
    return Checkpoint(image, _Text(model), pictures, sentences, tokens)


class _Image(nn.Module):
    """Pictures [N, 3, S, S] to vectors [N, D]."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> Tensor:
        return _pooled(self.model.get_image_features(pixel_values=pictures))


class _Patches(nn.Module):
    """The same for a tower that takes patches; those of a square."""

    def __init__(self, model: Any, patch_px: int, rows: int) -> None:
        super().__init__()
        self.model, self.patch_px = model, patch_px
        # Positions are the same for all squares. The way to them has no equivalent in ONNX in every version.
        embeddings = model.vision_model.embeddings
        grid = embeddings.position_embedding_size
        known = embeddings.position_embedding.weight.detach().reshape(grid, grid, -1)
        own = embeddings.resize_positional_embeddings(known, torch.tensor([[rows, rows]]), max_length=rows * rows)
        embeddings.resize_positional_embeddings = lambda weight, *_, **__: own.to(weight.dtype)

    def forward(self, pictures: Tensor) -> Tensor:
        count, size = pictures.shape[0], self.patch_px
        rows, columns = pictures.shape[2] // size, pictures.shape[3] // size
        patches = pictures.reshape(count, 3, rows, size, columns, size).permute(0, 2, 4, 3, 5, 1)
        patches = patches.reshape(count, rows * columns, 3 * size * size)
        shapes = torch.ones((count, 2), dtype=torch.int64) * torch.tensor([rows, columns])
        mask = torch.ones((count, rows * columns), dtype=torch.int64)
        return _pooled(
            self.model.get_image_features(pixel_values=patches, pixel_attention_mask=mask, spatial_shapes=shapes)
        )


class _Text(nn.Module):
    """Tokens [N, L], and a mask if the tower has one, to vectors [N, D]."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        return _pooled(self.model.get_text_features(input_ids=tokens, attention_mask=mask))


def _pooled(output: Any) -> Tensor:
    pooled: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return pooled


def _sentences(found: Found, model: Any, tokenizer: Any) -> SentenceRules:
    if not getattr(tokenizer, "is_fast", False):
        raise not_followed(found, "its tokenizer can't be kept as tokenizer.json")
    if tokenizer.padding_side != "right" or tokenizer.truncation_side != "right":
        raise not_followed(found, "its tokenizer fills up or cuts sentences on the left")
    longest = int(model.config.text_config.max_position_embeddings)
    if found.family in _USUAL_TOKENS:
        longest = min(_USUAL_TOKENS[found.family], longest, int(tokenizer.model_max_length))
    pad = tokenizer.pad_token_id
    return SentenceRules(
        tokenizer.backend_tokenizer.to_str(), longest, 0 if pad is None else int(pad), found.family not in _WITHOUT_MASK
    )


def _pictures(found: Found, processor: Any) -> PictureRules:
    size = {key: value for key, value in dict(processor.size).items() if value}
    interpolation = _interpolation(found, processor)
    if not processor.do_resize or not processor.do_rescale:
        raise not_followed(found, "it names no size or scale for pictures")
    if "shortest_edge" in size:
        shape = PictureShape(int(size["shortest_edge"]), Fit.CROP, interpolation)
    elif size.get("height") == size.get("width") is not None:
        shape = PictureShape(int(size["height"]), Fit.SQUASH, interpolation)
    else:
        raise not_followed(found, f"it scales pictures to {size}")
    crop_px = shape.size_px
    if getattr(processor, "do_center_crop", False):
        crop = processor.crop_size
        crop_px = int(crop["height"])
        if crop_px != int(crop["width"]) or crop_px > shape.size_px:
            raise not_followed(found, f"it cuts pictures to {crop}")
    return _rules(processor, shape, crop_px)


def _rules(processor: Any, shape: PictureShape, crop_px: int) -> PictureRules:
    mean, std = (processor.image_mean, processor.image_std) if processor.do_normalize else ((0,) * 3, (1,) * 3)
    return PictureRules(
        shape, crop_px, float(processor.rescale_factor), tuple(map(float, mean)), tuple(map(float, std))
    )


def _interpolation(found: Found, processor: Any) -> Interpolation:
    try:
        return INTERPOLATIONS[int(processor.resample)]
    except (KeyError, TypeError, ValueError) as error:
        raise not_followed(found, f"it scales pictures with {processor.resample!r}") from error
