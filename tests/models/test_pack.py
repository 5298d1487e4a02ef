import json
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.models.toy_pack import image_model, list_files, text_model, write_pack
from tr_desktop.errors import PackError
from tr_desktop.models.onnx_check import refusal
from tr_desktop.models.pack import EMBEDDED, list_packs, load_pack


@pytest.fixture
def folder(tmp_path):
    return write_pack(tmp_path / "toy")


def test_a_folder_and_a_zip_of_it_are_the_same_pack(folder, tmp_path):
    archive = tmp_path / "toy.trpack"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    packs = [load_pack(folder), load_pack(archive)]
    for pack in packs:
        pack.verify()
        assert pack.name == "toy" and pack.input_px == 32 and pack.sample_fps == Fraction(2) and pack.width == 3
        assert pack.read("text.onnx") == (folder / "text.onnx").read_bytes()
    assert packs[0].sha256 == packs[1].sha256


def test_the_embedded_packs_are_complete_and_within_their_sizes():
    assert "mini" in list_packs()
    for name in list_packs():
        pack = load_pack(name)
        pack.verify()
        assert pack.card.strip()
        sizes = {path.name: path.stat().st_size for path in (EMBEDDED / name).iterdir()}
        assert set(sizes) == {"pack.json", *pack.files}
    assert sum(path.stat().st_size for path in (EMBEDDED / "mini").iterdir()) <= 40e6
    assert load_pack("mini").files["image.onnx"][0] <= 12e6
    assert load_pack("mini").files["text.onnx"][0] <= 26e6


def test_a_changed_file_is_refused_before_it_is_loaded(folder):
    content = bytearray((folder / "image.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "image.onnx").write_bytes(content)
    pack = load_pack(folder)
    pack.read("text.onnx")
    with pytest.raises(PackError, match=r"image\.onnx.*doesn't match its pack\.json"):
        pack.read("image.onnx")


def test_a_missing_file_is_named(folder):
    (folder / "text.onnx").unlink()
    with pytest.raises(PackError, match=r"text\.onnx.*can't be read"):
        load_pack(folder).read("text.onnx")


@pytest.mark.parametrize("name", ["../outside.onnx", "/etc/passwd.onnx", "a/../../b.onnx", "c:\\x.onnx"])
def test_paths_outside_the_pack_are_refused_by_name(folder, name):
    files = json.loads((folder / "pack.json").read_text())["files"]
    list_files(folder, files=files | {name: {"size_bytes": 1, "sha256": "0" * 64}})
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["weights.pkl", "model.pt", "model.bin", "run.py", "data.npz"])
def test_file_kinds_that_could_run_or_hide_code_are_refused_by_name(folder, name):
    (folder / name).write_bytes(b"anything")
    list_files(folder)
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert name in str(caught.value)


def test_a_link_is_refused(folder, tmp_path):
    (folder / "text.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "text.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(PackError, match="link"):
        load_pack(folder).read("text.onnx")


def test_a_link_in_a_zip_is_refused(folder, tmp_path):
    archive = tmp_path / "toy.trpack"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            if path.name != "text.onnx":
                file.write(path, path.name)
        link = zipfile.ZipInfo("text.onnx")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    with pytest.raises(PackError, match="link"):
        load_pack(archive).read("text.onnx")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema": 2}, "schema 2"),
        ({"input_px": "many"}, "damaged"),
        ({"input_px": float("inf")}, "damaged"),
        ({"sample_fps": "1/0"}, "damaged"),
        ({"sample_fps": "-2"}, "out of range"),
        ({"calibration": {}}, "damaged"),
        ({"fit": "stretch"}, "damaged"),
        ({"interpolation": "nearest"}, "damaged"),
        ({"max_tokens": 0}, "out of range"),
        ({"pad_id": -1}, "out of range"),
        ({"files": {}}, "has no image.onnx"),
    ],
)
def test_a_damaged_or_newer_pack_json_is_refused(folder, changes, sentence):
    list_files(folder, **changes)
    with pytest.raises(PackError, match=sentence):
        load_pack(folder)


def test_a_file_that_is_no_pack_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.trpack").write_text("no zip")
    (tmp_path / "empty" / "pack.json").write_text("[1, 2")
    for name in ("empty", "text.trpack", "nowhere"):
        with pytest.raises(PackError):
            load_pack(tmp_path / name)
    with pytest.raises(PackError, match="There is no model pack 'maxi'"):
        load_pack("maxi")


def _external(model: onnx.ModelProto) -> onnx.ModelProto:
    tensor = model.graph.initializer.add()
    tensor.name, tensor.data_type, tensor.data_location = "far", TensorProto.FLOAT, TensorProto.EXTERNAL
    tensor.dims[:] = [1]
    tensor.external_data.add(key="location", value="secret.bin")
    return model


def _external_in_a_branch(model: onnx.ModelProto) -> onnx.ModelProto:
    inner = helper.make_graph([], "then", [], [])
    tensor = inner.initializer.add()
    tensor.name, tensor.data_type, tensor.data_location = "far", TensorProto.FLOAT, TensorProto.EXTERNAL
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    return model


def _external_in_an_attribute(model: onnx.ModelProto) -> onnx.ModelProto:
    tensor = numpy_helper.from_array(np.ones(1, np.float32))
    tensor.external_data.add(key="location", value="secret.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    return model


def _custom(model: onnx.ModelProto) -> onnx.ModelProto:
    model.graph.node.append(helper.make_node("RunThis", ["vectors"], ["w"], domain="evil.example"))
    return model


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_external, "another file"),
        (_external_in_a_branch, "another file"),
        (_external_in_an_attribute, "another file"),
        (_custom, "evil.example"),
    ],
)
def test_models_that_refer_to_other_files_are_refused_by_name(folder, change, why):
    (folder / "text.onnx").write_bytes(change(text_model()).SerializeToString())
    list_files(folder)
    with pytest.raises(PackError, match=r"text\.onnx") as caught:
        load_pack(folder).read("text.onnx")
    assert why in str(caught.value)


def test_valid_models_are_accepted():
    for model in (image_model(), text_model()):
        assert refusal(model.SerializeToString()) is None
        model.opset_import.append(helper.make_opsetid("ai.onnx.training", 1))  # named, not used
        assert refusal(model.SerializeToString()) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_checked_without_a_crash(content):
    refusal(content)  # whatever it says of them


def test_calibration_is_a_logistic_of_the_evidence(folder):
    pack = load_pack(folder)
    assert pack.calibrated_score({"peak_z": 0.0, "contrast": 0.0}) == 0.5
    assert pack.calibrated_score({"peak_z": 1.0, "contrast": 0.5}) == pytest.approx(0.8808, abs=1e-4)
    assert pack.calibrated_score({"peak_z": 1e6, "contrast": 0.0}) == pytest.approx(1.0)


def test_embedded_packs_are_in_the_package():
    assert Path("tr_desktop/models/packs").parts == EMBEDDED.parts[-3:]


def test_a_new_calibration_keeps_the_index(folder):
    before = load_pack(folder)
    facts = json.loads(before.manifest)
    facts |= {"threshold": 0.7, "calibration": {"bias": -1, "weights": {"peak_z": 2}}, "indexed_as": before.manifest}
    (folder / "pack.json").write_text(json.dumps(facts))
    after = load_pack(folder)
    assert after.threshold == 0.7 and after.sha256 == before.sha256 and after.manifest != before.manifest


def test_a_pack_with_other_towers_cannot_claim_the_index_of_another(folder):
    facts = json.loads((folder / "pack.json").read_text())
    for changed in (
        {"input_px": 64},
        {"fit": "crop"},
        {"interpolation": "bicubic"},
        {"max_tokens": 5},
        {"pads_to_max": True},
        {"pad_id": 1},
        {"files": facts["files"] | {"image.onnx": {"size_bytes": 1, "sha256": "0" * 64}}},
    ):
        claimed = json.dumps(facts | changed)
        (folder / "pack.json").write_text(json.dumps(facts | {"indexed_as": claimed}))
        with pytest.raises(PackError, match="other vectors"):
            load_pack(folder)
