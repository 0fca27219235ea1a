"""A disk that fails when it is told to: tests/shim/disk_fault.c, built once and preloaded into a
server."""
import functools
import os
import subprocess
import tempfile
from pathlib import Path

from lib.server import BINARY, REPOSITORY


@functools.cache
def _built():
    folder = Path(tempfile.mkdtemp(prefix="ezt-shim-"))
    library = folder / "disk_fault.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library,
                    REPOSITORY / "tests" / "shim" / "disk_fault.c"], check=True)
    return library


def _runtimes():
    """A sanitizer's runtime must come before everything else that is preloaded."""
    listed = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    return [line.split()[2] for line in listed.splitlines()
            if line.split()[0].startswith(("libasan", "libtsan"))]


class Disk:
    """What happens to writes below `part` of a server's data directory."""

    def __init__(self, part="/journal/"):
        handle, self.control = tempfile.mkstemp(prefix="ezt-disk-")
        os.close(handle)
        self.env = {"LD_PRELOAD": " ".join([*_runtimes(), str(_built())]),
                    "DISK_FAULT_BELOW": part, "DISK_FAULT_CONTROL": self.control}

    def fail(self, *lines):
        """From now on: lines `CALL ERROR`."""
        beside = Path(self.control + ".new")
        beside.write_text("\n".join(lines) + "\n")
        beside.rename(self.control)

    def heal(self):
        self.fail()

    def remove(self):
        Path(self.control).unlink()
