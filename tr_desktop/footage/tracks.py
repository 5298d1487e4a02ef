"""The streams beside the main picture, each with its number in the file: sound that can be decoded, and the others."""

from __future__ import annotations

from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import AttachmentStream, DataStream, Stream
from av.video.stream import VideoStream

from tr_desktop.footage.audio_layout import channel_layout
from tr_desktop.moments import AudioTrack, OtherTrack, TrackKind

_KINDS = {"audio": TrackKind.AUDIO, "subtitle": TrackKind.SUBTITLES, "video": TrackKind.VIDEO}
_FLOAT_CODECS = ("pcm_f", "wavpack")  # codecs that store floats as they are; others only decode to floats


def audio_tracks(container: InputContainer) -> tuple[AudioTrack, ...]:
    """The audio streams that can be decoded."""
    return tuple(
        _audio_track(stream, stream.codec_context) for stream in container.streams.audio if can_be_decoded(stream)
    )


def other_tracks(container: InputContainer, picture: VideoStream) -> tuple[OtherTrack, ...]:
    """All other streams but `picture`: subtitles, data, second pictures, undecodable audio. Timecode isn't among them:
    it is read."""
    heard = {stream.index for stream in container.streams.audio if can_be_decoded(stream)}
    return tuple(
        OtherTrack(_KINDS.get(stream.type, TrackKind.DATA), _codec_name(stream), stream.index, language_of(stream))
        for stream in container.streams
        if stream.index != picture.index and stream.index not in heard and not _is_timecode(stream)
    )


def can_be_decoded(stream: AudioStream) -> bool:
    """Whether there is a decoder (PyAV has no context without one) and the header describes the sound."""
    context = stream.codec_context
    return context is not None and context.sample_rate > 0 and channel_layout(context).channels > 0


def language_of(stream: Stream) -> str:
    """The stream's language as the file writes it; "" if it has none."""
    language = stream.metadata.get("language") or ""
    return "" if language == "und" else language


def _audio_track(stream: AudioStream, context: AudioCodecContext) -> AudioTrack:
    layout = channel_layout(context)
    return AudioTrack(
        codec=context.name,
        channels=layout.channels,
        rate_hz=context.sample_rate,
        index=stream.index,
        language=language_of(stream),
        is_layout_known=layout.is_declared,
        is_float=context.name.startswith(_FLOAT_CODECS) and context.format.name.startswith(("flt", "dbl")),
    )


def _codec_name(stream: Stream) -> str:
    if stream.codec_context is not None:
        return stream.codec_context.codec.canonical_name
    if isinstance(stream, AttachmentStream):
        return stream.mimetype or ""
    return (stream.name or "") if isinstance(stream, DataStream) else ""


def _is_timecode(stream: Stream) -> bool:
    return stream.type == "data" and bool(stream.metadata.get("timecode"))
