"""What of sub-devices outlives a restart of the server."""
import json

import pytest

from lib.packets import Prop
from lib.server import Server
from lib.world import Net, Project


@pytest.fixture(autouse=True)
def transport():
    """These look behind the transports: once is enough."""


@pytest.fixture
def own(request):
    """A server that the test stops and starts: `start` gives its connections."""
    server = Server("--restart-grace", getattr(request, "param", 60), "--workers", 4)
    server.nets, server.known = [], None

    def begin():
        server.start()
        server.known = server.known or Project.add(server)
        server.nets.append(Net(server, server.known))
        return server.nets[-1]

    def end():
        server.stop()
        for net in server.nets:
            net.close()
        server.nets.clear()
    server.begin, server.end = begin, end
    try:
        yield server
        server.end()
    finally:
        server.remove()


def connect(net, product, login=None):
    """A gateway that connects ["1"] and ["1", "2"]."""
    device = net.device(login, subscribe=["sub_attributes_get_response", "sub_command_send"])
    if product:
        for path in (["1"], ["1", "2"]):
            device.publish(device.own("sub_connect"),
                           json.dumps({"device": path, "product": product}).encode())
    return device


def test_values_and_places(own):
    """open-api 4, device-protocol: values, commands and places of sub-devices of every level are
    there after a restart; those that were online were never offline, as their gateway is back."""
    net = own.begin()
    product = own.cli("type", "add", "--project", own.known.key, "--name", "x")["product_key"]
    gateway, app = connect(net, product), net.app()
    gateway.publish(gateway.own("sub_attributes"),
                    b'{"1":{"attributes":{"a":1},"sub":{"2":{"attributes":{"b":2}}}}}')
    rows = own.cli("device", "list", "--project", own.known.key)["devices"]
    below = {row["address"]: row["username"] for row in rows if row["parent"]}
    app.publish(own.known.open(below["2"], "command_send"), b'{"method":"m","id":5}')
    gateway.receive(gateway.own("sub_command_send"))
    own.end()
    net = own.begin()
    app = net.app()
    app.subscribe(*(own.known.open(d, kind) for d in below.values()
                    for kind in ("online", "command_reply")))
    back = connect(net, None, gateway.login)
    for path, values in ((["1"], {"a": 1}), (["1", "2"], {"b": 2})):
        back.publish(back.own("sub_attributes_get"),
                     json.dumps({"device": path, "get": {}}).encode())
        assert json.loads(back.receive().payload)["attributes"] == values
    back.publish(back.own("sub_command_reply"),
                 b'{"device":["1","2"],"command":{"method":"m","id":5}}')
    app.receive(own.known.open(below["2"], "command_reply"))
    back.publish(back.own("sub_disconnect"), b'{"device":["1","2"]}')
    app.receive_online(own.known.open(below["2"], "online"), False)
    app.expect_nothing()


@pytest.mark.parametrize("own", [2], indirect=True)
def test_gateway_does_not_come_back(own):
    """open-api 4: not back within `restart_grace`, a gateway takes its sub-devices with it."""
    net = own.begin()
    product = own.cli("type", "add", "--project", own.known.key, "--name", "x")["product_key"]
    kept = {"client_id": "kept", "clean": False, "props": ((Prop.SESSION_EXPIRY, 600),)}
    app = net.app(**kept)
    app.subscribe(f"open/{own.known.key}/+/online")
    connect(net, product)
    for _ in range(3):
        app.receive(value={"online": True})
    app.disconnect()
    own.end()
    app = own.begin().app(**kept)
    assert app.connack.session_present
    got = {}
    for _ in range(3):
        message = app.receive(value={"online": False})
        got[message.topic] = message.props.user["reason"]
    assert len(got) == 3
    app.expect_nothing()


def test_moved_while_stopped(own):
    """A sub-device that got another parent while no server ran has its values at its new place."""
    net = own.begin()
    product = own.cli("type", "add", "--project", own.known.key, "--name", "x")["product_key"]
    gateway, other = connect(net, product), net.device()
    gateway.publish(gateway.own("sub_attributes"),
                    b'{"1":{"attributes":{"a":1},"sub":{"2":{"attributes":{"b":2}}}}}')
    rows = own.cli("device", "list", "--project", own.known.key)["devices"]
    top = next(row["username"] for row in rows if row["address"] == "1")
    own.end()
    own.cli("device", "set", top, "--project", own.known.key, "--parent", other.login.username)
    back = connect(own.begin(), None, other.login)
    back.publish(back.own("sub_attributes_get"), b'{"device":["1","2"],"get":{}}')
    assert json.loads(back.receive().payload)["attributes"] == {"b": 2}
