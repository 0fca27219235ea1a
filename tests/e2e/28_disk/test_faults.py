"""The disk of the journal fails: acknowledgements stop, nothing acknowledged is lost, and all goes
on when the disk does. architecture.md "Failures" """
import pytest

from lib.client import V4, V5, Prop, Type, packets
from lib.server import wait_until
from lib.world import Net, Project

FAULTS = pytest.mark.parametrize("fault", [
    ["write ENOSPC"], ["write EIO"], ["sync EIO"], ["meta EIO"], ["write EROFS", "sync EROFS"],
], ids=lambda lines: lines[0].replace(" ", "_"))


class Stage:
    """A project with a device, and an application that is owed all that the device reports."""

    def __init__(self, server, disk):
        self.server, self.disk, self.project = server, disk, Project.add(server)
        self.login = self.project.device()
        self.net = Net(server, self.project)
        self.app = self.connect(False)
        self.app.subscribe(self.login.open("attributes"), qos=1)
        self.device = self.net.device(self.login)
        self.device.acknowledges = False
        self.sent = 0

    def connect(self, present):
        app = self.net.app(V5, client_id="owed", clean=False, props=[(Prop.SESSION_EXPIRY, 3600)])
        assert app.connack.session_present == present
        return app

    def send(self):
        """One more report, which is not waited for."""
        self.sent += 1
        self.device.send(packets.publish(V5, self.login.own("attributes"), b'{"n":%d}' % self.sent,
                                         qos=1, pid=self.sent))

    def acknowledged(self, n):
        self.device.expect(packets.Ack, kind=Type.PUBACK, pid=n)

    def expect(self, *values):
        for n in values:
            self.app.receive(self.login.open("attributes"), b'{"n":%d}' % n)

    def counter(self, name):
        return self.server.counters()[name]

    def wait_for_failures(self, count=1):
        before = self.counter("journal_commit_failures")
        wait_until(lambda: self.counter("journal_commit_failures") >= before + count, "failures")


@pytest.fixture
def stage(own, disk):
    made = Stage(own, disk)
    yield made
    made.net.close()


@FAULTS
def test_it_goes_on(stage, fault):
    """While the disk refuses nothing is acknowledged and nothing reaches who is owed it; status and
    log say so; when the disk is well all of it comes, in order, once. open-api 3.4"""
    stage.send()
    stage.acknowledged(1)
    stage.expect(1)
    stage.disk.fail(*fault)
    for _ in range(3):
        stage.send()
    stage.wait_for_failures(2)
    stage.device.ping()  # its answer comes, and no acknowledgement before it
    stage.app.expect_nothing()
    status = stage.server.counters()
    assert status["journal_stalled"] == 1 and status["journal_waiting_bytes"] > 0
    assert "journal_commit_failed" in stage.server.log()
    stage.disk.heal()
    for n in (2, 3, 4):
        stage.acknowledged(n)
    stage.expect(2, 3, 4)
    status = stage.server.counters()
    assert status["journal_stalled"] == 0
    assert "journal_recovered" in stage.server.log()
    stage.send()
    stage.acknowledged(5)
    stage.expect(5)
    stage.app.expect_nothing()


@FAULTS
def test_killed_meanwhile(stage, fault):
    """What was acknowledged before and after a fault is there when the server is killed during
    another one; what was not is sent again by its device, and comes once more or once."""
    stage.app.disconnect()
    for _ in range(2):
        stage.send()
        stage.acknowledged(stage.sent)
    stage.disk.fail(*fault)
    stage.send()
    stage.wait_for_failures()
    stage.disk.heal()
    stage.acknowledged(3)
    stage.disk.fail(*fault)
    stage.send()
    stage.wait_for_failures()
    stage.net.close()
    stage.server.kill9()
    stage.disk.heal()
    assert stage.server.cli("journal", "check")["faults"] == []
    stage.server.start()
    stage.net = Net(stage.server, stage.project)
    device = stage.net.device(stage.login)
    device.publish(device.own("attributes"), b'{"n":4}', qos=1)
    stage.app = stage.connect(True)
    stage.expect(1, 2, 3, 4)
    stage.app.expect_nothing()


@pytest.mark.fast_tsan
def test_a_page_that_ends_a_commit(stage):
    """When the end of a commit cannot be written the store is opened anew, as often as it takes,
    while others read from it. LMDB refuses everything otherwise (MDB_PANIC)."""
    late = stage.net.app(V4, client_id="late", clean=False)
    late.subscribe(stage.login.open("attributes"), qos=1)
    late.disconnect()
    for round_number in range(3):
        stage.send()
        stage.acknowledged(stage.sent)
        stage.disk.fail("meta EIO")
        stage.send()
        stage.wait_for_failures(2)
        stage.disk.heal()
        stage.acknowledged(stage.sent)
        assert stage.counter("store_reopens") > round_number
    assert "store_reopened" in stage.server.log()
    late = stage.net.app(V4, client_id="late", clean=False)
    for n in range(1, stage.sent + 1):
        late.receive(stage.login.open("attributes"), b'{"n":%d}' % n)
    late.expect_nothing()


def test_a_stop_while_the_disk_fails(stage):
    """A server that is stopped while it cannot write says what it gives up, and ends; nothing of
    that was acknowledged."""
    stage.send()
    stage.acknowledged(1)
    stage.disk.fail("write ENOSPC")
    stage.send()
    stage.wait_for_failures()
    stage.net.close()
    stage.server.stop()
    assert "journal_given_up" in stage.server.log()
    stage.disk.heal()
    stage.server.start()
    stage.net = Net(stage.server, stage.project)
    stage.app = stage.connect(True)
    message = stage.app.receive(stage.login.open("attributes"))
    assert message.payload == b'{"n":1}'
    stage.app.expect_nothing()


def test_slow_disk(stage):
    """A disk that is slow makes acknowledgements slow, and nothing else."""
    stage.disk.fail("sync slow")
    for _ in range(20):
        stage.send()
    for n in range(1, 21):
        stage.acknowledged(n)
    stage.expect(*range(1, 21))
    assert stage.counter("journal_commit_failures") == 0
