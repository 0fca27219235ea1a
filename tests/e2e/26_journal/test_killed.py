"""What was acknowledged is there after `kill -9`: messages, subscriptions, packet identifiers."""
import pytest

from lib.client import V4, V5, Prop, Type, packets
from lib.server import wait_until
from lib.world import Net, Project

NO_LOCAL = 0x04
VERSIONS = pytest.mark.parametrize("version", [V4, V5])


class Stage:
    """A project on a server that is killed and started, a device and an application of it."""

    def __init__(self, server):
        self.server, self.project = server, Project.add(server)
        self.login = self.project.device()
        self.net = Net(server, self.project)
        self.sent = 0

    def app(self, version, present, client_id="a"):
        """The application with its persistent session, which was there before or not."""
        fields = {"props": [(Prop.SESSION_EXPIRY, 3600)]} if version == V5 else {}
        app = self.net.app(version, client_id=client_id, clean=False, **fields)
        assert app.connack.session_present == present
        return app

    def report(self, count, qos=1):
        """The device reports so many values, each acknowledged."""
        device = self.net.device(self.login)
        for _ in range(count):
            self.sent += 1
            device.publish(device.own("attributes"), b'{"n":%d}' % self.sent, qos=qos)
        device.disconnect()

    def crash(self):
        self.net.close()
        self.server.kill9()
        self.server.start()
        self.net = Net(self.server, self.project)

    def expect(self, app, first, last):
        """These values come, in order, and nothing else."""
        topic = self.login.open("attributes")
        return [app.receive(topic, b'{"n":%d}' % n) for n in range(first, last + 1)]


@pytest.fixture
def stage(own):
    made = Stage(own)
    yield made
    made.net.close()


@VERSIONS
def test_owed_while_away(stage, version):
    """Messages that a session was owed while it was away come after a crash, in order, once.
    open-api 3.4"""
    app = stage.app(version, False)
    app.subscribe(stage.login.open("attributes"), qos=1)
    app.disconnect()
    stage.report(30)
    stage.report(30, qos=2)
    stage.crash()
    app = stage.app(version, True)
    stage.expect(app, 1, 60)
    app.expect_nothing()
    stage.report(1)
    stage.expect(app, 61, 61)
    stage.crash()
    stage.app(version, True).ping()


@VERSIONS
def test_subscription_counts_from_its_suback(stage, version):
    """A filter that was granted counts after a crash, with its QoS; one that was given up does
    not. open-api 3.4"""
    app = stage.app(version, False)
    app.subscribe(stage.login.open("event_report"), stage.login.open("attributes"), qos=2)
    app.unsubscribe(stage.login.open("event_report"))
    stage.crash()
    device = stage.net.device(stage.login)
    device.publish(device.own("event_report"), b'{"method":"m","params":{}}')
    device.disconnect()
    stage.report(2)
    app = stage.app(version, True)
    assert [message.qos for message in stage.expect(app, 1, 2)] == [2, 2]
    app.expect_nothing()


@VERSIONS
def test_unacknowledged_qos_1(stage, version):
    """What was sent at QoS 1 and not acknowledged is sent again after a crash with the same
    packet identifiers, in the same order. [MQTT-4.4.0-1]"""
    app = stage.app(version, False)
    app.subscribe(stage.login.open("attributes"), qos=1)
    app.acknowledges = False
    stage.report(5)
    before = stage.expect(app, 1, 5)
    app.send(packets.ack(Type.PUBACK, before[0].pid))
    app.ping()
    stage.crash()
    app = stage.app(version, True)
    app.acknowledges = False
    first = app.receive()
    after = stage.expect(app, 3, 5) if first.payload == b'{"n":2}' else stage.expect(app, 2, 5)
    assert [m.pid for m in after] == [m.pid for m in before][-len(after):]


@VERSIONS
def test_qos_2_is_sent_again(stage, version):
    """A PUBLISH of QoS 2 without PUBREC is sent again after a crash, with DUP and the same packet
    identifier. [MQTT-4.3.3-7], [MQTT-3.3.1-1]"""
    app = stage.app(version, False)
    app.subscribe(stage.login.open("attributes"), qos=2)
    app.acknowledges = False
    stage.report(3)
    before = stage.expect(app, 1, 3)
    stage.crash()
    app = stage.app(version, True)
    app.acknowledges = False
    after = stage.expect(app, 1, 3)
    assert [m.pid for m in after] == [m.pid for m in before]
    assert all(m.dup and m.qos == 2 for m in after)


@VERSIONS
def test_qos_2_is_released(stage, version):
    """A delivery of QoS 2 whose PUBREC was answered with PUBREL is not sent again after a crash:
    its PUBREL is. [MQTT-4.3.3-6]"""
    app = stage.app(version, False)
    app.subscribe(stage.login.open("attributes"), qos=2)
    app.acknowledges = False
    stage.report(2)
    first, second = stage.expect(app, 1, 2)
    app.send(packets.ack(Type.PUBREC, first.pid))
    app.expect(packets.Ack, kind=Type.PUBREL, pid=first.pid)
    stage.crash()
    app = stage.app(version, True)
    app.acknowledges = False
    release = app.recv()
    assert (release.kind, release.pid) == (Type.PUBREL, first.pid)
    app.send(packets.ack(Type.PUBCOMP, first.pid))
    assert stage.expect(app, 2, 2)[0].pid == second.pid
    app.acknowledges = True
    app.send(packets.ack(Type.PUBREC, second.pid))
    stage.report(1)
    assert stage.expect(app, 3, 3)[0].pid not in (second.pid, 0)


def test_numbers_go_on(stage):
    """`seq` grows over a crash; what comes again comes with its own. open-api 3.2"""
    app = stage.app(V5, False)
    app.subscribe(stage.login.open("attributes"), qos=1)
    numbers = {}
    for _ in range(3):
        stage.report(2)
        while len(numbers) < stage.sent:
            message = app.receive(stage.login.open("attributes"))
            seq = int(message.props.user["seq"])
            assert numbers.setdefault(message.payload, seq) == seq
        stage.crash()
        app = stage.app(V5, True)
    seqs = list(numbers.values())
    assert seqs == sorted(set(seqs)), seqs


@VERSIONS
def test_a_clean_stop_keeps_sessions(stage, version):
    """A stop and a start: the session is there, with what it is owed. open-api 3.4"""
    app = stage.app(version, False)
    app.subscribe(f"open/{stage.project.key}/+/attributes", qos=1)
    app.disconnect()
    stage.report(3)
    stage.net.close()
    stage.server.stop()
    stage.server.start()
    stage.net = Net(stage.server, stage.project)
    stage.expect(stage.app(version, True), 1, 3)


def test_a_session_that_has_ended_stays_so(stage):
    """A session that its client ended is not there after a crash. [MQTT-3.1.2-5]"""
    app = stage.app(V5, False)
    app.subscribe(stage.login.open("attributes"), qos=1)
    app.disconnect(props=[(Prop.SESSION_EXPIRY, 0)], code=0)
    # Nobody is told that it has ended; a later answer that is durable tells.
    stage.app(V5, False, client_id="b").subscribe(stage.login.open("attributes"), qos=1)
    stage.report(1)
    stage.crash()
    stage.app(V5, False).expect_nothing()


@VERSIONS
def test_clean_stop_repeats_nothing(stage, version):
    """What was acknowledged before a clean stop does not come again."""
    app = stage.app(version, False)
    app.subscribe(stage.login.open("attributes"), qos=1)
    stage.report(5)
    stage.expect(app, 1, 5)
    app.ping()  # its acknowledgements have come
    stage.net.close()
    stage.server.stop()
    stage.server.start()
    stage.net = Net(stage.server, stage.project)
    stage.app(version, True).expect_nothing()


def test_records_are_counted_from_the_start(stage):
    """The gauge of records tells after a start what the journal has from before."""
    app = stage.app(V5, False)
    app.subscribe(stage.login.open("attributes"), qos=1)
    stage.report(7)
    stage.expect(app, 1, 7)
    stage.crash()
    assert stage.server.counters()["journal_records"] == 7


@VERSIONS
def test_published_qos_2_is_not_carried_out_again(stage, version):
    """An application's publish of QoS 2 that had its PUBREC is not carried out again when it is
    repeated after a crash; a new one with its identifier is. [MQTT-4.3.3-10]"""
    app = stage.app(version, False)
    topic, command = stage.login.open("command_send"), b'{"method":"m","params":{}}'
    device = stage.net.device(stage.login, subscribe=["command_send"])
    app.send(packets.publish(version, topic, command, qos=2, pid=7))
    app.expect(packets.Ack, kind=Type.PUBREC, pid=7, code=0)
    device.receive(device.own("command_send"))
    stage.crash()
    device = stage.net.device(stage.login, subscribe=["command_send"])
    app = stage.app(version, True)
    app.send(packets.publish(version, topic, command, qos=2, pid=7, dup=True))
    app.expect(packets.Ack, kind=Type.PUBREC, pid=7, code=0)
    app.send(packets.ack(Type.PUBREL, 7))
    app.expect(packets.Ack, kind=Type.PUBCOMP, pid=7, code=0)
    device.expect_nothing()
    app.send(packets.publish(version, topic, command, qos=2, pid=7))
    app.expect(packets.Ack, kind=Type.PUBREC, pid=7, code=0)
    device.receive(device.own("command_send"))
    stage.crash()  # before its PUBREL: the next one with its identifier is new all the same
    device = stage.net.device(stage.login, subscribe=["command_send"])
    app = stage.app(version, True)
    app.send(packets.publish(version, topic, command, qos=2, pid=7))
    app.expect(packets.Ack, kind=Type.PUBREC, pid=7, code=0)
    device.receive(device.own("command_send"))


def test_expired_session(stage):
    """A session whose time was over when the server started is not there any more, at once."""
    fields = {"client_id": "a", "clean": False, "props": [(Prop.SESSION_EXPIRY, 1)]}
    app = stage.net.app(**fields)
    app.subscribe(stage.login.open("attributes"), qos=2)
    app.disconnect()
    stage.report(1)
    wait_until(lambda: stage.server.counters()["mqtt_sessions"] == 0, "the end of the session")
    stage.crash()
    assert not stage.net.app(**fields).connack.session_present


def test_no_local_knows_its_client_after_a_crash(stage):
    """[MQTT-3.8.3-3]: who published is known by its client identifier, after a crash too: what others
    published comes, whatever sessions there are now, and the own publications do not."""
    topic = stage.login.open("command_send")
    other = stage.net.app(client_id="other")
    app = stage.app(V5, False)
    app.subscribe((topic, NO_LOCAL | 1))
    app.disconnect()
    other.publish(topic, b'{"method":"other","id":1}')
    own = stage.net.app(client_id="a", clean=False, props=[(Prop.SESSION_EXPIRY, 3600),
                                                           (Prop.RECEIVE_MAXIMUM, 1)])
    own.acknowledges = False
    own.publish(topic, b'{"method":"own","id":2}')
    other.publish(topic, b'{"method":"other","id":3}')
    stage.crash()
    app = stage.app(V5, True)
    app.receive(topic, b'{"method":"other","id":1}')
    app.receive(topic, b'{"method":"other","id":3}')
    app.expect_nothing()
