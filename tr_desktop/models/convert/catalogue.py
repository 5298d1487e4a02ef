"""The open models that `tr-desktop models get` offers. docs/models.md says where each figure is from."""

from __future__ import annotations

from dataclasses import dataclass

from tr_desktop.errors import PackError

MAIN = "main"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_TRANSFORMERS = ("config.json", "model.safetensors", "preprocessor_config.json")
_OPEN_CLIP = ("open_clip_config.json", "open_clip_model.safetensors")


@dataclass(frozen=True)
class OpenModel:
    """A checkpoint that can be fetched and becomes a pack.

    name: also the pack's. repository: on the Hugging Face hub. commit: 40 hex digits, or MAIN if none is known; the
    pack tells which one came. files: those to fetch, never a pickle. commercial: whether its licence allows commercial
    use. download_bytes, pack_bytes: sizes of these files and of the pack. width: numbers a frame. mini_speed: pictures
    a second on a CPU, as a share of those of `mini`.
    """

    name: str
    repository: str
    commit: str
    files: tuple[str, ...]
    good_for: str
    languages: str
    licence: str
    licence_url: str
    commercial: bool
    precision: str
    download_bytes: int
    pack_bytes: int
    width: int
    mini_speed: float


OPEN_MODELS = (
    OpenModel(
        name="tinyclip",
        repository="wkcn/TinyCLIP-ViT-40M-32-Text-19M-LAION400M",
        commit="95ec8197b3f2fe7f747865c61ca556cf0768b2f7",
        files=(*_TRANSFORMERS, "tokenizer.json"),
        good_for="short queries on a slow computer: the smallest and fastest of this list",
        languages="English",
        licence="MIT",
        licence_url="https://huggingface.co/wkcn/TinyCLIP-ViT-40M-32-Text-19M-LAION400M",
        commercial=True,
        precision="fp32",
        download_bytes=339_000_000,
        pack_bytes=350_000_000,
        width=512,
        mini_speed=1.0,
    ),
    OpenModel(
        name="clip-b32",
        repository="timm/vit_base_patch32_clip_224.openai",
        commit="ab5b8ef490e86faa07d3523926b842c765de1de5",
        files=(*_OPEN_CLIP, *_TOKENIZER),
        good_for="comparing with other tools: OpenAI's CLIP ViT-B/32, which most of them use",
        languages="English",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/timm/vit_base_patch32_clip_224.openai",
        commercial=True,
        precision="fp32",
        download_bytes=609_000_000,
        pack_bytes=620_000_000,
        width=512,
        mini_speed=1.0,
    ),
    OpenModel(
        name="openclip-b32",
        repository="laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        commit="ba78df284b4e6ddd1a53107796b2ed7b59c45ced",
        files=(*_OPEN_CLIP, *_TOKENIZER),
        good_for="English queries of every kind: more accurate than clip-b32 for a little more time",
        languages="English",
        licence="MIT",
        licence_url="https://huggingface.co/laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        commercial=True,
        precision="fp32",
        download_bytes=607_000_000,
        pack_bytes=620_000_000,
        width=512,
        mini_speed=1.0,
    ),
    OpenModel(
        name="siglip2-b32",
        repository="google/siglip2-base-patch32-256",
        commit=MAIN,
        files=(*_TRANSFORMERS, *_TOKENIZER),
        good_for="queries in your own language, about as fast as clip-b32",
        languages="over 100",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/google/siglip2-base-patch32-256",
        commercial=True,
        precision="fp32",
        download_bytes=1_542_000_000,
        pack_bytes=1_550_000_000,
        width=768,
        mini_speed=1.0,
    ),
    OpenModel(
        name="siglip2-b16",
        repository="google/siglip2-base-patch16-224",
        commit=MAIN,
        files=(*_TRANSFORMERS, *_TOKENIZER),
        good_for="queries in your own language and small things in the picture",
        languages="over 100",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/google/siglip2-base-patch16-224",
        commercial=True,
        precision="fp32",
        download_bytes=1_535_000_000,
        pack_bytes=1_550_000_000,
        width=768,
        mini_speed=1.0,
    ),
    OpenModel(
        name="siglip2-so400m",
        repository="google/siglip2-so400m-patch14-224",
        commit=MAIN,
        files=(*_TRANSFORMERS, *_TOKENIZER),
        good_for="the best answers of this list, on a computer with a GPU",
        languages="over 100",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/google/siglip2-so400m-patch14-224",
        commercial=True,
        precision="fp16",
        download_bytes=4_580_000_000,
        pack_bytes=2_310_000_000,
        width=1152,
        mini_speed=1.0,
    ),
)


def open_model(name: str) -> OpenModel:
    """The model of that name. Raises PackError if the list has none."""
    for model in OPEN_MODELS:
        if model.name == name:
            return model
    raise PackError(
        f"The list of open models has no {name!r}",
        remedy="See tr-desktop models get; a checkpoint that you have on disk can be added: tr-desktop models add",
    )
