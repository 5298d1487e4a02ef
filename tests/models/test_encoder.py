import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tests.models.toy_pack import write_pack, write_shaped_pack
from tr_desktop.errors import UserError
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import MAX_TOKENS, Pack, load_pack


@pytest.fixture
def encoder(tmp_path):
    return Encoder(load_pack(write_pack(tmp_path / "toy")), "cpu")


def test_pictures_and_sentences_share_one_space(encoder):
    pictures = np.zeros((2, 32, 32, 3), np.uint8)
    pictures[0, ..., 0] = pictures[1, ..., 2] = 200
    images, texts = encoder.encode_images(pictures), encoder.encode_text(["red", "blue"])
    assert images.shape == texts.shape == (2, 3) and images.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(images @ texts.T, np.eye(2), atol=1e-6)


def test_vectors_have_length_one_and_do_not_depend_on_the_batch(encoder):
    texts = ["red", "red green green blue", "nothing known"]
    together = encoder.encode_text(texts)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(together, np.concatenate([encoder.encode_text([text]) for text in texts]), atol=1e-6)


def test_a_very_long_sentence_is_cut(encoder):
    long = "red " * MAX_TOKENS + "blue " * 1000
    np.testing.assert_allclose(encoder.encode_text([long]), encoder.encode_text(["red"]), atol=1e-6)


def test_a_sentence_loads_only_the_text_tower(encoder, monkeypatch):
    read = []
    original = Pack.read
    monkeypatch.setattr(Pack, "read", lambda pack, name: read.append(name) or original(pack, name))
    encoder.encode_text(["red"])
    assert sorted(read) == ["text.onnx", "tokenizer.json"]


def test_the_reported_device_is_the_one_in_use(encoder):
    assert encoder.device == "cpu"


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="CUDA may work on this machine"
)
def test_missing_cuda_is_a_user_error_and_auto_falls_back_to_the_cpu(encoder):
    with pytest.raises(UserError, match="CUDA"):
        Encoder(encoder.pack, "cuda").encode_text(["red"])
    automatic = Encoder(encoder.pack, "auto")
    automatic.encode_text(["red"])
    assert automatic.device == "cpu"


def test_the_background_is_read_without_pickles(encoder, tmp_path):
    assert encoder.background.shape == (3, 3) and encoder.background.dtype == np.float32


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no files for it")
def test_onnx_runtime_reports_nothing_to_its_maker(encoder, tmp_path):
    """Its telemetry begins with an identifier and a queue of reports in the user's folders."""
    home, program = tmp_path / "home", tmp_path / "program.py"
    home.mkdir()
    program.write_text(
        "import sys\nfrom tr_desktop.models.encoder import Encoder\nfrom tr_desktop.models.pack import load_pack\n"
        "Encoder(load_pack(sys.argv[1]), 'cpu').encode_text(['red'])\n"
    )
    # It is silent anyway on servers that test.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "CI", "GITHUB_"))}
    environment = kept | {"HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, program, encoder.pack.location], env=environment, check=True)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_sentences_of_a_fixed_length_are_filled_up_and_the_mask_is_left_out(tmp_path):
    encoder = Encoder(load_pack(write_shaped_pack(tmp_path / "shaped")), "cpu")
    for words, padding in (("red", 5), ("red blue", 4), ("red " * 6, 0)):
        named = words.split()
        wanted = np.zeros(5)
        for word in named:
            wanted += [9 * (word == "red"), 0, 9 * (word == "blue"), 3, 3]
        wanted[3:] += padding
        np.testing.assert_allclose(encoder.encode_text([words])[0], wanted / np.linalg.norm(wanted), atol=1e-6)


def test_only_sentences_that_are_too_long_are_cut(tmp_path):
    encoder = Encoder(load_pack(write_shaped_pack(tmp_path / "shaped")), "cpu")
    assert not encoder.cuts("red " * 6) and encoder.cuts("red " * 7)
    np.testing.assert_allclose(encoder.encode_text(["red " * 6 + "blue"]), encoder.encode_text(["red " * 6]))


def test_another_number_can_fill_sentences_up(tmp_path):
    encoder = Encoder(load_pack(write_shaped_pack(tmp_path / "shaped", pad_id=1)), "cpu")
    np.testing.assert_allclose(encoder.encode_text(["blue red red red red red"]), encoder.encode_text(["blue"]))
