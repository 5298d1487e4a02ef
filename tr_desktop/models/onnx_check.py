"""Checks an ONNX file, without loading it, for features that a pack may not use.

It follows only the necessary fields, by their numbers in the ONNX schema (onnx.proto3). It looks for tensors whose data
is in another file, and for operators that are neither ONNX's nor ONNX Runtime's. The runtime would look for such a file
relative to the working folder. A model may declare operator sets that it doesn't use: ONNX Runtime writes such models.
"""

from __future__ import annotations

from collections.abc import Iterator

_KNOWN_DOMAINS = {b"", b"ai.onnx", b"ai.onnx.ml", b"com.microsoft"}

# message → field number → message in that field
_NESTED = {
    "Model": {7: "Graph", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}
_NODE_DOMAIN = 7
_EXTERNAL_DATA = 13
_DATA_LOCATION = 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 50


def refusal(model: bytes) -> str | None:
    """The reason why this model may not be loaded, or None."""
    try:
        return _check("Model", memoryview(model), 0)
    except (IndexError, ValueError):
        return "it isn't an ONNX file, or it is damaged"


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
    """(field number, value) of a protobuf message; ValueError or IndexError if it isn't one."""
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
