"""Opens footage safely: it can't block, and it can't lead to another file or to the network.

The demuxer gets an open Python file. It knows no path and no protocol, and requests of a playlist or a reference track
are refused. Only demuxers of self-contained video files are allowed.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from tr_desktop.errors import DriveError, MediaError
from tr_desktop.footage.drive import DriveFile, drive_error
from tr_desktop.footage.picture_files import picture_kind

# Demuxers of files that hold their own pictures. Missing on purpose: playlists and indexes of other files (hls, dash,
# concat, sdp, imf), still pictures (image2, *_pipe), devices, and sound alone.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mxf,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vvc,obu,av1,ivf,flv,asf,ogg,dv,gxf,"
    "gif,apng,nut,rm,wtv,lxf,vc1,vc1test,dirac,yuv4mpegpipe,mjpeg,h263,h261,apv,evc"
)
# Sound files, allowed only to report "no video stream".
_SOUND = "wav,mp3,aac,flac,ac3,eac3,aiff,caf,w64,amr"

# What decodes: a newer one may read what this one can't.
DECODER = f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"

# AVFMT_FLAG_GENPTS: PyAV sets it. FFmpeg then invents presentation times for AVI, in the wrong order.
_GENPTS = 1

# Codecs of cover pictures; such a stream is chosen only if there is no other.
_PICTURE_CODECS = {"mjpeg", "png", "bmp", "gif", "webp", "tiff", "jpeg2000", "apng"}


@contextmanager
def open_video(path: Path, device: str = "") -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `path` and choose its video stream; closed when the block ends.

    device: the kind of graphics device that decodes it (`hardware.py`), "" for the CPU. Frames stay on the device until
    they are reformatted.
    Raises MediaError with the reason if the file can't be opened or has no video stream that can be decoded, and
    DriveError if the drive or the network failed.
    """
    check_regular(path)
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise drive_error(error, path) from error
    with file:
        drive_file = DriveFile(file)
        try:
            container = av.open(
                drive_file,
                "r",
                options={"format_whitelist": f"{_DEMUXERS},{_SOUND}", "protocol_whitelist": "none"},
                metadata_errors="replace",
                io_open=_refuse,
                buffer_size=1 << 16,
                hwaccel=HWAccel(device, allow_software_fallback=False, is_hw_owned=True) if device else None,
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            drive_file.check(path)
            raise MediaError(_why_not_opened(path, error), path=path) from error
        container.flags &= ~_GENPTS
        with container:
            drive_file.check(path)
            stream = choose_stream(container, path)
            for other in container.streams:  # skip packets that aren't decoded
                if other.index != stream.index:
                    other.discard = Discard.all
            if device:
                stream.codec_context.thread_count = 1  # the device has few pictures, and each thread would hold some
            else:
                stream.thread_type = "AUTO"  # by frame if the codec allows it, else by slice
            yield container, stream


def check_regular(path: Path) -> None:
    """Raise MediaError unless `path` is a regular, non-empty file. Opens nothing: opening a FIFO would block."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise DriveError("file not found", path=path) from error
    except OSError as error:
        raise drive_error(error, path) from error
    except ValueError as error:  # a null byte in the name
        raise MediaError(f"can't be read: {error}", path=path) from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError("a folder, not a file", path=path)
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("not a regular file", path=path)
    if status.st_size == 0:
        raise MediaError("empty file", path=path)


def choose_stream(container: InputContainer, path: Path) -> VideoStream:
    """The main video: not a cover picture; then by whether it has frames, is the default, and by size."""
    streams = container.streams.video
    if not streams:
        raise MediaError("no video stream", path=path)
    moving = [s for s in streams if not s.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)]
    if not moving:
        raise MediaError("attached picture only, no video stream", path=path)
    counted = any(s.frames for s in moving)

    def rank(stream: VideoStream) -> tuple[bool, bool, bool, bool, int, int]:
        context = stream.codec_context
        return (
            context is None,
            counted and stream.frames < 2,  # a single picture stands before an animation
            context is not None and context.name in _PICTURE_CODECS,
            not stream.disposition & Disposition.default,
            -(context.width * context.height if context is not None else 0),
            stream.index,
        )

    stream = min(moving, key=rank)
    if stream.codec_context is None:
        raise MediaError("its codec isn't supported", path=path)
    if stream.codec_context.codec_tag in ("encv", "drmi"):
        raise MediaError("encrypted", path=path)
    return stream


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise PermissionError(f"footage may not open another file: {url}")


def _why_not_opened(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        head = b""
    if (kind := picture_kind(head)) is not None:
        return kind
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"#EXTM3U", b"ffconcat", b"[playlist]", b"<?xml", b"v=0")):
        return "a playlist or text, not a video file"
    if isinstance(error, av.error.InvalidDataError):
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
            return "the file is cut off or damaged: its index (moov) can't be read"
        return "not a video file, or damaged at its start"
    if isinstance(error, av.error.ArgumentError):
        return "not a video file (a playlist, a picture or an unknown format)"
    return f"can't be opened: {error}"
