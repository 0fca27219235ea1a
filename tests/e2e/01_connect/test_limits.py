"""Limits that the operator has set are those that count, and that CONNACK tells."""
import pytest

from lib import packets
from lib.cases import V4, each_qos
from lib.packets import Prop, Will

SERVER_OPTIONS = ["--max-payload", 1000, "--session-expiry-max", 100, "--session-expiry-default", 1,
                  "--receive-maximum", 5, "--keep-alive-max", 20]


@pytest.mark.parametrize("side", ["app", "device"])
def test_announced(net, side):
    """open-api 8, X-5-3.1.2.11.2-cap."""
    props = getattr(net, side)(keep_alive=60, props=((Prop.SESSION_EXPIRY, 101),)).connack.props
    assert props.get(Prop.RECEIVE_MAXIMUM) == 5
    assert props.get(Prop.SERVER_KEEP_ALIVE) == 20
    assert props.get(Prop.SESSION_EXPIRY) == 100
    assert 1000 <= props.get(Prop.MAXIMUM_PACKET_SIZE) < 3000


@each_qos
def test_largest_payload(net, qos):
    """open-api 8: a payload of the limit passes."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/s"))
    device.publish(device.own("data", "s"), bytes(1000), qos)
    app.receive(payload=bytes(1000))


def test_packet_above_the_maximum(net):
    """[MQTT-3.2.2-15]: 0x95 as soon as its length is read."""
    device = net.device()
    maximum = device.connack.props.get(Prop.MAXIMUM_PACKET_SIZE)
    device.send(b"\x30" + packets.varint(maximum))  # two more bytes before it
    device.expect_closed(0x95)


def test_expiry_of_3_1_1(net):
    """open-api 3.4: a persistent session of 3.1.1 lives for `session_expiry_default`. Its delayed
    end is told by a v5 session that began to wait later."""
    net.app(V4, client_id="old", clean=False).abort()
    watcher, topic = net.app(), net.project.device().open("attributes_push")
    watcher.subscribe(topic)
    will = Will(topic, b'{"ended":1}', props=((Prop.WILL_DELAY, 3600),))
    net.app(client_id="clock", will=will, props=((Prop.SESSION_EXPIRY, 2),)).abort()
    watcher.receive(topic, b'{"ended":1}')
    assert not net.app(V4, client_id="old", clean=False).connack.session_present
