"""Draw timerefine.svg as the icon files of each system: `.venv/desktop/bin/python packaging/icons/draw.py`."""

from __future__ import annotations

import os
import struct
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

FOLDER = Path(__file__).parent
NAME = "timerefine"
_WINDOWS = (16, 24, 32, 48, 64, 256)
_MACOS = {b"icp4": 16, b"icp5": 32, b"icp6": 64, b"ic07": 128, b"ic08": 256, b"ic09": 512, b"ic10": 1024}
_LINUX = (48, 256)


def main() -> None:
    _app = QGuiApplication([])
    svg = QSvgRenderer(str(FOLDER / f"{NAME}.svg"))
    (FOLDER / f"{NAME}.ico").write_bytes(ico({side: png(svg, side) for side in _WINDOWS}))
    (FOLDER / f"{NAME}.icns").write_bytes(icns({kind: png(svg, side) for kind, side in _MACOS.items()}))
    for side in _LINUX:
        (FOLDER / f"{NAME}-{side}.png").write_bytes(png(svg, side))


def png(svg: QSvgRenderer, side: int) -> bytes:
    """The icon, `side` pixels wide and high."""
    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    svg.render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, b"PNG")
    return bytes(buffer.data().data())


def ico(pictures: dict[int, bytes]) -> bytes:
    """An icon file of Windows with PNG pictures, by their sides in pixels."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    at = len(head) + 16 * len(pictures)
    for side, content in pictures.items():
        head += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(content), at)
        at += len(content)
    return head + b"".join(pictures.values())


def icns(pictures: dict[bytes, bytes]) -> bytes:
    """An icon file of macOS with PNG pictures, by their kinds."""
    parts = b"".join(kind + struct.pack(">I", 8 + len(content)) + content for kind, content in pictures.items())
    return b"icns" + struct.pack(">I", 8 + len(parts)) + parts


if __name__ == "__main__":
    main()
