"""Which video language model a folder of Hugging Face holds, on what terms, and how it is asked.

Found out from the names of its files and from its configuration; its weights are checked, and nothing of it is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tr_desktop.errors import PackError
from tr_desktop.grounders.video_llm.checkpoints import OnBytes, files_in, stamped
from tr_desktop.grounders.video_llm.packs import GrounderPack
from tr_desktop.grounders.video_llm.presets import PRESETS, Preset, preset_of
from tr_desktop.grounders.video_llm.weights import check_weights
from tr_desktop.models.convert.licence import Licence, licence_of
from tr_desktop.models.convert.recognise import HF_CONFIG, HF_FAMILIES, part, read_json

_CLASSES = {"qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration", "qwen3_vl": "Qwen3VLForConditionalGeneration"}
_GENERATES = re.compile(r"For(ConditionalGeneration|CausalLM)$")
_NAMED = (
    ("timelens2", re.compile(r"time-?lens-?2", re.IGNORECASE)),
    ("timelens", re.compile(r"time-?lens", re.IGNORECASE)),
    ("time-r1", re.compile(r"time-?r1|time-?zero", re.IGNORECASE)),
    ("videochat-r1", re.compile(r"video-?chat-?r1", re.IGNORECASE)),
)
_PLAIN = "timelens"
_OWN_PROCESSOR = re.compile(r"time-?lens-?7b", re.IGNORECASE)
_OWN_PROGRAM = "processing_timelens.py"
_BASE = re.compile(r"^base_model:[ \t]*(.*(?:\n[ \t]*-.*)*)", re.MULTILINE)
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_TITLE = re.compile(r"^# +(.+?)\s*$", re.MULTILINE)
_COMMIT = Path(".cache", "huggingface", "download", f"{HF_CONFIG}.metadata")  # where `hf download` notes it
_SMALL_QWEN_WIDTH = 2048
_SMALL_QWEN = "qwen-research, non-commercial: it was made from Qwen2.5-VL-3B, whatever its own card says"
_SMALL_QWEN_URL = "https://huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct/blob/main/LICENSE"
_VOCABULARIES = ("tokenizer.json", "vocab.json")
_PICTURE_RULES = ("preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json")
_ADAPTER = "adapter_config.json"


@dataclass(frozen=True)
class FoundModel:
    """A video language model in a folder. family: who can load it. sources: what it is and what it was made from."""

    folder: Path
    family: str
    preset: Preset
    licence: Licence
    sources: tuple[str, ...]

    def pack(self, name: str, on_bytes: OnBytes = lambda _, __: None) -> GrounderPack:
        """The pack of that name. Reads every file, for its hash. Raises PackError."""
        preset = self.preset
        return GrounderPack(
            name=name,
            runs_on=stamped(self.family, self.folder, on_bytes),
            preset=preset,
            licence=self.licence.name or self.licence.summary,
            licence_url=self.licence.link,
            is_non_commercial=self.licence.is_restricted,
            sources=self.sources,
            fps=preset.fps,
            frames_most=preset.frames_most,
            side_px=preset.side_px,
            new_tokens_most=preset.new_tokens_most,
        )


def is_video_model(folder: Path) -> bool:
    """Whether `folder` holds a model that writes text, of any kind, not one that compares pictures with words."""
    if not (folder / HF_CONFIG).is_file():
        return False
    config = read_json(folder / HF_CONFIG)
    return config.get("model_type") not in HF_FAMILIES and any(map(_GENERATES.search, _architectures(config)))


def recognise(folder: Path, preset: str | None = None) -> FoundModel:
    """The video language model in `folder`. preset: how it is asked, None to tell from its name.

    Raises PackError with the reason why it can't be used.
    """
    config = read_json(folder / HF_CONFIG)
    names = list(_names(folder, config))
    _expect_no_own_processor(folder, names)
    files = files_in(folder)
    for name in files:
        _expect_no_program(folder, name)
    family = _family(folder, config)
    if _ADAPTER in files:
        raise PackError("The folder holds an adapter", path=folder, remedy="Merge it into its base first")
    check_weights(folder)
    for what, names_of in (("tokenizer", _VOCABULARIES), ("rule for its pictures", _PICTURE_RULES)):
        if not set(names_of) & set(files):
            raise PackError(
                f"The model has no {what}",
                path=folder,
                remedy=f"Put its {names_of[0]} into the folder, from where the model came",
            )
    bases = _bases(_readme(folder))
    commit = _commit(folder)
    return FoundModel(
        folder,
        family,
        preset_of(preset) if preset else _preset(names),
        _terms(folder, family, config, names),
        (folder.resolve().name, *bases, *([f"commit {commit}"] if commit else [])),
    )


def _architectures(config: dict[str, Any]) -> list[str]:
    found = config.get("architectures")
    return [str(each) for each in found] if isinstance(found, list) else []


def _family(folder: Path, config: dict[str, Any]) -> str:
    family, classes = str(config.get("model_type")), _architectures(config)
    if family not in _CLASSES or _CLASSES[family] not in classes:
        raise PackError(
            f"Video language models of the kind {family!r} ({', '.join(classes) or 'no class'}) aren't supported",
            path=folder,
            remedy="Qwen2.5-VL, Qwen3-VL and what was made from them can be added; others run behind a model server",
        )
    if "quantization_config" in config:
        raise PackError(
            "The model's weights are quantised already, which needs other programs",
            path=folder,
            remedy="Get it in bf16; it is made smaller when it is loaded if the graphics memory asks for it",
        )
    return family


def _expect_no_own_processor(folder: Path, names: list[str]) -> None:
    """TimeLens-7B: the text that its program puts before the pictures isn't published anywhere else."""
    is_listed = (folder / _OWN_PROGRAM).exists()
    if is_listed or any(map(_OWN_PROCESSOR.search, names)):
        raise PackError(
            f"TimeLens-7B prepares its pictures by a program of its own, {_OWN_PROGRAM}, which isn't run here",
            path=folder,
            remedy="Use TimeLens-8B or TimeLens2, which need none",
        )


def _expect_no_program(folder: Path, name: str) -> None:
    """Raises PackError if a configuration asks for a program. `transformers` looks for `auto_map` in any of them."""
    if not name.endswith(".json") or Path(name).name in _VOCABULARIES:
        return
    try:
        waiting = [json.loads((folder / name).read_bytes())]
    except (OSError, ValueError, RecursionError) as error:
        raise PackError(
            f"{name} of the model can't be read: {error}", path=folder, remedy="Download it again"
        ) from error
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if "auto_map" in found:
                raise PackError(
                    f"{name} of the model asks for a program of its own (auto_map), which is never run",
                    path=folder,
                    remedy="Choose a model that works without one; docs/grounders.md names some",
                )
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _names(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    """What the model is called, the surest first."""
    readme = _readme(folder)
    yield folder.resolve().name
    yield from _TITLE.findall(readme)[:1]
    yield str(config.get("_name_or_path", ""))
    yield from _bases(readme)


def _preset(names: list[str]) -> Preset:
    named = (preset for name in names for preset, pattern in _NAMED if pattern.search(name))
    return PRESETS[next(named, _PLAIN)]


def _terms(folder: Path, family: str, config: dict[str, Any], names: list[str]) -> Licence:
    licence = licence_of(folder)
    path = folder / HF_CONFIG
    width = part(config, "text_config", path).get("hidden_size", config.get("hidden_size"))
    is_small_qwen = width == _SMALL_QWEN_WIDTH or any("qwen2.5-vl-3b" in name.lower() for name in names)
    if family == "qwen2_5_vl" and is_small_qwen:
        return replace(licence, name=_SMALL_QWEN, link=_SMALL_QWEN_URL)
    return licence


def _readme(folder: Path) -> str:
    try:
        return (folder / "README.md").read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _bases(readme: str) -> list[str]:
    front = readme.split("\n---", 1)[0] if readme.startswith("---") else ""
    found = _BASE.search(front)
    return _REPOSITORY.findall(found[1]) if found else []


def _commit(folder: Path) -> str:
    try:
        first = (folder / _COMMIT).read_text().split("\n", 1)[0]
    except (OSError, ValueError):
        return ""
    return first if re.fullmatch("[0-9a-f]{40}", first) else ""
