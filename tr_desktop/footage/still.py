"""Still pictures, for searching by example."""

from __future__ import annotations

from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import check_regular
from tr_desktop.footage.orientation import orientation
from tr_desktop.footage.picture_facts import pixel_aspect
from tr_desktop.footage.square import Square
from tr_desktop.picture_shape import PictureShape

# Demuxers of single-picture files; like those of footage, they can't lead to another file.
_DEMUXERS = "png_pipe,jpeg_pipe,bmp_pipe,tiff_pipe,webp_pipe,gif,ppm_pipe,pgm_pipe,exr_pipe,dpx_pipe,psd_pipe,j2k_pipe"


def read_still(path: Path, shape: PictureShape | int) -> NDArray[np.uint8]:
    """The picture in a file: uint8 RGB [S, S, 3], upright, like the sampler's.

    Raises MediaError if the file can't be read as a picture.
    """
    check_regular(path)
    try:
        with (
            path.open("rb") as file,
            av.open(file, "r", options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "none"}) as container,
        ):
            frame = next(container.decode(video=0))
            return Square(shape)(frame, orientation(frame), pixel_aspect(container.streams.video[0]))
    except (av.error.FFmpegError, OSError, ValueError, IndexError, StopIteration) as error:
        raise MediaError("not a picture that can be read", path=path) from error
