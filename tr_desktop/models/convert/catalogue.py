"""The open models that `tr-desktop models get` offers. docs/models.md says where each figure is from."""

from __future__ import annotations

from dataclasses import dataclass

from tr_desktop.errors import PackError

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
_TRANSFORMERS = ("config.json", "model.safetensors", "preprocessor_config.json")
_OPEN_CLIP = ("open_clip_config.json", "open_clip_model.safetensors")


@dataclass(frozen=True)
class OpenModel:
    """A checkpoint that can be fetched and becomes a pack.

    name: also the pack's. repository, commit: on the Hugging Face hub; a commit can't change. files: those to fetch,
    never a pickle. commercial: whether the licence allows commercial use. precision: fp32, fp16 or int8.
    download_bytes, pack_bytes: sizes of these files and of the pack. width: numbers a frame. mini_speed: pictures a
    second on a CPU, as a share of those of `mini`.
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
        pack_bytes=341_000_000,
        width=512,
        mini_speed=0.19,
    ),
    OpenModel(
        name="clip-b32",
        repository="timm/vit_base_patch32_clip_224.openai",
        commit="ab5b8ef490e86faa07d3523926b842c765de1de5",
        files=_OPEN_CLIP,
        good_for="comparing with other tools: OpenAI's CLIP ViT-B/32, which most of them use",
        languages="English",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/timm/vit_base_patch32_clip_224.openai",
        commercial=True,
        precision="fp32",
        download_bytes=605_200_000,
        pack_bytes=609_000_000,
        width=512,
        mini_speed=0.082,
    ),
    OpenModel(
        name="openclip-b32",
        repository="laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        commit="ba78df284b4e6ddd1a53107796b2ed7b59c45ced",
        files=_OPEN_CLIP,
        good_for="English queries of every kind: more accurate than clip-b32 for a little more time",
        languages="English",
        licence="MIT",
        licence_url="https://huggingface.co/laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        commercial=True,
        precision="fp32",
        download_bytes=605_300_000,
        pack_bytes=609_000_000,
        width=512,
        mini_speed=0.068,
    ),
    OpenModel(
        name="siglip2-b32",
        repository="google/siglip2-base-patch32-256",
        commit="94dffa8cb1179de3e03f091dbc3917e5d5a9ae84",
        files=(*_TRANSFORMERS, *_TOKENIZER),
        good_for="queries in your own language, about as fast as clip-b32",
        languages="over 100",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/google/siglip2-base-patch32-256",
        commercial=True,
        precision="fp32",
        download_bytes=1_542_000_000,
        pack_bytes=1_543_000_000,
        width=768,
        mini_speed=0.064,
    ),
    OpenModel(
        name="siglip2-b16",
        repository="google/siglip2-base-patch16-224",
        commit="75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
        files=(*_TRANSFORMERS, *_TOKENIZER),
        good_for="queries in your own language and small things in the picture",
        languages="over 100",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/google/siglip2-base-patch16-224",
        commercial=True,
        precision="fp32",
        download_bytes=1_535_000_000,
        pack_bytes=1_537_000_000,
        width=768,
        mini_speed=0.02,
    ),
    OpenModel(
        name="siglip2-so400m",
        repository="google/siglip2-so400m-patch14-224",
        commit="78e403963a4f6a3640d07803284752326fdf4edf",
        files=(*_TRANSFORMERS, *_TOKENIZER),
        good_for="the best answers of this list, on a computer with a GPU",
        languages="over 100",
        licence="Apache-2.0",
        licence_url="https://huggingface.co/google/siglip2-so400m-patch14-224",
        commercial=True,
        precision="fp16",
        download_bytes=4_577_000_000,
        pack_bytes=2_306_000_000,
        width=1152,
        mini_speed=0.0032,
    ),
    OpenModel(
        name="mobileclip2-s0",
        repository="timm/MobileCLIP2-S0-OpenCLIP",
        commit="095906d28bf54d7584dc411e8ffe448f34289e05",
        files=_OPEN_CLIP,
        good_for="research on a slow computer: the most accurate for its size",
        languages="English",
        licence="Apple-AMLR",
        licence_url="https://huggingface.co/apple/MobileCLIP2-S0/blob/main/LICENSE",
        commercial=False,
        precision="fp32",
        download_bytes=299_000_000,
        pack_bytes=303_000_000,
        width=512,
        mini_speed=0.12,
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
