"""Checkpoints of each family become packs that give the checkpoint's own vectors; bad ones leave nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.convert.conftest import FAMILIES

pytest.importorskip("torch", reason="converting needs the extra `convert`")
pytest.importorskip("safetensors", reason="converting needs the extra `convert`")

from tests.convert import tiny
from tests.convert.tiny import few_pictures
from tr_desktop.commands.main import main
from tr_desktop.errors import PackError
from tr_desktop.models.check import check_pack
from tr_desktop.models.choice import known_packs
from tr_desktop.models.convert import add, check, graphs, hugging_face, open_clip
from tr_desktop.models.convert.add import Progress, add_checkpoint
from tr_desktop.models.convert.licence import LicenceError
from tr_desktop.models.convert.recognise import Layout, recognise
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.paths import packs_folder
from tr_desktop.picture_shape import Fit

LONG = "the red car in front of the window " * 12


def loaded(folder: Path):
    found = recognise(folder)
    return (open_clip if found.layout is Layout.OPEN_CLIP else hugging_face).load(found)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pack_gives_the_vectors_of_its_checkpoint(checkpoint, packed, family):
    original, pack = loaded(checkpoint(family)), load_pack(packed(family))
    assert check_pack(pack, "cpu") == "cpu"
    encoder = Encoder(pack, "cpu")
    right = check.reference(original, few_pictures(pack.picture_shape))
    assert cosines(encoder.encode_images(right.pictures), right.of_pictures).min() > 0.9999
    # Alone and together, short, long and too long: sentences as the checkpoint's own code cuts and fills them up.
    sentences = ["rain", "Two people, shake hands!", "a dog_catches  a frisbee", LONG]
    import torch

    with torch.no_grad():
        wanted = original.text(*original.sentence_inputs(sentences)).numpy()
    assert cosines(encoder.encode_text(sentences), wanted).min() > 0.9999
    assert cosines(np.concatenate([encoder.encode_text([each]) for each in sentences]), wanted).min() > 0.9999
    assert [encoder.cuts(each) for each in sentences] == [False, False, False, True]
    apart = encoder.encode_text(sentences[:3])
    assert (apart @ apart.T)[np.triu_indices(3, 1)].max() < 0.999


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("family", ["clip", "siglip", "altclip", "open_clip"])
def test_smaller_packs_stay_near_their_checkpoint(checkpoint, packed, family, precision):
    pack = add_checkpoint(checkpoint(family), "small", precision, few_pictures)
    whole = load_pack(packed(family))
    for name in ("image.onnx", "text.onnx"):
        assert pack.files[name][0] < whole.files[name][0]
    pictures = few_pictures(pack.picture_shape)
    near = cosines(Encoder(pack, "cpu").encode_images(pictures), Encoder(whole, "cpu").encode_images(pictures))
    assert near.min() >= check.LEAST[graphs.Precision(precision)]


def test_the_pack_says_where_it_comes_from(checkpoint):
    source = {"repository": "somebody/tiny", "commit": "c0ffee"}
    pack = add_checkpoint(checkpoint("clip"), "mine", pictures=few_pictures, source=source)
    assert pack.sources == ("somebody/tiny c0ffee",) and json.loads(pack.manifest)["source"] == source
    assert pack.licence == "apache-2.0" and pack.picture_shape.fit is Fit.CROP
    for part in ("somebody/tiny", "c0ffee", "apache-2.0", "fp32", "20 word pieces", "64 × 64"):
        assert part in pack.card
    assert load_pack("mine").sha256 == pack.sha256
    again = add_checkpoint(checkpoint("clip"), "again", pictures=few_pictures, source=source)
    assert {name: again.files[name] for name in ("image.onnx", "text.onnx")} == {
        name: pack.files[name] for name in ("image.onnx", "text.onnx")
    }


def test_the_command_reports_progress(checkpoint, capsys):
    folder = checkpoint("siglip")
    assert main(["models", "add", str(folder), "--json"]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said[-1] == {"pack": "siglip"}
    steps = [Progress(**each) for each in said[:-1]]
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    assert steps[0].done == 0 and steps[-1].done == 1
    assert list(dict.fromkeys(each.stage for each in steps)) == ["load", "convert", "compare", "done"]
    assert "siglip" in known_packs() and Encoder(load_pack("siglip")).background.shape == (264, 32)


def nothing_left(name: str = "bad") -> bool:
    return name not in known_packs() and not (packs_folder().exists() and list(packs_folder().iterdir()))


def copied(checkpoint, tmp_path: Path, family: str = "clip") -> Path:
    return Path(shutil.copytree(checkpoint(family), tmp_path / "bad"))


def test_a_restricted_licence_has_to_be_accepted(checkpoint, tmp_path, capsys):
    folder = copied(checkpoint, tmp_path)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    with pytest.raises(LicenceError, match="cc-by-nc-4"):
        add_checkpoint(folder, pictures=few_pictures)
    assert main(["models", "add", str(folder)]) == 2
    assert "Licence: cc-by-nc-4.0" in capsys.readouterr().err and nothing_left()
    assert main(["models", "add", str(folder), "--accept-licence"]) == 0
    assert "Licence: cc-by-nc-4.0" in capsys.readouterr().err
    assert "restricts" in load_pack("bad").card and load_pack("bad").licence == "cc-by-nc-4.0, restricts use"


@pytest.mark.parametrize("family", ["clip", "open_clip"])
@pytest.mark.parametrize("damage", ["cut off", "no safetensors", "other model"])
def test_damaged_weights_are_reported(checkpoint, tmp_path, family, damage):
    folder = copied(checkpoint, tmp_path, family)
    weights = recognise(folder).weights
    content = weights.read_bytes()
    if damage == "other model":
        shutil.copy(recognise(checkpoint("chinese_clip")).weights, weights)
    else:
        weights.write_bytes(content[: len(content) // 2] if damage == "cut off" else b"any")
    with pytest.raises(PackError) as caught:
        add_checkpoint(folder, pictures=few_pictures)
    assert "can't be" in str(caught.value) and len(str(caught.value)) < 600 and nothing_left()


def test_a_pickle_is_never_opened(checkpoint, tmp_path, monkeypatch):
    import torch

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a pickle was opened")

    monkeypatch.setattr(torch, "load", opened)
    folder = copied(checkpoint, tmp_path)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    assert add_checkpoint(folder, pictures=few_pictures).name == "bad"
    (folder / "model.safetensors").unlink()
    with pytest.raises(PackError, match="pickle"):
        add_checkpoint(folder, "other", pictures=few_pictures)


def test_code_in_a_checkpoint_never_runs(checkpoint, tmp_path):
    folder = copied(checkpoint, tmp_path)
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    for name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        path = folder / name
        if path.exists():
            facts = json.loads(path.read_text())
            own = {each: "evil.Evil" for each in ("AutoConfig", "AutoModel", "AutoImageProcessor")}
            path.write_text(json.dumps(facts | {"auto_map": own | {"AutoTokenizer": ["evil.Evil", None]}}))
    try:
        add_checkpoint(folder, pictures=few_pictures)
    except PackError:
        assert nothing_left()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("stage", ["load", "convert", "compare"])
def test_an_interrupted_conversion_leaves_nothing(checkpoint, stage):
    def interrupt(progress: Progress) -> None:
        if progress.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_checkpoint(checkpoint("clip"), "bad", pictures=few_pictures, on_progress=interrupt)
    assert nothing_left()


def test_a_conversion_that_went_wrong_is_noticed(checkpoint, monkeypatch):
    original = add.image_graph

    def wrong(checkpoint, precision, out):
        import torch

        with torch.no_grad():
            next(value for name, value in checkpoint.image.named_parameters() if "visual_projection" in name).neg_()
        original(checkpoint, precision, out)

    monkeypatch.setattr(add, "image_graph", wrong)
    with pytest.raises(PackError, match="other vectors for pictures"):
        add_checkpoint(checkpoint("clip"), "bad", pictures=few_pictures)
    assert nothing_left()


def test_a_tower_too_large_for_one_file_is_refused_before_it_is_converted(checkpoint, monkeypatch):
    monkeypatch.setattr(graphs, "MOST_BYTES", 60_000)
    with pytest.raises(PackError, match=r"GB in fp32.*--precision fp16"):
        add_checkpoint(checkpoint("clip"), "bad", pictures=few_pictures)
    assert nothing_left()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_size_of_a_tower_is_that_of_its_graph(checkpoint, packed, monkeypatch, family):
    """The limit is met by the larger tower, and by nothing smaller than its weights as they are in its file."""
    import onnx

    original, folder, pack = loaded(checkpoint(family)), checkpoint(family), packed(family)
    weights = {
        name: sum(
            onnx.numpy_helper.to_array(each).nbytes
            for each in onnx.load(pack / f"{name}.onnx").graph.initializer
            if each.data_type == onnx.TensorProto.FLOAT
        )
        for name in ("image", "text")
    }
    larger = max(weights, key=weights.__getitem__)
    monkeypatch.setattr(graphs, "MOST_BYTES", weights[larger] * 1.05)
    graphs.check_sizes(original, graphs.Precision.FP32, folder)
    graphs.check_sizes(original, graphs.Precision.INT8, folder)
    monkeypatch.setattr(graphs, "MOST_BYTES", weights[larger] * 0.95)
    with pytest.raises(PackError, match=f"The {larger} tower"):
        graphs.check_sizes(original, graphs.Precision.FP32, folder)
    graphs.check_sizes(original, graphs.Precision.FP16, folder)


@pytest.mark.skipif(os.name != "posix", reason="mounts")
def test_a_full_disk_is_reported(checkpoint, tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], capture_output=True).returncode:
        pytest.skip("a disk can't be mounted here")
    try:
        monkeypatch.setenv("XDG_DATA_HOME", str(disk))
        with pytest.raises(PackError, match="can't be written"):
            add_checkpoint(checkpoint("clip"), "bad", pictures=few_pictures)
        assert nothing_left()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_tokenizer_that_lacks_its_special_tokens_is_reported(checkpoint, tmp_path):
    folder = copied(checkpoint, tmp_path)
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(PackError, match="can't be used"):
        add_checkpoint(folder, pictures=few_pictures)
    assert nothing_left()


def test_settings_that_packs_lack_are_refused(checkpoint, tmp_path):
    folder = copied(checkpoint, tmp_path)
    path = folder / "preprocessor_config.json"
    if not path.exists():
        path = folder / "processor_config.json"
    facts = json.loads(path.read_text())
    for change, sentence in (({"resample": 1}, "scales pictures with"), ({"do_resize": False}, "no size")):
        path.write_text(json.dumps(facts | change))
        with pytest.raises(PackError, match=sentence):
            add_checkpoint(folder, pictures=few_pictures)
    path.write_text(json.dumps(facts))
    config = folder / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"padding_side": "left"}))
    with pytest.raises(PackError, match="on the left"):
        add_checkpoint(folder, pictures=few_pictures)
    assert nothing_left()


@pytest.mark.parametrize("change", [{"resize_mode": "longest"}, {"interpolation": "random"}])
def test_settings_of_open_clip_that_packs_lack_are_refused(checkpoint, tmp_path, change):
    folder = copied(checkpoint, tmp_path, "open_clip")
    path = folder / "open_clip_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"preprocess_cfg": change}))
    with pytest.raises(PackError, match="scales pictures"):
        add_checkpoint(folder, pictures=few_pictures)
    assert nothing_left()


def test_a_text_tower_from_elsewhere_is_refused(checkpoint, tmp_path):
    folder = copied(checkpoint, tmp_path, "open_clip")
    path = folder / "open_clip_config.json"
    facts = json.loads(path.read_text())
    facts["model_cfg"]["text_cfg"]["hf_model_name"] = "somebody/bert"
    path.write_text(json.dumps(facts))
    with pytest.raises(PackError, match="somebody/bert"):
        add_checkpoint(folder, pictures=few_pictures)


def test_the_tokenizer_of_open_clip_is_the_one_of_its_package(packed):
    """CLIP's word pieces, whose file isn't in the folder."""
    from tr_desktop.models.convert import libraries

    own = libraries.open_clip().SimpleTokenizer()
    tokenizer = Encoder(load_pack(packed("open_clip")))._tokenizer
    for text in [*check.SENTENCES, "don't STOP  me\tnow…", "naïve café", "😀 100% it's", tiny.WORDS, LONG]:
        assert tokenizer.encode(text).ids == own([text])[0].tolist()
