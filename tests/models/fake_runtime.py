"""ONNX Runtime as it is with other packages, drivers and devices than this computer's.

Models run on the real CPU. What a device would do differently is a switch of `FakeDevice`. Time is counted, not
measured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

RealSession = onnxruntime.InferenceSession
CPU = "CPUExecutionProvider"
# As ONNX Runtime's CUDA provider reports it; see github.com/microsoft/onnxruntime/issues/22702.
NO_MEMORY = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. Status"
    " Message: bfc_arena.cc:376 AllocateRawInternal Failed to allocate memory for requested buffer of size 4585490524"
)


class RuntimeException(Exception):  # noqa: N818 (ONNX Runtime's name; it inherits from Exception alone)
    """Like the one in onnxruntime.capi."""


@dataclass
class FakeDevice:
    """opens: False raises, as a rejected option does. is_silent: the session opens on the CPU alone, as without driver.

    takes_nodes: False opens the device and leaves the model to the CPU. change: applied to its results. most_rows: it
    runs out of memory above. run_s, row_s: time of a run, and of each row. options: those it knows; None knows all.
    ends: raised by a run, to end the program. seen: options of each session.
    """

    opens: bool = True
    is_silent: bool = False
    takes_nodes: bool = True
    change: Callable[[np.ndarray], np.ndarray] = field(default=lambda rows: rows)
    most_rows: int = 10**9
    run_s: float = 0.0
    row_s: float = 0.01
    options: set[str] | None = None
    ends: type[BaseException] | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    at_once: int = 0


class FakeRuntime:
    """devices: those that ONNX Runtime offers, by provider. clock_s: the time. tells_nodes: it is 1.24 or newer.

    on_wait: called when a trial waits for another one.
    """

    def __init__(self, patch: pytest.MonkeyPatch, **devices: FakeDevice) -> None:
        self.devices = {f"{name}ExecutionProvider": device for name, device in devices.items()}
        self.cpu = FakeDevice(row_s=0.1)
        self.clock_s, self.tells_nodes, self.opened = 0.0, True, list[str]()
        patch.setattr(onnxruntime, "get_available_providers", lambda: [*self.devices, CPU])
        patch.setattr(onnxruntime, "InferenceSession", self.session)
        self.on_wait: Callable[[], object] = lambda: None

        def sleep(duration_s: float) -> None:
            self.on_wait()
            time.sleep(duration_s)

        clock = SimpleNamespace(
            perf_counter=lambda: self.clock_s, time=lambda: self.clock_s, monotonic=time.monotonic, sleep=sleep
        )
        patch.setattr("tr_desktop.models.trial.time", clock)

    def session(self, model: bytes, options: Any, providers: list[Any], enable_fallback: int = 1) -> Any:
        assert enable_fallback == 0, "with the fallback, errors are printed, and the CPU takes over"
        named = [(name, chosen) for name, chosen in providers if name != CPU]
        used, device = CPU, self.cpu
        for name, chosen in named[:1]:
            device = self.devices[name]
            device.seen.append(chosen)
            if not device.opens or (device.options is not None and not chosen.keys() <= device.options):
                raise RuntimeError(f"Unknown option for {name}\nand a stack")
            if device.is_silent:
                device = self.cpu
            else:
                used = name
        real = RealSession(model, options, providers=[CPU])
        self.opened.append(used)
        return FakeSession(self, real, used, device)


class FakeSession:
    def __init__(self, runtime: FakeRuntime, real: Any, provider: str, device: FakeDevice) -> None:
        self._runtime, self._real, self._provider, self._device = runtime, real, provider, device
        self._lock = threading.Lock()
        self.get_inputs = real.get_inputs
        if runtime.tells_nodes:
            taken = provider if device.takes_nodes else CPU
            self.get_provider_graph_assignment_info = lambda: [SimpleNamespace(ep_name=taken)]

    def get_providers(self) -> list[str]:
        return [self._provider] if self._provider == CPU else [self._provider, CPU]

    def run(self, outputs: Any, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        device, rows = self._device, len(next(iter(inputs.values()), ()))
        assert self._lock.acquire(blocking=False) or self._provider == CPU, "two runs at once on one session"
        try:
            if device.ends is not None:
                raise device.ends
            device.runs.append(rows)
            self._runtime.clock_s += device.run_s + rows * device.row_s
            if rows > device.most_rows:
                raise RuntimeException(NO_MEMORY)
            return [device.change(result) for result in self._real.run(outputs, inputs)]
        finally:
            if self._provider != CPU:
                self._lock.release()
