"""Bytes that are no MQTT, before and after CONNECT, on every transport."""
import random

import pytest

from lib import packets
from lib.cases import V5, table, versions
from lib.packets import Prop, Type, packet

SERVER_OPTIONS = ["--connect-timeout", 5]

TRANSPORTS = pytest.mark.parametrize("transport", ["tcp", "mqtts", "ws", "tls", "wss"])
NOISE = {
    "zeros": bytes(64),
    "ones": b"\xff" * 64,
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tls hello": bytes.fromhex("160301002d01000029030364e1"),
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "text": b"CONNECT\n",
    **{f"random {seed}": random.Random(seed).randbytes(512) for seed in range(6)},
}

# Remaining lengths that are none, or too large, and what v5 calls them; the first byte is of a
# CONNECT or a PUBLISH.
LENGTHS = {
    "five bytes": (b"\xff\xff\xff\xff\x01", 0x81),
    "never ends": (b"\x80\x80\x80\x80\x80\x80", 0x81),
    "256 MB": (b"\xff\xff\xff\x7f", 0x95),
    "16 MB": (b"\x80\x80\x80\x08", 0x95),
}


def everything(stream):
    """All that the server sends until it closes."""
    answer = b""
    while data := stream.read():
        answer += data
    return answer


@TRANSPORTS
@table("noise", NOISE)
def test_instead_of_connect(net, transport, noise):
    """Bad input, named: garbage; [MQTT-3.1.0-1]: closed, and nothing is sent back."""
    stream = net.stream(transport)
    stream.send(noise)
    assert everything(stream) == b""


@TRANSPORTS
@versions
@table("noise", {name: NOISE[name] for name in ("zeros", "ones", "http", "ssh", "text")})
def test_behind_connect(net, transport, version, noise):
    """Bad input, named: garbage; [MQTT-4.13.1-1], [MQTT-3.14.2-1], -2, [MQTT-3.14.4-2], 3.1.1
    [MQTT-4.8.0-1]: DISCONNECT 0x81, then the end."""
    side = net.device if transport in ("tcp", "mqtts", "ws") else net.app
    client = side(version=version, transport=transport)
    client.send(noise)
    client.expect_closed(0x81)


@versions
@pytest.mark.parametrize("transport", ["tcp", "tls"])
@table("length, code", LENGTHS)
def test_lengths_before_connect(net, version, transport, length, code):
    """Bad input, named: 256 MB lengths; X-5-1.5.5-overlong: closed before the body is there."""
    client = net.raw(transport, version)
    client.send(b"\x10" + length + b"\0\4MQTT")
    client.expect_closed()


@versions
@pytest.mark.parametrize("side", ["app", "device"])
@table("length, code", LENGTHS)
def test_lengths_behind_connect(net, version, side, length, code):
    """X-5-1.5.5-overlong, [MQTT-3.2.2-15], open-api 8: 0x81, or 0x95 for a packet above the
    announced maximum, before its body is buffered."""
    client = getattr(net, side)(version=version)
    client.send(b"\x32" + length)
    client.expect_closed(code)


OF_A_SERVER = (2, 9, 11, 13)  # CONNACK, SUBACK, UNSUBACK, PINGRESP


@versions
def test_length_0(net, version):
    """Bad input, named: 0-length packets of every kind that needs a body."""
    for kind in range(1, 15):
        if kind in (12, 14):  # PINGREQ and DISCONNECT have none
            continue
        client = net.app(version)
        client.send(packet(kind << 4 | (2 if kind in (6, 8, 10) else 0)))
        client.expect_closed(0x82 if kind in (1, *OF_A_SERVER) else 0x81)


@pytest.mark.parametrize("padded", [b"\x80\x00", b"\x80\x80\x80\x00"])
def test_padded_length(net, padded):
    """[MQTT-1.5.5-1]: a padded length is refused with 0x81."""
    client = net.app()
    client.send(b"\xc0" + padded, packets.PINGREQ)
    client.expect_closed(0x81)


@versions
@pytest.mark.parametrize("kind", [0, *OF_A_SERVER, 15])
def test_packets_of_a_server(net, version, kind):
    """X-2.1.2-type0, X-2.1.2-direction: CONNACK, SUBACK, UNSUBACK, PINGRESP, and what is
    reserved."""
    bodies = {0: b"", 2: b"\0\0\0", 9: b"\0\1\0\0", 11: b"\0\1\0\0", 13: b"", 15: b"\0\0"}
    client = net.app(version)
    client.send(packet(kind << 4, bodies[kind]))
    client.expect_closed(0x81 if kind == 0 else 0x82)


@versions
@TRANSPORTS
def test_byte_by_byte(net, version, transport):
    """Bad input, named: half packets byte by byte: a whole session of single bytes works."""
    login = net.project.device()
    side = transport in ("tcp", "mqtts", "ws")
    user, secret = (login.username, login.password) if side else (net.project.key,
                                                                  net.project.secret)
    topic = login.own("data", "x") if side else login.open("attributes_push")
    own = login.own("command_send") if side else login.open("online")
    client = net.raw(transport, version)
    for byte in (packets.connect(version, f"bytes{version}", user, secret)
                 + packets.subscribe(version, 1, [(own, 0)])
                 + packets.publish(version, topic, b"{}", qos=1, pid=2) + packets.PINGREQ):
        client.send(bytes([byte]))
    assert client.recv().code == 0
    code = 0x10 if version == V5 and not side else 0  # a push that no device takes
    answers = {packets.Suback(1, (0,)), packets.Ack(Type.PUBACK, 2, code), packets.Pingresp()}
    assert {client.expect(object) for _ in answers} == answers


@versions
@TRANSPORTS
@pytest.mark.parametrize("keep", [1, 5, 20])
def test_cut_off_in_a_packet(net, version, transport, keep):
    """Bad input: the connection ends in the middle of a packet."""
    client = net.raw(transport, version)
    client.send(packets.connect(version, "cut", "name", "secret")[:keep])
    client.abort()


@versions
def test_packet_above_the_maximum(net, version):
    """[MQTT-3.2.2-15], open-api 8: one byte above the announced maximum."""
    maximum = net.app().connack.props.get(packets.Prop.MAXIMUM_PACKET_SIZE)
    app = net.app(version)
    topic = net.project.device().open("attributes_push")
    empty = len(packets.publish(version, topic, b"x" * 200000))
    data = packets.publish(version, topic, b"x" * (200000 + maximum - empty + 1))
    assert len(data) == maximum + 1
    app.send(data)
    app.expect_closed(0x95)


@versions
def test_very_long_names(net, version):
    """Bad input: names of 60,000 bytes are wrong like any other."""
    client = net.raw("tls", version)
    client.send(packets.connect(version, "c" * 60000, "k" * 60000, "s" * 60000))
    client.expect_refused(0x95)


@versions
@pytest.mark.parametrize("length", [513, 65535])
def test_very_long_topic(net, version, length):
    """open-api 8: a topic above 512 bytes is refused."""
    device = net.device(version=version)
    topic = device.own("data", "").ljust(length, "x")
    device.send(packets.publish(version, topic, b"x", qos=1, pid=1))
    refused = (0x87, ((Prop.REASON_STRING, "a device publishes on its own uplink topics only"),))
    assert device.recv() == packets.Ack(Type.PUBACK, 1, *refused if version == V5 else ())


def test_a_client_that_never_reads(net):
    """[MQTT-4.13.2-1], 3.1.1 [MQTT-4.8.0-2]: one whose buffers are full is still ended; others go
    on meanwhile."""
    device, deaf = net.device(), net.app()
    deaf.subscribe(device.open("data/s"), qos=0)
    for _ in range(40):
        device.publish(device.own("data", "s"), bytes(250000))
    deaf.send(packet(0xC1))
    with pytest.raises(AssertionError, match="closed by the server"):
        while True:
            deaf.recv()
