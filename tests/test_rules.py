"""Rules of the house that no linter knows: what is loaded is never a pickle, and limits hold."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "tr_desktop").rglob("*.py"), *(ROOT / "exporters").rglob("*.py")])
MAX_MODULE_LINES, MAX_CLASS_LINES = 450, 250


def _loads(source: str) -> list[str]:
    """Calls that could load a pickle: np.load without allow_pickle=False, torch.load without weights_only=True."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "load":
            continue
        called = ast.unparse(node.func)
        options = {word.arg: ast.unparse(word.value) for word in node.keywords}
        safe = {"np.load": ("allow_pickle", "False"), "torch.load": ("weights_only", "True")}.get(called)
        if called in ("pickle.load", "joblib.load") or (safe and options.get(safe[0]) != safe[1]):
            wrong.append(called)
    return wrong


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("np.load(file)", ["np.load"]),
        ("np.load(file, allow_pickle=True)", ["np.load"]),
        ("np.load(file, allow_pickle=False)", []),
        ("torch.load(file)", ["torch.load"]),
        ("torch.load(file, weights_only=True)", []),
        ("pickle.load(file)", ["pickle.load"]),
        ("catalog.load(path, pack)", []),
    ],
)
def test_the_check_finds_what_it_should(source: str, wrong: list[str]) -> None:
    assert _loads(source) == wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_loads_a_pickle(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert _loads(source) == []
    assert "allow_pickle=True" not in source and "trust_remote_code=True" not in source


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_classes_stay_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_CLASS_LINES, node.name
