"""Very many connections that never say who they are, while others want in."""
import resource
import socket
import threading

import pytest

from lib import packets
from lib.bystanders import let_in
from lib.server import wait_until
from lib.streams import DEADLINE_S

PER_ADDRESS_MAX = 300
SERVER_OPTIONS = ["--connect-timeout", 600, "--connecting-per-address-max", PER_ADDRESS_MAX]
WANTED = 10000


@pytest.fixture(scope="module", autouse=True)
def descriptors():
    """How many this process may have open: all that the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Connections from addresses of the loopback network."""

    def __init__(self, port):
        self.port, self.sockets = port, []

    def add(self, count, address, said=b""):
        for _ in range(count):
            try:
                found = socket.create_connection(("127.0.0.1", self.port), DEADLINE_S, (address, 0))
                self.sockets.append(found)
                found.sendall(said)
            except ConnectionError:
                pass  # turned away

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for found in self.sockets:
            found.close()


def come_in(net):
    """A device and an application connect and exchange a message."""
    login = net.project.device()
    device = let_in(lambda: net.device(login))
    app = let_in(net.app)
    app.subscribe(device.open("data/s"))
    device.publish(device.own("data", "s"), b"in")
    app.receive(device.open("data/s"), b"in")


@pytest.mark.parametrize("said", [b"", b"\x10\x20\0\4MQ"], ids=["silent", "half a CONNECT"])
def test_of_one_address(net, server, bystanders, counted, said):
    """Hostile peers: others come in at the first attempt while one address has more than it may."""
    count = PER_ADDRESS_MAX * 2
    with Crowd(server.port("device_mqtt")) as crowd:
        thread = threading.Thread(target=crowd.add, args=(count, "127.0.0.2", said))
        thread.start()
        device, app = net.device(), net.app()
        app.subscribe(device.open("data/s"))
        number = 0
        while thread.is_alive() or number < 10:
            bystanders.exchange()
            device.publish(device.own("data", "s"), b"%d" % number)
            app.receive(device.open("data/s"), b"%d" % number)
            net.device().disconnect()
            number += 1
        thread.join()
        wait_until(lambda: counted("conns_evicted") + counted("conns_turned_away") >=
                   count - PER_ADDRESS_MAX, "those that are too many to be closed")
        wait_until(lambda: counted("conns_open") <= PER_ADDRESS_MAX + 10, "the ends of all others")


def test_ten_thousand(net, server, bystanders, counted, descriptors):
    """Hostile peers: from many addresses, more than the server takes: who works goes on, who comes
    gets in."""
    count = min(WANTED, descriptors - 500)
    most = min(10000, (descriptors - 32) // 2)  # what the server takes, as operations.md says
    with Crowd(server.port("device_mqtt")) as crowd:
        for number in range(40):
            crowd.add(count // 40, f"127.0.1.{number + 1}")
            bystanders.exchange()
            if number % 8 == 0:
                come_in(net)
        crowd.add(most + 100 - count, "127.0.1.99")  # where `count` was not too many
        come_in(net)
        wait_until(lambda: counted("conns_evicted") + counted("conns_turned_away") > 0,
                   "the first to be closed")
        wait_until(lambda: counted("conns_open") <= most + 50, "the ends of those too many")
        bystanders.exchange()
        assert len(server.log()) < 100000


def test_that_keep_silent_in_tls(net, server, counted):
    """Hostile peers: TLS connections that stop in their hello are strangers too."""
    hello = bytes.fromhex("160301020001 0001fc0303")
    with Crowd(server.port("app_mqtts")) as crowd:
        crowd.add(PER_ADDRESS_MAX + 50, "127.0.0.3", hello)
        net.app().ping()
        wait_until(lambda: counted("conns_evicted") + counted("conns_turned_away") >= 50,
                   "those that are too many to be closed")


def test_that_are_refused_and_stay(net, server, counted):
    """Hostile peers: nor do those that were refused and do not close."""
    refused = packets.connect(4, "x", "nobody", "wrong")
    with Crowd(server.port("device_mqtt")) as crowd:
        crowd.add(PER_ADDRESS_MAX + 50, "127.0.0.4", refused)
        net.device().ping()
        wait_until(lambda: counted("conns_open") <= PER_ADDRESS_MAX + 10, "those that are too many "
                   "to be closed")
