import subprocess
import sys

import pytest

# 64 MB at a time, a hundred times: given back and asked for again, that is over a million page faults.
CHURN = """
import resource, sys
from tr_desktop.training.encoder.memory import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit(3)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    block = bytearray(64 << 20)
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", CHURN, how], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("the C library has no mallopt")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_freed_memory_is_reused_without_asking_the_system():
    assert faults("keep") < faults("give back") / 20
