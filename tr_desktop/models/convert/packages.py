"""The packages that conversion needs. Nothing here imports them."""

from __future__ import annotations

from importlib.util import find_spec

_PACKAGES = ("torch", "transformers", "safetensors", "open_clip", "onnx", "skimage", "huggingface_hub")


def missing_packages() -> list[str]:
    """Those that this environment doesn't have."""
    return [name for name in _PACKAGES if find_spec(name) is None]
