"""Grounder packs: which folders are recognised, which are refused, and what a pack remembers of its folder."""

from __future__ import annotations

import json
import os
import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.grounders.checkpoint_folder import INDEX, card, change_json, make_checkpoint, put_json, write_weights
from tr_desktop import paths
from tr_desktop.errors import PackError
from tr_desktop.grounders.video_llm.answers import Written, reader_of
from tr_desktop.grounders.video_llm.checkpoints import Checkpoint
from tr_desktop.grounders.video_llm.memory import best_fit, ways_to_fit
from tr_desktop.grounders.video_llm.packs import GrounderPack, Server, load_grounder, save_grounder
from tr_desktop.grounders.video_llm.presets import PRESETS
from tr_desktop.grounders.video_llm.recognise import recognise

QWEN3 = "Qwen/Qwen3-VL-8B-Instruct"


def test_a_pack_of_a_server_from_an_earlier_version_loads():
    folder = paths.grounders_folder() / "old"
    facts = {
        "schema": 1,
        "name": "old",
        "family": "server",
        "url": "http://127.0.0.1:1/v1",
        "model": "qwen",
        "preset": "time-r1",
        "licence": "that of the model on your server, which doesn't tell",
        "fps": "2",
        "frames_most": 48,
        "side_px": 384,
        "window_s": "64",
        "new_tokens_most": 512,
    }
    put_json(folder / "grounder.json", facts)
    assert load_grounder("old") == GrounderPack(
        "old", Server("http://127.0.0.1:1/v1", "qwen"), PRESETS["time-r1"], window_s=Fraction(64)
    )


def test_a_pack_comes_back_as_it_was_saved(tmp_path):
    found = recognise(make_checkpoint(tmp_path / "TimeLens2-8B", shards=2, readme=card(QWEN3)))
    pack = found.pack("eight")
    save_grounder(pack)
    assert load_grounder("eight") == pack
    facts = json.loads((paths.grounders_folder() / "eight" / "grounder.json").read_text())
    assert (facts["family"], facts["folder"]) == ("qwen3_vl", str(tmp_path / "TimeLens2-8B"))
    assert set(facts["files"]) == {
        "config.json",
        "merges.txt",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        INDEX,
        "preprocessor_config.json",
        "tokenizer.json",
    }
    assert facts["calibration"] is None and facts["non_commercial"] is False
    assert facts["sources"] == ["TimeLens2-8B", QWEN3]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"schema": 2}, "schema 2"),
        ({"family": "gguf"}, "gguf"),
        ({"folder": "relative"}, "isn't absolute"),
        ({"fps": "0"}, "isn't positive"),
        ({"preset": "other"}, "other"),
        ({"files": []}, "can't be read"),
    ],
)
def test_a_damaged_pack_is_a_sentence(tmp_path, facts, sentence):
    save_grounder(recognise(make_checkpoint(tmp_path / "m")).pack("m"))
    change_json(paths.grounders_folder() / "m" / "grounder.json", **facts)
    with pytest.raises(PackError, match=r"The grounder can't be read.*Add it again") as caught:
        load_grounder("m")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "family", "readme", "preset"),
    [
        ("TimeLens2-2B", "qwen3_vl", "", "timelens2"),
        ("model", "qwen3_vl", card("Qwen/Qwen3-VL-4B-Instruct", title="TimeLens2-4B"), "timelens2"),
        ("TimeLens2-8B", "qwen3_vl", card("TencentARC/TimeLens-8B"), "timelens2"),
        ("TimeLens-8B", "qwen3_vl", card(QWEN3), "timelens"),
        ("my-model", "qwen3_vl", card("TencentARC/TimeLens-8B"), "timelens"),
        ("Qwen3-VL-8B-Instruct", "qwen3_vl", "", "timelens"),
        ("Qwen2.5-VL-7B-Instruct", "qwen2_5_vl", "", "timelens"),
        ("Time-R1-7B", "qwen2_5_vl", card("Qwen/Qwen2.5-VL-7B-Instruct"), "time-r1"),
        ("VideoChat-R1_7B", "qwen2_5_vl", "", "videochat-r1"),
    ],
)
def test_a_model_is_asked_as_its_name_says(tmp_path, name, family, readme, preset):
    pack = recognise(make_checkpoint(tmp_path / name, family, readme=readme)).pack("m")
    assert (pack.preset.name, pack.runs_on.family) == (preset, family)
    assert (pack.frames_most, pack.side_px) == (PRESETS[preset].frames_most, PRESETS[preset].side_px)
    assert recognise(tmp_path / name, "timelens").preset.name == "timelens"


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_asks_once_for_the_query_and_its_answers_can_be_read(preset):
    assert preset.prompt.count("{}") == 1
    assert list(reader_of(preset.answer, Written(), Fraction(64)).read(is_over=True)) == []


@pytest.mark.parametrize(
    ("width", "family", "readme", "is_non_commercial"),
    [
        (2048, "qwen2_5_vl", card("Qwen/Qwen2.5-VL-3B-Instruct"), True),
        (2048, "qwen2_5_vl", "", True),
        (3584, "qwen2_5_vl", card("Qwen/Qwen2.5-VL-3B-Instruct"), True),
        (3584, "qwen2_5_vl", card("Qwen/Qwen2.5-VL-7B-Instruct"), False),
        (2048, "qwen3_vl", card("Qwen/Qwen3-VL-2B-Instruct"), False),
        (2560, "qwen3_vl", card("x/y", licence="cc-by-nc-4.0"), True),
    ],
)
def test_what_was_made_from_the_small_qwen_is_not_for_paid_work(tmp_path, width, family, readme, is_non_commercial):
    pack = recognise(make_checkpoint(tmp_path / "Time-R1", family, width=width, readme=readme)).pack("m")
    assert pack.is_non_commercial == is_non_commercial
    assert ("non-commercial" in pack.licence or "nc" in pack.licence) == is_non_commercial


def test_the_commit_that_was_downloaded_is_remembered(tmp_path):
    folder = make_checkpoint(tmp_path / "TimeLens2-2B")
    noted = folder / ".cache" / "huggingface" / "download" / "config.json.metadata"
    noted.parent.mkdir(parents=True)
    noted.write_text("a" * 40 + "\nan etag\n1764547200.0\n")
    assert recognise(folder).sources == ("TimeLens2-2B", "commit " + "a" * 40)


def _put(name: str, content: bytes = b"x"):
    return lambda folder: (folder / name).write_bytes(content)


def _link(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "elsewhere")
    (folder / "model.safetensors").symlink_to(folder.parent / "elsewhere")


def _index(**placed: str):
    def change(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "part.safetensors")
        put_json(folder / INDEX, {"weight_map": placed})

    return change


def _config(**facts):
    return lambda folder: change_json(folder / "config.json", **facts)


def _weights(**header):
    return lambda folder: write_weights(folder / "model.safetensors", {"layer": [4]}, **header)


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def _pickles(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_put("modeling_qwen.py"), "programs or pickles.*: modeling_qwen.py .*delete them, and add the folder again"),
        (_put("training_args.bin"), "programs or pickles.*: training_args.bin"),
        (_pickles, r"pytorch_model.bin .*as \.safetensors"),
        (_put("optimizer.PT"), "optimizer.PT"),
        (lambda folder: [_put(f"{number}.pth")(folder) for number in range(9)], "0.pth, 1.pth, .* and more"),
        (_link, "model.safetensors is a link.*--local-dir"),
        (lambda folder: (folder / "more").symlink_to(folder), "more is a link"),
        (_config(auto_map={"AutoModel": "x.Y"}), "auto_map"),
        (_config(vision_config={"deep": [{"auto_map": {}}]}), r"config.json .*auto_map"),
        (lambda folder: change_json(folder / "preprocessor_config.json", auto_map={}), "preprocessor_config.json"),
        (_put("generation_config.json", b"[" * 100_000), "generation_config.json .* can't be read"),
        (_put("config.json", b"[" * 100_000), "config.json .* can't be read"),
        (_put("processing_timelens.py"), "TimeLens-7B prepares.*Use TimeLens-8B or TimeLens2"),
        (_put("README.md", card("TencentARC/TimeLens-7B").encode()), "TimeLens-7B prepares"),
        (_config(model_type="qwen2_vl"), "of the kind 'qwen2_vl'.*model server"),
        (_config(architectures=["Qwen3VLMoeForConditionalGeneration"]), "aren't supported"),
        (_config(architectures=None), "aren't supported"),
        (_config(quantization_config={"quant_method": "fp8"}), "quantised already.*bf16"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no weights.*adapter"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "no rule for its pictures"),
        (_put("adapter_config.json", b"{}"), "an adapter.*Merge it"),
        (_index(layer="../elsewhere.safetensors"), "elsewhere.safetensors, which isn't allowed"),
        (_index(layer="/etc/passwd"), "which isn't allowed"),
        (_index(layer="C:\\x.safetensors"), "which isn't allowed"),
        (_index(layer="part.bin"), "which isn't allowed"),
        (_index(layer="missing.safetensors"), "lacks missing.safetensors.*Download it again"),
        (_index(layer="part.safetensors", head="part.safetensors"), "lacks head"),
        (_index(), "lists no weights"),
        (_put("model.safetensors", b"12345"), "is damaged: the header"),
        (_put("model.safetensors", struct.pack("<Q", 1 << 60) + b"{}"), "is damaged: the header"),
        (_put("model.safetensors", struct.pack("<Q", 2) + b"[]"), "is damaged"),
        (_put("model.safetensors", struct.pack("<Q", 4) + b"nope"), "is damaged"),
        (_cut, "is damaged: it has .* bytes instead of"),
        (_weights(layer={"dtype": "BF16", "shape": [4], "data_offsets": [0, 6]}), "another size than its shape"),
        (_weights(layer={"dtype": "BF16", "shape": [4], "data_offsets": [2, 10]}), "leave gaps"),
        (_weights(layer={"dtype": "BF16", "shape": [-4], "data_offsets": [0, 8]}), "isn't a number"),
        (_weights(layer={"dtype": "PICKLE", "shape": [4], "data_offsets": [0, 8]}), "unknown kind"),
        (_weights(other={"dtype": "BF16", "shape": [4], "data_offsets": [4, 12]}), "overlap"),
        (_weights(other=3), "is damaged"),
        (_put("model.safetensors", struct.pack("<Q", 2) + b"{}"), "it has no weights"),
    ],
)
def test_a_folder_that_cannot_be_trusted_is_refused_with_a_reason(tmp_path, change, sentence):
    folder = make_checkpoint(tmp_path / "model")
    recognise(folder)
    change(folder)
    with pytest.raises(PackError, match=sentence):
        recognise(folder)


@given(header=st.binary(max_size=60), length=st.none() | st.integers(0, 2**64 - 1))
def test_no_header_breaks_the_check_of_weights(tmp_path_factory, header, length):
    folder = tmp_path_factory.getbasetemp() / "headers"
    if not folder.exists():
        make_checkpoint(folder)
    size = len(header) if length is None else length
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", size) + header)
    with pytest.raises(PackError, match="is damaged"):
        recognise(folder)


def _touch(folder: Path) -> None:
    stat = (folder / "config.json").stat()
    os.utime(folder / "config.json", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_touch, "config.json of the model changed"),
        (lambda folder: (folder / "merges.txt").write_text("more"), "merges.txt of the model changed"),
        (lambda folder: (folder / "merges.txt").unlink(), "merges.txt of the model is missing"),
        (_put("processor_config.json", b"{}"), "processor_config.json of the model is new"),
        (_put("hook.py"), "hook.py"),
        (lambda folder: folder.rename(folder.parent / "moved"), "can't be read: it is gone.*Connect the drive"),
    ],
)
def test_a_folder_that_changed_has_to_be_added_again(tmp_path, change, sentence):
    folder = make_checkpoint(tmp_path / "model")
    save_grounder(recognise(folder).pack("m"))
    load_grounder("m")
    change(folder)
    with pytest.raises(PackError, match=f"{sentence}.*(dd it again|add the folder again)"):
        load_grounder("m")


def test_verifying_finds_what_size_and_time_do_not_show(tmp_path):
    folder = make_checkpoint(tmp_path / "model")
    save_grounder(recognise(folder).pack("m"))
    weights = folder / "model.safetensors"
    stat, content = weights.stat(), weights.read_bytes()
    weights.write_bytes(content[:-1] + b"\1")
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    place = load_grounder("m").runs_on
    with pytest.raises(PackError, match=r"model.safetensors of the model changed"):
        place.verify()
    weights.write_bytes(content)
    shown: list[tuple[int, int]] = []
    place.verify(lambda done, total: shown.append((done, total)))
    assert shown[-1][0] == shown[-1][1] == sum(stamp.size_bytes for stamp in place.files.values())


def _sized(folder: Path, weights_bytes: int) -> tuple[GrounderPack, Checkpoint]:
    """A pack whose weights are said to be as large as those of Qwen3-VL-8B."""
    pack = recognise(folder).pack("m")
    facts = pack.to_json()
    facts["files"]["model.safetensors"][0] = weights_bytes
    pack = GrounderPack.of_json(facts)
    assert isinstance(pack.runs_on, Checkpoint)
    return pack, pack.runs_on


def test_a_large_card_takes_it_as_it_is_and_a_small_one_in_four_bits(tmp_path):
    pack, checkpoint = _sized(make_checkpoint(tmp_path / "Qwen3-VL-8B-Instruct"), 17_500_000_000)
    ways = ways_to_fit(pack, checkpoint)
    full, nf4, *smaller = ways
    assert (full.is_nf4, full.side_px, nf4.is_nf4, nf4.side_px) == (False, 640, True, 640)
    assert 20e9 < full.needs_bytes < 22e9 and 10.5e9 < nf4.needs_bytes < 11.5e9
    assert all(way.is_nf4 for way in smaller)
    assert [way.needs_bytes for way in ways] == sorted((way.needs_bytes for way in ways), reverse=True)
    assert best_fit(ways, 24_000_000_000) == full
    assert best_fit(ways, 12_000_000_000) == nf4
    assert best_fit(ways, 10_000_000_000) in smaller
    assert best_fit(ways, 8_000_000_000) is None
