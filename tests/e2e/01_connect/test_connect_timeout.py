"""A connection must say CONNECT in time."""
import pytest

from lib import packets, ws
from lib.bystanders import let_in
from lib.packets import V5

SERVER_OPTIONS = ["--connect-timeout", 1]


@pytest.mark.parametrize("transport", ["tcp", "mqtts", "tls", "wss", "ws"])
@pytest.mark.parametrize("sent", [0, 1, 9])
def test_silence_or_half_a_connect(net, transport, sent):
    """X-3.1.4-timeout, open-api 8: closed without an answer."""
    client = let_in(lambda: net.raw(transport))  # its handshake has to be done in time, too
    client.send(packets.connect(V5, "id", "name", "secret")[:sent])
    client.expect_closed()


@pytest.mark.parametrize("service", ["device_mqtts", "app_mqtts", "app_wss"])
@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
                         ids=["nothing", "half a hello"])
def test_tls_handshake(net, service, sent):
    """open-api 8: the time runs from the TCP accept, so a TLS hello cut off is closed too."""
    stream = net.tcp(service)
    stream.send(sent)
    assert stream.read() == b""


@pytest.mark.parametrize("sent", [0, 20])
def test_websocket_handshake(net, sent):
    """open-api 8: nor does an upgrade request that never ends stay."""
    stream = let_in(net.wss)
    stream.below.send(ws.request()[:sent])
    assert stream.response() is None


def test_pings_do_not_prolong_it(net):
    """X-3.1.4-timeout: WebSocket pings are no CONNECT."""
    stream = let_in(lambda: net.wss().open())
    while True:
        stream.below.send(ws.frame(ws.PING, b"x"))
        if (found := stream.read_frame()) is None or found.opcode == ws.CLOSE:
            break


def test_a_connected_client_stays(net):
    """open-api 8: the limit ends with CONNECT; others fall while this one is served."""
    client = let_in(net.app)
    net.raw("device").expect_closed()
    client.ping()
