"""The harvest of TAR-TVG's first stage."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest

torch = pytest.importorskip("torch", reason="training a grounder needs the extra `llm`")
pytest.importorskip("peft", reason="training a grounder needs the extra `llm`")

from tests.llm.grounder_toys import ADAPTER, toy_policy  # noqa: E402
from tr_desktop.errors import UserError  # noqa: E402
from tr_desktop.grounders.video_llm.answers import AnswerKind  # noqa: E402
from tr_desktop.training.annotations import read_annotations  # noqa: E402
from tr_desktop.training.grounder import tar  # noqa: E402
from tr_desktop.training.grounder.checkpoint import open_checkpoint  # noqa: E402
from tr_desktop.training.grounder.colours import make_colour_clips  # noqa: E402
from tr_desktop.training.grounder.data import Look, load_examples  # noqa: E402
from tr_desktop.training.grounder.grpo import GrpoRecipe  # noqa: E402
from tr_desktop.training.grounder.policy import Policy  # noqa: E402
from tr_desktop.training.grounder.sft import SftRecipe, train_sft  # noqa: E402

LOOK = Look(Fraction(2), 28, Fraction(16))
RECIPE = tar.TarRecipe(SftRecipe(AnswerKind.ANCHORS, 1), GrpoRecipe(1, longest=6), samples=2)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    rows = read_annotations(make_colour_clips(folder, 4), "footage")
    return load_examples(rows, folder, LOOK, folder / "cache", print)


class Interrupted(Exception):  # noqa: N818
    pass


def test_an_interrupted_harvest_goes_on_and_ends_the_same(examples, tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "is_good", lambda *_: True)  # a random model writes nothing good
    policy = toy_policy("qwen2_5_vl", tmp_path)
    whole, path = tmp_path / "whole" / tar.HARVEST, tmp_path / "out" / tar.HARVEST
    for each in (whole, path):
        each.parent.mkdir()
    tar.harvest(policy, examples, LOOK, RECIPE, whole, print)
    asked = list[int]()
    sample = policy.sample

    def dies(*arguments):
        asked.append(1)
        if len(asked) == 3:
            raise Interrupted
        return sample(*arguments)

    policy.sample = dies
    with pytest.raises(Interrupted):
        tar.harvest(policy, examples, LOOK, RECIPE, path, print)
    (begun,) = path.parent.iterdir()
    begun.write_text(begun.read_text() + '{"name": "cut o')
    tar.harvest(policy, examples, LOOK, RECIPE, path, print)
    assert len(asked) == 3 + 2  # of four queries, the first two weren't asked again
    assert path.read_text() == whole.read_text() and [each.name for each in path.parent.iterdir()] == [tar.HARVEST]


def test_a_harvest_of_other_sentences_is_refused(examples, tmp_path):
    (tmp_path / tar.HARVEST).write_text(json.dumps({"name": "elsewhere", "text": "<think>"}) + "\n")
    recipe = replace(RECIPE, epochs=1)
    with pytest.raises(UserError, match="other sentences"):
        tar.train_tar(lambda: pytest.fail("loaded"), examples, examples, LOOK, recipe, "2", tmp_path, print)


def test_a_stage_of_another_base_isnt_continued(examples, tmp_path):
    policy = toy_policy("qwen2_5_vl", tmp_path)
    train_sft(policy, examples, LOOK, RECIPE.sft, tmp_path / "stage1", print)
    (tmp_path / "qwen2_5_vl").rename(tmp_path / "another")
    other = Policy(open_checkpoint(tmp_path / "another", tmp_path / "files", (), "cpu"), policy.preset, ADAPTER)
    with pytest.raises(UserError, match="another base"):
        tar.train_tar(lambda: other, examples, examples, LOOK, RECIPE, "harvest", tmp_path, print)
