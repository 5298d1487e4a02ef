"""VTimeLLM's and TimeRefine's parts become one folder that gives the same numbers; unsafe ones are refused."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="video language models need the extra `llm`")
pytest.importorskip("peft", reason="video language models need the extra `llm`")

import torch
from safetensors.torch import load_file

from tests.llm.tiny_vtime import VARIANTS, Tiny
from tr_desktop.errors import PackError
from tr_desktop.grounder_worker import vtime_import
from tr_desktop.grounder_worker.vtime_import import NEW_TOKENS, read_parts, write_parts
from tr_desktop.grounder_worker.vtime_tokenizer import llama_tokenizer


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Callable[[str], Tiny]:
    """From a variant's name to its checkpoint."""
    made: dict[str, Tiny] = {}

    def of(variant: str) -> Tiny:
        if variant not in made:
            made[variant] = VARIANTS[variant](tmp_path_factory.mktemp(variant))
        return made[variant]

    return of


@pytest.fixture
def copy(tmp_path, tiny) -> Callable[[str], Tiny]:
    """The same, in folders that a test may damage."""

    def of(variant: str) -> Tiny:
        whole = tiny(variant)
        folder = tmp_path / "copy"
        shutil.copytree(whole.base.parent, folder)
        adapters = [folder / each.name for each in whole.adapters]
        return replace(whole, base=folder / "vicuna", stage1=folder / "stage1", adapters=adapters, clip=folder / "clip")

    return of


def imported(tiny: Tiny, folder: Path) -> Path:
    folder.mkdir(parents=True)
    write_parts(read_parts(tiny.base, tiny.stage1, tiny.adapters, tiny.clip), folder)
    return folder


def llm_weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for path in sorted((folder / "llm").glob("*.safetensors")):
        found |= load_file(path)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_merged_weights_are_those_that_peft_merges(variant, tiny, tmp_path):
    right, folder = tiny(variant), imported(tiny(variant), tmp_path / "pack")
    wanted = {key: value for key, value in right.language.state_dict().items() if not key.startswith("segment_head")}
    found = llm_weights(folder)
    assert set(found) == set(wanted)
    assert all(torch.allclose(found[key], wanted[key], atol=1e-6) for key in wanted)
    assert all(
        torch.equal(load_file(folder / "projector.safetensors")[key], value)
        for key, value in right.projector.state_dict().items()
    )
    has_head = (folder / "segment_head.safetensors").exists()
    assert has_head == (right.head is not None)
    if right.head is not None:
        head = load_file(folder / "segment_head.safetensors")
        assert all(torch.equal(head[key], value) for key, value in right.head.state_dict().items())


def test_large_models_are_written_in_parts_that_transformers_reads(tiny, tmp_path, monkeypatch):
    import transformers

    monkeypatch.setattr(vtime_import, "FILE_BYTES", 100_000)
    folder = imported(tiny("vtimellm"), tmp_path / "pack")
    assert len(list((folder / "llm").glob("*.safetensors"))) > 3
    model = transformers.LlamaForCausalLM.from_pretrained(folder / "llm", local_files_only=True, use_safetensors=True)
    wanted = tiny("vtimellm").language.state_dict()
    assert all(torch.allclose(value, wanted[key], atol=1e-6) for key, value in model.state_dict().items())


def test_parts_that_the_trainer_saved_beside_the_adapter_count_too(copy, tmp_path):
    """A trainer may keep all but LoRA in non_lora_trainables.bin, under PEFT's inner names."""
    tiny = copy("timerefine")
    (folder,) = tiny.adapters
    weights = torch.load(folder / "adapter_model.bin", weights_only=True)
    inner = {"segment_head": "segment_head.modules_to_save.default"}
    lora = {key.replace(".weight", ".default.weight"): value for key, value in weights.items() if "lora_" in key}
    others = {
        key.replace("segment_head", inner["segment_head"]): value
        for key, value in weights.items()
        if "lora_" not in key
    }
    torch.save(lora, folder / "adapter_model.bin")
    torch.save(others, folder / "non_lora_trainables.bin")
    found = llm_weights(imported(tiny, tmp_path / "pack"))
    assert all(torch.allclose(value, tiny.language.state_dict()[key], atol=1e-6) for key, value in found.items())
    assert (tmp_path / "pack/segment_head.safetensors").exists()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("From 17 to 34.", "▁From ▁ 1 7 ▁to ▁ 3 4 ."),
        ("17 to 34", "▁ 1 7 ▁to ▁ 3 4"),
        ("05", "▁ 0 5"),
        ("é", "▁ <0xC3> <0xA9>"),
    ],
)
def test_the_tokenizer_cuts_as_llamas(text, pieces, tiny):
    """Digits stand alone: readers and probabilities count on it."""
    assert llama_tokenizer(tiny("vtimellm").base).encode(text).tokens == pieces.split()


def test_timerefines_digits_are_where_its_own_parser_looks(tiny):
    """Counted from <SEG_START> or <RETHINK>, as TimeRefine's evaluation does."""
    base = tiny("timerefine").base
    tokenizer = llama_tokenizer(base, NEW_TOKENS)
    size = llama_tokenizer(base).get_vocab_size()
    assert [tokenizer.token_to_id(token) for token in NEW_TOKENS] == [size, size + 1, size + 2, size + 3]
    text = "From <SEG_START> 30 to 46 <OFFSET> +05 and -06 <RETHINK> 32 to 44 <OFFSET> +03 and -04 <SEG_END>"
    tokens = tokenizer.encode(text).tokens
    for token, digits in (("<SEG_START>", "30 46 05 06"), ("<RETHINK>", "32 44 03 04")):
        at = tokens.index(token)
        places = ((2, 3), (6, 7), (12, 13), (16, 17))
        assert [tokens[at + one] + tokens[at + other] for one, other in places] == digits.split()
        assert tokens[at + 11].endswith("+") and tokens[at + 15].endswith("-")
    said = tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False)
    assert said.split() == text.split()


class _Evil:
    """Unpickled without care, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._path}",)


def _as_pickle(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


def _as_torch(content: object, path: Path) -> None:
    torch.save(content, path)


@pytest.mark.parametrize("write", [_as_pickle, _as_torch])
@pytest.mark.parametrize(
    "place",
    [
        "vicuna/pytorch_model-00001-of-00002.bin",
        "stage1/mm_projector.bin",
        "stage2/adapter_model.bin",
        "stage3/non_lora_trainables.bin",
    ],
)
def test_a_pickle_that_runs_code_is_refused_and_runs_nothing(copy, tmp_path, place, write):
    tiny = copy("vtimellm")
    target = tmp_path / "made-by-a-pickle"
    path = tiny.base.parent / place
    write({"model.mm_projector.weight": _Evil(target)}, path)
    with pytest.raises(PackError, match="could run code; it is refused") as caught:
        read_parts(tiny.base, tiny.stage1, tiny.adapters, tiny.clip)
    assert caught.value.path == path and not target.exists()


def test_that_pickle_would_have_run(tmp_path):
    target = tmp_path / "made-by-a-pickle"
    pickle.loads(pickle.dumps(_Evil(target)))  # noqa: S301 (our own)
    assert target.exists()


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _retensor(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = torch.load(path, weights_only=True)
    change(weights)
    torch.save(weights, path)


def _link(folder: Path) -> None:
    (folder / "vicuna/tokenizer.model").rename(folder / "elsewhere")
    (folder / "vicuna/tokenizer.model").symlink_to(folder / "elsewhere")


def _only_archive(folder: Path) -> None:
    shutil.rmtree(folder / "clip")
    (folder / "clip").mkdir()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), folder / "clip/ViT-L-14.pt")


Q = "base_model.model.model.layers.0.self_attn.q_proj"
REFUSED = {
    "a link": (_link, "Links are refused"),
    "a program": (lambda at: (at / "stage2/modeling.py").write_text("1"), "brings a program"),
    "auto_map": (lambda at: _edit(at / "vicuna/config.json", auto_map={"AutoModel": "x.Y"}), "names a program"),
    "auto_map of CLIP": (lambda at: _edit(at / "clip/config.json", auto_map={}), "names a program"),
    "an archive of CLIP": (_only_archive, "ViT-L-14.pt is a program .TorchScript., which is refused"),
    "another family": (lambda at: _edit(at / "vicuna/config.json", model_type="mistral"), "of the family 'mistral'"),
    "another size": (lambda at: _edit(at / "vicuna/config.json", hidden_size=128), "doesn't fit"),
    "a missing file": (lambda at: (at / "vicuna/pytorch_model-00002-of-00002.bin").unlink(), "is missing, a part of"),
    "a file elsewhere": (
        lambda at: _edit(at / "vicuna/pytorch_model.bin.index.json", weight_map={"a": "../x.bin"}),
        "lists ../x.bin, which isn't allowed",
    ),
    "no tokenizer": (lambda at: (at / "vicuna/tokenizer.model").unlink(), "has no tokenizer.model"),
    "a damaged tokenizer": (
        lambda at: (at / "vicuna/tokenizer.model").write_bytes(b"\xff" * 9),
        "isn't a tokenizer of Llama's kind",
    ),
    "no projector": (
        lambda at: (at / "stage1/mm_projector.bin").unlink(),
        "mm_projector.safetensors or mm_projector.bin",
    ),
    "another projector": (
        lambda at: _retensor(at / "stage1/mm_projector.bin", lambda all_: all_.popitem()),
        "isn't one linear layer",
    ),
    "no adapter": (lambda at: (at / "stage3/adapter_config.json").unlink(), "holds no adapter"),
    "another adapter": (lambda at: _edit(at / "stage3/adapter_config.json", use_dora=True), "it asks for use_dora"),
    "half an adapter": (
        lambda at: _retensor(at / "stage2/adapter_model.bin", lambda all_: all_.pop(f"{Q}.lora_B.weight")),
        "half of .*q_proj",
    ),
    "an adapter of another model": (
        lambda at: _retensor(
            at / "stage2/adapter_model.bin",
            lambda all_: all_.update({f"{Q}.lora_A.weight": torch.ones(4, 8)}),
        ),
        "q_proj.weight of an adapter doesn't fit",
    ),
    "more than the model has": (
        lambda at: _retensor(at / "stage3/non_lora_trainables.bin", lambda all_: all_.update(extra=torch.ones(1))),
        "extra of an adapter has no place in the model",
    ),
    "a damaged file": (lambda at: (at / "stage2/adapter_model.bin").write_bytes(b"PK"), "adapter_model.bin (is|can't)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_unsafe_or_does_not_fit_is_refused_in_a_sentence(name, copy):
    tiny = copy("vtimellm")
    damage, sentence = REFUSED[name]
    damage(tiny.base.parent)
    with pytest.raises(PackError, match=sentence):
        read_parts(tiny.base, tiny.stage1, tiny.adapters, tiny.clip)


@pytest.mark.parametrize("name", ["model.embed_tokens.weight", "lm_head.weight"])
def test_timerefine_without_the_rows_of_its_tokens_is_refused(name, copy):
    tiny = copy("timerefine")
    _retensor(tiny.adapters[0] / "adapter_model.bin", lambda all_: all_.pop(f"base_model.model.{name}"))
    with pytest.raises(PackError, match="lacks the rows of its 4 tokens"):
        read_parts(tiny.base, tiny.stage1, tiny.adapters, tiny.clip)
