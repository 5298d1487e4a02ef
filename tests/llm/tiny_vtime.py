"""Tiny random checkpoints in the layout in which VTimeLLM and TimeRefine are published, and what they should give.

    vicuna/    config.json, tokenizer.model, pytorch_model-0000?-of-00002.bin with their index
    stage1/    mm_projector.bin
    stage2/ stage3/    adapters of PEFT        timerefine/    one adapter, four tokens more, a prediction head
    clip/      CLIP of transformers with both towers

The twin beside a checkpoint was merged by PEFT itself and knows nothing of the import.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers.convert_slow_tokenizer import import_protobuf

from tr_desktop.grounder_worker.vtime_import import NEW_TOKENS
from tr_desktop.grounder_worker.vtime_tokenizer import llama_tokenizer

HIDDEN, WIDTH = 64, 24
_BYTES = slice(3, 259)  # in Llama's vocabulary
SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_CORPUS = [
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and"
    " polite answers to the user's questions. USER: During which frames can we see a cat? ASSISTANT: From 17 to 34.",
    "Does the video show the event described by the words? Answer with one word, yes or no. Yes. No. + - and to From",
]
_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Tiny:
    """Folders of a checkpoint, and its twin: the merged language model, the projector, CLIP's image tower."""

    base: Path
    stage1: Path
    adapters: list[Path]
    clip: Path
    language: Any
    projector: nn.Linear
    image: Any
    head: nn.Linear | None

    @property
    def options(self) -> list[str]:
        """For `models add`."""
        folders = map(str, (self.base, self.stage1, *self.adapters))
        return ["--vtimellm", *folders, "--clip", str(self.clip)]

    @torch.no_grad()
    def frame_tokens(self, pixels: Tensor) -> Tensor:
        """[n, 3, 224, 224] to [n, HIDDEN]."""
        tokens: Tensor = self.projector(self.image(pixel_values=pixels).image_embeds)
        return tokens


def vtimellm(folder: Path, teach: Mapping[str, str] | None = None) -> Tiny:
    """teach: what it answers to questions, whatever the video is; None for random answers."""
    torch.manual_seed(0)
    base, stage1, clip, projector, image = _common(folder)
    _save_vicuna(base, teach)
    language = _language(base)
    for name in ("stage2", "stage3"):
        language = _adapted(language, folder / name, 0.01 if teach else 0.3)
    return Tiny(base, stage1, [folder / "stage2", folder / "stage3"], clip, language.eval(), projector, image, None)


def timerefine(folder: Path, teach: Mapping[str, str] | None = None) -> Tiny:
    """teach: as for `vtimellm`."""
    torch.manual_seed(1)
    base, stage1, clip, projector, image = _common(folder)
    rows = _save_vicuna(base, teach)
    language = _language(base)
    language.resize_token_embeddings(language.config.vocab_size + len(NEW_TOKENS), mean_resizing=False)
    with torch.no_grad():
        for weights, new in zip((language.get_input_embeddings(), language.lm_head), rows, strict=True):
            weights.weight[-len(NEW_TOKENS) :] = new
    language.segment_head = nn.Linear(HIDDEN, 2)
    merged = _adapted(language, folder / "timerefine", 0.01 if teach else 0.3, saved=["segment_head"])
    return Tiny(base, stage1, [folder / "timerefine"], clip, merged.eval(), projector, image, merged.segment_head)


VARIANTS: dict[str, Callable[..., Tiny]] = {"vtimellm": vtimellm, "timerefine": timerefine}


def sentencepiece_model() -> bytes:
    """tokenizer.model as Llama has it: byte pairs with scores, each digit a piece of its own, bytes for the rest."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=[chr(number) for number in range(33, 127)])
    trained.train_from_iterator(_CORPUS * 9 + ["yes no Yes No"] * 99, trainer)
    known = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    message = import_protobuf().ModelProto()
    message.trainer_spec.model_type, message.trainer_spec.byte_fallback = 2, True
    message.normalizer_spec.add_dummy_prefix, message.normalizer_spec.remove_extra_whitespaces = True, False
    special = [("<unk>", 2), ("<s>", 3), ("</s>", 3), *((f"<0x{byte:02X}>", 6) for byte in range(256))]
    normal = ["▁▁", *sorted(known, key=lambda piece: len(piece) == 1)]  # pairs first, single characters last
    for rank, (piece, kind) in enumerate([*special, *((piece, 1) for piece in normal)]):
        message.pieces.add(piece=piece, type=kind, score=float(min(len(special) - rank, 0)))
    data: bytes = message.SerializeToString()
    return data


def _common(folder: Path) -> tuple[Path, Path, Path, nn.Linear, Any]:
    base, stage1, clip = (folder / name for name in ("vicuna", "stage1", "clip"))
    base.mkdir(parents=True)
    stage1.mkdir()
    projector = nn.Linear(WIDTH, HIDDEN)
    values = {f"model.mm_projector.{key}": value for key, value in projector.state_dict().items()}
    torch.save(values, stage1 / "mm_projector.bin")
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = vision | {"vocab_size": 40, "max_position_embeddings": 16}
    whole = transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config=text,
            vision_config=vision | {"image_size": 224, "patch_size": 56, "projection_dim": 8},
            projection_dim=WIDTH,
        )
    )
    _stretch(whole)
    whole.save_pretrained(clip)
    image = transformers.CLIPVisionModelWithProjection(
        transformers.CLIPVisionConfig(**vision, image_size=224, patch_size=56, projection_dim=WIDTH)
    )
    image.vision_model.load_state_dict(whole.vision_model.state_dict())
    image.visual_projection.load_state_dict(whole.visual_projection.state_dict())
    return base, stage1, clip, projector, image.eval()


def _save_vicuna(folder: Path, teach: Mapping[str, str] | None) -> tuple[Tensor, Tensor]:
    """Vicuna; the rows that TimeRefine's tokens have in its embeddings and in its last layer."""
    (folder / "tokenizer.model").write_bytes(sentencepiece_model())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", "legacy": False}))
    tokenizer = llama_tokenizer(folder, NEW_TOKENS)
    size = tokenizer.get_vocab_size()
    config = transformers.LlamaConfig(
        vocab_size=size,
        hidden_size=HIDDEN,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=4096,
    )
    model = transformers.LlamaForCausalLM(config)
    _stretch(model)
    with torch.no_grad():
        model.lm_head.weight[_BYTES] = 0  # never the likeliest: a random model would write what are no characters
    if teach:
        _teach(model, tokenizer, teach)
    config.vocab_size -= len(NEW_TOKENS)
    (folder / "config.json").write_text(config.to_json_string())
    weights = {name: value.detach() for name, value in model.state_dict().items()}
    tokens = ("model.embed_tokens.weight", "lm_head.weight")
    rows = weights[tokens[0]][config.vocab_size :].clone(), weights[tokens[1]][config.vocab_size :].clone()
    for name in tokens:
        weights[name] = weights[name][: config.vocab_size].clone()
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)  # as older versions save it
    half = len(weights) // 2
    place = {}
    for number, names in enumerate((list(weights)[:half], list(weights)[half:]), 1):
        file = f"pytorch_model-{number:05}-of-00002.bin"
        torch.save({name: weights[name] for name in names}, folder / file)
        place |= dict.fromkeys(names, file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": place}))
    return rows


def _teach(model: Any, tokenizer: Tokenizer, answers: Mapping[str, str]) -> None:
    """Train until it knows the answers by heart. The video is noise: the answers don't depend on it."""

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return found

    before = [*ids("<s>"), *ids(f"{SYSTEM} USER: ")]
    lessons = [(ids(f"\n{words} ASSISTANT:"), [*ids(answer), *ids("</s>")]) for words, answer in answers.items()]
    optimiser, embed = torch.optim.Adam(model.parameters(), lr=3e-3), model.get_input_embeddings()
    for _ in range(300):
        losses = []
        for question, answer in lessons:
            frames = torch.randn(100, HIDDEN) * torch.rand(1) + torch.randn(1, HIDDEN) / 2
            text = [embed(torch.tensor(part)) for part in (before, [*question, *answer])]
            logits = model(inputs_embeds=torch.cat([text[0], frames, text[1]])[None]).logits[0]
            losses.append(cross_entropy(logits[-len(answer) - 1 : -1], torch.tensor(answer)))
        optimiser.zero_grad()
        sum(losses, torch.zeros(())).backward()
        optimiser.step()
        if max(each.item() for each in losses) < 0.02:
            return
    raise AssertionError("the tiny model doesn't learn")


def _language(base: Path) -> Any:
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig.from_json_file(base / "config.json"))
    weights: dict[str, Tensor] = {}
    for part in sorted(base.glob("*.bin")):
        weights |= torch.load(part, weights_only=True)
    model.load_state_dict(weights, strict=False)
    return model


def _adapted(model: Any, folder: Path, deviation: float, saved: list[str] | None = None) -> Any:
    """Save a random adapter as it is published; the model with it merged."""
    config = LoraConfig(r=4, lora_alpha=8, target_modules=_LINEAR, modules_to_save=saved, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    for name, value in adapted.named_parameters():
        if "lora_" in name or "segment_head" in name:
            nn.init.normal_(value, std=deviation)
    adapted.save_pretrained(folder, save_embedding_layers=saved is not None)  # the vocabulary has grown
    written = folder / "adapter_model.safetensors"
    torch.save(load_file(written), folder / "adapter_model.bin")
    written.unlink()
    torch.save({}, folder / "non_lora_trainables.bin")
    return adapted.merge_and_unload()


def _stretch(model: nn.Module) -> None:
    """Random weights as they come make all answers alike."""
    with torch.no_grad():
        for value in model.parameters():
            if value.ndim > 1:
                value.normal_(std=1 / math.sqrt(value[0].numel()))
