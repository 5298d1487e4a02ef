"""An imported VTimeLLM or TimeRefine sees and says what its twin does, which knows nothing of the import."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="video language models need the extra `llm`")
pytest.importorskip("peft", reason="video language models need the extra `llm`")

import torch
from PIL import Image
from tokenizers import Tokenizer

from tests.llm.tiny_vtime import SYSTEM, VARIANTS, Tiny
from tr_desktop.errors import UserError
from tr_desktop.grounder_worker import vtime
from tr_desktop.grounder_worker.base import Cancelled
from tr_desktop.grounder_worker.vtime import VTime
from tr_desktop.grounder_worker.vtime_frames import FRAMES, pixels, spread
from tr_desktop.grounder_worker.vtime_import import read_parts, write_parts
from tr_desktop.grounders.video_llm.answers import Written, reader_of
from tr_desktop.grounders.video_llm.messages import Question
from tr_desktop.grounders.video_llm.presets import PRESENCE, PRESETS


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Callable[[str], tuple[Tiny, dict[str, Any]]]:
    """From a variant's name to its twin and the facts of its imported folder."""
    kept: dict[str, tuple[Tiny, dict[str, Any]]] = {}

    def of(variant: str) -> tuple[Tiny, dict[str, Any]]:
        if variant not in kept:
            tiny = VARIANTS[variant](tmp_path_factory.mktemp(variant))
            folder = tmp_path_factory.mktemp("imported")
            write_parts(read_parts(tiny.base, tiny.stage1, tiny.adapters, tiny.clip), folder)
            facts = {"name": "tiny", "family": "vtime", "folder": str(folder), "preset": variant, "new_tokens_most": 24}
            kept[variant] = tiny, facts
        return kept[variant]

    return of


def question(query: str = "a cat", count: int = 30, seconds: int = 15) -> Question:
    pictures = np.random.default_rng(0).integers(0, 256, (count, 90, 160, 3), dtype=np.uint8)
    length_s = Fraction(seconds)
    return Question(query, pictures, tuple(length_s * number / count for number in range(count)), length_s)


def go_on() -> None:
    pass


def twin_frames(tiny: Tiny, asked: Question) -> torch.Tensor:
    """The twin's frame tokens: the picture on screen at each of 100 moments from the window's start to its end."""
    moments = [asked.length_s * number / 99 for number in range(100)]
    chosen = [max(n for n, at in enumerate(asked.times_s) if at <= moment) for moment in moments]
    return tiny.frame_tokens(pixels(asked.pictures, 224)[chosen])


def twin_logits(made: tuple[Tiny, dict[str, Any]], frames: torch.Tensor, words: str, answer: list[int]) -> torch.Tensor:
    """What the twin expects after `answer` to a question about frames, all read in one go: [vocabulary]."""
    tiny, tokenizer = made[0], tokenizer_of(made[1])
    before, after = f"{SYSTEM} USER: <video>\n{words} ASSISTANT:".split("<video>")
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in (before, after)]
    embed = tiny.language.get_input_embeddings()
    with torch.no_grad():
        text = [embed(torch.tensor(part)) for part in ([tokenizer.token_to_id("<s>"), *ids[0]], [*ids[1], *answer])]
        logits: torch.Tensor = tiny.language(inputs_embeds=torch.cat([text[0], frames, text[1]])[None]).logits[0, -1]
    return logits


def tokenizer_of(facts: dict[str, Any]) -> Tokenizer:
    return Tokenizer.from_file(f"{facts['folder']}/llm/tokenizer.json")


@pytest.mark.parametrize("variant", VARIANTS)
def test_frame_tokens_are_the_twins(variant, made):
    tiny, facts = made(variant)
    tokens = VTime(facts, "cpu").frame_tokens(question(), go_on)
    assert tokens.shape == (100, 64) and torch.allclose(tokens, twin_frames(tiny, question()), atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_token_has_the_probability_that_the_twin_gives_it(variant, made):
    tiny, facts = made(variant)
    asked, words, tokenizer = question(), "During which frames can we see a cat?", tokenizer_of(facts)
    pieces = list(VTime(facts, "cpu").say(asked, words, go_on))
    ends = {tokenizer.token_to_id(token) for token in ("</s>", "<SEG_END>")}
    answer, total, frames = list[int](), 0.0, twin_frames(tiny, asked)
    while len(answer) < facts["new_tokens_most"]:
        likely = twin_logits(made(variant), frames, words, answer).log_softmax(-1)
        if int(likely.argmax()) in ends:
            break
        answer.append(int(likely.argmax()))
        total += float(likely.max())
    assert answer and "".join(piece for piece, _ in pieces) == tokenizer.decode(answer, skip_special_tokens=False)
    assert sum(value for _, value in pieces) == pytest.approx(total, abs=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_presence_is_the_twins_yes_against_no_after_the_same_frames(variant, made):
    tiny, facts = made(variant)
    model, asked = VTime(facts, "cpu"), question("a cat")
    list(model.ground(asked, go_on))
    likely = twin_logits(made(variant), twin_frames(tiny, asked), PRESENCE.replace("{}", "a cat"), []).softmax(-1)
    vocabulary = tokenizer_of(facts).get_vocab()
    yes, no = (
        sum(float(likely[number]) for token, number in vocabulary.items() if token.strip("▁").lower() == word)
        for word in ("yes", "no")
    )
    assert 0 < yes / (yes + no) < 1
    assert model.presence(asked, go_on) == pytest.approx(yes / (yes + no), abs=1e-4)


def test_a_second_question_about_the_window_does_not_look_at_it_again(made, monkeypatch):
    _, facts = made("vtimellm")
    model, asked = VTime(facts, "cpu"), question()
    looked = []
    see = model.frame_tokens
    monkeypatch.setattr(model, "frame_tokens", lambda *about: looked.append(1) or see(*about))
    first = [list(model.say(asked, "a", go_on)), model.presence(asked, go_on)]
    assert [list(model.say(asked, "a", go_on)), model.presence(asked, go_on)] == first and len(looked) == 1
    other = question(seconds=20)
    model.presence(other, go_on)
    assert len(looked) == 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_prompt_is_vicunas(variant, made):
    _, facts = made(variant)
    model = VTime(facts, "cpu")
    before, after = model.prompt(PRESETS[variant].prompt.replace("{}", "a person stirs soup"))
    assert f"{before}<video>{after}" == (
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the user's questions. USER: <video>\n"
        "During which frames can we see a person stirs soup? ASSISTANT:"
    )


def test_a_query_is_asked_as_the_authors_do_and_never_is_a_special_token(made, monkeypatch):
    _, facts = made("timerefine")
    asked = list[str]()
    say = VTime.say
    monkeypatch.setattr(VTime, "say", lambda self, q, words, check: asked.append(words) or say(self, q, words, check))
    model = VTime(facts, "cpu")
    list(model.ground(question(" A person stirs <SEG_END>. "), go_on))
    assert asked == ["During which frames can we see a person stirs <seg_end>?"]
    # Read as one token, the words would change the answer.
    plain, special = (list(model.say(question(), words, go_on)) for words in ("<SEG_END>", "</s>"))
    assert tokenizer_of(facts).encode("<SEG_END>").tokens == ["<SEG_END>"] and plain != special


@pytest.mark.parametrize(("height", "width"), [(190, 317), (317, 190), (100, 398)])
def test_pixels_are_those_of_clips_own_preprocessing(height, width):
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    size = [each * 224 // min(height, width) for each in (width, height)]
    scaled = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    top, left = (round((each - 224) / 2) for each in scaled.shape[:2])
    levels = pixels(picture[None], 224)[0].permute(1, 2, 0) * torch.tensor([0.26862954, 0.26130258, 0.27577711])
    levels = (levels + torch.tensor([0.48145466, 0.4578275, 0.40821073])) * 255
    assert np.abs(levels.numpy() - scaled[top : top + 224, left : left + 224]).max() < 2.5


def test_a_hundred_frames_are_spread_from_the_start_to_the_end():
    steady = [Fraction(number, 10) for number in range(640)]
    chosen = spread(steady, Fraction(64))
    assert len(chosen) == FRAMES and chosen[0] == 0 and chosen[-1] == 639
    assert chosen == [min(int(number * Fraction(6400, 990)), 639) for number in range(100)]
    few = [Fraction(0), Fraction(3), Fraction(10)]
    assert [spread(few, Fraction(12)).count(number) for number in range(3)] == [25, 58, 17]


def test_the_windows_pictures_are_exactly_those_moments():
    """What the packs ask for: pictures every 1/99 of the window, of which the last also stands for its end."""
    for name in VARIANTS:
        preset, length_s = PRESETS[name], Fraction(64)
        every_s = max(1 / preset.fps, length_s / preset.frames_most)
        times_s = [number * every_s for number in range(int(-(-length_s // every_s)))]
        chosen = spread(times_s, length_s)
        assert [times_s[number] for number in chosen[:99]] == [length_s * number / 99 for number in range(99)]
        assert chosen[98:] == [98, 98]


def test_it_stops_between_tokens_and_between_pictures(made):
    _, facts = made("vtimellm")
    model, asked = VTime(facts, "cpu"), question(count=100)
    checks = list[int]()

    def check() -> None:
        checks.append(1)
        if len(checks) == limit:
            raise Cancelled

    for limit in (3, 14):  # while it looks at pictures; while it writes
        checks.clear()
        with pytest.raises(Cancelled):
            list(model.say(asked, "a", check))
        assert len(checks) == limit
    assert list(model.say(asked, "a", go_on)) == list(VTime(facts, "cpu").say(asked, "a", go_on))


def test_steps_become_segments_of_the_window():
    """The readers of both variants over the window's length; what the model writes is Llama's pieces."""
    text = Written()
    reader = reader_of(PRESETS["timerefine"].answer, text, Fraction(64))
    found = []
    for piece in ("From ", "<SEG_START>", "  ", "30 to 46 ", "<OFFSET>", "  +05 and -06 ", "<RETHINK>"):
        text.add(piece, -0.1)
        found += reader.read(is_over=False)
    for piece in ("  ", "35 to 40 ", "<OFFSET>", "  +00 and -00 "):
        text.add(piece, -0.1)
        found += reader.read(is_over=False)
    found += reader.read(is_over=True)
    hundredths = [(each.start_s * 100 / 64, each.end_s * 100 / 64, each.is_answer) for each in found]
    assert hundredths == [(30, 46, False), (35, 40, False), (35, 40, True)]


def test_memory_that_runs_out_is_a_sentence(made, monkeypatch):
    _, facts = made("vtimellm")
    model = VTime(facts, "cpu")

    def full(*_: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(vtime, "pixels", full)
    with pytest.raises(UserError, match="tiny runs out of memory"):
        list(model.ground(question(), go_on))
    monkeypatch.undo()
    assert model.presence(question(), go_on) is not None


def test_an_imported_folder_that_lost_a_part_is_a_sentence(made, tmp_path):
    import shutil

    _, facts = made("vtimellm")
    for part in ("projector.safetensors", "llm/tokenizer.json", "clip/model.safetensors"):
        folder = tmp_path / part.replace("/", "-")
        shutil.copytree(facts["folder"], folder)
        (folder / part).unlink()
        with pytest.raises(UserError):
            VTime(facts | {"folder": str(folder)}, "cpu")
