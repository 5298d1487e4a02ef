"""`tr-desktop models`: what is known, what is used, and packs made of ONNX files."""

import importlib.util
import json
import shutil
from pathlib import Path

import av
import numpy as np
import onnx
import pytest

from tests.models.toy_pack import list_files, text_model, write_pack, write_shaped_pack
from tests.toy import write_clip
from tr_desktop.commands.main import main
from tr_desktop.errors import PackError
from tr_desktop.models import choice
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.paths import downloads_folder, packs_folder, settings_folder


@pytest.fixture
def toy(tmp_path) -> Path:
    return write_pack(tmp_path / "toy")


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(["models", *map(str, arguments)])
    return status, *capsys.readouterr()


def test_the_chosen_pack_is_used_from_any_folder(toy, tmp_path, capsys, monkeypatch):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 30), ("blue", 30)])
    assert "* mini" in run(capsys, "list")[1]
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "use", "toy")[0] == 0
    monkeypatch.chdir(tmp_path.parent)
    main(["find", "blue", str(clip), "--json", "--library", str(tmp_path / "library"), "--no-refine"])
    assert json.loads(capsys.readouterr().out)["model"]["pack"] == "toy"
    listed = run(capsys, "list")[1]
    assert "  mini" in listed and "* toy" in listed and str(toy) in listed
    shutil.rmtree(toy)
    assert "can't be used" in run(capsys, "list")[1]
    status, _, message = run(capsys, "verify")
    assert status == 2 and str(toy) in message
    assert run(capsys, "use", "mini")[0] == 0
    assert "* mini" in run(capsys, "list")[1]


def test_a_damaged_choice_file_comes_with_a_fix(capsys):
    config = settings_folder()
    config.mkdir(parents=True)
    for damage in ("no json", "[]", '{"packs": 3}'):
        (config / "models.json").write_text(damage)
        status, _, message = run(capsys, "list")
        assert status == 2 and "models use mini" in message
        assert run(capsys, "use", "mini")[0] == 0 and "* mini" in run(capsys, "list")[1]


def test_a_damaged_pack_is_not_chosen(toy, capsys):
    (toy / "text.onnx").write_bytes(b"damaged")
    status, _, message = run(capsys, "use", toy)
    assert status == 2 and "text.onnx" in message and not settings_folder().exists()


def test_the_card_of_a_pack_can_be_shown(toy, capsys):
    status, shown, _ = run(capsys, "show", toy)
    assert status == 0
    for part in ("toy", "Apache-2.0", "A toy.", "image.onnx", "32 × 32", load_pack(toy).sha256):
        assert part in shown
    assert "mini" in run(capsys, "show")[1]


def test_the_embedded_pack_passes_its_check(capsys):
    status, said, _ = run(capsys, "verify", "mini", "--device", "cpu")
    assert status == 0 and "run on cpu" in said


def stretch(model: onnx.ModelProto) -> bytes:
    """The text tower with one number more than the pictures'."""
    table = next(tensor for tensor in model.graph.initializer if tensor.name == "table")
    wide = onnx.numpy_helper.to_array(table)
    table.CopyFrom(onnx.numpy_helper.from_array(np.pad(wide, ((0, 0), (0, 1))), "table"))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = wide.shape[1] + 1
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("text.onnx", stretch(text_model()), "text.onnx gives [2, 4] instead of [2, 3]"),
        ("image.onnx", b"", "image.onnx"),
        ("image.onnx", text_model().SerializeToString(), "image.onnx doesn't run"),
        ("background.npy", b"no array", "background.npy can't be read"),
        ("refiner.onnx", text_model().SerializeToString(), "refiner.onnx doesn't run"),
    ],
)
def test_models_that_fail_the_check_are_named(tmp_path, capsys, name, content, sentence):
    folder = write_pack(tmp_path / "odd")
    (folder / name).write_bytes(content)
    from tests.models.toy_pack import list_files

    list_files(folder)
    status, _, message = run(capsys, "verify", folder)
    assert status == 2 and sentence in message and "Traceback" not in message


def draft(folder: Path, **changes: object) -> Path:
    """The toy's files with a pack.json as a person would write it."""
    write_pack(folder)
    facts = {"name": "mine", "licence": "MIT", "sources": ["me"], "input_px": 32, "sample_fps": "2", **changes}
    (folder / "pack.json").write_text(json.dumps({key: value for key, value in facts.items() if value is not None}))
    return folder


@pytest.mark.parametrize("name", ["made", "made.trpack"])
def test_a_pack_is_built_from_a_folder(tmp_path, capsys, name):
    folder, out = draft(tmp_path / "draft"), tmp_path / name
    status, said, _ = run(capsys, "build", folder, out)
    assert status == 0 and "refiner.onnx, threshold, calibration" in said
    pack = load_pack(out)
    assert (pack.name, pack.width, pack.licence) == ("mine", 3, "MIT")
    assert pack.threshold == load_pack("mini").threshold and "refiner.onnx" in pack.files
    assert run(capsys, "verify", out)[0] == 0
    clip = write_clip(tmp_path / "clip.mp4", [("red", 100), ("blue", 100)])
    main(["find", "blue", str(clip), "--json", "--library", str(tmp_path / "library"), "--model", str(out)])
    best = json.loads(capsys.readouterr().out)["moments"][0]
    assert best["start_frame"] < 150 < best["end_frame"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_same_draft_makes_the_same_archive(tmp_path, capsys):
    folder = draft(tmp_path / "draft", threshold=0.7, calibration={"bias": 0, "weights": {}})
    for name in "ab":
        assert run(capsys, "build", folder, tmp_path / f"{name}.trpack")[0] == 0
    assert (tmp_path / "a.trpack").read_bytes() == (tmp_path / "b.trpack").read_bytes()
    assert load_pack(tmp_path / "a.trpack").threshold == 0.7


def test_the_background_is_computed_from_pictures(tmp_path, capsys):
    from skimage import io

    folder, pictures = draft(tmp_path / "draft"), tmp_path / "pictures"
    (folder / "background.npy").unlink()
    status, _, message = run(capsys, "build", folder, tmp_path / "made")
    assert status == 2 and "--pictures" in message
    pictures.mkdir()
    status, _, message = run(capsys, "build", folder, tmp_path / "made", "--pictures", pictures)
    assert status == 2 and "no pictures" in message
    for number in range(20):
        io.imsave(pictures / f"{number}.png", np.full((9, 9, 3), number * 10 + 5, np.uint8), check_contrast=False)
    (pictures / "notes.txt").write_text("no picture")
    assert run(capsys, "build", folder, tmp_path / "made", "--pictures", pictures)[0] == 0
    background = Encoder(load_pack(tmp_path / "made")).background
    assert background.shape == (20, 3)


@pytest.mark.parametrize(
    ("changes", "missing", "sentence"),
    [
        ({"licence": None}, "", "has no licence"),
        ({"input_px": 0}, "", "sizes out of range"),
        ({}, "CARD.md", "CARD.md"),
        ({}, "pack.json", "pack.json"),
        ({}, "image.onnx", "image.onnx"),
    ],
)
def test_missing_parts_of_a_draft_are_reported_and_nothing_is_written(tmp_path, capsys, changes, missing, sentence):
    folder = draft(tmp_path / "draft", **changes)
    if missing:
        (folder / missing).unlink()
    status, _, message = run(capsys, "build", folder, tmp_path / "made")
    assert status == 2 and sentence in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["draft"]
    (tmp_path / "made").mkdir()
    assert "already" in run(capsys, "build", folder, tmp_path / "made")[2]


def test_an_added_pack_is_found_by_its_name_and_removed(toy, tmp_path, capsys):
    added = choice.add_pack(toy, "mine")
    assert added.sha256 == load_pack("mine").sha256 == load_pack(toy).sha256
    assert run(capsys, "use", "mine")[0] == 0
    assert "* mine" in run(capsys, "list")[1]
    with pytest.raises(PackError, match="already"):
        choice.add_pack(toy, "mine")
    with pytest.raises(PackError, match="mini"):
        choice.remove_pack("mini")
    choice.remove_pack("mine")
    assert choice.default_pack() == "mini" and "mine" not in choice.known_packs()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "mini", "my.trpack", "a\nb", "a ", "-x"])
def test_an_added_pack_has_a_plain_name_of_its_own(toy, name):
    with pytest.raises(PackError):
        choice.place_for(name)


def test_a_pack_is_added_and_removed_by_command(toy, tmp_path, capsys):
    assert run(capsys, "build", draft(tmp_path / "draft"), tmp_path / "mine.trpack")[0] == 0
    for source, name, options in ((toy, "toy", ()), (tmp_path / "mine.trpack", "other", ("--as", "other"))):
        status, said, _ = run(capsys, "add", source, *options)
        assert status == 0 and f"Added {name}" in said
        assert load_pack(name).location == packs_folder() / name
        status, _, message = run(capsys, "add", source, *options)
        assert status == 2 and "already" in message
    status, said, _ = run(capsys, "add", toy, "--as", "third", "--json")
    assert status == 0 and json.loads(said) == {"pack": "third"}
    assert run(capsys, "remove", "third")[0] == 0 and "third" not in choice.known_packs()
    status, _, message = run(capsys, "remove", "third")
    assert status == 2 and "models list" in message
    assert "mini" in run(capsys, "remove", "mini")[2]


def test_options_for_checkpoints_are_refused_for_a_pack(toy, capsys):
    for option in (("--precision", "fp16"), ("--pictures", toy), ("--accept-licence",)):
        status, _, message = run(capsys, "add", toy, *option)
        assert status == 2 and option[0] in message


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "clip"}')
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).write_bytes(b"any")
    return folder


def test_a_folder_that_is_no_checkpoint_is_no_pack_either(checkpoint, tmp_path, capsys):
    for source in (tmp_path / "nowhere", tmp_path):
        status, _, message = run(capsys, "add", source)
        assert status == 2 and str(source) in message
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    status, _, message = run(capsys, "add", checkpoint)
    assert status == 2 and "pickle" in message and not packs_folder().exists()


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_converting_says_what_it_needs(checkpoint, capsys):
    status, _, message = run(capsys, "add", checkpoint)
    assert status == 2 and "torch" in message and "run.py convert" in message


def test_a_query_that_the_model_cuts_is_mentioned(tmp_path, capsys):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 30), ("blue", 30)])
    pack = write_shaped_pack(tmp_path / "shaped")
    common = (str(clip), "--json", "--library", str(tmp_path / "library"), "--model", str(pack))
    for query, is_cut in (("red " * 6, False), ("red " * 7, True)):
        capsys.readouterr()
        main(["find", query.strip(), *common])
        answer, said = capsys.readouterr()
        assert ("reads only the beginning" in said) is is_cut
        assert json.loads(answer).get("cut", []) == ([query.strip()] if is_cut else [])


def test_a_pack_of_another_shape_sees_the_centre_of_each_picture(tmp_path, capsys):
    """A wide picture: red in its centre, blue beside it. Squashed it is more blue, cut it is red."""
    wide = tmp_path / "wide.mp4"
    picture = np.zeros((48, 192, 3), np.uint8)
    picture[:, :, 2] = 220
    picture[:, 72:120] = (220, 0, 0)
    plain = np.full_like(picture, 128)
    with av.open(str(wide), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 48, "yuv420p"
        for shown in (plain, picture, plain):
            for _ in range(50):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode())
    pack = write_shaped_pack(tmp_path / "shaped")
    for option in ((), ("--refiner", "heuristic"), ("--no-refine",)):
        library = tmp_path / f"library{len(option)}{option[:1]}"
        main(["find", "red", str(wide), "--json", "--library", str(library), "--model", str(pack), *option])
        best = json.loads(capsys.readouterr().out)["moments"][0]
        assert 40 <= best["start_frame"] <= 60 and 90 <= best["end_frame"] <= 110


def test_removing_a_linked_pack_leaves_the_original(toy, capsys):
    packs_folder().mkdir(parents=True)
    (packs_folder() / "linked").symlink_to(toy)
    assert run(capsys, "remove", "linked")[0] == 0
    assert "linked" not in choice.known_packs() and load_pack(toy).name == "toy"


def test_a_pack_that_is_used_where_it_lies_is_forgotten(toy, capsys):
    assert run(capsys, "use", toy)[0] == 0
    assert run(capsys, "remove", toy)[0] == 0
    assert choice.known_packs() == ["mini"] and choice.default_pack() == "mini" and load_pack(toy).name == "toy"


def test_an_added_pack_goes_by_the_name_that_it_was_given(toy, capsys):
    assert run(capsys, "add", toy, "--as", "mine")[0] == 0
    assert "mine is used" in run(capsys, "use", "mine")[1]
    assert "* mine" in run(capsys, "list")[1]


def test_a_pack_whose_models_do_not_run_is_not_added(tmp_path, capsys):
    broken = write_pack(tmp_path / "broken")
    (broken / "image.onnx").write_bytes((broken / "text.onnx").read_bytes())
    list_files(broken)
    status, _, message = run(capsys, "add", broken)
    assert status == 2 and "image.onnx" in message and choice.installed_packs() == []


def test_a_download_that_was_given_up_is_removed(capsys):
    (downloads_folder() / "tinyclip").mkdir(parents=True)
    (downloads_folder() / "tinyclip" / "model.safetensors.part").write_bytes(b"1")
    assert run(capsys, "remove", "tinyclip")[0] == 0
    assert [*downloads_folder().iterdir()] == []
    for other in ("tinyclip", "..", "../downloads"):
        assert run(capsys, "remove", other)[0] == 2
    assert downloads_folder().is_dir()
