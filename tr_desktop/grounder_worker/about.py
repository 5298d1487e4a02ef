"""What this worker runs on: its Python, the packages that local models need, and the device that `auto` means."""

from __future__ import annotations

import importlib.util
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from tr_desktop.grounders.video_llm.messages import About


def about() -> About:
    """Facts for `doctor`, and for saying what is missing. torch is imported only if it is installed."""
    device, name, memory_bytes, free_bytes = "cpu", _processor(), *main_memory()
    if is_installed("torch"):
        from tr_desktop.grounder_worker import devices

        device = devices.device_of("auto").type
        if device != "cpu":
            name, (memory_bytes, free_bytes) = devices.name_of(device), devices.memory_of(device)
    return About(sys.executable, _version("torch"), _version("transformers"), device, name, memory_bytes, free_bytes)


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    return platform.processor() or platform.machine()


def main_memory() -> tuple[int | None, int | None]:
    """(all, free) bytes of the computer's memory; None without psutil, which comes with what local models need."""
    if not is_installed("psutil"):
        return None, None
    import psutil

    memory = psutil.virtual_memory()
    return memory.total, memory.available
