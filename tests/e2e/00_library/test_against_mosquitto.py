"""The test library itself, proved against a server that is not ours: mosquitto over TCP, TLS and
secure WebSocket. What these tests show is that a failure elsewhere is the server's."""
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from lib import packets, ws
from lib.certificates import self_signed
from lib.client import Client, Closed
from lib.packets import V5, VERSIONS, Prop, Type
from lib.ports import free_port_block
from lib.server import wait_until
from lib.streams import TcpStream, TlsStream

pytestmark = pytest.mark.skipif(not shutil.which("mosquitto"), reason="mosquitto not installed")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    root = tmp_path_factory.mktemp("mosquitto")
    base = free_port_block()
    self_signed("localhost", root / "cert.pem", root / "key.pem")
    tls = f"certfile {root}/cert.pem\nkeyfile {root}/key.pem\n"
    (root / "conf").write_text(
        f"user root\nallow_anonymous true\nlistener {base} 127.0.0.1\n"
        f"listener {base + 1} 127.0.0.1\n{tls}"
        f"listener {base + 2} 127.0.0.1\nprotocol websockets\n{tls}")
    process = subprocess.Popen(["mosquitto", "-c", root / "conf"], stderr=subprocess.DEVNULL)

    def up():
        try:
            TcpStream(base + 2).close()
        except ConnectionError:
            return False
        return True

    ca = root / "cert.pem"
    try:
        wait_until(up, "mosquitto")
        yield SimpleNamespace(
            tcp=lambda: TcpStream(base), tls=lambda: TlsStream(base + 1, ca),
            wss=lambda: ws.WsStream(TlsStream(base + 2, ca)).open())
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def connect(broker):
    made = []

    def connect(transport="tcp", version=V5, **fields):
        made.append(Client(getattr(broker, transport)(), version))
        return made[-1].connect(**fields)

    yield connect
    for client in made:
        client.close()


@pytest.mark.parametrize("transport", ["tcp", "tls", "wss"])
@pytest.mark.parametrize("version", VERSIONS)
def test_exchange_at_each_qos(connect, transport, version):
    """Each QoS in both directions; the lower one counts [MQTT-3.8.4-8]."""
    client = connect(transport, version)
    for granted in range(3):
        topic = f"t/{granted}"
        assert client.subscribe(topic, qos=granted).codes == (granted,)
        for qos in range(3):
            client.publish(topic, b"\0payload", qos)
            message = client.receive(topic, b"\0payload")
            assert message.qos == min(granted, qos)
    client.unsubscribe("t/0", "t/1")
    client.expect_nothing()
    client.disconnect()


def test_properties_keep_their_order(connect):
    """[MQTT-3.3.2-18]: what the builder writes is what the parser reads."""
    props = ((Prop.PAYLOAD_FORMAT, 1), (Prop.CONTENT_TYPE, "x/y"), (Prop.RESPONSE_TOPIC, "r"),
             (Prop.CORRELATION_DATA, b"\0\xff"),
             *((Prop.USER_PROPERTY, pair) for pair in [("b", "1"), ("a", ""), ("b", "ü")]))
    client = connect(props=((Prop.RECEIVE_MAXIMUM, 3), (Prop.SESSION_EXPIRY, 0)))
    client.subscribe("p", props=((Prop.SUBSCRIPTION_ID, 268435455),))
    client.publish("p", b"", props=props)
    message = client.receive("p", b"")
    assert message.props.get(Prop.SUBSCRIPTION_ID) == 268435455
    assert message.props.all(Prop.USER_PROPERTY) == [("b", "1"), ("a", ""), ("b", "ü")]
    assert set(props) <= set(message.props)


def test_will_resume_and_take_over(connect):
    """A will after a reset [MQTT-3.1.2-8], a session resumed, and taken over."""
    watcher = connect()
    watcher.subscribe("w")
    keep = ((Prop.SESSION_EXPIRY, 60),)
    first = connect(client_id="x", props=keep, will=packets.Will("w", b"gone"))
    first.abort()
    watcher.receive("w", b"gone")
    second = connect(client_id="x", clean=False, props=keep)
    assert second.connack.session_present
    connect(client_id="x")
    with pytest.raises(Closed):
        second.recv()


def test_unacknowledged_is_resent(connect):
    """With `acknowledges` off nothing is acknowledged [MQTT-3.3.1-1]."""
    keep = ((Prop.SESSION_EXPIRY, 60),)
    client = connect(client_id="y", props=keep)
    client.subscribe("z", qos=1)
    client.acknowledges = False
    client.publish("z", b"1", 0)
    client.publish("z", b"2", 1)
    client.receive("z", b"1")
    assert not client.receive("z", b"2").dup
    client.abort()
    again = connect(client_id="y", clean=False, props=keep)
    assert again.receive("z", b"2").dup


@pytest.mark.parametrize("version", VERSIONS)
def test_malformed_is_noticed(connect, version):
    """A packet that a client must not send ends the connection; `expect_closed` sees how."""
    client = connect(version=version)
    client.send(packets.packet(0x80, b"\0\1"))
    client.expect_closed(0x81)
    with pytest.raises(Closed):
        client.recv()


def test_websocket_frames(broker):
    """Packets in many frames and several in one [MQTT-6.0.0-2]; ping and close are answered."""
    stream = broker.wss()
    whole = packets.connect(V5, "") + packets.PINGREQ
    for at in range(0, len(whole), 7):
        stream.send(whole[at:at + 7])
    client = Client(stream)
    assert client.recv().code == 0
    client.expect(packets.Pingresp)
    stream.below.send(ws.frame(ws.PING, b"echo"))
    assert stream.read_frame() == ws.Frame(ws.PONG, b"echo")


@pytest.mark.parametrize("data", [
    bytes.fromhex("20020200"),              # CONNACK without properties, flags above 1
    bytes.fromhex("2003000004"),            # CONNACK: property length past the end
    bytes.fromhex("3003000161"),            # PUBLISH without a property length
    bytes.fromhex("340700016100000061"),    # QoS 2 with packet identifier 0
    bytes.fromhex("d00100"),                # PINGRESP with a body
    bytes.fromhex("4003000105"),            # PUBACK with a code of no table
    bytes.fromhex("9004000100"),            # SUBACK cut off
    bytes.fromhex("90040001007f"),          # SUBACK with a code of no table
    bytes.fromhex("3006000161028000"),      # padded property identifier
    bytes.fromhex("10020000"),              # CONNECT from a server
], ids=lambda data: data.hex())
def test_parser_refuses(data):
    """The parser accepts nothing that a server must not send."""
    with pytest.raises((packets.Malformed, AssertionError)):
        packets.parse(V5, data)


def test_kinds_of_acknowledgement():
    """The two, three and four byte forms of an acknowledgement are one thing."""
    for code, props in ((None, None), (0, None), (0, ())):
        for kind in (Type.PUBACK, Type.PUBREC, Type.PUBREL, Type.PUBCOMP):
            data = packets.ack(kind, 7, code, props)
            assert packets.parse(V5, data) == packets.Ack(kind, 7, 0, packets.Props())
