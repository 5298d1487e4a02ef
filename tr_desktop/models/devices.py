"""The devices that can run a pack's models. `runtime.py` opens models on them, `trial.py` finds out which work."""

from __future__ import annotations

import sys
from dataclasses import dataclass

AUTO, CPU = "auto", "cpu"


@dataclass(frozen=True)
class Device:
    """A kind of device. provider: ONNX Runtime's name for it. package: the Python package that offers it.

    needs: what must be installed besides. systems: values of `sys.platform` that it exists for. gains_from_fp16: models
    in half precision run faster. builds_long: opening a model takes minutes, the first time.
    """

    title: str
    provider: str
    package: str
    needs: str
    systems: tuple[str, ...]
    gains_from_fp16: bool = True
    builds_long: bool = False

    @property
    def remedy(self) -> str:
        package = self.package if self.package == "onnxruntime" else f"{self.package} in place of onnxruntime"
        return f"It needs the package {package}, and {self.needs}; or use --device auto"

    @property
    def may_exist_here(self) -> bool:
        """Whether this system can have such a device."""
        return sys.platform in self.systems


DEVICES = {
    "tensorrt": Device(
        "TensorRT",
        "TensorrtExecutionProvider",
        "onnxruntime-gpu",
        "the package tensorrt (version 10), NVIDIA's driver, CUDA and cuDNN",
        ("linux", "win32"),
        builds_long=True,
    ),
    "cuda": Device(
        "CUDA",
        "CUDAExecutionProvider",
        "onnxruntime-gpu",
        "NVIDIA's driver, CUDA and cuDNN",
        ("linux", "win32"),
    ),
    "directml": Device(
        "DirectML",
        "DmlExecutionProvider",
        "onnxruntime-directml",
        "a driver for DirectX 12",
        ("win32",),
    ),
    "coreml": Device("Core ML", "CoreMLExecutionProvider", "onnxruntime", "macOS 12 or newer", ("darwin",)),
    "openvino": Device(
        "OpenVINO",
        "OpenVINOExecutionProvider",
        "onnxruntime-openvino",
        "Intel's driver, if a GPU is to run the models",
        ("linux", "win32"),
        gains_from_fp16=False,  # its CPU has no faster half precision; its GPUs have
    ),
}
CHOICES = (AUTO, CPU, *DEVICES)
# A CPU encodes one sentence before most devices are open, and TensorRT would build an engine for each new length.
SENTENCES_ON = {AUTO: CPU, "tensorrt": "cuda"}
