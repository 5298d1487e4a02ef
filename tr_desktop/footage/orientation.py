"""How a stored picture is turned and mirrored to be shown."""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple

import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from numpy.typing import NDArray


class Orientation(NamedTuple):
    """rotation: degrees clockwise to turn the stored picture (0, 90, 180, 270). mirrored: then left and right swap."""

    rotation: int = 0
    mirrored: bool = False


def orientation(frame: VideoFrame) -> Orientation:
    """How `frame` is shown, by its display matrix. Its angle is rounded to a multiple of 90 degrees."""
    sides: Any = frame.side_data  # keyed by type; PyAV's stubs say by string
    side = sides.get(SideDataType.DISPLAYMATRIX)
    if side is None or len(bytes(side)) < 36:
        return Orientation()
    # Rows of x and y in 16.16 fixed point, applied to [x, y, 1] from the right (ISO/IEC 14496-12, 8.2.2).
    xx, xy, _, yx, yy = struct.unpack_from("=5i", bytes(side))
    mirrored = xx * yy - xy * yx < 0
    if mirrored:  # the rotation is the rest of the matrix, without the mirror
        xx, yx = -xx, -yx
    wide, high = math.hypot(xx, yx), math.hypot(xy, yy)
    if not wide or not high:
        return Orientation()
    return Orientation(round(math.degrees(math.atan2(xy / high, xx / wide)) / 90) % 4 * 90, mirrored)


def upright(picture: NDArray[np.uint8], how: Orientation) -> NDArray[np.uint8]:
    """The stored picture [H, W, 3] as it is shown."""
    turned = np.rot90(picture, -how.rotation // 90)  # numpy turns counter-clockwise
    return np.ascontiguousarray(turned[:, ::-1] if how.mirrored else turned)
