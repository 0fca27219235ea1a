"""What a share group with persistent members is owed outlives a crash, as what any persistent
session is owed does. open-api 3.1, 3.4"""
import pytest

from lib import packets
from lib.client import V4, V5, Prop, Type
from lib.world import Net, Project

VERSIONS = pytest.mark.parametrize("version", [V4, V5])


class Stage:
    """A group's project on a server that is killed and started, and devices that report numbers."""

    def __init__(self, server):
        self.server, self.project = server, Project.add(server)
        self.logins = [self.project.device() for _ in range(3)]
        self.net = Net(server, self.project)
        self.filter = f"$share/g/open/{self.project.key}/+/data/n"
        self.sent = 0

    def member(self, client_id, qos=1, version=V5, present=False, acknowledges=True, **fields):
        """A persistent session that is a member of the group; one that is there already only comes
        back."""
        if version == V5:
            fields["props"] = [(Prop.SESSION_EXPIRY, 3600), *fields.get("props", ())]
        app = self.net.app(version, client_id=client_id, clean=False, **fields)
        app.acknowledges = acknowledges
        assert app.connack.session_present == present
        if not present:
            app.subscribe(self.filter, qos=qos)
        return app

    def report(self, count, qos=1, login=0):
        """A device reports the next numbers, each acknowledged."""
        device = self.net.device(self.logins[login])
        for _ in range(count):
            self.sent += 1
            device.publish(device.own("data", "n"), b"%d" % self.sent, qos=qos)
        device.disconnect()

    def crash(self):
        self.net.close()
        self.server.kill9()
        self.server.start()
        self.net = Net(self.server, self.project)


def numbers(app, first, last):
    """These come, in order; gives the messages."""
    return [app.receive(payload=b"%d" % n) for n in range(first, last + 1)]


@pytest.fixture
def stage(own):
    made = Stage(own)
    yield made
    made.net.close()


@VERSIONS
@pytest.mark.parametrize("qos", [1, 2])
def test_owed_while_away(stage, version, qos):
    """Nobody was there: what the group was owed comes after a crash, in order, once, and after a
    second crash in quick succession."""
    stage.member("a", qos, version).disconnect()
    stage.report(30)
    stage.crash()
    stage.report(30, qos=2)
    stage.crash()
    app = stage.member("a", qos, version, present=True)
    numbers(app, 1, 60)
    app.expect_nothing()
    stage.report(1)
    numbers(app, 61, 61)


@VERSIONS
def test_counts_from_its_suback(stage, version):
    """A membership that was granted counts after a crash, before anything was sent to the group."""
    stage.member("a", version=version)
    stage.crash()
    stage.report(3)
    numbers(stage.member("a", version=version, present=True), 1, 3)


@VERSIONS
def test_acknowledged_before_a_stop_does_not_come_again(stage, version):
    app = stage.member("a", 2, version)
    stage.report(10)
    numbers(app, 1, 10)
    app.ping()
    stage.net.close()
    stage.server.stop()
    stage.server.start()
    stage.net = Net(stage.server, stage.project)
    app = stage.member("a", 2, version, present=True)
    app.expect_nothing()


def test_unacknowledged_goes_to_who_is_there(stage):
    """Two members had messages in their hands, and messages waited for both; after a crash one of
    them gets all that was not acknowledged, in the order of each device."""
    members = [stage.member(name, acknowledges=False, props=[(Prop.RECEIVE_MAXIMUM, 2)])
               for name in "ab"]
    stage.report(5, login=0)
    stage.report(5, login=1)
    for app, first in zip(members, (1, 6)):
        numbers(app, first, first + 1)
    stage.crash()
    app = stage.member("b", present=True)
    got = [int(app.receive().payload) for _ in range(10)]
    assert [n for n in got if n <= 5] == [1, 2, 3, 4, 5]
    assert [n for n in got if n > 5] == [6, 7, 8, 9, 10]
    stage.report(1)
    numbers(app, 11, 11)


@VERSIONS
def test_qos_2_stays_with_its_session(stage, version):
    """A delivery of QoS 2 that has started goes on after a crash with the session that has it, with
    DUP and its packet identifier, and to nobody else. open-api 3.1, [MQTT-4.3.3-7]"""
    app = stage.member("a", 2, version, acknowledges=False)
    stage.report(3)
    before = numbers(app, 1, 3)
    app.send(packets.ack(Type.PUBREC, before[0].pid))
    app.expect(packets.Ack, kind=Type.PUBREL, pid=before[0].pid)
    stage.member("b", 2, version)
    stage.crash()
    other = stage.member("b", 2, version, present=True)
    app = stage.member("a", 2, version, present=True, acknowledges=False)
    app.expect(packets.Ack, kind=Type.PUBREL, pid=before[0].pid)
    after = numbers(app, 2, 3)
    assert [(m.pid, m.dup, m.qos) for m in after] == [(m.pid, True, 2) for m in before[1:]]
    app.send(*(packets.ack(Type.PUBREC, m.pid) for m in after))
    for m in after:
        app.expect(packets.Ack, kind=Type.PUBREL, pid=m.pid)
    for m in before:
        app.send(packets.ack(Type.PUBCOMP, m.pid))
    app.disconnect()
    stage.report(2)  # the device may still be the first one's, until that has been away for long
    got = [int(other.receive().payload) for _ in range(2)]
    assert got == [4, 5]
    other.expect_nothing()


def test_a_live_group_becomes_durable(stage):
    """Who joins a group of clean sessions with a persistent one is owed what comes from its SUBACK
    on, and the change neither loses nor doubles anything."""
    clean = stage.net.app(client_id="clean")
    clean.subscribe(stage.filter)
    device = stage.net.device(stage.logins[0])
    for n in range(1, 201):
        device.send(packets.publish(device.version, device.own("data", "n"), b"%d" % n, qos=0))
        if n == 100:
            app = stage.member("a")
    numbers(clean, 1, 200)
    clean.ping()
    app.disconnect()
    clean.disconnect()
    stage.sent = 200
    stage.report(10)
    stage.crash()
    app = stage.member("a", present=True)
    first = int(app.receive().payload)  # of the last second it may be given what is acknowledged
    assert first <= 201
    numbers(app, first + 1, 210)
    app.expect_nothing()


def test_what_waits_for_nobody_is_not_bounded_by_memory(stage):
    """While no member is there what the group is owed waits in the journal, however much: a slow
    subscriber costs disk, not memory."""
    app = stage.member("a")
    stage.report(1)
    numbers(app, 1, 1)
    app.disconnect()
    device = stage.net.device(stage.logins[0])
    for n in range(2, 4002):
        device.send(packets.publish(device.version, device.own("data", "n"), b"%d" % n, qos=0))
    device.ping()
    stage.sent = 4001
    stage.report(1)
    app = stage.member("a", present=True)
    numbers(app, 2, 4002)
