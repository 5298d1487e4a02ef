#!/usr/bin/env python3
"""Set up an environment and run a command in it: `python3 run.py find "a cat" FOLDER` or `python3 run.py test`.

You need Python 3.11 or newer and nothing else. Each kind of job has its own environment under .venv/. It is installed
from a lock file on first use, and again when the lock file or pyproject.toml changes.

    run.py test             run the linter, the type checker, the import rules and the tests
    run.py test-training    run the type checker and the tests of training, which need torch
    run.py test-convert     run the type checker and the tests of converting checkpoints, which need torch
    run.py test-llm         run the type checker and the tests of video language models, which need torch
    run.py test-blender     run the tests of the add-on for Blender in Blender itself, which needs Python 3.11
    run.py train ...        run tr-desktop train, with torch
    run.py convert ...      run tr-desktop with what converts checkpoints: run.py convert models add FOLDER
    run.py llm ...          run tr-desktop with what runs and trains video language models
    run.py gpu ...          run tr-desktop with ONNX Runtime for CUDA
    run.py app ...          open the desktop app, with Qt
    run.py freeze           make a program that needs no Python, in dist/TimeRefine; --check and --packages go on
    run.py ...              run tr-desktop with the arguments given
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def environment(name: str, *, has_project: bool = True) -> Path:
    """The folder with the executables of environment `name`, which is installed from lock/NAME.txt.

    has_project: with this checkout in it, whose changes are live.
    """
    folder = ROOT / ".venv" / name
    executables = folder / ("Scripts" if sys.platform == "win32" else "bin")
    lock = ROOT / "lock" / f"{name}.txt"
    wanted = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing {folder}; this takes a minute or more, once…", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(executables / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(lock)], check=True)
        if has_project:
            subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)
        stamp.write_text(wanted)
    return executables


def main(arguments: list[str]) -> int:
    # An older Python fails half-way with a confusing error: stop here with a clear one.
    if sys.version_info < (3, 11):  # noqa: UP036
        print(f"TimeRefine Desktop needs Python 3.11 or newer; this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    if arguments[:1] == ["test"]:
        at = environment("test")
        commands = [
            [at / "ruff", "check", "."],
            [at / "ruff", "format", "--check", "."],
            [at / "mypy"],
            [at / "lint-imports"],
            [at / "pytest", *arguments[1:]],
        ]
    elif arguments[:1] == ["test-training"]:
        at = environment("train")
        commands = [[at / "mypy"], [at / "pytest", "tests/training", *arguments[1:]]]
    elif arguments[:1] == ["test-convert"]:
        at = environment("convert")
        commands = [[at / "mypy"], [at / "pytest", "tests/convert", *arguments[1:]]]
    elif arguments[:1] == ["test-llm"]:
        at = environment("llm")
        commands = [[at / "mypy"], [at / "pytest", "tests/llm", *arguments[1:]]]
    elif arguments[:1] == ["test-blender"]:
        if sys.version_info[:2] != (3, 11):
            print("Blender's Python module needs Python 3.11: python3.11 run.py test-blender", file=sys.stderr)
            return 2
        no_qt = ["-W", "ignore::pytest.PytestConfigWarning"]  # pytest's settings for Qt are unknown there
        commands = [[environment("blender") / "python", "-m", "pytest", *no_qt, "tests/blender", *arguments[1:]]]
    elif arguments[:1] == ["convert"]:
        commands = [[environment("convert") / "tr-desktop", *arguments[1:]]]
    elif arguments[:1] == ["llm"]:
        commands = [[environment("llm") / "tr-desktop", *arguments[1:]]]
    elif arguments[:1] == ["train"]:
        commands = [[environment("train") / "tr-desktop", *arguments]]
    elif arguments[:1] == ["freeze"]:
        at = environment("freeze", has_project=False)
        commands = [[at / "python", "-P", ROOT / "packaging" / "freeze.py", *arguments[1:]]]
    elif arguments[:1] == ["app"]:
        commands = [[environment("desktop") / "tr-desktop", *arguments]]
    elif arguments[:1] == ["gpu"]:
        commands = [[environment("gpu") / "tr-desktop", *arguments[1:]]]
    else:
        commands = [[environment("app") / "tr-desktop", *arguments]]
    # Paths to footage are relative to the user's folder; the project's checks run in the project.
    folder = ROOT if arguments[:1] and arguments[0].startswith("test") else None
    results = [subprocess.run([str(word) for word in command], cwd=folder).returncode for command in commands]
    return next((status for status in results if status), 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        print(f"The environment can't be installed. This command failed: {' '.join(error.cmd)}", file=sys.stderr)
        sys.exit(2)
