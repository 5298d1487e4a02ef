"""A converted pack does everything that the embedded one does: index, find, refine, evidence and every export."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("torch", reason="converting needs the extra `convert`")
pytest.importorskip("safetensors", reason="converting needs the extra `convert`")

from exporters.clips import WAYS
from exporters.formats import formats
from tests.toy import COLOURS
from tr_desktop.commands.main import main
from tr_desktop.engine import open_engine
from tr_desktop.models.pack import load_pack


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("footage")
    write_h264(folder / "first.mp4", ["red", "blue", "green"])
    write_h264(folder / "second.mp4", ["white", "green", "red"])
    return folder


def write_h264(path: Path, colours: list[str]) -> None:
    """Two seconds of each colour, in a codec that every way to cut clips takes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "10"})
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        for colour in colours:
            picture = np.full((144, 256, 3), COLOURS[colour], np.uint8)
            for _ in range(50):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2", "open_clip"])
def test_from_footage_to_every_export(packed, footage, tmp_path, capsys, family):
    pack, library, result = packed(family), tmp_path / "library", tmp_path / "result.json"
    assert main(["index", str(footage), "--library", str(library), "--model", str(pack)]) == 0
    capsys.readouterr()
    assert main(["find", "a red car", str(footage), "--json", "--library", str(library), "--model", str(pack)]) in (
        0,
        1,
    )
    result.write_text(capsys.readouterr().out)
    found = json.loads(result.read_text())
    assert found["model"]["sha256"] == load_pack(pack).sha256 and found["coverage"]["searched"] == 2
    assert found["moments"] and all(len(moment["steps"]) > 1 for moment in found["moments"])
    for name, exporter in formats().items():
        out = tmp_path / f"{name}{exporter.suffix}"
        assert main(["export", str(result), "--to", str(out), "--format", name, "--library", str(library)]) == 0, name
        assert out.stat().st_size
    for way in WAYS:
        out = tmp_path / f"clips-{way}"
        assert main(["export", str(result), "--to", str(out), "--format", way, "--library", str(library)]) == 0, way
        assert len(list(out.iterdir())) >= len(found["moments"])


def test_the_engine_searches_by_example_and_shows_evidence(packed, footage, tmp_path):
    with open_engine(tmp_path / "library", str(packed("clip")), "cpu") as engine:
        engine.index([footage])
        answer = engine.find("what a picture shows", [footage], example=f"{footage / 'first.mp4'}@3")
        best = answer.moments[0]
        assert answer.pack == "clip" and best.segment.frames > 0
        assert list(engine.evidence(best, f"{footage / 'first.mp4'}@3"))
        assert engine.refine(best, f"{footage / 'first.mp4'}@3").segment.frames > 0
