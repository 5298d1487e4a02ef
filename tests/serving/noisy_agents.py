"""`tr-desktop mcp` with a model that prints, also from C; a query with "forever" in it is searched without end."""

import os
import sys
import time

from tr_desktop.commands.main import main
from tr_desktop.models.encoder import Encoder

NOISE = b"a library says hello\n"


def _say() -> None:
    os.write(1, NOISE)
    print(NOISE.decode(), end="")
    print(NOISE.decode(), end="", flush=True)


_init, _encode_text = Encoder.__init__, Encoder.encode_text


def _noisy_init(self, *arguments, **options):
    _say()
    _init(self, *arguments, **options)


def _noisy_encode_text(self, texts):
    _say()
    if any("forever" in text for text in texts):
        time.sleep(3600)
    return _encode_text(self, texts)


if __name__ == "__main__":
    Encoder.__init__, Encoder.encode_text = _noisy_init, _noisy_encode_text
    sys.exit(main())
