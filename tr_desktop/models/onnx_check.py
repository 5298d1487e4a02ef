"""Reads an ONNX file's structure, without loading it, for what a pack may not do.

Only the few fields that matter are followed, by their numbers in the ONNX schema (onnx.proto3): a tensor whose data
lies in another file, and an operator from outside ONNX and ONNX Runtime. The runtime would look for such a file
relative to the working folder. A model may name sets of operators that it doesn't use: those that ONNX Runtime writes
do.
"""

from __future__ import annotations

from collections.abc import Iterator

_KNOWN_DOMAINS = {b"", b"ai.onnx", b"ai.onnx.ml", b"com.microsoft"}

# message → field number → message that lies there
_NESTED = {
    "Model": {7: "Graph", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}
_NODE_DOMAIN = 7
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 50


def refusal(model: bytes) -> str | None:
    """Why this model may not be loaded, or None."""
    try:
        return _check("Model", memoryview(model), 0)
    except (IndexError, ValueError):
        return "it is no ONNX file, or a damaged one"


def _check(message: str, content: memoryview, depth: int) -> str | None:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    for number, value in _fields(content):
        if message == "Tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
            return "it keeps data in another file"
        if isinstance(value, int):
            continue
        if message == "Node" and number == _NODE_DOMAIN and bytes(value) not in _KNOWN_DOMAINS:
            return f"it needs operators from {bytes(value).decode(errors='replace')!r}"
        nested = _NESTED.get(message, {}).get(number)
        if nested and (why := _check(nested, value, depth + 1)):
            return why
    return None


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of a protobuf message; ValueError or IndexError where it is none."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(content, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(content, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"field kind {kind}")
        if at + size > len(content):
            raise ValueError("cut off")
        yield number, content[at : at + size]
        at += size


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("not a number")
