"""Programs that are not ours: each is started as its users start it, and read line by line."""
import json
import queue
import subprocess
import threading
import time
from pathlib import Path

from lib.streams import DEADLINE_S, deadline

JS = Path(__file__).resolve().parent.parent / "js"


class Lines:
    """A program and the lines that it prints."""

    def __init__(self, *command, **more):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1, **more)
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next(self, until=None):
        """The next line; None when the program has ended."""
        try:
            line = self.lines.get(timeout=max(0, (until or deadline()) - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"nothing more was printed after {self.seen}") from None
        self.seen.append(line)
        return line

    def until(self, text, after=0):
        """Reads on to a line with `text` in it, which may not come before `after` seconds."""
        limit = deadline() + after
        while text not in (line := self.next(limit) or ""):
            assert self.seen[-1] is not None, f"ended without {text!r}: {self.seen}"
        return line

    def write(self, value):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def wait(self):
        return self.process.wait(DEADLINE_S)

    def close(self):
        """Ends it in an orderly way, as the page must end its browser; otherwise when it takes no
        notice, as mosquitto_sub while it connects."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
