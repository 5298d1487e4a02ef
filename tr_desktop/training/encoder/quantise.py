"""Static 8-bit quantisation of the image tower: twice the pictures a second, a quarter of the bytes.

EfficientNet-Lite was made for this: ReLU6 bounds every wide map, so the extremes seen on a few dozen pictures serve.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

PIXELS = "pictures"


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, squares: Iterable[NDArray[np.uint8]]) -> None:
        self._squares: Iterator[NDArray[np.uint8]] = iter(squares)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        square = next(self._squares, None)
        return None if square is None else {PIXELS: square[None]}


def quantised(model: bytes, squares: Iterable[NDArray[np.uint8]]) -> bytes:
    """`model` (ONNX, input `pictures`) with 8-bit weights per channel and 8-bit activations.

    squares: typical pictures [S,S,3], from which the ranges of activations are read.
    """
    with tempfile.TemporaryDirectory() as folder:
        full, ready, small = (Path(folder) / name for name in ("full.onnx", "ready.onnx", "small.onnx"))
        full.write_bytes(model)
        quant_pre_process(full, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            small,
            _Pictures(squares),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Add", "Clip", "Gemm", "MatMul"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return without_unused_domains(small.read_bytes())


def without_unused_domains(model: bytes) -> bytes:
    """`model` less the operator sets that no node of it is from: preparing for quantisation lists all it knows."""
    graph = onnx.load_model_from_string(model)
    used = {node.domain for node in graph.graph.node} | {""}
    kept = [opset for opset in graph.opset_import if opset.domain in used]
    del graph.opset_import[:]
    graph.opset_import.extend(kept)
    content: bytes = graph.SerializeToString()
    return content
