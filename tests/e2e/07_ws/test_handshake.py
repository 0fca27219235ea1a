"""The WebSocket upgrade: what is taken and what is not."""
import pytest

from lib import ws
from lib.cases import table

SERVER_OPTIONS = ["--connect-timeout", 5]
WAYS = pytest.mark.parametrize("way", ["app_wss", "device_ws"])


def fresh(net, way):
    return net.wss() if way == "app_wss" else ws.WsStream(net.tcp("device_ws"))


@WAYS
def test_accept_value(net, way):
    """X-RFC6455-4.2-accept: the pair of the RFC; [MQTT-6.0.0-4]: the server selects mqtt."""
    response = fresh(net, way).ask(ws.request(key="dGhlIHNhbXBsZSBub25jZQ=="))
    assert response.status == 101
    assert response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert response.headers["sec-websocket-protocol"] == "mqtt"


GOOD = {
    "list of protocols": {"Sec_WebSocket_Protocol": "chat, mqtt"},
    "mqtt first": {"Sec_WebSocket_Protocol": "mqtt,mqttv3.1"},
    "connection list": {"Connection": "keep-alive, Upgrade"},
    "other case": {"Upgrade": "WebSocket", "Connection": "upgrade"},
    "origin": {"Origin": "https://app.example"},
    "extension offered": {"Sec_WebSocket_Extensions": "permessage-deflate"},
    "further headers": {"User_Agent": "x" * 500, "Cookie": "a=b"},
}


@WAYS
@table("headers", GOOD)
def test_good(net, way, headers):
    """X-RFC6455-4.2-handshake, open-api 3.5: a page anywhere connects; no extension is taken
    unasked, none is needed."""
    response = fresh(net, way).ask(ws.request(**headers))
    assert response.status == 101
    assert response.headers["sec-websocket-protocol"] == "mqtt"


@WAYS
def test_header_names_in_any_case(net, way):
    """X-RFC6455-4.2-handshake: and with or without white space before the value."""
    for change in (bytes.lower, bytes.upper):
        first, *lines = ws.request().strip().split(b"\r\n")
        pairs = [line.split(b": ", 1) for line in lines]
        written = [first, *(change(name) + b":" + value for name, value in pairs)]
        assert fresh(net, way).ask(b"\r\n".join(written) + b"\r\n\r\n").status == 101


@WAYS
def test_in_single_bytes(net, way):
    """X-RFC6455-4.2-handshake: the request may come in any pieces."""
    stream = fresh(net, way)
    for byte in ws.request():
        stream.below.send(bytes([byte]))
    assert stream.response().status == 101


BAD = {
    "no subprotocol": ({"drop": ["Sec-WebSocket-Protocol"]}, {400}),
    "other subprotocol": ({"Sec_WebSocket_Protocol": "chat"}, {400}),
    "subprotocol like mqtt": ({"Sec_WebSocket_Protocol": "mqttx, amqtt"}, {400}),
    "no key": ({"drop": ["Sec-WebSocket-Key"]}, {400}),
    "short key": ({"Sec_WebSocket_Key": "c2hvcnQ="}, {400}),
    "no version": ({"drop": ["Sec-WebSocket-Version"]}, {400, 426}),
    "version 8": ({"Sec_WebSocket_Version": "8"}, {400, 426}),
    "no host": ({"drop": ["Host"]}, {400}),
    "no upgrade": ({"drop": ["Upgrade"]}, {400, 404, 426}),
    "other upgrade": ({"Upgrade": "h2c"}, {400, 404, 426}),
    "no connection": ({"drop": ["Connection"]}, {400, 404, 426}),
    "other path": ({"path": "/other"}, {400, 404}),
    "root": ({"path": "/"}, {400, 404}),
    "path and more": ({"path": "/mqttx"}, {400, 404}),
    "POST": ({"method": "POST"}, {400, 404, 405}),
}


@WAYS
@table("change, statuses", BAD)
def test_bad(net, way, change, statuses):
    """X-RFC6455-4.2-handshake, [MQTT-6.0.0-3]: refused with a status, or closed."""
    response = fresh(net, way).ask(ws.request(**change))
    assert response is None or response.status in statuses


@WAYS
@table("data", {
    "garbage": bytes(range(256)),
    "no request line": b"\r\n\r\n\r\n\r\n",
    "HTTP/1.0": b"GET /mqtt HTTP/1.0\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "header without colon": b"GET /mqtt HTTP/1.1\r\nHost localhost\r\n\r\n",
    "zero in a header": ws.request().replace(b"localhost", b"local\0host"),
    "bare line feeds": b"GET /mqtt HTTP/1.1\nHost: localhost\n\n" + b"x" * 64,
    "too long": b"GET /mqtt HTTP/1.1\r\nX: " + b"x" * 200000 + b"\r\n\r\n",
    "too many headers": b"GET /mqtt HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    "mqtt without websocket": bytes.fromhex("101000044d5154540502003c0000036162630000"),
})
def test_no_request_at_all(net, way, data):
    """Bad input: answered with an error or closed, and the next client is served."""
    stream = fresh(net, way)
    stream.below.send(data)
    assert stream.below.read()[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 426",
                                        b"HTTP/1.1 431", b"HTTP/1.1 413", b"HTTP/1.1 505",
                                        b"HTTP/1.1 414", b"HTTP/1.1 405", b"HTTP/1.1 501")
    fresh(net, way).open()
