"""Checkpoint folders are told apart by their files, without torch; so are their licences."""

import json
import re
from pathlib import Path

import pytest

from tr_desktop.errors import PackError
from tr_desktop.models.convert.licence import LicenceError, expect_agreed, licence_of
from tr_desktop.models.convert.recognise import Layout, recognise

WHOLE = ("model.safetensors", "tokenizer.json")


def checkpoint(folder: Path, config: dict[str, object] | None, *files: str, name: str = "config.json") -> Path:
    folder.mkdir()
    if config is not None:
        (folder / name).write_text(json.dumps(config))
    for file in files:
        (folder / file).write_bytes(b"any")
    return folder


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2", "chinese_clip", "altclip"])
def test_families_of_hugging_face_are_known(tmp_path, family):
    found = recognise(checkpoint(tmp_path / "a", {"model_type": family}, *WHOLE))
    assert (found.layout, found.family, found.weights.name) == (Layout.HUGGING_FACE, family, "model.safetensors")


def test_open_clip_brings_its_own_tokenizer_unless_it_names_another(tmp_path):
    weights = "open_clip_model.safetensors"
    for number, (text, files, is_whole) in enumerate(
        [
            ({}, (), True),
            ({"hf_tokenizer_name": "somebody/elsewhere"}, (), False),
            ({"hf_tokenizer_name": "somebody/elsewhere"}, ("tokenizer.json",), True),
        ]
    ):
        config = {"model_cfg": {"text_cfg": text}}
        folder = checkpoint(tmp_path / str(number), config, weights, *files, name="open_clip_config.json")
        if is_whole:
            assert recognise(folder).layout is Layout.OPEN_CLIP
        else:
            with pytest.raises(PackError, match="no tokenizer"):
                recognise(folder)


def test_a_folder_with_both_configurations_is_read_by_the_one_that_has_weights(tmp_path):
    folder = checkpoint(tmp_path / "a", {"model_type": "clip"}, "pytorch_model.bin", "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text('{"model_cfg": {}}')
    assert recognise(folder).layout is Layout.OPEN_CLIP


@pytest.mark.parametrize(
    ("config", "files", "sentence"),
    [
        (None, (), "holds no checkpoint.*Give a folder"),
        (None, ("model-q4.gguf",), r"holds no checkpoint.*server.*runs \.gguf files"),
        (None, ("adapter_config.json",), "holds no checkpoint.*merge it into its base"),
        ({"model_type": "llama"}, WHOLE, "'llama' can't be converted.*clip, siglip"),
        ({}, WHOLE, "can't be converted"),
        ({"model_type": "clip"}, ("pytorch_model.bin", "tokenizer.json"), r"pickle, pytorch_model\.bin.*refused"),
        ({"model_type": "clip"}, ("flax.msgpack",), "has no weights"),
        ({"model_type": "clip"}, ("model.safetensors",), "no tokenizer"),
    ],
)
def test_what_is_missing_is_named(tmp_path, config, files, sentence):
    with pytest.raises(PackError) as caught:
        recognise(checkpoint(tmp_path / "a", config, *files))
    assert re.search(sentence, str(caught.value))


def test_weights_in_parts_must_all_be_there_and_inside(tmp_path):
    folder = checkpoint(tmp_path / "a", {"model_type": "clip"}, "tokenizer.json", "one.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "one.safetensors", "y": "two.safetensors"}}))
    with pytest.raises(PackError, match=r"lacks two\.safetensors"):
        recognise(folder)
    (tmp_path / "two.safetensors").write_bytes(b"any")
    (folder / "two.bin").write_bytes(b"any")
    for name in ("../two.safetensors", "two.bin"):
        index.write_text(json.dumps({"weight_map": {"x": "one.safetensors", "y": name}}))
        with pytest.raises(PackError, match="isn't allowed"):
            recognise(folder)


@pytest.mark.parametrize("content", ["no json", "[]"])
def test_a_damaged_configuration_is_named(tmp_path, content):
    folder = checkpoint(tmp_path / "a", {}, *WHOLE)
    (folder / "config.json").write_text(content)
    with pytest.raises(PackError, match=r"config\.json of the checkpoint can't be read.*Download it again"):
        recognise(folder)


@pytest.mark.parametrize("wrong", [None, [], "text", 3])
@pytest.mark.parametrize("name", ["model_cfg", "text_cfg", "weight_map"])
def test_a_part_of_a_configuration_of_another_type_is_named(tmp_path, name, wrong):
    if name == "weight_map":
        folder = checkpoint(tmp_path / "a", {"model_type": "clip"}, "tokenizer.json")
        path = folder / "model.safetensors.index.json"
    else:
        folder = checkpoint(tmp_path / "a", None, "open_clip_model.safetensors")
        path = folder / "open_clip_config.json"
    path.write_text(json.dumps({"model_cfg": {name: wrong}} if name == "text_cfg" else {name: wrong}))
    with pytest.raises(PackError) as caught:
        recognise(folder)
    assert f"{path.name} of the checkpoint is damaged: {name} isn't an object" in str(caught.value)


@pytest.mark.parametrize(
    ("readme", "text", "summary", "is_restricted"),
    [
        ("---\nlicense: apache-2.0\n---\n", "", "apache-2.0", False),
        ("---\nlicense: mit\n---\nNot for non-commercial jokes.\n", "", "mit", False),
        ("---\nlicense: cc-by-nc-4.0\n---\n", "", "cc-by-nc-4.0", True),
        (
            "---\nlicense: other\nlicense_name: apple-amlr\nlicense_link: LICENSE\n---\n",
            "",
            "apple-amlr (LICENSE)",
            True,
        ),
        ("---\nlicense: other\n---\n", "You may use it for research purposes only.", "other", True),
        ("# no front matter\nlicense: mit\n", "", "not stated", False),
        ("", "Licensed for NON-COMMERCIAL use.", "see LICENSE", True),
        ("", "Apache License, Version 2.0", "see LICENSE", False),
        ("---\nlicense:\n- cc-by-nc-4.0\n---\n", "", "cc-by-nc-4.0", True),
        ("\ufeff---\nlicense: cc-by-nc-4.0\n---\n", "", "cc-by-nc-4.0", True),
        ("---\nlicense: mit\n---\n", "For non-commercial use only.", "mit", True),
    ],
)
def test_licences_are_read_from_the_folder(tmp_path, readme, text, summary, is_restricted):
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    if text:
        (tmp_path / "LICENSE.txt").write_text(text)
    licence = licence_of(tmp_path)
    assert (licence.summary, licence.is_restricted) == (summary, is_restricted)
    assert text in licence.shown and summary in licence.shown
    assert expect_agreed(tmp_path, accept_licence=True) == licence
    if is_restricted:
        with pytest.raises(LicenceError, match="--accept-licence"):
            expect_agreed(tmp_path, accept_licence=False)
    else:
        assert expect_agreed(tmp_path, accept_licence=False) == licence


def test_a_licence_cannot_move_the_cursor(tmp_path):
    (tmp_path / "README.md").write_text("---\nlicense: other\nlicense_link: \x1b[2J\n---\n")
    assert "\x1b" not in licence_of(tmp_path).shown
