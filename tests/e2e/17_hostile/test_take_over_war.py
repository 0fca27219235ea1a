"""Two clients that have one identifier and come back at once whenever they are thrown out."""
import threading

import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.client import Closed
from lib.server import Server, wait_until
from lib.world import Net, Project

SLOWED = 3


class Fighter(threading.Thread):
    """Connects, waits until it is thrown out, and connects again, until it is told to stop."""

    def __init__(self, connect):
        super().__init__()
        self._connect, self._over = connect, threading.Event()
        self.times = 0
        self.start()

    def run(self):
        while not self._over.is_set():
            try:
                client = self._connect()
                self.times += 1
                while not self._over.is_set():
                    client.ping()
            except (AssertionError, OSError):
                pass

    def stop(self):
        self._over.set()
        self.join()


def war(server, counted, *connects):
    """Lets them fight until some had to wait; gives how often each was in."""
    fighters = [Fighter(connect) for connect in connects]
    try:
        wait_until(lambda: counted("mqtt_take_overs_slowed") >= SLOWED, "a CONNECT that waits")
    finally:
        for fighter in fighters:
            fighter.stop()
    assert counted("mqtt_take_overs") < 5 + 2 * SLOWED + 5
    return [fighter.times for fighter in fighters]


@table("first, second", {"3.1.1": (V4, V4), "v5": (V5, V5), "both": (V4, V5)})
@pytest.mark.parametrize("transport", ["tls", "wss"])
def test_application(net, server, counted, first, second, transport):
    """Hostile peers: take-over wars are slowed after 5 a minute; told once, with both addresses."""
    name = f"war{first}{second}{transport}"
    times = war(server, counted, *(
        lambda version=version: net.app(version, transport, client_id=name)
        for version in (first, second)))
    assert min(times) >= 2
    lines = [line for line in server.log().splitlines()
             if "mqtt_take_over_war" in line and f"client={name} " in line]
    assert len(lines) == 1 and "peer=127.0.0.1:" in lines[0] and "newcomer=127.0.0.1:" in lines[0]


@versions
def test_device(net, server, counted, version):
    """Hostile peers: two machines with one device's credentials, whatever their identifiers."""
    login = net.project.device()
    war(server, counted, lambda: net.device(login, version, client_id="a"),
        lambda: net.device(login, version, client_id="b"))


def throw_out(net, name, version=V5):
    """Takes a session over until the next one has to wait; gives who has it."""
    for _ in range(6):
        last = net.app(version, client_id=name)
    return last


def waiting(net, counted, name, version=V5):
    """A client whose CONNECT waits."""
    before = counted("mqtt_take_overs_slowed")
    client = net.raw("tls", version)
    client.send(packets.connect(version, name, net.project.key, net.project.secret))
    wait_until(lambda: counted("mqtt_take_overs_slowed") > before, "a CONNECT that waits")
    return client


@pytest.mark.fast_tsan
@versions
def test_who_is_in_works_on(net, counted, version):
    """Hostile peers: until the other one's time has come; then it gets its answer."""
    last = throw_out(net, f"in{version}", version)
    other = waiting(net, counted, f"in{version}", version)
    last.ping()
    assert other.recv().code == 0
    last.expect_closed(0x8E)
    other.ping()


def test_the_newest_waits(net, counted):
    """Hostile peers: it takes the place of the one that waits, which is told 0x9F."""
    throw_out(net, "newest")
    first = waiting(net, counted, "newest")
    second = waiting(net, counted, "newest")
    assert first.recv().code == 0x9F
    first.expect_closed()
    assert second.recv().code == 0


def test_one_that_goes_takes_nothing_over(net, counted):
    """Hostile peers: one that hangs up while it waits does not come in any more."""
    last = throw_out(net, "goes")
    before = counted("mqtt_take_overs")
    open_before = counted("conns_open")
    waiting(net, counted, "goes").close()
    wait_until(lambda: counted("conns_open") == open_before, "its end to be noticed")
    net.app(client_id="marker")
    last.ping()
    assert counted("mqtt_take_overs") == before


def test_when_the_other_one_goes(net, counted):
    """Hostile peers: then nobody has to be thrown out, and nobody waits."""
    last = throw_out(net, "left")
    other = waiting(net, counted, "left")
    last.disconnect()
    assert other.recv().code == 0


@pytest.mark.parametrize("how", ["removed", "switched off"])
def test_who_may_not_come_in_any_more(net, server, counted, how):
    """Hostile peers: while it waits, its project is removed or switched off."""
    project = Project.add(server, "at war")
    theirs = Net(server, project)
    throw_out(theirs, "gone")
    other = waiting(theirs, counted, "gone")
    if how == "removed":
        server.cli("project", "remove", project.key)
    else:
        server.cli("project", "set", project.key, "--enabled", "off")
    assert other.recv().code == (0x86 if how == "removed" else 0x87)
    other.expect_closed()
    theirs.close()


def test_the_server_stops_meanwhile():
    """Hostile peers: a stop of the server answers nobody who waits, and leaves nothing."""
    server = Server()
    try:
        server.start()
        net = Net(server, Project.add(server))
        last = throw_out(net, "stop")
        before = server.cli("status")["mqtt_take_overs_slowed"]
        other = waiting(net, lambda name: server.cli("status")[name] - before, "stop")
        server.stop()
        last.expect_closed(0x8B)
        with pytest.raises(Closed):
            other.recv()
        net.close()
    finally:
        server.remove()
