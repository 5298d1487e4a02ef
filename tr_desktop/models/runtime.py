"""ONNX Runtime sessions on a device."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import onnxruntime

from tr_desktop.errors import UserError
from tr_desktop.models.devices import CPU, DEVICES, Device
from tr_desktop.paths import cache_folder

_CPU_PROVIDER = "CPUExecutionProvider"
_FATAL_ONLY = 4
_RECORD_NODES = "session.record_ep_graph_assignment_info"  # since ONNX Runtime 1.24; older ones ignore it

onnxruntime.disable_telemetry_events()  # on Windows; elsewhere a variable does it (tr_desktop/__init__.py)

RowShapes = Mapping[str, tuple[int, ...]]
"""The shape of one row of each input, by the input's name."""


def open_session(
    model: bytes, device: str = CPU, threads: int = 0, row_shapes: RowShapes | None = None, most_rows: int = 1
) -> onnxruntime.InferenceSession:
    """A session for `model` on `device`, 'cpu' or one of DEVICES, that runs at least a part of it.

    threads: on the CPU; 0 means one for each core. row_shapes, most_rows: what TensorRT builds its engine for.
    Raises UserError if the device isn't offered or doesn't take the model. ONNX Runtime lists a device as available if
    its package is installed, even without a driver, and falls back silently; the session's nodes show who runs them.
    """
    if device == CPU:
        return _session(model, [], threads)
    kind = DEVICES[device]
    expect_offered(kind)
    onnxruntime.set_default_logger_severity(_FATAL_ONLY)  # a missing driver is reported below, if at all
    why = _load_libraries(device)
    for providers in _attempts(model, device, row_shapes or {}, most_rows):
        try:
            session = _session(model, providers, threads)
        except Exception as error:  # noqa: BLE001 (ONNX Runtime's errors share no class)
            why = why or reason(error)
            continue
        if _takes_nodes(session, kind.provider):
            return session
        why = why or "ONNX Runtime leaves them to the CPU"
    raise UserError(f"The models can't run on {kind.title} here: {why}", remedy=kind.remedy)


def is_offered(device: Device) -> bool:
    """Whether this ONNX Runtime has been built for it."""
    return device.provider in onnxruntime.get_available_providers()


def expect_offered(device: Device) -> None:
    """Raises UserError if it isn't."""
    if not is_offered(device):
        raise UserError(f"This ONNX Runtime doesn't offer {device.title}", remedy=device.remedy)


def reason(error: Exception) -> str:
    """The first line of an error of ONNX Runtime."""
    return (str(error).strip() or repr(error)).splitlines()[0][:300]


def _session(model: bytes, providers: list[tuple[str, dict[str, Any]]], threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = threads
    if providers:
        options.add_session_config_entry(_RECORD_NODES, "1")
    if any(name == DEVICES["directml"].provider for name, _ in providers):
        options.enable_mem_pattern = False  # which DirectML doesn't support
    all_of_them = [*providers, (_CPU_PROVIDER, {})]
    return onnxruntime.InferenceSession(model, options, providers=all_of_them, enable_fallback=0)


@cache
def _load_libraries(device: str) -> str:
    """Load the libraries that a device's Python packages brought; the first that is missing, as a sentence, or "".

    CUDA's and TensorRT's are found by ONNX Runtime only once they are loaded.
    """
    said = io.StringIO()
    if device in ("cuda", "tensorrt") and hasattr(onnxruntime, "preload_dlls"):  # since 1.21
        with redirect_stdout(said), warnings.catch_warnings(), suppress(RuntimeError):
            warnings.simplefilter("ignore")
            onnxruntime.preload_dlls()
    if device == "tensorrt":
        with suppress(ImportError):
            import_module("tensorrt")
    return next((line for line in said.getvalue().splitlines() if "Failed to load" in line), "")


def _takes_nodes(session: onnxruntime.InferenceSession, provider: str) -> bool:
    """Whether the provider runs a part of the model. A provider can be open and take nothing."""
    if session.get_providers()[0] != provider:
        return False
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return True
    return any(part.ep_name == provider for part in session.get_provider_graph_assignment_info())


def _attempts(
    model: bytes, device: str, row_shapes: RowShapes, most_rows: int
) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Providers with options, to be tried in this order: the later ones suit older runtimes and lesser machines."""
    kind, cache = DEVICES[device], _compiled_folder(model) if device in ("tensorrt", "coreml", "openvino") else None
    # The default searches the fastest convolution again for each size of batch, and doubles what memory it holds.
    cuda = {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
    if device == "tensorrt":
        options: dict[str, Any] = {}
        if cache is not None:
            options |= {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(cache)}
            options |= {"trt_timing_cache_enable": True, "trt_timing_cache_path": str(cache)}
        for name, rows in (("min", 1), ("opt", most_rows), ("max", most_rows)):
            shapes = [f"{of}:{'x'.join(map(str, (rows, *shape)))}" for of, shape in row_shapes.items()]
            options |= {f"trt_profile_{name}_shapes": ",".join(shapes)} if shapes else {}
        yield [(kind.provider, options), (DEVICES["cuda"].provider, cuda)]
    elif device == "cuda":
        yield [(kind.provider, cuda)]
    elif device == "coreml":
        if cache is not None:
            yield [(kind.provider, {"ModelFormat": "MLProgram", "ModelCacheDirectory": str(cache)})]
        yield [(kind.provider, {"ModelFormat": "MLProgram"})]
        yield [(kind.provider, {})]
    elif device == "openvino":
        kept = {"cache_dir": str(cache)} if cache is not None else {}
        yield [(kind.provider, {"device_type": "GPU", "precision": "ACCURACY", **kept})]
        yield [(kind.provider, {"device_type": "CPU", **kept})]
    else:
        yield [(kind.provider, {})]


def _compiled_folder(model: bytes) -> Path | None:
    """A folder for what a device compiles from `model`; None if it can't be made.

    Each model and version has one of its own: some caches know a model only by the shape of its graph.
    """
    folder = cache_folder() / "compiled" / f"{onnxruntime.__version__}-{hashlib.sha256(model).hexdigest()[:16]}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    return None
