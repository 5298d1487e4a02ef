"""Llama's tokenizer from tokenizer.model, which is all that Vicuna has, without the package sentencepiece."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, normalizers
from tokenizers.models import BPE

from tr_desktop.errors import PackError

START, END = "<s>", "</s>"
_SPACE = "▁"
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3  # kinds of pieces
_BPE = 2


def llama_tokenizer(folder: Path, added: Sequence[str] = ()) -> Tokenizer:
    """The tokenizer of a Llama folder, with `added` special tokens after its own.

    Raises PackError if there is none or it isn't one of Llama's kind.
    """
    path = next((folder / name for name in ("tokenizer.model", "tokenizer.json") if (folder / name).is_file()), None)
    if path is None:
        what = "The language model has no tokenizer.model"
        raise PackError(what, path=folder, remedy="Put it into the folder, from where the model came")
    try:
        tokenizer = Tokenizer.from_file(str(path)) if path.suffix == ".json" else _of_model(path.read_bytes())
        if None in (tokenizer.token_to_id(START), tokenizer.token_to_id(END)):
            raise ValueError(f"it has no {START} or no {END}")
    except Exception as error:  # both libraries raise Exception itself
        raise PackError(f"{path.name} isn't a tokenizer of Llama's kind: {error}", path=path) from error
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in added])
    return tokenizer


def _of_model(data: bytes) -> Tokenizer:
    """From the content of tokenizer.model. Raises ValueError if it cuts text in another way than Llama's."""
    from transformers.convert_slow_tokenizer import import_protobuf

    model = import_protobuf().ModelProto()  # type: ignore[no-untyped-call]
    model.ParseFromString(data)
    if model.trainer_spec.model_type != _BPE or not model.trainer_spec.byte_fallback:
        raise ValueError("it doesn't merge pairs and fall back to bytes")
    spec = model.normalizer_spec
    if spec.precompiled_charsmap or spec.remove_extra_whitespaces or not spec.add_dummy_prefix:
        raise ValueError("it changes the text")
    numbers = {piece.piece: number for number, piece in enumerate(model.pieces)}
    unknown = next(piece.piece for piece in model.pieces if piece.type == _UNKNOWN)
    tokenizer = Tokenizer(BPE(numbers, _merges(model.pieces), unk_token=unknown, fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    control = [piece.piece for piece in model.pieces if piece.type in (_UNKNOWN, _CONTROL)]
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in control])
    return tokenizer


def _merges(pieces: Sequence[Any]) -> list[tuple[str, str]]:
    """Which two neighbours become one: the pair whose whole has the highest score comes first."""
    scores = {piece.piece: piece.score for piece in pieces if piece.type == _NORMAL}
    found = []
    for whole, score in scores.items():
        halves = ((whole[:at], whole[at:]) for at in range(1, len(whole)))
        found += [(-score, -len(a), a, b) for a, b in halves if a in scores and b in scores]
    return [(a, b) for *_, a, b in sorted(found)]
