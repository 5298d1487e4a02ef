"""The audio tracks of a clip: copied to the packet, or encoded to the sample."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction

import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Discard
from numpy.typing import NDArray

from tr_desktop.errors import ExportError
from tr_desktop.footage.audio_layout import ChannelLayout, channel_layout, usual_layout
from tr_desktop.footage.clips.joined_sound import JoinedSound, Joints
from tr_desktop.footage.container import open_video
from tr_desktop.footage.languages import language_for
from tr_desktop.moments import Media

_DTYPES = {"flt": np.float32, "s32": np.int32, "s16": np.int16}  # packed: PyAV reads eight planes beyond their end


def _compressible(layout: ChannelLayout) -> str:
    """The layout for an encoder of compressed sound: it must be declared, and few of one and two channels will do."""
    usual = usual_layout(layout.channels)
    return usual if layout.channels <= 2 else layout.name or usual


def _pcm(context: AudioCodecContext) -> tuple[str, str]:
    """(PCM codec, format of its samples) that loses nothing of what this decoder gives. Decoders of compressed sound
    give floating-point numbers, which the source doesn't have."""
    if context.name.startswith("pcm_f"):
        return "pcm_f32le", "flt"  # beyond full scale too
    return ("pcm_s16le", "s16") if context.format.name.startswith(("u8", "s16")) else ("pcm_s24le", "s32")


class TrackWriter:
    """One audio track of the clip, written step by step alongside the pictures."""

    _joined: JoinedSound | None = None

    def __init__(self, stack: ExitStack, media: Media, index: int, writing: OutputContainer) -> None:
        self._writing = writing
        self._reading, _ = stack.enter_context(open_video(media.path))
        source = self._reading.streams[media.audio[index].index]
        assert isinstance(source, AudioStream)
        self._source = source
        self._source.discard = Discard.default
        self._packets: Iterator[tuple[Fraction, list[Packet[AudioStream]]]] = iter(())
        self._written_s = Fraction(-1)

    def write_until(self, time_s: Fraction | None) -> None:
        """Write packets up to `time_s` after the clip's start; None: all of them."""
        while time_s is None or self._written_s < time_s:
            reached = next(self._packets, None)
            if reached is None:
                return
            self._written_s, packets = reached
            self._writing.mux(packets)

    def _demux_from(self, start_s: Fraction) -> Iterator[Packet[AudioStream]]:
        if self._joined is None:
            with suppress(av.error.FFmpegError):  # a container that can't seek is read from its start
                self._reading.seek(max(0, int((start_s - 1) * 1_000_000)))
        for packet in self._reading.demux(self._source):
            if packet.size:
                if self._joined is not None:
                    self._joined.place(packet)
                yield packet

    def _describe(self, stream: AudioStream) -> None:
        if language := self._source.metadata.get("language"):
            stream.metadata["language"] = language_for(language, self._writing.format.name)
        if title := self._source.metadata.get("title"):
            stream.metadata["title"] = title
        stream.disposition = self._source.disposition


class CopiedTrack(TrackWriter):
    """The source's packets that begin within the clip."""

    def __init__(
        self,
        stack: ExitStack,
        media: Media,
        index: int,
        writing: OutputContainer,
        start_s: Fraction,
        length_s: Fraction,
    ) -> None:
        super().__init__(stack, media, index, writing)
        stream = writing.add_stream_from_template(self._source)
        stream.metadata.clear()
        self._describe(stream)
        self._packets = self._copied(stream, start_s, length_s)

    def _copied(
        self, stream: AudioStream, start_s: Fraction, length_s: Fraction
    ) -> Iterator[tuple[Fraction, list[Packet[AudioStream]]]]:
        for packet in self._demux_from(start_s):
            if packet.pts is None or packet.time_base is None:
                continue
            time_s = packet.pts * packet.time_base - start_s
            if time_s >= length_s:
                return
            if time_s >= 0:
                shift = round(start_s / packet.time_base)
                packet.pts -= shift
                if packet.dts is not None:
                    packet.dts -= shift
                packet.stream = stream
                yield time_s, [packet]


class EncodedTrack(TrackWriter):
    """The source's samples within the clip, exact to the sample; silence if it has none.

    joints: of a file whose time stamps can't be trusted; `start_s` then counts from the first frame.
    """

    def __init__(
        self,
        stack: ExitStack,
        media: Media,
        index: int,
        writing: OutputContainer,
        start_s: Fraction,
        length_s: Fraction,
        codec: str,
        joints: Joints | None = None,
    ) -> None:
        super().__init__(stack, media, index, writing)
        self._joined = None if joints is None else JoinedSound(joints)
        context = self._source.codec_context
        self._rate_hz = context.sample_rate
        self._channels = channel_layout(context)
        layout = _compressible(self._channels) if codec else self._channels.name
        self._layout = layout or f"{self._channels.channels} channels"
        context.layout = self._layout  # the frames get it: none has an order that PyAV can't hold
        pcm, format_name = _pcm(context)
        stream = writing.add_stream(codec or pcm, rate=self._rate_hz, layout=self._layout)
        assert isinstance(stream, AudioStream)
        try:
            stream.codec_context.open()
        except av.error.FFmpegError as error:
            raise ExportError(
                f"Sound of {self._channels.channels} channels can't be encoded as {codec}",
                path=media.path,
                remedy="Choose ProRes, DNxHR or a lossless clip, which keep every channel",
            ) from error
        self._describe(stream)
        self._packets = self._encoded(stream, "flt" if codec else format_name, start_s, round(length_s * self._rate_hz))

    def _encoded(
        self, stream: AudioStream, format_name: str, start_s: Fraction, samples: int
    ) -> Iterator[tuple[Fraction, list[Packet[AudioStream]]]]:
        done = 0
        for first, sound in self._samples(format_name, start_s):
            lead = min(max(first - done, 0), samples - done)
            sound = sound[:, max(done - first, 0) : max(samples - first, 0)]
            if lead:
                sound = np.concatenate([np.zeros((sound.shape[0], lead), sound.dtype), sound], axis=1)
            if sound.shape[1]:
                yield Fraction(done, self._rate_hz), stream.encode(self._frame(format_name, sound, done))
                done += sound.shape[1]
            if done >= samples:
                break
        if done < samples:
            silence = np.zeros((self._channels.channels, samples - done), _DTYPES[format_name])
            yield Fraction(done, self._rate_hz), stream.encode(self._frame(format_name, silence, done))
        yield Fraction(samples, self._rate_hz), stream.encode(None)

    def _samples(self, format_name: str, start_s: Fraction) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """(sample number from the clip's start, samples [channels, n]) of all audio decoded around it."""
        resampler = AudioResampler(format=format_name, layout=self._layout, rate=self._rate_hz)
        for packet in self._demux_from(start_s):
            with suppress(av.error.InvalidDataError):
                for frame in packet.decode():
                    if frame.pts is None or frame.time_base is None:
                        continue
                    first = round((frame.pts * frame.time_base - start_s) * self._rate_hz)
                    for part in resampler.resample(frame):
                        array = part.to_ndarray().reshape(-1, self._channels.channels).T
                        yield first, array[list(self._channels.order)]
                        first += part.samples

    def _frame(self, format_name: str, sound: NDArray[np.generic], first: int) -> AudioFrame:
        packed = np.ascontiguousarray(sound.T.reshape(1, -1))
        frame = AudioFrame.from_ndarray(packed, format=format_name, layout=self._layout)
        frame.sample_rate = self._rate_hz
        frame.pts = first
        frame.time_base = Fraction(1, self._rate_hz)
        return frame
