"""How frames become the squares that a model takes: squashed or cut, as they are shown, not as they are stored."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from av.video.frame import VideoFrame

from tests.toy import COLOURS, write_clip
from tr_desktop.errors import MediaError
from tr_desktop.footage.frames import PictureMaker, Sampler
from tr_desktop.footage.orientation import Orientation
from tr_desktop.footage.probe import probe
from tr_desktop.footage.seek import read_frames
from tr_desktop.footage.square import Square
from tr_desktop.footage.still import read_still
from tr_desktop.picture_shape import Fit, Interpolation, PictureShape

CROP = PictureShape(32, Fit.CROP, Interpolation.BICUBIC)
UPRIGHT = Orientation()


def bands(width: int, height: int, shares: list[float]) -> VideoFrame:
    """A frame of vertical bands, brighter to the right; each takes a share of the width."""
    edges = np.cumsum([0, *shares]) * width
    picture = np.zeros((height, width, 3), np.uint8)
    for number, (left, right) in enumerate(pairwise(edges)):
        picture[:, round(left) : round(right)] = 40 + 80 * number
    return VideoFrame.from_ndarray(picture, format="rgb24")


def seen(picture: np.ndarray) -> set[int]:
    """The brightness of the bands that a picture shows, edges between them aside."""
    middle = picture[4:-4, 4:-4, 0].astype(int)
    return {value for value in (40, 120, 200) if (abs(middle - value) < 4).sum() >= 32}


@pytest.mark.parametrize("interpolation", Interpolation)
def test_a_wide_picture_is_squashed_whole_or_cut_to_its_centre(interpolation):
    frame = bands(96, 32, [1 / 3] * 3)
    squashed = Square(PictureShape(32, Fit.SQUASH, interpolation))(frame, UPRIGHT, Fraction(1))
    cut = Square(PictureShape(32, Fit.CROP, interpolation))(frame, UPRIGHT, Fraction(1))
    assert squashed.shape == cut.shape == (32, 32, 3)
    assert seen(squashed) == {40, 120, 200} and seen(cut) == {120}


def test_a_high_picture_is_cut_above_and_below():
    frame = bands(96, 32, [1 / 3] * 3)
    high = VideoFrame.from_ndarray(np.ascontiguousarray(frame.to_ndarray().transpose(1, 0, 2)), format="rgb24")
    assert seen(Square(CROP)(high, UPRIGHT, Fraction(1))) == {120}


def test_the_picture_is_cut_as_it_is_shown():
    # Stored as a square, shown three times as wide as high: the centre is the middle third.
    frame = bands(32, 32, [1 / 3] * 3)
    assert seen(Square(CROP)(frame, UPRIGHT, Fraction(1))) == {40, 120, 200}
    assert seen(Square(CROP)(frame, UPRIGHT, Fraction(3))) == {120}
    # Stored three times as wide as high, shown as a square.
    assert seen(Square(CROP)(bands(96, 32, [1 / 3] * 3), UPRIGHT, Fraction(1, 3))) == {40, 120, 200}


@pytest.mark.parametrize(("rotation", "mirrored"), [(90, False), (180, True), (270, False)])
def test_a_turned_picture_is_cut_to_the_same_centre(rotation, mirrored):
    frame = bands(96, 32, [0.4, 0.2, 0.4])
    plain = Square(CROP)(frame, UPRIGHT, Fraction(1))
    turned = Square(CROP)(frame, Orientation(rotation, mirrored), Fraction(1))
    assert seen(turned) == seen(plain)
    back = np.rot90(turned[:, ::-1] if mirrored else turned, rotation // 90)
    assert np.array_equal(back, plain)


def test_a_picture_of_any_length_takes_little_memory():
    frame = VideoFrame.from_ndarray(np.zeros((2, 8000, 3), np.uint8), format="rgb24")
    for shape in (CROP, PictureShape(32)):
        assert Square(shape)(frame, UPRIGHT, Fraction(8)).shape == (32, 32, 3)


def test_no_picture_has_no_pixels():
    with pytest.raises(ValueError, match="0 px"):
        Square(PictureShape(0))


def test_sampling_seeking_and_stills_cut_alike(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", [("red", 10), ("blue", 10)])
    media = replace(probe(path), pixel_aspect=Fraction(2), rotation=90)
    sampler = Sampler(media, Fraction(1, 5), CROP)
    samples = {sample.frame: sample.picture for sample in sampler}
    assert len(samples) == 4
    for frame, picture in read_frames(sampler.footage, sorted(samples), CROP):
        assert np.array_equal(picture, samples[frame])
    assert abs(samples[0].mean(axis=(0, 1)) - COLOURS["red"]).max() < 8
    with pytest.raises(MediaError):
        read_still(tmp_path / "clip.mp4", CROP)
    still = tmp_path / "still.png"
    from skimage import io

    io.imsave(still, bands(96, 32, [1 / 3] * 3).to_ndarray(), check_contrast=False)
    assert seen(read_still(still, CROP)) == {120} and seen(read_still(still, 32)) == {40, 120, 200}


def test_the_pictures_of_a_pack_without_a_shape_stay_as_they_were(tmp_path):
    """Every stored index was made of such pictures: squashed, by averaging areas."""
    from av.video.reformatter import Interpolation as Scaling
    from av.video.reformatter import VideoReformatter

    frame = bands(640, 360, [0.3, 0.5, 0.2]).reformat(format="yuv420p")
    wanted = VideoReformatter().reformat(frame, 48, 48, "rgb24", interpolation=Scaling.AREA).to_ndarray()
    media = replace(probe(write_clip(tmp_path / "clip.mp4", [("red", 2)])), pixel_aspect=Fraction(4, 3))
    for shape in (48, PictureShape(48)):
        assert np.array_equal(PictureMaker(media, shape)(frame), wanted)
