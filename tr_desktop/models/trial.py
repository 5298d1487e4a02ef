"""Trials: whether a device gives the CPU's vectors, how fast, and in which batches. The results are kept.

Results are in the user's cache, one for each model, device, version of ONNX Runtime and computer. Before a trial, a
crash is noted there, in case the driver ends the program; a lock, which ends with the program, tells a trial that runs
from one that crashed.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from tr_desktop.errors import UserError
from tr_desktop.files import LockedError, sole_writer, write_verified
from tr_desktop.models.devices import CPU, DEVICES
from tr_desktop.models.runtime import is_offered, open_session, reason
from tr_desktop.paths import cache_folder

Inputs = Mapping[str, npt.NDArray[Any]]
"""Arrays by the name of the model's input, all with the same number of rows."""

# Cosine of the vectors that the CPU and a device give. 8-bit models are rounded otherwise on each.
_SAME = 0.99
_GAIN = 1.05  # a larger batch must be faster by this
_AGAIN_S = 3600.0  # `auto` tries a device again that didn't work: a driver may have been installed
_LONGEST_S = 1.0  # of one batch: stopping and pausing wait for its end
_BUDGET_S = 1.0  # of the runs of one size
_PATIENCE_S = 10.0  # for a trial that another process runs; then this one tries the device itself
_LOOK_S = 0.1
_CRASHED = "the program ended while it was tried"
_MEMORY_ENDED = (
    "failed to allocate memory",
    "out of memory",
    "outofmemory",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",
    "out_of_memory",
    "cl_out_of_resources",
    "cl_mem_object_allocation_failure",
    "8007000e",  # Windows: E_OUTOFMEMORY
)


@dataclass(frozen=True)
class Trial:
    """What a trial found. why: why the device can't be used, "" if it can. rows_per_s: in batches of `batch` rows."""

    why: str
    rows_per_s: float = 0.0
    batch: int = 1
    at_s: float = field(default_factory=lambda: time.time())


def memory_ended(error: Exception) -> bool:
    """Whether a device or the computer had too little memory for a batch."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _MEMORY_ENDED)


def taken(session: onnxruntime.InferenceSession, inputs: Inputs) -> Inputs:
    """Those of `inputs` that the model takes."""
    return {each.name: inputs[each.name] for each in session.get_inputs() if each.name in inputs}


@dataclass(frozen=True)
class Trials:
    """The trials of one model. sample: input for them. most_rows: the largest batch to try."""

    model: bytes = field(repr=False)
    sample: Inputs = field(repr=False)
    most_rows: int

    def kept(self, device: str) -> Trial | None:
        """What an earlier trial found; None if there was none, or if one that runs now takes long."""
        trial = self._noted(device)
        if trial is None or trial.why != _CRASHED:
            return trial
        with self._sole(device, _PATIENCE_S) as is_sole:
            return self._noted(device) if is_sole else None

    def run(self, device: str) -> Trial:
        """Try a device, and keep what is found. Errors of the model itself, which the CPU has too, are raised."""
        expected, on_cpu = self._on_cpu
        if device == CPU:
            return on_cpu
        with self._sole(device) as is_sole:
            if is_sole:
                self._keep(device, Trial(_CRASHED))
            trial = None
            try:
                trial = self._on_device(device, expected)
            except UserError as error:
                trial = Trial(error.what)
            except Exception as error:  # noqa: BLE001 (ONNX Runtime's errors share no class)
                trial = Trial(f"{DEVICES[device].title} fails: {reason(error)}")
            finally:
                if trial is not None:
                    self._keep(device, trial)
                elif is_sole:  # Ctrl-C
                    with suppress(OSError):
                        self._path(device).unlink()
        return trial

    def works(self, device: str) -> Trial:
        """The trial of a device that works, an earlier one if there was. Raises UserError if it doesn't."""
        kind = DEVICES[device]
        trial = self.kept(device) if is_offered(kind) else Trial(f"This ONNX Runtime doesn't offer {kind.title}")
        if trial is None or (trial.why and is_offered(kind)):
            trial = self.run(device)
        if trial.why:
            raise UserError(trial.why, remedy=kind.remedy)
        return trial

    def open_on(self, device: str) -> onnxruntime.InferenceSession:
        """A session on a device. Raises UserError if it can't be opened."""
        shapes = {name: values.shape[1:] for name, values in self.sample.items()}
        return open_session(self.model, device, row_shapes=shapes, most_rows=self.most_rows)

    def fastest_first(self) -> list[tuple[str, Trial]]:
        """The devices that work and are faster than the CPU.

        Those that take minutes to open a model count only if they were tried by name.
        """
        trials = {
            device: trial
            for device, kind in DEVICES.items()
            if is_offered(kind) and (trial := self._recent(device)) is not None and not trial.why
        }
        if not trials:
            return []
        on_cpu = self.kept(CPU) or self.run(CPU)
        faster = [each for each in trials.items() if each[1].rows_per_s > on_cpu.rows_per_s]
        return sorted(faster, key=lambda each: -each[1].rows_per_s)

    def _recent(self, device: str) -> Trial | None:
        trial = self.kept(device)
        if trial is not None and (not trial.why or 0 <= time.time() - trial.at_s < _AGAIN_S):
            return trial
        return None if DEVICES[device].builds_long else self.run(device)

    def has_crashed(self, device: str) -> bool:
        """Whether the program ended while it tried the device last."""
        trial = self.kept(device)
        return trial is not None and trial.why == _CRASHED

    @cached_property
    def _on_cpu(self) -> tuple[npt.NDArray[np.float32], Trial]:
        session = open_session(self.model)
        inputs = taken(session, self.sample)
        vectors = np.asarray(session.run(None, inputs)[0], np.float32)
        trial = Trial("", _rows_per_s(session, inputs), _rows(inputs))
        self._keep(CPU, trial)
        return vectors, trial

    def _on_device(self, device: str, expected: npt.NDArray[np.float32]) -> Trial:
        session = self.open_on(device)
        inputs = taken(session, self.sample)
        found = np.asarray(session.run(None, inputs)[0], np.float32)
        if not (alike := _least_cosine(found, expected)) >= _SAME:
            return Trial(f"{DEVICES[device].title} gives other vectors than the CPU (cosine {alike:.3f})")
        trial = Trial("", _rows_per_s(session, inputs), _rows(inputs))
        while (rows := trial.batch * 2) <= min(self.most_rows, trial.rows_per_s * _LONGEST_S):
            try:
                larger = _rows_per_s(session, {name: _repeated(values, rows) for name, values in inputs.items()})
            except Exception as error:
                if not memory_ended(error):
                    raise
                break
            if larger < _GAIN * trial.rows_per_s:
                break
            trial = replace(trial, rows_per_s=larger, batch=rows)
        return trial

    @contextmanager
    def _sole(self, device: str, patience_s: float = 0.0) -> Iterator[bool]:
        """Hold the device's lock, after waiting for at most patience_s; False if another process tries the device."""
        with ExitStack() as held:
            yield _is_locked(self._path(device).parent, held, patience_s)

    def _noted(self, device: str) -> Trial | None:
        try:
            return Trial(**json.loads(self._path(device).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _keep(self, device: str, trial: Trial) -> None:
        path = self._path(device)
        with suppress(OSError):  # the next run tries again
            path.parent.mkdir(parents=True, exist_ok=True)
            write_verified(path, json.dumps(asdict(trial)).encode())

    def _path(self, device: str) -> Path:
        return cache_folder() / "devices" / f"{self._identity}-{device}" / "trial.json"

    @cached_property
    def _identity(self) -> str:
        found_with = f"{onnxruntime.__version__} {platform.node()} {self.most_rows}".encode()
        return hashlib.sha256(hashlib.sha256(self.model).digest() + found_with).hexdigest()[:32]


def _is_locked(folder: Path, held: ExitStack, patience_s: float) -> bool:
    """Whether `folder` is locked until `held` ends, or nothing can be kept there anyway; False if another holds it."""
    end_s = time.monotonic() + patience_s
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(sole_writer(folder))
        except LockedError:
            if time.monotonic() >= end_s:
                return False
            time.sleep(_LOOK_S)
        except OSError:
            return True
        else:
            return True


def _rows(inputs: Inputs) -> int:
    return len(next(iter(inputs.values()), ()))


def _repeated(values: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    return values[np.arange(rows) % len(values)]


def _rows_per_s(session: onnxruntime.InferenceSession, inputs: Inputs) -> float:
    """The best of a few runs. The first run of a size prepares the device, and is slower."""
    best_s, spent_s = float("inf"), 0.0
    for _ in range(4):
        started_s = time.perf_counter()
        session.run(None, dict(inputs))
        run_s = time.perf_counter() - started_s
        best_s, spent_s = min(best_s, run_s), spent_s + run_s
        if spent_s > _BUDGET_S:
            break
    return _rows(inputs) / max(best_s, 1e-9)


def _least_cosine(found: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]) -> float:
    if found.shape != expected.shape:
        return 0.0
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((found * expected).sum(axis=1) / np.maximum(lengths, 1e-12)).min())
