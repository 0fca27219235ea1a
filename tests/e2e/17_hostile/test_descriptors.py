"""When there are no more descriptors, those who are in go on, and accepting does not spin."""
import os
import resource
import socket
import time

import pytest

from lib.bystanders import let_in
from lib.server import WORKERS, Server, wait_until
from lib.world import Net, Project

FEW = 200
KEPT = 32  # as operations.md says
BACK_OFF_S = 0.2  # of each worker, before it tries again


def highest_descriptor(server):
    return max(int(name) for name in os.listdir(f"/proc/{server.process.pid}/fd"))


def test_no_more_descriptors(net, server, counted, bystanders):
    """Hostile peers: connections wait in the kernel, the server tries again now and then, and takes
    them when there is room."""
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    few = highest_descriptor(server) + 5
    began = time.monotonic()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, limits[1]))
    crowd = [socket.create_connection(("127.0.0.1", server.port("device_mqtt")))
             for _ in range(20)]
    wait_until(lambda: "accept_failed" in server.log(), "a line about it")
    device = bystanders.device
    for number in range(200):  # no JSON: UBSan wants a descriptor to look at C++ objects
        device.publish(device.own("data", "s"), b"%d" % number)
        for app in bystanders.apps:
            app.receive(device.open("data/s"), b"%d" % number)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    failures = counted("accept_failures")
    assert 0 < failures <= int(WORKERS) * (1 + (time.monotonic() - began) / BACK_OFF_S)
    for found in crowd:
        found.close()
    net.device().ping()


@pytest.fixture
def few():
    """A server that may have few descriptors."""
    server = Server(descriptors=FEW)
    try:
        yield server.start()
        server.stop()
    finally:
        server.remove()


def test_the_last_ones_are_not_for_connections(few):
    """Hostile peers: as many clients as there may be, and the command line still works."""
    net = Net(few, Project.add(few))
    apps = []
    while highest_descriptor(few) < FEW - KEPT - 1:
        apps.append(net.app())
    late = []

    def is_full():
        late.append(net.tcp())  # another one where a file was open for a moment
        return "accept_failed" in few.log()

    wait_until(is_full, "a line about it")
    for stranger in late:
        stranger.close()
    assert few.cli("device", "add", "--project", net.project.key)["username"]
    for app in apps:
        app.ping()
    apps.pop().disconnect()
    net.close()


def test_strangers_leave_half_of_them(few):
    """Hostile peers: those who say nothing take no more than that, however few there are."""
    net = Net(few, Project.add(few))
    strangers = [net.tcp() for _ in range(2 * FEW)]
    apps = [let_in(net.app) for _ in range(10)]
    status = few.counters()
    assert status["conns_evicted"] + status["conns_turned_away"] > 0
    assert status["accept_failures"] == 0
    for app in apps:
        app.ping()
    assert len(strangers) == 2 * FEW
    net.close()
