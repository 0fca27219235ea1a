"""What a device's session is owed is there after `kill -9`: subscriptions, downlinks, QoS 2."""

import pytest

from lib.client import V4, V5, Prop, Type, packets
from lib.server import wait_until
from lib.world import Net, Project

VERSIONS = pytest.mark.parametrize("version", [V4, V5])


class Stage:
    """A project with a device of a persistent session, and an application."""

    def __init__(self, server, version):
        self.server, self.version, self.project = server, version, Project.add(server)
        self.login = self.project.device()
        self.net = Net(server, self.project)

    def device(self, present):
        fields = {"props": [(Prop.SESSION_EXPIRY, 3600)]} if self.version == V5 else {}
        device = self.net.device(self.login, self.version, client_id="d", clean=False, **fields)
        assert device.connack.session_present == present
        return device

    def crash(self):
        self.net.close()
        self.server.kill9()
        self.server.start()
        self.net = Net(self.server, self.project)

    def push(self, *values):
        app = self.net.app()
        for n in values:
            assert app.publish(self.login.open("attributes_push"), b'{"n":%d}' % n).code == 0
        app.disconnect()

    def expect(self, device, *values):
        topic = device.own("attributes_push")
        return [device.receive(topic, b'{"n":%d}' % n) for n in values]


@pytest.fixture(params=[V4, V5], ids=["v3.1.1", "v5"])
def stage(own, request):
    made = Stage(own, request.param)
    yield made
    made.net.close()


@pytest.mark.parametrize("qos", [1, 2])
def test_pushed_while_away(stage, qos):
    """Downlinks that were acknowledged to an application while the device was away come after a
    crash, in order, once. open-api.md 3.3"""
    device = stage.device(False)
    device.subscribe(device.own("attributes_push"), qos=qos)
    device.disconnect()
    stage.push(1, 2, 3)
    stage.crash()
    stage.push(4)
    device = stage.device(True)
    got = stage.expect(device, 1, 2, 3, 4)
    assert [(m.qos, m.dup) for m in got] == [(qos, False)] * 4
    device.expect_nothing()
    device.disconnect()
    device = stage.device(True)
    device.expect_nothing()


def test_subscribed_and_crashed(stage):
    """A subscription holds from its SUBACK on, also over a crash. [MQTT-3.8.4-1]"""
    device = stage.device(False)
    device.subscribe(device.own("attributes_push"), qos=1)
    stage.crash()
    device = stage.device(True)
    stage.push(1)
    stage.expect(device, 1)
    device.unsubscribe(device.own("attributes_push"))
    stage.crash()
    app = stage.net.app()
    assert app.publish(stage.login.open("attributes_push"), b'{"n":2}').code == 0x10


def test_unacknowledged_keeps_its_identifier(stage):
    """What was sent and not acknowledged comes again after a crash, with DUP and with the
    identifier that it had. [MQTT-4.4.0-1] [MQTT-3.3.1-1]"""
    device = stage.device(False)
    device.subscribe(device.own("attributes_push"), qos=1)
    device.acknowledges = False
    stage.push(1, 2)
    first = stage.expect(device, 1, 2)
    device.send(packets.ack(Type.PUBACK, first[0].pid))
    device.ping()
    stage.push(3)  # its commit takes with it that the first one is over
    first += stage.expect(device, 3)
    stage.crash()
    device = stage.device(True)
    again = stage.expect(device, 2, 3)
    assert [(m.pid, m.dup) for m in again] == [(m.pid, True) for m in first[1:]]
    device.expect_nothing()


def test_qos_2_on_its_way(stage):
    """A downlink of QoS 2 that had its PUBREC is released after a crash, not sent again.
    [MQTT-4.3.3-6]"""
    device = stage.device(False)
    device.subscribe(device.own("attributes_push"), qos=2)
    device.acknowledges = False
    stage.push(1)
    sent, = stage.expect(device, 1)
    device.send(packets.ack(Type.PUBREC, sent.pid))
    device.expect(packets.Ack, kind=Type.PUBREL, pid=sent.pid)
    stage.crash()
    device = stage.device(True)
    device.acknowledges = False
    device.expect(packets.Ack, kind=Type.PUBREL, pid=sent.pid)
    device.send(packets.ack(Type.PUBCOMP, sent.pid))
    device.expect_nothing()


def test_received_qos_2_is_not_executed_again(stage):
    """A device's publish of QoS 2 that had its PUBREC is not handed on again when the device
    repeats it after a crash; a new one with its identifier is. [MQTT-4.3.3-10]"""
    app = stage.net.app(client_id="a", clean=False, props=[(Prop.SESSION_EXPIRY, 3600)])
    app.subscribe(stage.login.open("attributes"))
    device = stage.device(False)
    topic = device.own("attributes")
    for pid in (7, 8):
        device.send(packets.publish(stage.version, topic, b'{"n":%d}' % pid, qos=2, pid=pid))
        device.expect(packets.Ack, kind=Type.PUBREC, pid=pid, code=0)
    stage.crash()
    device = stage.device(True)
    device.send(packets.publish(stage.version, topic, b'{"n":7}', qos=2, pid=7, dup=True))
    device.expect(packets.Ack, kind=Type.PUBREC, pid=7, code=0)
    device.send(packets.publish(stage.version, topic, b'{"n":9}', qos=2, pid=8))
    device.expect(packets.Ack, kind=Type.PUBREC, pid=8, code=0)
    app = stage.net.app(client_id="a", clean=False, props=[(Prop.SESSION_EXPIRY, 3600)])
    for n in (7, 8, 9):
        app.receive(stage.login.open("attributes"), b'{"n":%d}' % n)
    app.expect_nothing()


def test_expired_session(stage):
    """The time of a session goes on while the server does not run."""
    fields = {"props": [(Prop.SESSION_EXPIRY, 1)]} if stage.version == V5 else None
    if fields is None:
        pytest.skip("3.1.1 sessions last as long as the server says")
    device = stage.net.device(stage.login, client_id="d", clean=False, **fields)
    device.subscribe(device.own("attributes_push"))
    stage.push(1)
    device.disconnect()
    # the application learns when it is over, and not from a clock of ours
    app = stage.net.app()
    wait_until(lambda: app.publish(stage.login.open("attributes_push"), b"{}").code == 0x10,
               "the end of the session")
    stage.crash()
    assert not stage.net.device(stage.login, client_id="d", clean=False).connack.session_present


def test_removed_device_has_no_session(stage):
    """With a device goes all of its session."""
    device = stage.device(False)
    device.subscribe(device.own("attributes_push"))
    device.disconnect()
    stage.push(1)
    stage.server.cli("device", "remove", stage.login.username, "--project", stage.project.key)
    stage.crash()
    assert stage.server.counters()["mqtt_sessions"] == 0
