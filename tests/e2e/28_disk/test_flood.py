"""While the disk is full what waits for it stays within its bound, whatever clients send."""
import threading

import pytest

from lib.client import V4, V5, Prop, Type, packets
from lib.server import wait_until
from lib.world import Net, Project

MIB = 1 << 20
WAITING_MAX = MIB  # --journal-waiting-size of the fixture
DEVICES = 4


class Flooded:
    """A project whose messages an application is owed, on a disk that is full."""

    def __init__(self, server, disk):
        self.server, self.disk, self.project = server, disk, Project.add(server)
        self.net = Net(server, self.project)
        self.app = self.net.app(V5, client_id="owed", clean=False,
                                props=[(Prop.SESSION_EXPIRY, 3600)])
        self.app.subscribe(f"open/{self.project.key}/+/data/x", qos=1)
        self.devices = [self.net.device(self.project.device(), V4) for _ in range(DEVICES)]
        self.threads = []
        disk.fail("write ENOSPC")

    def status(self):
        return self.server.counters()

    def send(self, device, count, size, qos):
        """Sends so many messages that are numbered, as fast as they are taken."""
        topic = device.own("data", "x")

        def run():
            for n in range(1, count + 1):
                device.send(packets.publish(V4, topic, b"%08d" % n + b"x" * (size - 8), qos=qos,
                                            pid=n if qos else None))
        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append(thread)

    def end(self):
        self.disk.heal()
        for thread in self.threads:
            thread.join()

    def numbers_until(self, *markers):
        """What comes until these last payloads have come, by topic."""
        got, waited = {}, set(markers)
        while waited:
            message = self.app.receive()
            if message.payload in waited:
                waited.remove(message.payload)
            else:
                got.setdefault(message.topic, []).append(int(message.payload[:8]))
        return got

    def is_full(self):
        return self.status()["journal_waiting_bytes"] > WAITING_MAX


@pytest.fixture
def flooded(own, disk):
    made = Flooded(own, disk)
    yield made
    made.end()
    made.net.close()


def test_qos_0(flooded):
    """Messages of QoS 0 beyond the bound are dropped and counted; those before it come, in order."""
    size, count = 10000, 1000
    for device in flooded.devices:
        flooded.send(device, count, size, 0)
    for thread in flooded.threads:
        thread.join()  # they are read and dropped
    for device in flooded.devices:
        device.ping()
    status = flooded.status()
    assert WAITING_MAX < status["journal_waiting_bytes"] < WAITING_MAX + 2 * MIB
    assert status["publishes_dropped_congested"] > 0
    flooded.disk.heal()
    wait_until(lambda: not flooded.is_full(), "room")
    for i, device in enumerate(flooded.devices):
        device.publish(device.own("data", "x"), b"end %d" % i, qos=1)
    got = flooded.numbers_until(*(b"end %d" % i for i in range(DEVICES)))
    dropped = flooded.status()["publishes_dropped_congested"]
    assert sum(map(len, got.values())) == DEVICES * count - dropped
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in got.values())


def test_qos_1(flooded):
    """Those of QoS 1 are not read beyond the bound, whatever is sent; all of them come, in order,
    and are acknowledged."""
    size, count = 64 * 1024, 150
    for device in flooded.devices:
        device.acknowledges = False
        flooded.send(device, count, size, 1)
    wait_until(flooded.is_full, "a full queue")
    before = flooded.status()["journal_commit_failures"]
    wait_until(lambda: flooded.status()["journal_commit_failures"] > before + 1, "another try")
    status = flooded.status()
    # what one turn of a connection reads before it is paused, at each
    assert status["journal_waiting_bytes"] < WAITING_MAX + DEVICES * 4 * size
    assert status["memory_journal"] + status["memory_message"] < 8 * MIB, status
    flooded.disk.heal()
    got = {}
    for _ in range(DEVICES * count):
        message = flooded.app.receive()
        got.setdefault(message.topic, []).append(int(message.payload[:8]))
    assert list(got.values()) == [list(range(1, count + 1))] * DEVICES
    for device in flooded.devices:
        for n in range(1, count + 1):
            device.expect(packets.Ack, kind=Type.PUBACK, pid=n)
    assert flooded.status()["publishes_dropped_congested"] == 0


def test_nobody_is_let_in(flooded):
    """A client that connects while the bound is reached is told that the server is not available,
    and let in again when there is room."""
    login = flooded.project.device()
    flooded.send(flooded.devices[0], 200, 10000, 0)
    wait_until(flooded.is_full, "a full queue")
    net = flooded.net
    for version, code in ((V4, 3), (V5, 0x88)):
        net.raw("tcp", version).connect(None, login.username, login.password, code=code)
        net.raw("tls", version).connect(None, flooded.project.key, flooded.project.secret, code=code)
    flooded.disk.heal()
    wait_until(lambda: not flooded.is_full(), "room")
    net.device(login).ping()
    net.app().ping()
