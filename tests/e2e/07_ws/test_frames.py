"""MQTT in WebSocket frames: which frames are taken, which end the connection and how."""
import pytest

from lib import packets, ws
from lib.cases import V4, V5, table, versions
from lib.packets import PINGREQ, Will
from lib.ws import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame



@pytest.fixture(params=["wss", "ws"])
def opened(request, net):
    """Makes an upgraded connection and the bytes of a good CONNECT for its service."""
    def make(version=V5):
        stream = net.stream(request.param)
        login = (net.project.key, net.project.secret)
        if request.param == "ws":
            device = net.project.device()
            login = (device.username, device.password)
        return net.client(stream, version), packets.connect(version, "", *login)
    return make


@versions
@pytest.mark.parametrize("size", [1, 7, 64])
def test_packet_over_many_frames(opened, version, size):
    """[MQTT-6.0.0-2]: frames need not line up with packets."""
    client, connect = opened(version)
    data = connect + PINGREQ * 3
    for at in range(0, len(data), size):
        client.send(data[at:at + size])
    assert client.recv().code == 0
    for _ in range(3):
        client.expect(packets.Pingresp)


@versions
def test_many_packets_in_a_frame(opened, version):
    """[MQTT-6.0.0-2]: five in one."""
    client, connect = opened(version)
    client.send(connect + PINGREQ * 4)
    assert client.recv().code == 0
    for _ in range(4):
        client.expect(packets.Pingresp)


def test_fragmented_message(opened):
    """X-RFC6455-5.4-fragment: fragments join, and a ping between them is answered."""
    client, connect = opened()
    below = client.stream.below
    below.send(frame(BINARY, connect[:5], fin=False) + frame(CONTINUATION, connect[5:9], fin=False)
               + frame(PING, b"between") + frame(CONTINUATION, connect[9:]))
    assert client.stream.read_frame() == ws.Frame(PONG, b"between")
    assert client.recv().code == 0


def test_empty_frames(opened):
    """X-RFC6455-5.4-fragment: frames without payload carry nothing and hurt nothing."""
    client, connect = opened()
    client.stream.below.send(frame(BINARY) + frame(BINARY, connect, fin=False)
                             + frame(CONTINUATION, fin=False) + frame(CONTINUATION))
    assert client.recv().code == 0
    client.ping()


@pytest.mark.parametrize("length", [125, 126, 127, 65535, 65536, 200000])
def test_lengths(net, length):
    """X-RFC6455-5.2-length: short, 16-bit and 64-bit lengths, both ways."""
    device, app = net.device(), net.app(transport="wss")
    app.subscribe(device.open("data/s"))
    device.publish(device.own("data", "s"), b"x" * length)
    app.receive(payload=b"x" * length)
    push = b'{"a":"' + b"x" * length + b'"}'
    app.subscribe(device.open("attributes_push"))
    app.publish(device.open("attributes_push"), push)
    app.receive(payload=push)


@pytest.mark.parametrize("length", [125, 126, 127, 65535, 65536])
def test_lengths_of_frames(net, length):
    """X-RFC6455-5.2-length: frames of the server around the bounds of the three forms of length."""
    device, app = net.device(), net.app(V4, transport="wss")
    topic = device.open("data/s")
    app.subscribe(topic, qos=0)
    publish = next(data for size in range(length - 100, length)
                   if len(data := packets.publish(V4, topic, b"x" * size)) == length)
    device.publish(device.own("data", "s"), packets.parse(V4, publish).payload)
    assert app.stream.read_frame() == ws.Frame(BINARY, publish)


@pytest.mark.parametrize("payload", [b"", b"x", b"\0\xff\x80", b"x" * 125])
def test_ping(opened, payload):
    """X-RFC6455-5.5.2-ping: the same payload comes back, before and after CONNECT; pongs that
    nobody asked for are ignored."""
    client, connect = opened()
    stream = client.stream
    stream.below.send(frame(PONG, b"unasked") + frame(PING, payload))
    assert stream.read_frame() == ws.Frame(PONG, payload)
    client.send(connect)
    assert client.recv().code == 0
    stream.below.send(frame(PING, payload))
    assert stream.read_frame() == ws.Frame(PONG, payload)
    client.ping()


# Frames that end the connection, and its close code.
BAD = {
    "text": (frame(TEXT, b"hello"), 1003),
    "empty text": (frame(TEXT), 1003),
    "text that is mqtt": (frame(TEXT, PINGREQ), 1003),
    "unmasked": (frame(BINARY, PINGREQ, mask=False), 1002),
    "unmasked ping": (frame(PING, b"x", mask=False), 1002),
    **{f"rsv {bit}": (frame(BINARY, PINGREQ, rsv=bit), 1002) for bit in (1, 2, 4)},
    **{f"opcode {code}": (frame(code, b""), 1002) for code in (3, 7, 11, 15)},
    "continuation of nothing": (frame(CONTINUATION, PINGREQ), 1002),
    "new message inside another": (
        frame(BINARY, PINGREQ[:1], fin=False) + frame(BINARY, PINGREQ[1:]), 1002),
    "ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "close with half a code": (frame(CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (frame(CLOSE, code.to_bytes(2, "big")), 1002)
       for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)},
    "close reason that is not utf-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "close reason cut in a character": (frame(CLOSE, b"\x03\xe8\xe4\xb8"), 1007),
    "length 2^63": (frame(BINARY, length=1 << 63), 1002),
    "length 2^62": (frame(BINARY, length=1 << 62), 1009),
    "length 2^32": (frame(BINARY, length=1 << 32), 1009),
}


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "before CONNECT"])
@table("data, code", BAD)
def test_bad_frames(opened, connected, data, code):
    """[MQTT-6.0.0-1], X-RFC6455-5.1-mask, X-RFC6455-5.2-rsv, X-RFC6455-5.2-length,
    X-RFC6455-5.4-fragment, X-RFC6455-5.5-control, RFC 6455 5.5.1, 7.1.6, 7.4:
    a close frame with the code, then the end; nothing of the frame is carried out."""
    client, connect = opened()
    if connected:
        client.send(connect)
        assert client.recv().code == 0
    stream = client.stream
    stream.below.send(data)
    found = stream.read_frame()
    assert (found.opcode, found.close_code) == (CLOSE, code)
    assert stream.read_frame() is None


@pytest.mark.parametrize("payload, code", [(b"\x03\xe8", 1000), (b"\x03\xe9going away", 1001),
                                           (b"\x03\xe8" + "再见".encode(), 1000),
                                           (b"\x0f\xa0" + b"x" * 123, 4000),
                                           (b"", None)])
def test_close_is_answered(opened, payload, code):
    """X-RFC6455-5.5.1-close: by a close frame, then the end."""
    client, connect = opened()
    client.send(connect)
    assert client.recv().code == 0
    client.stream.below.send(frame(CLOSE, payload))
    found = client.stream.read_frame()
    assert (found.opcode, found.close_code) == (CLOSE, code)
    assert client.stream.read_frame() is None


def test_close_is_no_disconnect(net):
    """X-RFC6455-5.5.1-close: the will is published, as no DISCONNECT came."""
    login, watcher = net.project.device(), net.app()
    watcher.subscribe(login.open("data/will"))
    device = net.device(login, transport="ws", will=Will(login.own("data", "will"), b"gone"))
    device.stream.below.send(frame(CLOSE, b"\x03\xe8"))
    watcher.receive(login.open("data/will"), b"gone")


@pytest.mark.parametrize("transport", ["wss", "ws"])
def test_end_of_mqtt_is_the_end(net, transport):
    """[MQTT-3.14.4-1]: DISCONNECT over WebSocket ends with at most a close frame."""
    client = net.app(transport="wss") if transport == "wss" else net.device(transport="ws")
    client.send(packets.disconnect())
    assert client.stream.read_close() in (None, 1000, 1001)


def test_malformed_mqtt_in_good_frames(opened):
    """Bad input: DISCONNECT 0x81 in a binary frame, then the end."""
    client, connect = opened()
    client.send(connect + packets.packet(0xC1))
    assert client.recv().code == 0
    client.expect_closed(0x81)


def test_v4_client_gets_no_disconnect(opened):
    """3.1.1 [MQTT-4.8.0-1]: the end alone."""
    client, connect = opened(V4)
    client.send(connect + packets.packet(0xC1))
    assert client.recv().code == 0
    client.expect_closed()
