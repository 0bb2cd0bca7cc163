"""Many threads that see a struct for the first time at once, as at the begin of the first poll."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: what goes wrong here is a SIGSEGV inside msgspec.
RACES = """
import sys, threading
import msgspec
from rabbitwatch.clients.payload import decode_object

sys.setswitchinterval(1e-6)
FIELDS = [f"f{number}" for number in range(30)]
BODY = msgspec.json.encode({name: [{"a": 1, "b": ["x"]}] for name in FIELDS})

def race(number):
    inner = msgspec.defstruct(f"Inner{number}", [("a", int | None, None), ("b", list[str] | None, None)])
    kind = msgspec.defstruct(f"Outer{number}", [(name, list[inner] | None, None) for name in FIELDS])
    barrier = threading.Barrier(6)
    def decode():
        barrier.wait()
        decode_object(BODY, kind)
    threads = [threading.Thread(target=decode) for _ in range(6)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

for number in range(100):
    race(number)
"""


def test_a_struct_that_several_threads_decode_first() -> None:
    done = subprocess.run([sys.executable, "-c", RACES], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr or f"ended with {done.returncode}"
