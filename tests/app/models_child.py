"""A stand-in for `tr-desktop models add` and `get` that needs no torch: packs are copied, a "slow" one never ends."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from tests.models.toy_pack import write_pack
from tr_desktop.errors import UserError
from tr_desktop.models.build import part_prefix
from tr_desktop.models.choice import add_pack
from tr_desktop.paths import packs_folder


def say(**message: object) -> None:
    print(json.dumps(message), flush=True)


def main(action: str, what: str, *options: str) -> None:
    print("a library says hello")
    say(stage="download" if action == "get" else "convert", done=0.25, text="the first part")
    if "slow" in what:
        if "deaf" in what:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        part = packs_folder() / f"{part_prefix(os.getpid())}x"
        part.mkdir(parents=True)
        try:
            (part / "image.onnx").write_bytes(b"half")
            say(stage="convert", done=0.5, text="half of it")
            time.sleep(600)
        finally:
            (part / "image.onnx").unlink()
            part.rmdir()
    if "--accept-licence" in options:
        print(f"tr-desktop: {Path(what).name} accepted, but there is no torch here", file=sys.stderr)
        sys.exit(2)
    if "crash" in what:
        print("Traceback\nMemoryError", file=sys.stderr)
        sys.exit(3)
    try:
        if action == "get":
            write_pack(packs_folder() / what, name=what)
            say(pack=what)
        else:
            say(pack=add_pack(Path(what)).name)
    except UserError as error:
        print(f"tr-desktop: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    assert sys.argv[1] == "models" and sys.argv[-1] == "--json"
    main(*sys.argv[2:-1])
