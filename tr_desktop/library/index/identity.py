"""The identity of footage: its content, whatever its path.

Samples tell most files apart at the cost of 1 MiB. Codecs of constant size can keep all sampled places through a new
export, so equal samples alone prove nothing. A file with a date that the library knows for this content is the same,
which keeps moved drives cheap. Otherwise the packets of the pictures decide, which are read but not decoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tr_desktop.errors import DriveError, MediaError
from tr_desktop.footage.captions import Captions
from tr_desktop.footage.container import open_video
from tr_desktop.footage.decode import Reading, read_packets
from tr_desktop.library.store.records import KnownContent, Source

_SAMPLES = 16
_SAMPLE_BYTES = 64 << 10
_SECOND_NS = 10**9
SAMPLED_BYTES = 16  # of the digest of the samples, with which every digest of content begins


def content_digest(path: Path, size_bytes: int) -> bytes:
    """blake2b of the file's size and of 16 evenly spaced samples of 64 KiB, its head and tail among them: 16 bytes.

    It covers all of a file up to 1 MiB, and nothing beyond `size_bytes`. Raises OSError.
    """
    digest = hashlib.blake2b(str(size_bytes).encode(), digest_size=SAMPLED_BYTES)
    last = max(size_bytes - _SAMPLE_BYTES, 0)
    with path.open("rb", buffering=0) as file:
        for sample in range(_SAMPLES):
            file.seek(last * sample // (_SAMPLES - 1))
            digest.update(file.read(min(_SAMPLE_BYTES, size_bytes)))
    return digest.digest()


def has_grown(path: Path, size_bytes: int, before: Source | None) -> bool:
    """Whether a file, `size_bytes` long now, begins with all that it was before. Raises OSError."""
    if before is None or size_bytes <= before.size_bytes:
        return False
    return content_digest(path, before.size_bytes) == before.digest[:SAMPLED_BYTES]


def full_digest(path: Path) -> bytes:
    """The longer digest of a file, by which files of the same samples differ: that of its samples and of its packets.

    Raises OSError and DriveError.
    """
    return content_digest(path, path.stat().st_size) + _packets_or_mark(path)


def identify(path: Path, size_bytes: int, mtime_ns: int, sampled: bytes, known: Iterable[KnownContent]) -> bytes:
    """The digest of a file among `known`, all content with the same samples; a longer, new one if it is none of these.

    sampled: as `content_digest` returned it. Raises OSError and DriveError.
    """
    known = list(known)
    if not known or size_bytes <= _SAMPLES * _SAMPLE_BYTES:
        return sampled
    if (by_date := digest_by_date(known, mtime_ns)) is not None:
        return by_date
    packets = _packets_or_mark(path)
    return next((content.digest for content in known if content.packets == packets), sampled + packets)


def digest_by_date(known: Iterable[KnownContent], mtime_ns: int) -> bytes | None:
    """The digest of the content, among those with the same samples, of which a file had this date."""
    same = (content for content in known if any(_is_same_date(mtime_ns, each_ns) for each_ns in content.mtimes_ns))
    return next((content.digest for content in same), None)


def _packets_or_mark(path: Path) -> bytes:
    """The digest of all packets, or a mark for a file that can't be read. Raises OSError and DriveError."""
    try:
        return _packets_digest(path)
    except DriveError:
        raise
    except MediaError:  # reading it gives the reason
        return b"unreadable"


def _packets_digest(path: Path) -> bytes:
    """The digest of all packets, as `Sampler.packets_digest`, without decoding. Raises MediaError."""
    with open_video(path) as (container, stream):
        digest = hashlib.blake2b(digest_size=16)
        reading = Reading(packets=digest, captions=Captions(container))
        for _ in read_packets(container, stream, reading):
            pass
        return digest.digest()


def _is_same_date(one_ns: int, other_ns: int) -> bool:
    """Whether two dates are equal as far as file systems keep them; some only know every other second."""
    is_coarse = not (one_ns % _SECOND_NS and other_ns % _SECOND_NS)
    return one_ns == other_ns or (is_coarse and abs(one_ns - other_ns) < 2 * _SECOND_NS)
