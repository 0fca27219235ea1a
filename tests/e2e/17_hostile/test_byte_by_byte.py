"""Whole sessions that come in single bytes, down to TLS and HTTP."""
import ssl

import pytest

from lib import packets, ws
from lib.cases import versions
from lib.client import Client
from lib.streams import TcpStream
from lib.ws import WsStream


class SlowTlsStream(TcpStream):
    """TLS whose cipher text leaves byte by byte, the handshake's too."""

    def __init__(self, port, ca):
        super().__init__(port)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = ssl.create_default_context(cafile=ca).wrap_bio(
            self._in, self._out, server_hostname="localhost")
        while self._tried(lambda: self._tls.do_handshake() or b"done") is None:
            self._in.write(super().read())

    def send(self, data):
        for byte in data:  # a record each
            self._tls.write(bytes([byte]))
            self._flush()

    def read(self, until=None):
        while (data := self._tried(lambda: self._tls.read(65536))) is None:
            received = super().read(until)
            if not received:
                return b""
            self._in.write(received)
        return data

    def _tried(self, step):
        """What it gives, None when it wants to read first."""
        try:
            return step()
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return b""
        finally:
            self._flush()

    def _flush(self):
        for byte in self._out.read():
            super().send(bytes([byte]))


class SlowTcpStream(TcpStream):
    def send(self, data):
        for byte in data:
            super().send(bytes([byte]))


def a_session(net, stream, version, is_device):
    login = net.project.device()
    user, secret = (login.username, login.password) if is_device else (net.project.key,
                                                                       net.project.secret)
    topic = login.own("data", "x") if is_device else login.open("attributes_push")
    own = login.own("command_send") if is_device else login.open("attributes_push")
    client = Client(stream, version).connect("", user, secret)
    client.subscribe(own)
    client.publish(topic, b"{}", qos=2)
    if not is_device:
        client.receive(topic, b"{}")
    client.ping()
    client.disconnect()


@versions
@pytest.mark.parametrize("service", ["device_mqtt", "device_ws"])
def test_plain(net, server, version, service):
    """Slow peers: CONNECT, SUBSCRIBE, PUBLISH, and the upgrade and frames before them."""
    stream = net._keep(SlowTcpStream(server.port(service)))
    if service == "device_ws":
        stream = WsStream(stream).open()
    a_session(net, stream, version, True)


@versions
@pytest.mark.parametrize("service", ["device_mqtts", "app_mqtts", "app_wss"])
def test_tls(net, server, version, service):
    """Slow peers: the same under TLS, with a record for each byte and the records in bytes."""
    stream = net._keep(SlowTlsStream(server.port(service), server.ca))
    if service == "app_wss":
        stream = WsStream(stream).open()
    a_session(net, stream, version, service == "device_mqtts")


@versions
def test_a_frame_for_each_byte(net, version):
    """Slow peers: WebSocket frames of one byte, all in one segment."""
    login = net.project.device()
    stream = net.stream("ws")
    connect = packets.connect(version, "", login.username, login.password)
    stream.below.send(b"".join(ws.frame(ws.BINARY, bytes([byte]))
                               for byte in connect + packets.PINGREQ * 1000))
    client = Client(stream, version)
    assert client.recv().code == 0
    for _ in range(1000):
        client.expect(packets.Pingresp)
