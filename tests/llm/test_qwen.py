"""Qwen's families: what the model is shown, and what it writes, beside transformers' own way."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="video language models need the extra `llm`")
transformers = pytest.importorskip("transformers", reason="video language models need the extra `llm`")

from tests.media import make_video, read_number  # noqa: E402
from tr_desktop.errors import UserError  # noqa: E402
from tr_desktop.footage.fitted import Fitted  # noqa: E402
from tr_desktop.footage.frames import Sampler  # noqa: E402
from tr_desktop.footage.probe import probe  # noqa: E402
from tr_desktop.footage.seek import find_frames  # noqa: E402
from tr_desktop.grounder_worker.decoding import Context, written  # noqa: E402
from tr_desktop.grounder_worker.qwen import Qwen  # noqa: E402
from tr_desktop.grounders.video_llm.messages import Question  # noqa: E402
from tr_desktop.moments import Footage  # noqa: E402
from tr_desktop.training.grounder.tiny import FAMILIES  # noqa: E402

SIZES = {"qwen2_5_vl": (56, 84), "qwen3_vl": (64, 96)}
IRREGULAR_MS = (0, 480, 1010, 1500, 2020, 2490, 2700, 3333, 3700)
EXACT = 1e-5


def pictures_of(family: str, count: int, seed: int = 0):
    return np.random.default_rng(seed).integers(0, 255, (count, *SIZES[family], 3), dtype=np.uint8)


def prompt_of(loaded, family: str, words: str = "Find the event", ms=IRREGULAR_MS, **more):
    _, encoder = loaded(family)
    video = encoder.video_maker(pictures_of(family, len(ms)), tuple(Fraction(each, 1000) for each in ms))
    return encoder.prompt(video, words, **more)


def text_of(loaded, family: str, prompt) -> str:
    return loaded(family)[1].tokenizer.decode(prompt.ids.tolist(), skip_special_tokens=False)


def question(family: str = "qwen3_vl", frames: int = 6, query: str = "a dog") -> Question:
    times_s = tuple(Fraction(number, 2) for number in range(frames))
    return Question(query, pictures_of(family, frames), times_s, Fraction(frames, 2))


def whole_forward(model, prompt):
    """Logits of every token, from one forward without a cache."""
    with torch.inference_mode():
        return model(
            input_ids=prompt.ids[None], position_ids=prompt.positions[:, None], **prompt.vision_inputs()
        ).logits[0]


def test_qwen3s_prompt_is_the_golden_text(loaded):
    prompt = prompt_of(loaded, "qwen3_vl", "Find a door", ms=(0, 480, 1010))
    pads = "<|video_pad|>" * 6
    assert text_of(loaded, "qwen3_vl", prompt) == (
        "<|im_start|>user\n"
        f"<0.2 seconds><|vision_start|>{pads}<|vision_end|>"
        f"<1.0 seconds><|vision_start|>{pads}<|vision_end|>"
        "Find a door<|im_end|>\n<|im_start|>assistant\n"
    )


def test_qwen2_5s_prompt_is_the_golden_text(loaded):
    prompt = prompt_of(loaded, "qwen2_5_vl", "Find a door", ms=(0, 500, 1000))
    video = f"<|vision_start|>{'<|video_pad|>' * 12}<|vision_end|>"
    system = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    after = "<|im_end|>\n<|im_start|>assistant\n"
    assert text_of(loaded, "qwen2_5_vl", prompt) == f"{system}<|im_start|>user\n{video}Find a door{after}"
    first = prompt_of(loaded, "qwen2_5_vl", "Find a door", ms=(0, 500, 1000), system="Be brief.", is_text_first=True)
    assert text_of(loaded, "qwen2_5_vl", first) == (
        f"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nFind a door{video}{after}"
    )


def test_text_of_a_query_is_never_a_special_token(loaded):
    model, encoder = loaded("qwen3_vl")
    prompt = prompt_of(loaded, "qwen3_vl", "a<|im_end|><|video_pad|><|vision_start|>b")
    plain = prompt_of(loaded, "qwen3_vl", "")
    for token in ("<|im_end|>", "<|video_pad|>", "<|vision_start|>"):
        token_id = encoder.tokenizer.token_to_id(token)
        assert int((prompt.ids == token_id).sum()) == int((plain.ids == token_id).sum())
    assert torch.isfinite(whole_forward(model, prompt)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_and_patches_are_those_of_the_released_processors(loaded, checkpoint, family):
    """With irregular times, an odd number of pictures, and pictures that fill whole tokens."""
    processor = transformers.AutoProcessor.from_pretrained(checkpoint(family))
    pictures = pictures_of(family, len(IRREGULAR_MS))
    bare = "<|video_pad|>" if family == "qwen3_vl" else "<|vision_start|><|video_pad|><|vision_end|>"
    system = "" if family == "qwen3_vl" else "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    theirs = processor(
        text=[f"{system}<|im_start|>user\n{bare}Find the event<|im_end|>\n<|im_start|>assistant\n"],
        videos=[pictures],
        video_metadata=[
            transformers.video_utils.VideoMetadata(total_num_frames=4000, fps=1000.0, frames_indices=[*IRREGULAR_MS])
        ],
        do_sample_frames=False,
        do_resize=False,
        return_tensors="pt",
    )
    ours = prompt_of(loaded, family)
    assert ours.ids.tolist() == theirs["input_ids"][0].tolist()
    assert ours.vision_inputs()["video_grid_thw"].tolist() == theirs["video_grid_thw"].tolist()
    assert torch.equal(ours.video.patches, theirs["pixel_values_videos"])


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_are_resized_as_the_released_processors_do(loaded, checkpoint, family):
    """To the nearest whole tokens, each side by itself; bicubic."""
    _, encoder = loaded(family)
    pictures = np.random.default_rng(1).integers(0, 255, (4, 90, 150, 3), dtype=np.uint8)
    video = encoder.video_maker(pictures, (Fraction(0),) * 4)
    processor = transformers.AutoProcessor.from_pretrained(checkpoint(family)).video_processor
    theirs = processor(
        videos=[pictures],
        video_metadata=[
            transformers.video_utils.VideoMetadata(total_num_frames=4, fps=1.0, frames_indices=[0, 1, 2, 3])
        ],
        do_sample_frames=False,
        size={"shortest_edge": 784, "longest_edge": 10**8},
        cap_pixels_per_frame=False,
        return_tensors="pt",
    )
    assert [list(video.grid)] == theirs["video_grid_thw"].tolist()
    assert torch.allclose(video.patches, theirs["pixel_values_videos"], atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loop_writes_what_generate_writes(loaded, family, monkeypatch):
    """Both with our positions, which `generate` takes from the model."""
    model, encoder = loaded(family)
    prompt = prompt_of(loaded, family, "Given the query return ALL time spans")
    after = int(prompt.positions.max()) + 1 - len(prompt.ids)
    monkeypatch.setattr(
        model.model,
        "get_rope_index",
        lambda *_, **__: (prompt.positions[:, None], torch.tensor([[after]])),
    )
    kinds = (prompt.ids == model.config.video_token_id).int() * 2
    whole = model.generate(
        input_ids=prompt.ids[None],
        mm_token_type_ids=kinds[None],
        **prompt.vision_inputs(),
        max_new_tokens=20,
        do_sample=False,
        suppress_tokens=encoder.not_written,
    )[0, len(prompt.ids) :].tolist()
    model.model.rope_deltas = None
    context = Context(model)
    pieces = list(
        written(
            context,
            context.read(prompt),
            encoder.tokenizer,
            20,
            lambda: None,
            ends=encoder.ends,
            not_written=encoder.not_written,
        )
    )
    theirs = [token_id for token_id in whole if token_id not in encoder.ends]
    assert "".join(text for text, _ in pieces) == encoder.tokenizer.decode(theirs, skip_special_tokens=False)
    assert len(theirs) >= 3


@pytest.mark.parametrize("family", FAMILIES)
def test_reading_in_parts_is_reading_at_once(loaded, family):
    """The video first, then the words, then token by token; and a second question about the same video."""
    model, encoder = loaded(family)
    context, video = Context(model), prompt_of(loaded, family).video
    tower_runs = []
    hook = model.model.visual.register_forward_hook(lambda *_: tower_runs.append(1))
    try:
        for words in ("Find the event", "Is there something else? Answer with one word"):
            prompt = encoder.prompt(video, words)
            logits = [context.read(prompt)]
            answer = encoder.tokenizer.encode("12.54 to 17.83").ids
            logits += [context.write(token_id) for token_id in answer]
            whole = whole_forward(model, prompt.followed_by(answer))[len(prompt.ids) - 1 :]
            assert float((torch.stack(logits) - whole).abs().max()) < EXACT
    finally:
        hook.remove()
    assert len(tower_runs) == 1 + 2  # once by the context, and by each whole forward


@pytest.mark.parametrize("family", FAMILIES)
def test_another_video_is_looked_at_anew(loaded, family):
    model, encoder = loaded(family)
    context = Context(model)
    one, other = (
        encoder.prompt(encoder.video_maker(pictures_of(family, 4, seed), (Fraction(0),) * 4), "Find it")
        for seed in (1, 2)
    )
    context.read(one)
    logits = context.read(other)
    assert float((logits - whole_forward(model, other)[-1]).abs().max()) < EXACT
    assert float((logits - whole_forward(model, one)[-1]).abs().max()) > 100 * EXACT


class Scripted:
    """Stands for a context: after each token, the next one of a script is the likeliest."""

    def __init__(self, ids: list[int], size: int) -> None:
        self.ids, self.size, self.read = ids, size, []

    def logits(self, number: int):
        logits = torch.zeros(self.size)
        if number < len(self.ids):
            logits[self.ids[number]] = 9.0
        return logits

    def write(self, token_id: int):
        self.read.append(token_id)
        return self.logits(len(self.read))


def pieces_of(encoder, ids: list[int], most: int = 50, banned: tuple[int, ...] = ()):
    size = encoder.tokenizer.get_vocab_size()
    script = Scripted(ids, size)
    pieces = written(
        script, script.logits(0), encoder.tokenizer, most, lambda: None, ends=encoder.ends, not_written=banned
    )
    return list(pieces), script


def test_pieces_are_whole_characters_and_probabilities_add_up(loaded):
    _, encoder = loaded("qwen3_vl")
    text = "12 à 17 – 日本 🎬 s"
    ids = encoder.tokenizer.encode(text).ids
    pieces, _ = pieces_of(encoder, [*ids, min(encoder.ends)])
    assert "".join(piece for piece, _ in pieces) == text
    assert len(pieces) < len(ids) and "\N{REPLACEMENT CHARACTER}" not in "".join(piece for piece, _ in pieces)
    each = float(torch.log_softmax(Scripted(ids, encoder.tokenizer.get_vocab_size()).logits(0), -1).max())
    assert sum(value for _, value in pieces) == pytest.approx(len(ids) * each, abs=1e-4)


def test_an_answer_ends_with_its_last_token_or_at_the_limit(loaded):
    _, encoder = loaded("qwen3_vl")
    ids = encoder.tokenizer.encode("12 to 17").ids
    pieces, script = pieces_of(encoder, [*ids, min(encoder.ends), *ids])
    assert "".join(piece for piece, _ in pieces) == "12 to 17"
    assert script.read == ids
    pieces, script = pieces_of(encoder, ids, most=2)
    assert "".join(piece for piece, _ in pieces) == "12" and script.read == ids[:1]
    cut_off = encoder.tokenizer.encode("12日").ids[:-1]
    pieces, _ = pieces_of(encoder, [*cut_off, min(encoder.ends)])
    assert "".join(piece for piece, _ in pieces).startswith("12")


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_of_pictures_are_never_written(loaded, family):
    _, encoder = loaded(family)
    pad = encoder.tokenizer.token_to_id("<|video_pad|>")
    assert pad in encoder.not_written and not encoder.ends & set(encoder.not_written)
    pieces, _ = pieces_of(encoder, [pad] * 3, most=3, banned=(pad,))
    assert "<|video_pad|>" not in "".join(piece for piece, _ in pieces)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_presence_question_reads_the_video_once(facts_of, family):
    model = Qwen(facts_of(family), "cpu")
    asked = question(family)
    runs = []
    model._context._model.model.visual.register_forward_hook(lambda *_: runs.append(1))
    list(model.ground(asked, lambda: None))
    first = model.presence(asked, lambda: None)
    assert first is not None and 0 < first < 1 and len(runs) == 1
    alone = Qwen(facts_of(family), "cpu").presence(asked, lambda: None)
    assert first == pytest.approx(alone, abs=1e-5)


def test_text_before_the_pictures_is_asked_too(facts_of):
    model = Qwen(facts_of("qwen2_5_vl", preset="videochat-r1"), "cpu")
    asked = question("qwen2_5_vl")
    list(model.ground(asked, lambda: None))
    assert model.presence(asked, lambda: None) is not None


def test_giving_up_ends_before_the_next_token(facts_of):
    model = Qwen(facts_of("qwen3_vl", new_tokens_most=50), "cpu")
    checks = []

    class Given(Exception):  # noqa: N818
        pass

    def check() -> None:
        checks.append(1)
        if len(checks) > 6:
            raise Given

    with pytest.raises(Given):
        list(model.ground(question(), check))
    assert len(checks) == 7
    assert model.presence(question(), lambda: None) is not None


def test_without_memory_it_looks_at_half_the_tokens_and_then_says_so(facts_of, monkeypatch):
    """A processor has no memory limit of its own: its forward refuses more tokens than fit."""
    model = Qwen(facts_of("qwen3_vl"), "cpu")
    large = Question("a dog", np.zeros((6, 256, 256, 3), np.uint8), tuple(map(Fraction, range(6))), Fraction(6))
    tokens = []
    forward = model._context._model.forward

    def limited(*, input_ids, **more):
        tokens.append(input_ids.shape[1])
        if input_ids.shape[1] > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return forward(input_ids=input_ids, **more)

    monkeypatch.setattr(model._context._model, "forward", limited)
    limit = 200
    assert model.presence(large, lambda: None) is not None
    assert tokens[0] > 200 and 0.4 < tokens[1] / tokens[0] < 0.7
    tokens.clear()
    limit = 30
    with pytest.raises(UserError, match=r"out of memory, also with pictures of half.*--quantise nf4.*side_px"):
        list(model.ground(copied(large), lambda: None))
    limit = 10**6
    assert model.presence(large, lambda: None) is not None


def copied(asked: Question) -> Question:
    return Question(asked.query, asked.pictures.copy(), asked.times_s, asked.length_s)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_model_writes_becomes_segments(scripted, facts_of, family):
    facts = facts_of(family, folder=str(scripted(family, "[[0.5, 2]]")), preset="timelens2")
    (segment,) = Qwen(facts, "cpu").ground(question(family), lambda: None)
    assert (segment.start_s, segment.end_s, segment.is_answer) == (Fraction("0.5"), 2, True)
    assert segment.said == "[[0.5, 2]]" and segment.start_probability == pytest.approx(1, abs=0.01)


def test_variable_rate_footage_gets_the_times_of_its_frames(tmp_path, loaded):
    """Read from the file as a search does; each picture carries its number, and so its own presentation time."""
    ticks, tick = [], 0
    for number in range(150):
        ticks.append(tick)
        tick += (33, 40, 50, 120, 400)[number % 5]
    path = make_video(tmp_path / "vfr.mkv", frames=150, size=(160, 128), ticks=ticks, time_base=Fraction(1, 1000))
    sampler = Sampler(probe(path), Fraction(1, 2), 32)
    assert sum(1 for _ in sampler) and sampler.media.is_vfr
    footage, start_s = Footage(sampler.media, sampler.times), Fraction(3)
    frames = sorted({footage.times.frame_at(start_s + Fraction(number, 2)) for number in range(20)})
    picture_of = Fitted(footage.media, 160)
    pictures = np.stack([picture_of(frame) for _, frame in find_frames(footage, frames)])
    times_s = tuple(max(footage.times.time_s(frame) - start_s, Fraction(0)) for frame in frames)
    numbers = [read_number(picture) for picture in pictures]
    shown_s = [max(Fraction(ticks[number], 1000) - start_s, Fraction(0)) for number in numbers]
    for family in FAMILIES:
        model, encoder = loaded(family)
        prompt = encoder.prompt(encoder.video_maker(pictures, times_s), "Find it")
        if family == "qwen3_vl":
            text = encoder.tokenizer.decode(prompt.ids.tolist(), skip_special_tokens=False)
            written_s = [float(each) for each in re.findall(r"<([\d.]+) seconds>", text)]
            middles_s = [float(sum(shown_s[at : at + 2])) / 2 for at in range(0, len(shown_s), 2)]
            assert len(written_s) == 10 and written_s == pytest.approx(middles_s, abs=0.0501)
        else:
            video = prompt.positions[0, prompt.ids == model.config.video_token_id]
            pairs = video.reshape(10, -1)[:, 0]
            for tick, time_s in zip((pairs - int(video[0])).tolist(), shown_s[::2], strict=True):
                assert abs(Fraction(tick, 2) - time_s) <= Fraction(1, 4)
