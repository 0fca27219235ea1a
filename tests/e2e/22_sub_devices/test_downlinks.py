"""Pushes and commands to sub-devices go through the gateway's session."""
import json

import pytest

from lib.cases import V4, V5, each_qos, table

PUSH, COMMAND = b'{ "target":21.50 }', b'{ "method":"m", "params" : {},"id":1 }'
DEPTHS = pytest.mark.parametrize("address", [["1"], ["1", "2"]], ids=["step", "path"])


def subscribe(gateway, *dialects, qos=1):
    """The gateway hears of pushes and commands in these dialects alone."""
    words = ("attributes_push", "command_send")
    gateway.client.unsubscribe(*(gateway.own(f"{d}_{w}") for d in ("sub", "gateway")
                                 for w in words))
    if dialects:
        gateway.client.subscribe(*(gateway.own(f"{d}_{w}") for d in dialects for w in words),
                                 qos=qos)


@DEPTHS
@pytest.mark.fast_tsan
@pytest.mark.parametrize("version", [V4, V5])
@each_qos
def test_push(gateway, address, qos):
    """device-protocol sub_attributes_push: `device` is a list, the attributes are byte for byte;
    cloud values and applications see it as any push (open-api 3.3)."""
    device = gateway.connect(address)
    app, pusher = gateway.watch("attributes", "attributes_push"), gateway.net.app()
    answer = pusher.publish(gateway.open(device, "attributes_push"), PUSH, qos)
    assert answer is None or answer.code == 0
    path = b'["1"]' if len(address) == 1 else b'["1", "2"]'
    gateway.client.receive(gateway.own("sub_attributes_push"),
                           b'{"device": %s, "attributes": %s}' % (path, PUSH))
    for _ in range(2):
        app.receive(payload=PUSH)
    gateway.say("sub_attributes_get", {"device": address, "get": {}})
    assert json.loads(gateway.client.receive().payload)["attributes"] == {"target": 21.5}


@DEPTHS
@pytest.mark.parametrize("version", [V4, V5])
def test_command(gateway, address):
    """device-protocol sub_command_send: a path of one step is a text, a longer one a list."""
    device = gateway.connect(address)
    pusher = gateway.net.app()
    assert pusher.publish(gateway.open(device, "command_send"), COMMAND).code == 0
    path = b'"1"' if len(address) == 1 else b'["1", "2"]'
    gateway.client.receive(gateway.own("sub_command_send"),
                           b'{"device": %s, "command": %s}' % (path, COMMAND))


def test_command_gets_an_id(gateway):
    """open-api 3.3: a command without an `id` is given one, inside."""
    device = gateway.connect("1")
    gateway.net.app().publish(gateway.open(device, "command_send"), b'{"method":"m"}')
    command = json.loads(gateway.client.receive().payload)["command"]
    assert command["method"] == "m" and isinstance(command["id"], int)


def test_gateway_dialect(gateway):
    """device-protocol: a gateway that has subscribed to the older topics gets those; `device` is
    one string."""
    device = gateway.connect("1")
    subscribe(gateway, "gateway")
    pusher = gateway.net.app()
    assert pusher.publish(gateway.open(device, "attributes_push"), PUSH).code == 0
    gateway.client.receive(gateway.own("gateway_attributes_push"),
                           b'{"device": "1", "attributes": %s}' % PUSH)
    assert pusher.publish(gateway.open(device, "command_send"), COMMAND).code == 0
    gateway.client.receive(gateway.own("gateway_command_send"),
                           b'{"device": "1", "command": %s}' % COMMAND)


def test_both_dialects(gateway, dialect):
    """Subscribed to both, a gateway hears of a sub-device in the dialect in which it spoke of it
    last."""
    device = gateway.connect("1", "gateway" if dialect == "sub" else "sub")
    gateway.say(f"{dialect}_attributes", {"1": {} if dialect == "gateway" else {"attributes": {}}})
    gateway.net.app().publish(gateway.open(device, "attributes_push"), PUSH)
    gateway.client.receive(gateway.own(f"{dialect}_attributes_push"))


def test_path_in_the_gateway_dialect(gateway):
    """A path of two steps cannot be said in `gateway_…`: nobody takes it."""
    device = gateway.connect(["1", "2"])
    subscribe(gateway, "gateway")
    assert gateway.net.app().publish(gateway.open(device, "attributes_push"), PUSH).code == 0x10


@table("topic, payload", {"push": ("attributes_push", PUSH), "command": ("command_send", COMMAND)})
def test_nobody_takes_it(gateway, topic, payload):
    """open-api 3.3: 0x10 when the gateway has not subscribed, or is offline."""
    device = gateway.connect("1")
    pusher = gateway.net.app()
    subscribe(gateway)
    assert pusher.publish(gateway.open(device, topic), payload).code == 0x10
    gateway.client.disconnect()
    assert pusher.publish(gateway.open(device, topic), payload).code == 0x10


def test_byte_order_mark(gateway):
    """open-api 3.3: a byte order mark is skipped; in the middle of a text it would be none."""
    device = gateway.connect("1")
    answer = gateway.net.app().publish(gateway.open(device, "attributes_push"),
                                       b"\xef\xbb\xbf" + PUSH)
    assert answer.code == 0
    gateway.client.receive(payload=b'{"device": ["1"], "attributes": %s}' % PUSH)


def test_disconnected_sub_device(gateway):
    """A gateway that does not say whether its sub-devices are there gets what is for them."""
    device = gateway.connect("1")
    gateway.say("sub_disconnect", {"device": "1"})
    assert gateway.net.app().publish(gateway.open(device, "command_send"), COMMAND).code == 0
    gateway.client.receive(gateway.own("sub_command_send"))


def test_persistent_gateway(net, gateway):
    """open-api 3.3: an offline gateway's own persistent session keeps what is for its
    sub-devices."""
    device = gateway.connect("1")
    gateway.client.disconnect()
    login, pusher = gateway.login, net.app()
    topics = [login.own("sub_command_send")]
    keeping = net.device(login, V4, client_id="keep", clean=False)
    keeping.subscribe(*topics)
    keeping.disconnect()
    assert pusher.publish(gateway.open(device, "command_send"), COMMAND).code == 0
    back = net.device(login, V4, client_id="keep", clean=False)
    back.receive(login.own("sub_command_send"))


def test_command_status(gateway):
    """open-api 3.2 command_status: told of the sub-device's command, step by step."""
    device, other = gateway.connect("1"), gateway.connect("2")
    project = gateway.net.project
    app, pusher = gateway.net.app(), gateway.net.app()
    app.subscribe(*(f"$open/{project.key}/{d}/command_status" for d in (device, other)))
    for x in (other, device):
        pusher.publish(gateway.open(x, "command_send"), COMMAND)
        gateway.client.receive()
    gateway.say("sub_command_reply", {"device": "1", "command": {"method": "m", "id": 1}})
    got = {device: [], other: []}
    for _ in range(7):
        message = app.receive()
        got[message.topic.split("/")[2]].append(json.loads(message.payload)["status"])
    assert got == {device: ["accepted", "sent", "delivered", "replied"],
                   other: ["accepted", "sent", "delivered"]}


def test_wrong_push(server, project, gateway, make_product):
    """open-api 3.3: a push is checked against the sub-device's type."""
    device = gateway.connect("1")
    server.cli("device", "set", device, "--project", project.key, "--type",
               make_product({"attributes": [{"id": "t", "direction": "report",
                                             "type": "number"}]}))
    answer = gateway.net.app().publish(gateway.open(device, "attributes_push"), b'{"t":1}')
    assert answer.code == 0x83
