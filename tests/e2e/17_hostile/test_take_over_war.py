"""Two clients that have one identifier and come back at once whenever they are thrown out.

How long a CONNECT waits is the server's clock: a second at first, then longer each time. A machine
that is slow may see its end before a test has done what is to happen meanwhile, so each test begins
again then, with a session that has been taken over more often.
"""
import contextlib
import threading
import time

import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.client import Closed
from lib.server import Server, wait_until
from lib.world import Net, Project

SLOWED = 3
WARMEST = 6  # a CONNECT has to wait seconds by then
MOST = 20  # more take-overs than one after the other can have without a wait


class Fighter(threading.Thread):
    """Connects, waits until it is thrown out, and connects again, until it is told to stop."""

    def __init__(self, connect):
        super().__init__()
        self._connect, self._over = connect, threading.Event()
        self.times = 0
        self.start()

    def run(self):
        while not self._over.is_set():
            with contextlib.suppress(AssertionError, OSError):
                client = self._connect()
                self.times += 1
                while not self._over.wait(0.02):
                    client.ping()

    def stop(self):
        self._over.set()
        self.join()


def war(counted, *connects):
    """Lets them fight until some had to wait; gives how often each was in, and for how long they
    fought."""
    began = time.monotonic()
    fighters = [Fighter(connect) for connect in connects]
    try:
        wait_until(lambda: counted("mqtt_take_overs_slowed") >= SLOWED, "a CONNECT that waits")
    finally:
        for fighter in fighters:
            fighter.stop()
    lasted = time.monotonic() - began
    # five are free, then each waits for a second more than the one before it, up to twelve
    assert counted("mqtt_take_overs") <= 6 + 2 * lasted ** 0.5 + lasted / 12
    return [fighter.times for fighter in fighters], lasted


@table("first, second", {"3.1.1": (V4, V4), "v5": (V5, V5), "both": (V4, V5)})
@pytest.mark.parametrize("transport", ["tls", "wss"])
def test_application(net, server, counted, first, second, transport):
    """Hostile peers: take-over wars are slowed after 5 a minute; told once a minute, with both
    addresses."""
    name = f"war{first}{second}{transport}"
    times, lasted = war(counted, *(
        lambda version=version: net.app(version, transport, client_id=name)
        for version in (first, second)))
    assert min(times) >= 2
    lines = [line for line in server.log().splitlines()
             if "mqtt_take_over_war" in line and f"client={name} " in line]
    assert 1 <= len(lines) <= 1 + lasted // 60
    assert all("peer=127.0.0.1:" in line and "newcomer=127.0.0.1:" in line for line in lines)


@versions
def test_device(net, counted, version):
    """Hostile peers: two machines with one device's credentials, whatever their identifiers."""
    login = net.project.device()
    war(counted, lambda: net.device(login, version, client_id="a"),
        lambda: net.device(login, version, client_id="b"))


class Siege:
    """A session that was taken over until the next CONNECT had to wait.

    Of a server and a project that nobody else uses meanwhile. `holder` has the session, `other` is
    the one that waits."""

    def __init__(self, net, name, version=V5, warmth=0):
        self._net, self._name, self._version = net, name, version
        self._server = net.server
        self.holder = net.app(version, client_id=name)
        for _ in range(5):
            self.holder = net.app(version, client_id=name)
        self.other = self.knock()
        for _ in range(warmth):
            self._let_in()
            self.other = self.knock()

    def _let_in(self):
        assert self.other.recv().code == 0
        self.holder = self.other

    def _knock(self):
        before = self._server.counters()
        client = self._net.raw("tls", self._version)
        client.send(packets.connect(self._version, self._name, self._net.project.key,
                                    self._net.project.secret))

        def waits_or_is_in():
            now = self._server.counters()
            if now["mqtt_take_overs_slowed"] > before["mqtt_take_overs_slowed"]:
                return "waits"
            return now["mqtt_connects"] > before["mqtt_connects"] and "in"
        return client, wait_until(waits_or_is_in, "a CONNECT that waits or is let in")

    def knock(self):
        """One more; gives it when it waits. The session may have cooled: then it is let in, which
        warms it."""
        for _ in range(MOST):
            client, what = self._knock()
            if what == "waits":
                return client
            self.other = client
            self._let_in()
        raise AssertionError("no CONNECT has to wait")

    def is_held(self):
        """Whether its holder still has it."""
        self.holder.send(packets.PINGREQ)
        try:
            found = self.holder.recv()
        except Closed:
            return False
        assert isinstance(found, packets.Pingresp) or found.code == 0x8E, found
        return isinstance(found, packets.Pingresp)


def in_time(attempt):
    """Until an attempt says that the wait went on for as long as it was looked at; each has a longer
    one."""
    assert any(attempt(warmth) for warmth in range(WARMEST)), "no CONNECT waited"


@pytest.mark.fast_tsan
@versions
def test_who_is_in_works_on(net, version):
    """Hostile peers: until the other one's time has come; then it gets its answer."""
    def attempt(warmth):
        siege = Siege(net, f"in{version}{warmth}", version, warmth)
        is_held = siege.is_held()
        assert siege.other.recv().code == 0
        if is_held:
            siege.holder.expect_closed(0x8E)
        siege.other.ping()
        return is_held
    in_time(attempt)


def test_the_newest_waits(net):
    """Hostile peers: it takes the place of the one that waits, which is told 0x9F."""
    def attempt(warmth):
        siege = Siege(net, f"newest{warmth}", warmth=warmth)
        first, second = siege.other, siege.knock()
        answer = first.recv().code
        if answer != 0x9F:
            assert answer == 0
            return False
        first.expect_closed()
        assert second.recv().code == 0
        return True
    in_time(attempt)


def test_one_that_goes_takes_nothing_over(net, counted):
    """Hostile peers: one that hangs up while it waits does not come in any more."""
    def attempt(warmth):
        siege = Siege(net, f"goes{warmth}", warmth=warmth)
        before, open_before = counted("mqtt_take_overs"), counted("conns_open")
        siege.other.close()
        wait_until(lambda: counted("conns_open") < open_before, "its end to be noticed")
        net.app(client_id="marker").disconnect()
        return siege.is_held() and counted("mqtt_take_overs") == before
    in_time(attempt)


def test_when_the_other_one_goes(net, counted):
    """Hostile peers: then nobody has to be thrown out, and nobody waits."""
    def attempt(warmth):
        siege = Siege(net, f"left{warmth}", warmth=warmth)
        before = counted("mqtt_take_overs")
        siege.holder.send(packets.disconnect())
        assert siege.other.recv().code == 0
        if counted("mqtt_take_overs") != before:
            return False
        siege.holder.expect_closed()
        return True
    in_time(attempt)


@pytest.mark.parametrize("how, code", [("removed", 0x86), ("switched off", 0x87)])
def test_who_may_not_come_in_any_more(server, how, code):
    """Hostile peers: while it waits, its project is removed or switched off."""
    def attempt(warmth):
        project = Project.add(server, "at war")
        theirs = Net(server, project)
        siege = Siege(theirs, "gone", warmth=warmth)
        if how == "removed":
            server.cli("project", "remove", project.key)
        else:
            server.cli("project", "set", project.key, "--enabled", "off")
        answer = siege.other.recv().code
        if answer != 0:
            assert answer == code
            siege.other.expect_closed()
        theirs.close()
        return answer != 0
    in_time(attempt)


def test_the_server_stops_meanwhile():
    """Hostile peers: a stop of the server answers nobody who waits, and leaves nothing."""
    def attempt(warmth):
        server = Server()
        try:
            server.start()
            net = Net(server, Project.add(server))
            siege = Siege(net, "stop", warmth=warmth)
            server.stop()
            try:
                assert siege.other.recv().code == 0  # it was let in before
                return False
            except Closed:
                siege.holder.expect_closed(0x8B)
                return True
            finally:
                net.close()
        finally:
            server.remove()
    in_time(attempt)
