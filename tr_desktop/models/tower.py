"""One tower of a pack on the device that runs it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from tr_desktop.errors import UserError
from tr_desktop.models.devices import AUTO, CPU
from tr_desktop.models.runtime import open_session
from tr_desktop.models.trial import Inputs, Trials, memory_ended, taken


class Tower:
    """An opened model. device: the one that runs it. batch: the number of rows that it runs fastest at once.

    Threads may share it: on a device, one waits for the other, because DirectML sessions can't run twice at a time.
    """

    def __init__(self, session: onnxruntime.InferenceSession, device: str, batch: int) -> None:
        self.device, self.batch = device, batch
        self._session, self._lock = session, threading.Lock()
        # More rows at once would make TensorRT build another engine. A CPU's memory is seldom the limit.
        self._most: int | None = None if device == CPU else batch

    def run(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """The model's first output. If memory ends, it runs again in smaller batches, and so does every later run.

        Raises UserError if memory isn't enough for one row.
        """
        inputs = taken(self._session, inputs)
        rows = len(next(iter(inputs.values()), ()))
        while True:
            most = max(min(self._most or rows, rows), 1)
            try:
                parts = [
                    self._run({name: values[at : at + most] for name, values in inputs.items()})
                    for at in range(0, max(rows, 1), most)
                ]
                return np.asarray(parts[0] if len(parts) == 1 else np.concatenate(parts), np.float32)
            except Exception as error:
                if not memory_ended(error):
                    raise
                if most == 1:
                    raise UserError(
                        f"Memory isn't enough to run the model ({self.device})",
                        remedy="Close other programs, use --device cpu, or choose a smaller model pack",
                    ) from error
                self._most = self.batch = most // 2

    def _run(self, inputs: dict[str, Any]) -> npt.NDArray[np.float32]:
        if self.device == CPU:
            return self._session.run(None, inputs)[0]  # type: ignore[no-any-return]
        with self._lock:
            return self._session.run(None, inputs)[0]  # type: ignore[no-any-return]


def open_tower(trials: Trials, device: str) -> Tower:
    """The model of `trials` on `device`, or with 'auto' on the fastest that works.

    On the CPU, a batch is as large as the sample. Raises UserError if a device was named and doesn't work.
    """
    if device not in (AUTO, CPU):
        return _on_device(trials, device, trials.works(device).batch)
    for name, trial in trials.fastest_first() if device == AUTO else ():
        with suppress(UserError):  # it worked once: the driver was removed, or the device is busy
            return _on_device(trials, name, trial.batch)
    return Tower(open_session(trials.model), CPU, len(next(iter(trials.sample.values()))))


def _on_device(trials: Trials, device: str, batch: int) -> Tower:
    return Tower(trials.open_on(device), device, batch)
