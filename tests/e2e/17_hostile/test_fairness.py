"""One client that publishes as fast as it can, and others that want their turn."""
import threading

import pytest

from lib import packets
from lib.server import wait_until

SERVER_OPTIONS = ["--workers", 1]
OTHERS = 8
ROUNDS = 20


class Flooder(threading.Thread):
    """Sends the same bytes as fast as the server takes them, until it is told to stop."""

    def __init__(self, client, data):
        super().__init__()
        self._client, self._data, self._over = client, data, threading.Event()
        self.sent = 0
        self.start()

    def run(self):
        while not self._over.is_set():
            self._client.send(self._data)
            self.sent += 1

    def stop(self):
        self._over.set()
        self.join()
        self._client.close()


# What floods: on which transport, and the bytes.
FLOODS = {
    "publish over TCP": ("tcp", lambda device: packets.publish(
        5, device.own("data", "f"), b"x" * 20) * 2000),
    "publish over TLS": ("mqtts", lambda device: packets.publish(
        5, device.own("data", "f"), b"x" * 20) * 2000),
    "publish over WebSocket": ("ws", lambda device: packets.publish(
        5, device.own("data", "f"), b"x" * 20) * 2000),
    "large ones": ("tcp", lambda device: packets.publish(
        5, device.own("data", "f"), bytes(250000)) * 4),
    "JSON": ("tcp", lambda device: packets.publish(
        5, device.own("attributes"), b'{"a":1,"b":[1,2,3]}') * 2000),
    "refused ones": ("tcp", lambda device: packets.publish(5, "nobody/s", b"x") * 2000),
}


@pytest.mark.parametrize("watched", [False, True], ids=["unwatched", "watched"])
@pytest.mark.parametrize("name", FLOODS)
def test_everyone_has_a_turn(net, name, watched):
    """Hostile peers: while the flood goes on, each of the others gets all its rounds."""
    transport, make = FLOODS[name]
    device = net.device(transport=transport)
    if watched:
        net.app().subscribe(device.open("data/f"), device.open("attributes"), qos=0)
    pairs = []
    for _ in range(OTHERS):
        other, app = net.device(), net.app()
        app.subscribe(other.open("data/s"))
        pairs.append((other, app))
    flooder = Flooder(device, make(device))
    try:
        wait_until(lambda: flooder.sent, "the flood")
        done = [0] * OTHERS
        for number in range(ROUNDS):
            for i, (other, app) in enumerate(pairs):
                before = flooder.sent
                other.publish(other.own("data", "s"), b"%d" % number)
                app.receive(other.open("data/s"), b"%d" % number)
                done[i] += 1
                assert flooder.is_alive() and flooder.sent >= before
        assert done == [ROUNDS] * OTHERS
    finally:
        flooder.stop()
