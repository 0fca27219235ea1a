"""What may come first, what may come twice, and what may come early."""
import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.packets import PINGREQ, Pingresp, Suback, Type, packet

OTHERS = {
    "PINGREQ": lambda v: PINGREQ,
    "PUBLISH": lambda v: packets.publish(v, "t", b"x"),
    "PUBACK": lambda v: packets.ack(Type.PUBACK, 1),
    "SUBSCRIBE": lambda v: packets.subscribe(v, 1, [("t", 0)]),
    "UNSUBSCRIBE": lambda v: packets.unsubscribe(v, 1, ["t"]),
    "DISCONNECT": lambda v: packets.disconnect(),
    "AUTH": lambda v: packet(0xF0),
    "CONNACK": lambda v: packet(0x20, bytes(2)),
    "type 0": lambda v: packet(0x00),
}


@pytest.mark.parametrize("transport", ["tls", "wss", "tcp"])
@versions
@table("first", OTHERS)
def test_must_be_connect(net, transport, version, first):
    """[MQTT-3.1.0-1], [MQTT-3.14.0-1]: closed, and nothing is sent back."""
    client = net.raw(transport, version)
    client.send(first(version))
    client.expect_closed()


@pytest.mark.parametrize("first", [0x11, 0x12, 0x18, 0x1F])
@versions
def test_flags_of_connect(net, project, version, first):
    """[MQTT-2.1.3-1], 3.1.1 [MQTT-2.2.2-1], [MQTT-2.2.2-2]: reserved bits of the fixed header."""
    data = packets.connect(version, "id", project.key, project.secret)
    client = net.raw("app", version)
    client.send(bytes([first]) + data[1:])
    client.expect_closed()


@versions
@pytest.mark.parametrize("side", ["app", "device"])
def test_second_connect(net, version, side):
    """[MQTT-3.1.0-2], [MQTT-3.2.0-2]: v5 DISCONNECT 0x82, 3.1.1 the end; no second CONNACK."""
    client = getattr(net, side)(version=version)
    client.send(packets.connect(version, "id", "name", "secret"))
    client.expect_closed(0x82)


@pytest.mark.fast_tsan
@versions
@pytest.mark.parametrize("transport", ["tls", "wss"])
def test_pipelined_behind_connect(net, project, version, transport):
    """X-3.1.4-pipeline: all in one write, CONNACK first and each answered, though the connection
    moves to another worker on the way. The answer to PINGREQ may pass that to PUBLISH."""
    topic = project.device().open("attributes_push")
    client = net.raw(transport, version)
    client.send(packets.connect(version, f"pipe{version}{transport}", project.key, project.secret),
                packets.subscribe(version, 7, [(topic, 0)]),
                packets.publish(version, topic, b"{}", qos=1, pid=9),
                PINGREQ)
    assert client.recv().code == 0
    client.expect(Suback, pid=7, codes=(0,))
    assert {client.expect((packets.Ack, Pingresp)) for _ in range(2)} == {
        packets.Ack(Type.PUBACK, 9, 0x10 if version == V5 else 0), Pingresp()}
    client.receive(topic, b"{}")


@versions
def test_byte_by_byte(net, project, version):
    """Bad input: half packets: a connection that gives one byte at a time is served."""
    device = project.device()
    client = net.raw("device", version)
    data = packets.connect(version, "slow", device.username, device.password) + PINGREQ
    for byte in data:
        client.send(bytes([byte]))
    assert client.recv().code == 0
    client.expect(Pingresp)


@versions
def test_behind_disconnect_nothing_counts(net, version):
    """[MQTT-3.14.4-1], 3.1.1 [MQTT-3.14.4-2]: a PUBLISH behind DISCONNECT in one write is
    ignored."""
    device, watcher = net.device(version=version), net.app()
    watcher.subscribe(device.open("#"))
    device.send(packets.disconnect(),
                packets.publish(version, device.own("data", "s"), b"late"))
    device.expect_closed()
    watcher.receive_online(device.open("online"), False)
    again = net.device(device.login)
    again.publish(again.own("data", "s"), b"again")
    watcher.receive_online(device.open("online"), True)
    watcher.receive(device.open("data/s"), b"again")


@pytest.mark.parametrize("data", ["e000", "e00100", "e0020000"])
def test_forms_of_disconnect(net, data):
    """X-5-3.14.2-forms: without code, with code, with empty properties; no answer, the end."""
    client = net.app()
    client.send(bytes.fromhex(data))
    client.expect_closed()


@versions
@pytest.mark.parametrize("data", ["e100", "e801", "ef00"])
def test_flags_of_disconnect(net, version, data):
    """[MQTT-3.14.1-1]: v5 DISCONNECT 0x81 and the end; 3.1.1 the end."""
    client = net.app(version)
    client.send(bytes.fromhex(data))
    client.expect_closed(0x81)


@pytest.mark.parametrize("code", [0x01, 0x03, 0x05, 0x10, 0x7F, 0x84, 0x8B, 0x8E, 0xA2, 0xFF])
def test_disconnect_with_a_foreign_code(net, code):
    """[MQTT-3.14.2-1]: codes that a DISCONNECT of a client does not have: 0x82."""
    client = net.app()
    client.send(packets.disconnect(code))
    client.expect_closed(0x82)


def test_auth_is_an_error(net):
    """[MQTT-4.12.0-7], MQTT-3.15.2-1: AUTH without a method in CONNECT."""
    for body in (b"", b"\0", b"\0\0", b"\x18\0", b"\x19\0"):
        client = net.app()
        client.send(packet(0xF0, body))
        client.expect_closed(0x82)


def test_flags_of_auth(net):
    """[MQTT-3.15.1-1], [MQTT-2.1.3-1]: 0xF1 is malformed."""
    client = net.app()
    client.send(packet(0xF1, b"\0\0"))
    client.expect_closed(0x81)


def test_auth_in_3_1_1(net):
    """3.1.1 [MQTT-2.2.2-1]: type 15 is reserved."""
    client = net.app(V4)
    client.send(packet(0xF0))
    client.expect_closed()


@pytest.mark.parametrize("version, code", [(V4, 5), (V5, 0x87)])
def test_only_own_version_of_answers(net, version, code):
    """[MQTT-3.14.0-1]: a will that is refused is told by CONNACK, never by DISCONNECT."""
    will = packets.Will("open/PR_0000000000/DU_0000000000/attributes", b"{}")
    net.app(version, will=will, code=code)
