"""A server with narrow queues, and what it tells about them.

The sanitizers keep freed memory for a while, which would be taken for the server's own: they are
told to keep little.
"""
import re

import pytest

from lib.packets import Prop
from lib.server import BINARY, Server, wait_until

QUEUE_BYTES = 1000000
OPTIONS = ["--session-queue-messages", 1000, "--session-queue-bytes", QUEUE_BYTES,
           "--session-queue-qos0-bytes", QUEUE_BYTES // 4]
# What a client that does not read may cost, as the server counts it: its queue, as much that it has
# not acknowledged, and its output.
COUNTED_MAX = 3 * QUEUE_BYTES
# The same as the system sees it: with what a busy machine lets wait between two workers for a
# moment, and what an allocator and a sanitizer keep of that. A flood is several times as much. The
# sanitizer of threads remembers whatever was touched: it says nothing.
RESIDENT_MAX = 50000000
IS_RESIDENT_KNOWN = b"__tsan_" not in BINARY.read_bytes()

OVERFLOW = re.compile(r"the queue is full: (\d+) messages were not sent, and (\d+) of QoS 0 dropped")


@pytest.fixture(scope="module")
def server():
    running = Server(*OPTIONS, env={"ASAN_OPTIONS": "quarantine_size_mb=1"})
    try:
        yield running.start()
        running.stop()
    finally:
        running.remove()


class Watch:
    """How counters and memory of the server have grown since it was made."""

    def __init__(self, server):
        self.server = server
        self.before, self.resident_before = server.counters(), self._resident()

    def _resident(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status
                        if line.startswith("VmRSS"))

    def grown(self, counter):
        return self.server.counters()[counter] - self.before[counter]

    def wait_for(self, counter):
        wait_until(lambda: self.grown(counter), counter)

    def settle(self, project):
        """Until each worker has ended a turn with all that was on its way to it."""
        for _ in range(2):  # asked twice, since it answers before the end of the turn
            self.server.cli("session", "list", "--project", project.key)

    def _counted(self):
        now = self.server.counters()
        return sum(now[name] - self.before[name] for name in now if name.startswith("memory_"))

    def expect_memory(self, clients=1):
        """What so many clients have not read has not been kept, but for what lets wait between two
        workers for a moment."""
        wait_until(lambda: self._counted() < clients * COUNTED_MAX, "memory to be given back")
        resident = self._resident() - self.resident_before
        assert resident < RESIDENT_MAX or not IS_RESIDENT_KNOWN, resident

    def expect_memory_after(self, sent):
        """The same after a flood of so many bytes."""
        assert sent > 2 * RESIDENT_MAX
        self.expect_memory()


@pytest.fixture
def watch(server):
    return Watch(server)


@pytest.fixture
def overflow():
    """The two numbers of a DISCONNECT 0x97: messages that were not sent, and dropped ones."""
    def numbers(disconnect):
        found = OVERFLOW.fullmatch(disconnect.props.get(Prop.REASON_STRING) or "")
        assert found, disconnect
        return int(found[1]), int(found[2])
    return numbers
