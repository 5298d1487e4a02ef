"""Frame vectors on disk, two files a model pack: scanned whole, grown at the end, mapped into memory.

Notable choices. A number is 16-bit fixed point with an fp32 scale for its row: finer than fp16 where it matters, in the
same space. Its two bytes are in two files. A first scan reads only the upper bytes, an int8 index of the library that
takes no further space. The error of this scan is bounded, so a search stays exact (`nearest.py`; figures in
docs/decisions/0006-library.md). The catalog records which rows belong to which footage.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simsimd

# value = (256 · upper + lower) · scale, both bytes signed; the largest number of a row is ± 127 · 256 steps.
_STEPS = 127 * 256
# Half a step of the upper byte: the largest part of a number that the first scan omits.
_LOWER_MOST = 128
# Rounding to fp16: at most this share of a number, or this much of the smallest.
_FP16_SHARE, _FP16_LEAST = 2.0**-11, 2.0**-25
_FP32_ROUNDING = 2.0**-20  # of a dot product in fp32
# Rows multiplied at a time: they stay in the processor's cache for both passes.
_CHUNK_ROWS = 1 << 13

Rows = npt.NDArray[np.float16]


class VectorFile:
    """The vectors [N, width] of one pack in `folder`. The files stay mapped from search to search."""

    def __init__(self, folder: Path, pack: str, width: int) -> None:
        self._upper_path, self._lower_path = (folder / name for name in file_names(pack))
        self._upper_kind = np.dtype([("bytes", "i1", (width,)), ("scale", "<f4")])
        self._lower_kind = np.dtype([("bytes", "i1", (width,))])
        self._maps: dict[Path, npt.NDArray[np.void]] = {}

    def write(self, at: int, rows: npt.NDArray[np.float32]) -> None:
        """Put `rows` [n, width] at row number `at`; on the disk when this returns. Raises OSError."""
        scale, high, low = _split(rows)
        upper = np.empty(len(rows), self._upper_kind)
        upper["bytes"], upper["scale"] = high, scale
        for path, part in ((self._lower_path, low), (self._upper_path, upper)):
            content = part.tobytes()
            with path.open("r+b" if path.exists() else "w+b", buffering=0) as file:
                file.seek(at * (len(content) // len(rows)))
                while content:
                    content = content[file.write(content) :]
                os.fsync(file.fileno())

    def read(self, at: npt.NDArray[np.int64]) -> Rows:
        """The vectors of the rows numbered `at` [n]: fp16 [n, width]."""
        upper, lower = self._map(self._upper_path, self._upper_kind), self._map(self._lower_path, self._lower_kind)
        steps = lower["bytes"][at].astype(np.float32)
        steps += upper["bytes"][at].astype(np.float32) * 256
        return np.asarray(steps * upper["scale"][at][:, None], np.float16)

    def scan(
        self, query: npt.NDArray[np.float32], runs: Sequence[tuple[int, int]]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Similarity of `query` [width] to the rows of `runs`, each [start, end), from their upper bytes alone.

        (similarity, bound), both [rows]: for the rows from `read` it differs by at most the bound.
        """
        upper = self._map(self._upper_path, self._upper_kind)
        similarity = np.empty(sum(end - start for start, end in runs), np.float32)
        scale = np.empty_like(similarity)
        chunks, place = list[tuple[int, int, int]](), 0
        for start, end in runs:
            for at in range(start, end, _CHUNK_ROWS):
                chunks.append((at, min(at + _CHUNK_ROWS, end), place))
                place += chunks[-1][1] - at
        query_scale, query_high, query_low = (part[0] for part in _split(query[None]))

        def scan_chunk(chunk: tuple[int, int, int]) -> None:
            start, end, place = chunk
            rows, part = upper["bytes"][start:end], slice(place, place + end - start)
            # The query's two bytes in turn: processors are fastest at products of single bytes.
            high, low = (np.asarray(simsimd.dot(rows, query_bytes)) for query_bytes in (query_high, query_low))
            scale[part] = upper["scale"][start:end]
            similarity[part] = (256 * high + low) * (256 * query_scale) * scale[part]

        with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
            list(pool.map(scan_chunk, chunks))
        weight = float(np.abs(query).sum())
        # In steps of a row's scale: its lower byte, rounding to fp16, and rounding of the query to two bytes.
        left_out = (_LOWER_MOST + _FP16_SHARE * _STEPS) * weight + 256 * 128 * len(query) * float(query_scale) / 2
        return similarity, scale * np.float32(left_out) + np.float32((_FP16_LEAST + _FP32_ROUNDING) * weight)

    def rows(self) -> int:
        """How many rows both files hold: 0 if one is missing. Raises OSError."""
        kinds = ((self._upper_path, self._upper_kind), (self._lower_path, self._lower_kind))
        return min(path.stat().st_size // kind.itemsize if path.exists() else 0 for path, kind in kinds)

    def _map(self, path: Path, kind: np.dtype[np.void]) -> npt.NDArray[np.void]:
        mapped = self._maps.get(path)
        if mapped is None or mapped.nbytes != path.stat().st_size // kind.itemsize * kind.itemsize:
            with path.open("rb") as file:  # a row being written at the end isn't whole yet
                rows = path.stat().st_size // kind.itemsize
                mapped = self._maps[path] = np.asarray(np.memmap(file, kind, "r", shape=(rows,)))
        return mapped


def file_names(pack: str) -> tuple[str, str]:
    """The names of a pack's two files, those of the upper and of the lower bytes."""
    name = hashlib.blake2b(pack.encode(), digest_size=8).hexdigest()
    return f"vectors-{name}.upper", f"vectors-{name}.lower"


class VectorFiles:
    """The vector files of a library's packs, opened once each; may be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, VectorFile] = {}

    def of(self, pack: str, width: int) -> VectorFile:
        """pack: sha256 of the model pack. width: of its vectors."""
        with self._lock:
            return self._files.setdefault(pack, VectorFile(self._folder, pack, width))


_Bytes = npt.NDArray[np.int8]


def _split(rows: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], _Bytes, _Bytes]:
    """(scale [n], upper bytes [n, width], lower bytes [n, width]) of `rows` [n, width]."""
    scale = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-30)) / np.float32(_STEPS)
    steps = np.rint(rows / scale[:, None]).astype(np.int32)
    high = (steps + 128) >> 8
    return scale, high.astype(np.int8), (steps - (high << 8)).astype(np.int8)
