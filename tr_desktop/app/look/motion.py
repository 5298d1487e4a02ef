"""Whether the system asks for less motion. Qt 6.11 has no such hint, so each system is asked in its own way."""

from __future__ import annotations

import subprocess
import sys

_SPI_GETCLIENTAREAANIMATION = 0x1042  # Win32, SystemParametersInfo
_PATIENCE_S = 1


def is_reduced() -> bool:
    """Whether the system asks for less motion; False if it can't be asked."""
    if sys.platform == "win32":
        import ctypes

        animates = ctypes.c_int(1)
        ctypes.windll.user32.SystemParametersInfoW(_SPI_GETCLIENTAREAANIMATION, 0, ctypes.byref(animates), 0)
        return not animates.value
    if sys.platform == "darwin":
        return _output_of("defaults", "read", "com.apple.universalaccess", "reduceMotion") == "1"
    return _output_of("gsettings", "get", "org.gnome.desktop.interface", "enable-animations") == "false"


def _output_of(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
