"""The packages that convert, imported so that they stay offline."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch


def transformers() -> ModuleType:
    """transformers, which reads nothing from the network."""
    _prepare()
    import transformers

    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return transformers


def open_clip() -> ModuleType:
    """open_clip, which reads nothing from the network."""
    _prepare()
    import open_clip
    import timm.layers

    timm.layers.set_exportable(True)  # type: ignore[attr-defined]
    return open_clip


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps to themselves what these packages log about models in general, for their own developers."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _prepare() -> None:
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    torch.backends.mha.set_fastpath_enabled(False)  # it has no equivalent in ONNX
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        # Built for CUDA beside a torch for the CPU, it lacks its own operators, and importing it fails at these. No
        # model uses them.
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
