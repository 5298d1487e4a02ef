"""The benchmarks are importable, explain themselves, and are listed; their figures are not tested."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import benchmarks
from tr_desktop.models.devices import DEVICES
from tr_desktop.models.runtime import is_offered

NAMES = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
OPTIONAL = ("PySide6", "resource", "torch")  # Qt and torch are extras; Windows has no `resource`


def imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] in OPTIONAL:
            pytest.skip(f"{name} needs {error.name}, which is not installed")
        raise


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_prints_its_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = imported(name)
    monkeypatch.setattr(sys, "argv", [f"benchmarks.{name}", "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code in (None, 0)
    assert f"python -m benchmarks.{name}" in capsys.readouterr().out


def test_the_package_lists_every_benchmark() -> None:
    assert benchmarks.__doc__ is not None
    assert [name for name in NAMES if f"- `{name}`: " not in benchmarks.__doc__] == []


def test_the_gpu_benchmark_goes_on_after_parts_that_fail(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu", "--quick", "--minutes", "0.4", "--json", str(out)]
    root = Path(benchmarks.__file__).parents[1]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout
    results = {(result["part"], result["tower"]): result for result in json.loads(out.read_text())["results"]}
    assert results["refiner cpu", "tiny/32"]["query_ms"] > 0
    for device in ("cuda", "tensorrt"):
        if not is_offered(DEVICES[device]):
            assert "failed" in results[f"{device} fp16", "tiny/16"]
    assert all(part in shown for part, _ in results if part != "export")
