"""What tests of several rooms use."""

import faulthandler
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tr_desktop.footage.sample import copy_sample

END_S = 120

# No property depends on how busy the computer is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_unconfigure() -> None:
    """End the program though Python waits at its exit for a thread that never ends: the limit of tests is over then."""
    faulthandler.dump_traceback_later(END_S, exit=True, file=sys.__stderr__)


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """A shell starts what runs in the background with Ctrl-C ignored, and the commands under test inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_packs_of_the_user(tmp_path_factory, monkeypatch):
    """Each test has its own settings, cache and added packs, also in the processes that it starts."""
    folder = tmp_path_factory.mktemp("user")
    for name, part in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(folder / part))


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """A copy of the sample clip."""
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    copy_sample(path)
    return path
