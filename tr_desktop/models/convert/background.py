"""Pictures of many kinds, made of those that scikit-image brings: no download, the same on every machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.picture_shape import PictureShape

ABOUT = "parts of the sample pictures of scikit-image"
_VIEWS = 12
_SMALLEST = 0.3  # of a picture's shorter side
# Photographs of many kinds, and a few pages, drawings and textures, as footage has them.
_NAMES = (
    *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png"),
    *("coins.png", "color.png", "grass.png", "gravel.png", "horse.png", "hubble_deep_field.jpg", "ihc.png", "logo.png"),
    *("moon.png", "motorcycle_left.png", "page.png", "phantom.png", "retina.jpg", "rocket.jpg", "text.png"),
)


def sample_pictures(shape: PictureShape) -> npt.NDArray[np.uint8]:
    """Square parts of the pictures, large and small and some mirrored: uint8 RGB [N, S, S, 3]."""
    import skimage
    from PIL import Image

    random = np.random.default_rng(0)
    found = []
    folder = Path(skimage.__file__).parent / "data"
    for name in _NAMES:
        with Image.open(folder / name) as file:
            picture = file.convert("RGB")
        for view in range(_VIEWS):
            side = round(min(picture.size) * (1 if view == 0 else random.uniform(_SMALLEST, 1)))
            left, top = (int(random.integers(0, length - side + 1)) for length in picture.size)
            part = picture.resize(
                (shape.size_px, shape.size_px), Image.Resampling.BICUBIC, (left, top, left + side, top + side)
            )
            found.append(np.asarray(part)[:, :: -1 if view % 2 else 1])
    return np.stack(found)
