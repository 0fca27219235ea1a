"""Who is told of a new session finds the one before no more, also after a crash: while the end of
that one is not on disk nobody is told."""
import pytest

from lib.client import V4, V5, Prop, packets
from lib.server import wait_until
from lib.world import Net, Project



def of(*pairs):
    """Whose session it is, and the version of its client."""
    return pytest.mark.parametrize("side, version", pairs)


class Stage:
    """A persistent session with a subscription, offline."""

    def __init__(self, server, disk, side, version):
        self.server, self.disk, self.side, self.version = server, disk, side, version
        self.project = Project.add(server)
        self.login = self.project.device()
        self.net = Net(server, self.project)
        first = self.connect(clean=False)
        first.subscribe(self.login.open("attributes") if side == "app" else
                        self.login.own("attributes_push"))
        first.disconnect()

    def _fields(self, clean, client_id):
        is_v5_kept = self.version == V5 and not clean
        return {"client_id": client_id, "clean": clean,
                "props": [(Prop.SESSION_EXPIRY, 3600)] if is_v5_kept else ()}

    def connect(self, clean, client_id="kept"):
        fields = self._fields(clean, client_id)
        if self.side == "app":
            return self.net.app(self.version, **fields)
        return self.net.device(self.login, self.version, **fields)

    def ask(self, clean, client_id="kept"):
        """Sends a CONNECT and waits for nothing."""
        fields = self._fields(clean, client_id)
        name, password = (self.project.key, self.project.secret) if self.side == "app" else \
            (self.login.username, self.login.password)
        client = self.net.raw(self.side, self.version)
        client.send(packets.connect(self.version, fields["client_id"], name, password,
                                    clean=clean, props=fields["props"]))
        return client

    def turned_away(self, client):
        """Its client has come again: it hears so."""
        connack = client.expect(packets.Connack)
        assert connack.code == (0x9F if self.version == V5 else 3)
        client.expect_closed()

    def break_disk(self):
        self.disk.fail("sync EIO")

    def wait_for_end(self):
        """The session has ended, but for the disk."""
        wait_until(lambda: self.server.counters()["mqtt_sessions"] == 0, "the session's end")

    def wait_for_failure(self):
        """Something is to be written, and is not."""
        before = self.server.counters()["journal_commit_failures"]
        wait_until(lambda: self.server.counters()["journal_commit_failures"] > before, "failure")

    def restart(self):
        self.server.kill9()
        self.disk.heal()
        self.server.start()
        self.net = Net(self.server, self.project)

    def is_there(self):
        """The session is as it was."""
        client = self.connect(clean=False)
        client.disconnect()
        return client.connack.session_present


@pytest.fixture
def stage(own, disk, side, version):
    made = Stage(own, disk, side, version)
    yield made
    made.net.close()


@of(("app", V4), ("app", V5), ("device", V4), ("device", V5))
def test_a_session_ends_before_its_client_is_told(stage):
    stage.break_disk()
    client = stage.ask(clean=True)
    stage.wait_for_end()
    stage.wait_for_failure()
    stage.server.kill9()
    client.expect_closed()  # without an answer
    stage.restart()
    assert stage.is_there()
    assert not stage.connect(clean=True).connack.session_present
    stage.restart()
    assert not stage.is_there()


@of(("app", V5), ("device", V4))
@pytest.mark.parametrize("clean", [True, False], ids=["clean", "kept"])
def test_regress_whoever_comes_meanwhile_is_not_told_either(stage, clean):
    """A second client waits for the end that a first one has caused, who is turned away."""
    stage.break_disk()
    first = stage.ask(clean=True)
    stage.wait_for_end()
    stage.wait_for_failure()
    second = stage.ask(clean=clean)
    stage.turned_away(first)
    stage.server.kill9()
    second.expect_closed()  # without an answer
    stage.restart()
    assert stage.is_there()


@of(("device", V5))
def test_regress_another_identifier_of_the_device(stage):
    """A device has one session: another client identifier ends it, and waits for its end."""
    stage.break_disk()
    first = stage.ask(clean=True, client_id="other")
    stage.wait_for_end()
    stage.wait_for_failure()
    second = stage.ask(clean=False, client_id="other")
    stage.turned_away(first)
    stage.server.kill9()
    second.expect_closed()
    stage.restart()
    assert stage.is_there()


@of(("app", V5))
def test_regress_a_session_that_its_client_has_ended(stage):
    """DISCONNECT with an expiry of 0: the end needs nobody who waits for it, and whoever comes does
    until the disk is well."""
    client = stage.connect(clean=False)
    assert client.connack.session_present
    stage.break_disk()
    client.disconnect(0, [(Prop.SESSION_EXPIRY, 0)])
    stage.wait_for_failure()
    stage.ask(clean=False).close()
    client = stage.ask(clean=False)
    stage.wait_for_failure()
    stage.disk.heal()
    assert not client.expect(packets.Connack).session_present
