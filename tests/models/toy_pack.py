"""A pack of toy towers, built with `onnx`: an image is its mean colour, a sentence the sum of its words' colours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WIDTH = 3
OPSETS = [helper.make_opsetid("", 17)]


def image_model() -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["pictures"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["numbers"], ["vectors"], axes=[1, 2], keepdims=0),
        ],
        "image",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", 32, 32, 3])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", WIDTH])],
    )
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=9)


def text_model() -> onnx.ModelProto:
    table = np.array([[1, 1, 1], [9, 0, 0], [0, 9, 0], [0, 0, 9]], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "tokens"], ["words"]),
            helper.make_node("Cast", ["mask"], ["weights"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["weights", "last"], ["weights3"]),
            helper.make_node("Mul", ["words", "weights3"], ["kept"]),
            helper.make_node("ReduceSum", ["kept", "first"], ["vectors"], keepdims=0),
        ],
        "text",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "l"]) for name in ("tokens", "mask")],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", WIDTH])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "first"),
        ],
    )
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=9)


def wide_image_model() -> onnx.ModelProto:
    """The same for pictures of 48 pixels, in more numbers: the colours, and their mean twice."""
    model = image_model()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 48
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 48
    model.graph.node[1].output[0] = "colours"
    model.graph.node.append(helper.make_node("MatMul", ["colours", "wider"], ["vectors"]))
    wider = np.concatenate([np.eye(3), np.full((3, 2), 1 / 3)], axis=1).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(wider, "wider"))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 5
    return model


def padded_text_model(tokens: int = 6) -> onnx.ModelProto:
    """Sentences of a fixed length without a mask: what they are filled up with adds to their vector."""
    table = np.array([[0, 0, 0, 1, 1], [9, 0, 0, 3, 3], [0, 9, 0, 3, 3], [0, 0, 9, 3, 3]], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "tokens"], ["words"]),
            helper.make_node("ReduceSum", ["words", "first"], ["vectors"], keepdims=0),
        ],
        "text",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n", tokens])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1], np.int64), "first")],
    )
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=9)


def write_shaped_pack(folder: Path, **changes: object) -> Path:
    """A pack as converted checkpoints are: another width and rate, cut pictures, sentences of a fixed length."""
    write_pack(folder)
    (folder / "image.onnx").write_bytes(wide_image_model().SerializeToString())
    (folder / "text.onnx").write_bytes(padded_text_model().SerializeToString())
    np.save(folder / "background.npy", np.eye(5, dtype=np.float16))
    shape = {"input_px": 48, "fit": "crop", "interpolation": "bicubic", "sample_fps": "3", "width": 5}
    return list_files(folder, **shape, max_tokens=6, pads_to_max=True, **changes)


def write_pack(folder: Path, **changes: object) -> Path:
    """Write the toy pack to `folder`; `changes` replace keys of its pack.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "red": 1, "green": 2, "blue": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    (folder / "image.onnx").write_bytes(image_model().SerializeToString())
    (folder / "text.onnx").write_bytes(text_model().SerializeToString())
    np.save(folder / "background.npy", np.eye(3, dtype=np.float16))
    (folder / "CARD.md").write_text("A toy.\n")
    return list_files(folder, **changes)


def list_files(folder: Path, **changes: object) -> Path:
    """Write pack.json anew for the files that are there."""
    facts = {
        "schema": 1,
        "name": "toy",
        "licence": "Apache-2.0",
        "sources": ["none"],
        "input_px": 32,
        "sample_fps": "2",
        "width": WIDTH,
        "threshold": 0.5,
        "calibration": {"bias": 0.0, "weights": {"peak_z": 1.0, "contrast": 2.0}},
        "files": {
            path.name: {"size_bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in sorted(folder.iterdir())
            if path.is_file() and path.name != "pack.json"
        },
    }
    (folder / "pack.json").write_text(json.dumps(facts | changes))
    return folder
