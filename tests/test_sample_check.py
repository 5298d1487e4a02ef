"""How well packs tell the shots of the sample clip apart: a good one, wrong ones."""

import json
import re
from pathlib import Path

import onnx
import pytest

from tests.models.toy_pack import list_files, write_pack
from tr_desktop.commands.main import main
from tr_desktop.models.pack import load_pack
from tr_desktop.sample_check import check_on_sample


def mini_that_means_the_opposite(folder: Path) -> Path:
    """The embedded pack, whose sentences point away from what they say."""
    embedded = load_pack("mini")
    folder.mkdir()
    (folder / "pack.json").write_text(embedded.manifest)
    for name in embedded.files:
        (folder / name).write_bytes(embedded.read(name))
    model = onnx.load(folder / "text.onnx")
    output = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["right way" if name == output else name for name in node.output]
    model.graph.node.append(onnx.helper.make_node("Neg", ["right way"], [output]))
    (folder / "text.onnx").write_bytes(model.SerializeToString())
    facts = json.loads(embedded.manifest)
    return list_files(folder, **{name: facts[name] for name in facts if name not in ("files", "indexed_as")})


def test_the_embedded_pack_tells_most_shots_apart():
    result = check_on_sample(load_pack("mini"), "cpu")
    assert result.found >= 4 and result.asked == 5 and result.margin > 1
    assert "chance: this pack" not in str(result)


@pytest.mark.parametrize("wrong", [mini_that_means_the_opposite, write_pack])
def test_a_wrong_pack_visibly_fails(tmp_path, wrong, capsys):
    pack = load_pack(wrong(tmp_path / "wrong"))
    result = check_on_sample(pack, "cpu")
    assert result.found <= 2 and result.margin < 0.5
    assert main(["models", "verify", str(pack.location), "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert re.search(rf"{result.found} of 5 sentences .*hardly better than chance", shown)
