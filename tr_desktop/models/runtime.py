"""ONNX Runtime sessions on a device that works."""

from __future__ import annotations

from typing import cast

import onnxruntime

from tr_desktop.errors import UserError

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_FATAL_ONLY = 4


def open_session(model: bytes, device: str, threads: int = 0) -> onnxruntime.InferenceSession:
    """A session for `model` on `device`: 'cpu', 'cuda', or 'auto' (CUDA if it works, otherwise the CPU).

    The runtime lists CUDA as available if its package is installed, even without a driver, and falls back silently.
    Only the opened session shows the device in use. threads: on the CPU; 0 means one for each core.
    Raises UserError if 'cuda' was asked for and doesn't work.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = threads
    wants_cuda = device != "cpu" and _CUDA in onnxruntime.get_available_providers()
    if wants_cuda:
        onnxruntime.set_default_logger_severity(_FATAL_ONLY)  # with 'auto', a missing driver isn't an error
    session = onnxruntime.InferenceSession(model, options, providers=[_CUDA, _CPU] if wants_cuda else [_CPU])
    if device == "cuda" and device_of(session) != "cuda":
        raise UserError(
            "The models can't run on CUDA here",
            remedy="Install the GPU runtime (python3 run.py gpu …) and NVIDIA's driver, or use --device auto",
        )
    return session


def device_of(session: onnxruntime.InferenceSession) -> str:
    """'cuda' or 'cpu': the device of this session."""
    return "cuda" if cast("list[str]", session.get_providers())[0] == _CUDA else "cpu"
