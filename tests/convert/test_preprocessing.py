"""Pictures reach a converted model as the checkpoint's own processor would hand them over."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="converting needs the extra `convert`")
pytest.importorskip("safetensors", reason="converting needs the extra `convert`")

import skimage
import torch
from av.video.frame import VideoFrame
from PIL import Image

from tests.convert.test_add import cosines, loaded
from tr_desktop.footage.orientation import Orientation
from tr_desktop.footage.square import Square
from tr_desktop.models.convert import libraries
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack

PICTURES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "page.png", "brick.png")


def pictures() -> list[np.ndarray]:
    """Real pictures of several shapes, with even sides as footage has them."""
    folder = Path(skimage.__file__).parent / "data"
    arrays = [np.asarray(Image.open(folder / name).convert("RGB")) for name in PICTURES]
    return [array[: len(array) // 2 * 2, : array.shape[1] // 2 * 2] for array in arrays]


def processor(family: str, folder: Path):
    """The checkpoint's own preprocessing: from a picture to what its image tower takes, [1, 3, S, S]."""
    if family.startswith("open_clip"):
        package = libraries.open_clip()
        _, transform = package.create_model_from_pretrained(f"local-dir:{folder}")
        return lambda picture: transform(picture)[None]
    own = libraries.transformers().AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    return lambda picture: own(images=picture, return_tensors="pt")["pixel_values"]


@pytest.mark.parametrize("pixels", ["rgb24", "yuv420p"])
@pytest.mark.parametrize("family", ["clip", "siglip", "chinese_clip", "altclip", "open_clip", "open_clip_siglip"])
def test_vectors_are_those_of_the_checkpoints_own_preprocessing(checkpoint, packed, family, pixels):
    original, pack, own = loaded(checkpoint(family)), load_pack(packed(family)), processor(family, checkpoint(family))
    square, wanted, found = Square(pack.picture_shape), [], []
    for array in pictures():
        with torch.no_grad():
            wanted.append(original.image(own(Image.fromarray(array)))[0].numpy())
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24").reformat(format=pixels)
        found.append(square(frame, Orientation(), Fraction(1)))
    near = cosines(Encoder(pack, "cpu").encode_images(np.stack(found)), np.stack(wanted))
    assert near.min() >= 0.99


def test_siglip2_sees_a_square_picture_as_its_processor_does(checkpoint, packed):
    """It cuts oblong pictures into oblong patches, which a pack squashes; for squares both are the same."""
    original, pack = loaded(checkpoint("siglip2")), load_pack(packed("siglip2"))
    own = libraries.transformers().AutoImageProcessor.from_pretrained(checkpoint("siglip2"), local_files_only=True)
    array = pictures()[0]
    assert array.shape[0] == array.shape[1]
    with torch.no_grad():
        wanted = original.image.model.get_image_features(**own(images=Image.fromarray(array), return_tensors="pt"))
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
    found = Encoder(pack, "cpu").encode_images(Square(pack.picture_shape)(frame, Orientation(), Fraction(1))[None])
    assert cosines(found, wanted.pooler_output.numpy()).min() >= 0.99
