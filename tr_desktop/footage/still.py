"""Still pictures, for searching by example."""

from __future__ import annotations

from pathlib import Path

import av
import av.error
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from tr_desktop.errors import MediaError
from tr_desktop.footage.container import check_regular
from tr_desktop.footage.orientation import orientation, upright

# Demuxers of single-picture files; like those of footage, they can't lead to another file.
_DEMUXERS = "png_pipe,jpeg_pipe,bmp_pipe,tiff_pipe,webp_pipe,gif,ppm_pipe,pgm_pipe,exr_pipe,dpx_pipe,psd_pipe,j2k_pipe"


def read_still(path: Path, size_px: int) -> NDArray[np.uint8]:
    """The picture in a file: uint8 RGB [S, S, 3], upright, squashed to a square like the sampler's.

    Raises MediaError if the file can't be read as a picture.
    """
    check_regular(path)
    try:
        with (
            path.open("rb") as file,
            av.open(file, "r", options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "none"}) as container,
        ):
            frame = next(container.decode(video=0))
            square = VideoReformatter().reformat(frame, size_px, size_px, "rgb24", interpolation=Interpolation.AREA)
            picture: NDArray[np.uint8] = np.asarray(square.to_ndarray(), np.uint8)
            return upright(picture, orientation(frame))
    except (av.error.FFmpegError, OSError, ValueError, IndexError, StopIteration) as error:
        raise MediaError("not a picture that can be read", path=path) from error
