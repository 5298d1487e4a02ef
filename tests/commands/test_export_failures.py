"""An export of which some moments fail: the command reports what was written and what wasn't."""

import json

from exporters import clips
from tr_desktop.commands.main import main
from tr_desktop.errors import ExportError


def test_the_rest_is_written_and_the_status_is_2(sample, capsys, tmp_path, monkeypatch):
    library, result, folder = str(tmp_path / "library"), tmp_path / "result.json", tmp_path / "clips"
    main(["find", "a cat", str(sample), "--library", library, "--top", "3", "--json"])
    result.write_text(capsys.readouterr().out)
    count = len(json.loads(result.read_text())["moments"])
    assert count >= 2
    whole = clips.cut_lossless
    cuts = []

    def first_fails(footage, segment, *others):
        cuts.append(segment)
        if len(cuts) == 1:
            raise ExportError("The stream can't be split", path=footage.media.path)
        return whole(footage, segment, *others)

    monkeypatch.setattr(clips, "cut_lossless", first_fails)
    assert main(["export", str(result), "--to", str(folder), "--format", "lossless", "--library", library]) == 2
    said = capsys.readouterr().err
    assert len(list(folder.iterdir())) == count - 1
    assert f"Wrote {count - 1} moment" in said
    assert f"Moment 1 ({sample.name}, " in said and "The stream can't be split" in said
