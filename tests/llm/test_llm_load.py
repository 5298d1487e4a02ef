"""What the worker loads and what it refuses to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="video language models need the extra `llm`")
pytest.importorskip("transformers", reason="video language models need the extra `llm`")

from safetensors.torch import load_file, save_file  # noqa: E402

from tr_desktop.errors import PackError, UserError  # noqa: E402
from tr_desktop.grounder_worker.load import in_memory_bytes, load, weights_bytes  # noqa: E402
from tr_desktop.grounder_worker.prompt import Encoder  # noqa: E402
from tr_desktop.training.grounder.tiny import FAMILIES  # noqa: E402


@pytest.fixture
def copy_of(checkpoint, tmp_path):
    def of(family: str = "qwen3_vl") -> Path:
        return Path(shutil.copytree(checkpoint(family), tmp_path / family))

    return of


def change_config(folder: Path, **facts) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def auto_map(folder: Path) -> None:
    change_config(folder, auto_map={"AutoModel": "modeling_own.Own"})


def program(folder: Path) -> None:
    (folder / "modeling_own.py").write_text("raise SystemExit('this ran')")


def only_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def cut_off(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def a_weight_less(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights[next(name for name in weights if name.endswith("q_proj.weight"))]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def quantised_before(folder: Path) -> None:
    change_config(folder, quantization_config={"quant_method": "awq", "bits": 4})


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/elsewhere"}))


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (auto_map, "brings a program of its own"),
        (program, r"brings a program of its own \(modeling_own.py\), which is never run"),
        (only_a_pickle, "only weights as pickles, which aren't opened"),
        (no_weights, "has no weights"),
        (cut_off, "can't be loaded"),
        (a_weight_less, "lacks 1 of its weights, such as .*q_proj"),
        (quantised_before, "quantised already"),
        (adapter, "holds an adapter"),
    ],
)
def test_what_is_unsafe_or_incomplete_is_refused(copy_of, break_it, sentence):
    folder = copy_of()
    break_it(folder)
    with pytest.raises(PackError, match=sentence):
        load(folder, "qwen3_vl", "cpu")


def test_another_family_is_refused(checkpoint):
    with pytest.raises(PackError, match="of the type qwen2_5_vl, not qwen3_vl"):
        load(checkpoint("qwen2_5_vl"), "qwen3_vl", "cpu")


def test_a_template_is_not_run(copy_of):
    folder = copy_of()
    template = "{{ raise_exception('this ran') }}"
    (folder / "chat_template.jinja").write_text(template)
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    Encoder(folder, load(folder, "qwen3_vl", "cpu").config)


def test_a_broken_tokenizer_and_missing_preprocessing_are_sentences(copy_of, checkpoint):
    folder = copy_of()
    config = load(folder, "qwen3_vl", "cpu").config
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(PackError, match="tokenizer can't be read"):
        Encoder(folder, config)
    shutil.copy(checkpoint("qwen3_vl") / "tokenizer.json", folder)
    for path in folder.glob("*preprocessor_config.json"):
        path.unlink()
    with pytest.raises(PackError, match="No file says how the model takes pictures"):
        Encoder(folder, config)


def test_more_than_is_free_is_refused_before_it_is_read(checkpoint, monkeypatch):
    in_8_bits = in_memory_bytes(checkpoint("qwen3_vl"), "int8")
    assert in_memory_bytes(checkpoint("qwen3_vl"), "nf4") < in_8_bits < weights_bytes(checkpoint("qwen3_vl"))
    monkeypatch.setattr("tr_desktop.grounder_worker.load.main_memory", lambda: (10**7, in_8_bits + 1))
    with pytest.raises(UserError, match=r"takes about 0.0 GB on cpu; 0.0 GB are free.*It may fit: --quantise int8"):
        load(checkpoint("qwen3_vl"), "qwen3_vl", "cpu")
    monkeypatch.setattr("tr_desktop.grounder_worker.load.main_memory", lambda: (10**6, 1000))
    with pytest.raises(UserError, match="Close other programs"):
        load(checkpoint("qwen3_vl"), "qwen3_vl", "cpu")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("quantise", "kind"), [("int8", "Linear8bitLt"), ("nf4", "Linear4bit")])
def test_weights_are_quantised_but_not_the_tower_and_the_head(checkpoint, family, quantise, kind):
    pytest.importorskip("bitsandbytes")
    model = load(checkpoint(family), family, "cpu", quantise)
    kinds = {name: type(module).__name__ for name, module in model.named_modules() if "Linear" in type(module).__name__}
    small = {name for name, found in kinds.items() if found == kind}
    assert small and all("language_model" in name for name in small)
    assert {name for name in kinds if "visual" in name or name == "lm_head"}.isdisjoint(small)


def test_what_it_cannot_be_quantised_as_is_a_sentence(checkpoint):
    with pytest.raises(UserError, match="can't be quantised as 'q5'"):
        load(checkpoint("qwen3_vl"), "qwen3_vl", "cpu", "q5")
