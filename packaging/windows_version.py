"""The version resource of the Windows programs, which Explorer shows under *Details*."""

from __future__ import annotations

import re
from pathlib import Path

_RESOURCE = """VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, OS=0x40004, fileType=0x1),
  kids=[
    StringFileInfo([StringTable("040904B0", [
      StringStruct("CompanyName", "TimeRefine"),
      StringStruct("FileDescription", "TimeRefine Desktop"),
      StringStruct("FileVersion", "{version}"),
      StringStruct("ProductName", "TimeRefine Desktop"),
      StringStruct("ProductVersion", "{version}"),
    ])]),
    VarFileInfo([VarStruct("Translation", [0x0409, 0x04B0])]),
  ],
)
"""


def write(version: str, path: Path) -> str:
    """Write the resource as PyInstaller reads it, and return its path. ValueError: not a version such as 1.2.3."""
    if not re.fullmatch(r"\d{1,4}(\.\d{1,4}){0,3}.*", version):
        raise ValueError(f"{version!r} is not a version")
    numbers = [int(number) for number in re.findall(r"\d+", version.split("+")[0])[:4]]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _RESOURCE.format(version=version, numbers=tuple([*numbers, 0, 0, 0, 0][:4]))
    path.write_text(text, encoding="utf-8")
    return str(path)
