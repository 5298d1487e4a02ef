"""Says of decoded frames how their lines belong together: as two fields, or as one picture.

FFmpeg scales the fields of a frame that is marked as interlaced apart from each other. Some codecs name the fields in
the container only, and then the decoder doesn't mark its frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.filter import Graph
from av.video.frame import VideoFrame

from tr_desktop.moments import FieldOrder

_ANY_CLOCK = Fraction(1, 1000)
_MODES = {FieldOrder.PROGRESSIVE: "prog", FieldOrder.UPPER_FIRST: "tff", FieldOrder.LOWER_FIRST: "bff"}


def mark_fields(frames: Iterable[VideoFrame], fields: FieldOrder) -> Iterator[VideoFrame]:
    """The frames, which have one size and format, each marked with the field order."""
    graph: Graph | None = None
    for frame in frames:
        if graph is None:
            graph = Graph()
            source = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or _ANY_CLOCK
            )
            mark, sink = graph.add("setfield", mode=_MODES[fields]), graph.add("buffersink")
            source.link_to(mark)
            mark.link_to(sink)
            graph.configure()
        graph.push(frame)
        marked = graph.pull()
        assert isinstance(marked, VideoFrame)
        yield marked
