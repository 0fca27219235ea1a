"""Limits that the operator has set are those that count, and that CONNACK tells."""
import json

import pytest

from lib import packets
from lib.cases import V4, V5, each_qos, versions
from lib.client import refusal
from lib.packets import Ack, Prop, Will

SERVER_OPTIONS = ["--max-payload", 1000, "--session-expiry-max", 100, "--session-expiry-default", 1,
                  "--receive-maximum", 5, "--keep-alive-max", 20]


@pytest.mark.parametrize("side", ["app", "device"])
def test_announced(net, side):
    """open-api 8, X-5-3.1.2.11.2-cap."""
    props = getattr(net, side)(keep_alive=60, props=((Prop.SESSION_EXPIRY, 101),)).connack.props
    assert props.get(Prop.RECEIVE_MAXIMUM) == 5
    assert props.get(Prop.SERVER_KEEP_ALIVE) == 20
    assert props.get(Prop.SESSION_EXPIRY) == 100
    assert props.get(Prop.MAXIMUM_PACKET_SIZE) == 5 + 1000 + 1024


@each_qos
def test_largest_payload(net, qos):
    """open-api 8: a payload of the limit passes."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/s"))
    device.publish(device.own("data", "s"), bytes(1000), qos)
    app.receive(payload=bytes(1000))


TOO_LARGE = (0x97, ((Prop.REASON_STRING, "the payload has more than 1000 bytes"),))


@versions
@each_qos
@pytest.mark.parametrize("side", ["app", "device"])
def test_regress_payload_above_the_limit(net, side, version, qos):
    """open-api 8: a packet that is not too large, with a payload that is: refused and not carried
    out, the connection stays; an application hears of it on `errors` too."""
    device, app = net.device(version=version, subscribe=["attributes_push"]), net.app(version)
    app.subscribe(device.open("+"), device.open("data/s"), net.project.errors())
    payload = b'{"a":"%s"}' % (b"x" * 993)
    assert len(payload) == 1001
    sender, topic = (app, device.open("attributes_push")) if side == "app" else \
        (device, device.own("data", "s"))
    answer = sender.publish(topic, payload, qos)
    if qos:
        assert answer == Ack(answer.kind, answer.pid, *(TOO_LARGE if version == V5 else ()))
    if side == "app":
        told = json.loads(app.receive(net.project.errors()).payload)
        assert (told["topic"], told["code"]) == (topic, 0x97)
    sender.publish(topic, payload.replace(b"xx", b"x", 1), qos)
    if side == "app":
        device.receive(payload=payload.replace(b"xx", b"x", 1))
    app.receive(payload=payload.replace(b"xx", b"x", 1))


@versions
@pytest.mark.parametrize("side", ["app", "device"])
def test_regress_will_above_the_limit(net, side, version):
    """open-api 8, 3.4: a will obeys the rules for publishing."""
    login = net.project.device()
    for size, code in ((1000, 0), (1001, refusal(version, 0x97, 3))):
        payload = b'{"a":"%s"}' % (b"x" * (size - 8))
        if side == "app":
            client = net.app(version, will=Will(login.open("attributes_push"), payload), code=code)
        else:
            client = net.device(login, version, will=Will(login.own("attributes"), payload),
                                code=code)
    assert client.connack.props == (TOO_LARGE[1] if version == V5 else ())


@versions
def test_packet_above_the_maximum(net, version):
    """[MQTT-3.2.2-15]: 0x95 as soon as its length is read."""
    device = net.device(version=version)
    maximum = net.device().connack.props.get(Prop.MAXIMUM_PACKET_SIZE)
    device.send(b"\x30" + packets.varint(maximum))  # two more bytes before it
    device.expect_closed(0x95)


def test_packet_of_the_maximum(net):
    """[MQTT-3.2.2-15]: a packet of exactly that size is taken."""
    device, app = net.device(), net.app()
    maximum = device.connack.props.get(Prop.MAXIMUM_PACKET_SIZE)
    app.subscribe(device.open("data/s"))
    packet = packets.publish(V5, device.own("data", "s"), bytes(1000),
                             props=((Prop.USER_PROPERTY, ("k", "")),))
    packet = packets.publish(V5, device.own("data", "s"), bytes(1000),
                             props=((Prop.USER_PROPERTY, ("k", "v" * (maximum - len(packet) - 1))),))
    assert len(packet) == maximum
    device.send(packet)
    app.receive(payload=bytes(1000))


def test_expiry_of_3_1_1(net):
    """open-api 3.4: a persistent session of 3.1.1 lives for `session_expiry_default`. Its delayed
    end is told by a v5 session that began to wait later."""
    net.app(V4, client_id="old", clean=False).disconnect()
    watcher, topic = net.app(), net.project.device().open("attributes_push")
    watcher.subscribe(topic)
    will = Will(topic, b'{"ended":1}', props=((Prop.WILL_DELAY, 3600),))
    net.app(client_id="clock", will=will, props=((Prop.SESSION_EXPIRY, 2),)).abort()
    watcher.receive(topic, b'{"ended":1}')
    assert not net.app(V4, client_id="old", clean=False).connack.session_present
