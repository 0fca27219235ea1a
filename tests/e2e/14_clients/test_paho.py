"""Python's paho over TLS, over a secure WebSocket, and as a device."""
import pytest

from lib.cases import V4, V5, versions

TRANSPORTS = pytest.mark.parametrize("transport, service", [("tcp", "app_mqtts"),
                                                           ("websockets", "app_wss")])


@versions
@TRANSPORTS
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_application(net, server, project, connect, version, transport, service, qos):
    """open-api 2 and 3: paho with `tls_set(ca)` subscribes, receives, sends a command, and gets
    the reply."""
    app = connect(version, server.port(service), project.key, project.secret, server.ca,
                  transport=transport)
    device = net.device(subscribe=["command_send"])
    assert app.subscribe(device.open("#"), qos) == [qos]
    device.publish(device.own("attributes"), b'{"t": 1}')
    message = app.receive()
    assert (message.topic, message.payload, message.qos) == (
        device.open("attributes"), b'{"t": 1}', qos)
    command = b'{"method":"m","params":{},"id":"a"}'
    app.client.publish(device.open("command_send"), command, qos)
    device.receive(device.own("command_send"), command)
    device.publish(device.own("command_reply"), command)
    seen = set()
    while device.open("command_reply") not in seen:
        what, value = app.events.get(timeout=20)
        assert what in ("publish", "message")
        if what == "message":
            assert value.payload == command
            seen.add(value.topic)


@pytest.mark.parametrize("service, tls", [("device_mqtt", False), ("device_mqtts", True)])
@versions
def test_device(net, server, project, connect, version, service, tls):
    """open-api 4: a device with paho reports and receives."""
    login, app = project.device(), net.app()
    app.subscribe(login.open("attributes"))
    device = connect(version, server.port(service), login.username, login.password,
                     server.ca if tls else None, client_id="paho")
    device.subscribe(login.own("attributes_push"), 1)
    device.publish(login.own("attributes"), b'{"a":1}')
    app.receive(login.open("attributes"), b'{"a":1}')
    app.publish(login.open("attributes_push"), b'{"b":2}')
    assert device.receive().payload == b'{"b":2}'


def test_properties(net, server, project, connect):
    """open-api 3.2: ts and source are user properties, beside the payload."""
    app = connect(V5, server.port("app_mqtts"), project.key, project.secret, server.ca)
    device = net.device()
    app.subscribe(device.open("attributes"), 1)
    device.publish(device.own("attributes"), b'{"a":1}')
    properties = app.receive().properties
    user = dict(properties.UserProperty)
    assert user["source"] == "report" and user["ts"].isdigit()
    assert properties.ContentType == "application/json"


@pytest.mark.parametrize("version, code", [(V4, 4), (V5, 0x86)])
def test_wrong_secret(server, project, version, code):
    """open-api 3: the code of the refusal reaches the application."""
    from lib.clients import Paho
    client = Paho(version)
    assert client.open(server.port("app_mqtts"), project.key, "wrong", server.ca) == code
    client.close()


def test_reconnects_by_itself(net, server, project, connect):
    """open-api 3.4: a session that is kept gets what came while paho was away."""
    app = connect(V4, server.port("app_mqtts"), project.key, project.secret, server.ca,
                  client_id="returns", clean=False)
    device = net.device()
    app.subscribe(device.open("data/s"), 1)
    net.app(client_id="returns", version=V4, clean=False).close()  # takes over, and is gone
    device.publish(device.own("data", "s"), b"meanwhile")
    while True:
        what, value = app.events.get(timeout=20)
        if what == "message":
            break
        assert (what, value) == ("connect", 0)
    assert value.payload == b"meanwhile"
