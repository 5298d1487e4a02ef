"""Files of pictures: a still isn't footage, an animation is. The content decides, whatever the file's name."""

from __future__ import annotations

A_STILL = "a still picture"
_ANIMATED_WEBP = "an animated WebP picture, which can't be read: convert it to a video"

_MAGIC = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"II*\x00",  # TIFF, DNG
    b"MM\x00*",
    b"8BPS",  # Photoshop
    b"v/1\x01",  # OpenEXR
    b"SDPX",
    b"XPDS",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",
    b"\x00\x00\x00\x0cJXL ",
)
_BRANDS = {"avif", "avis", "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"}
_ANIMATED_BIT = 2  # of the flags in an extended WebP header


def picture_kind(head: bytes) -> str | None:
    """Why a file that begins with `head`, 32 bytes or more, isn't footage; None if it doesn't begin like a picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _ANIMATED_WEBP if head[12:16] == b"VP8X" and head[20] & _ANIMATED_BIT else A_STILL
    is_bitmap = head[:2] == b"BM" and head[6:10] == bytes(4)
    if is_bitmap or head.startswith(_MAGIC) or (head[4:8] == b"ftyp" and head[8:12].decode("latin-1") in _BRANDS):
        return A_STILL
    return None


def may_be_still(format_name: str, metadata: dict[str, str]) -> bool:
    """Whether an opened file is of a kind that holds one picture or an animation."""
    return format_name in {"gif", "apng"} or metadata.get("major_brand") in _BRANDS
