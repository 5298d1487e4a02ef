"""Language codes reach each kind of file in the spelling that it keeps."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tr_desktop.footage.languages import is_same_language, language_for


def written(path: Path, code: str) -> str:
    """The language of a sound track after writing and reading."""
    with av.open(str(path), "w") as writing:
        track = writing.add_stream("aac", rate=48000, layout="mono")
        track.metadata["language"] = code
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 48000
        writing.mux(track.encode(sound))
        writing.mux(track.encode(None))
    with av.open(str(path)) as reading:
        return reading.streams.audio[0].metadata.get("language", "")


DOUBLED = "deu ger fra fre nld dut zho chi ces cze ron rum slk slo ell isl mkd msa fas sqi hye cym"
OTHERS = "eng spa jpn swe hrv srp"


@pytest.mark.parametrize("code", f"{DOUBLED} {OTHERS}".split())
def test_languages_survive_mp4_and_matroska(tmp_path: Path, code: str) -> None:
    for suffix, format_name in ((".mp4", "mp4"), (".mkv", "matroska")):
        spelled = language_for(code, format_name)
        assert written(tmp_path / f"a{suffix}", spelled) == spelled and is_same_language(spelled, code)


def test_each_format_has_its_spelling() -> None:
    for code in ("deu", "ger"):
        assert [language_for(code, name) for name in ("mov", "mp4", "matroska")] == ["deu", "deu", "ger"]
    assert language_for("sve", "mov") == "swe" and language_for("hr ", "matroska") == "hrv"
    assert [language_for("xyz", name) for name in ("mov", "matroska")] == ["xyz"] * 2
    assert not is_same_language("deu", "nld") and is_same_language("", "")
