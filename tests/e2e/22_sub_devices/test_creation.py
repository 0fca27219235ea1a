"""`sub_connect` with `product` makes an unknown sub-device."""
import json

import pytest

from lib import packets
from lib.cases import V4, V5, each_qos
from lib.packets import Prop


def listed(server, project, gateway):
    """The gateway's tree from the registry: path to (type, username)."""
    rows = server.cli("device", "list", "--project", project.key)["devices"]
    below = {}

    def walk(parent, path):
        for row in rows:
            if row["parent"] == parent:
                below[path + (row["address"],)] = (row["type"], row["username"])
                walk(row["username"], path + (row["address"],))
    walk(gateway.login.username, ())
    return below


@pytest.mark.parametrize("version", [V4, V5])
@each_qos
def test_made(server, project, gateway, dialect, qos):
    """device-protocol sub_connect: with `product` an unknown sub-device is created; it is online,
    and in the registry with its own deviceUsername."""
    gateway.say(f"{dialect}_connect", {"device": "7", "product": gateway.product}, qos)
    device = gateway.came()
    assert listed(server, project, gateway) == {("7",): (gateway.product, device)}


def test_by_code(server, project, gateway, make_product):
    """device-protocol: `product` is a product key or an operator's own code."""
    product = make_product({}, code="thermo-1")
    gateway.say("sub_connect", {"device": "1", "product": "thermo-1"})
    gateway.came()
    assert [kind for kind, _ in listed(server, project, gateway).values()] == [product]


@pytest.mark.parametrize("product", ["PK_00000", "nothing", "", 7, None, ["x"]])
def test_unknown_product(server, project, gateway, product):
    """An unknown product makes nothing, and is told."""
    answer = gateway.say("sub_connect", {"device": "1", "product": product})
    assert answer.code == 0x83 and "product" in answer.props.get(Prop.REASON_STRING)
    assert listed(server, project, gateway) == {}


def test_auto_create_off(server, project, gateway, make_product):
    """docs/device-types.md `auto_create`: off, operators alone make devices of the type."""
    answer = gateway.say("sub_connect", {"device": "1",
                                         "product": make_product({"auto_create": False})})
    assert answer.code == 0x83
    assert listed(server, project, gateway) == {}


def test_without_product(server, project, gateway):
    """device-protocol: an unknown sub-device without `product` stays unknown."""
    assert gateway.say("sub_connect", {"device": "1"}).code == 0x83
    assert listed(server, project, gateway) == {}


def test_known_stays_as_it_is(server, project, gateway, make_product):
    """`product` of a known sub-device changes nothing."""
    gateway.connect("1")
    before = listed(server, project, gateway)
    other = make_product({"max_rate": 7})
    assert gateway.say("sub_connect", {"device": "1", "product": other}).code == 0
    assert listed(server, project, gateway) == before


def test_path(server, project, gateway):
    """A path of several steps is made whole: what is missing above it has no type."""
    device = gateway.connect(["1", "2", "3"])
    below = listed(server, project, gateway)
    assert below[("1", "2", "3")] == (gateway.product, device)
    assert [below[path][0] for path in (("1",), ("1", "2"))] == [None, None]
    gateway.connect(["1", "2"])
    assert listed(server, project, gateway) == below


@pytest.mark.parametrize("address", ["a\nb", "\u0000", "x\u007f"])
def test_address_with_control_characters(server, project, gateway, address):
    """Such an address is none that a device can have."""
    answer = gateway.say("sub_connect", {"device": address, "product": gateway.product})
    assert answer.code == 0x83
    assert listed(server, project, gateway) == {}


def test_reports_wait(gateway):
    """A report that comes while its sub-device is made is handled when it is there, in order."""
    app = gateway.net.app()
    app.subscribe(*(gateway.open("+", kind) for kind in ("attributes", "event_report")))
    said = (("connect", {"device": "1", "product": gateway.product}),
            ("attributes", {"1": {"attributes": {"n": 0}}}),
            ("event_report", {"device": "1", "event": {"method": "m"}}),
            ("disconnect", {"device": "1"}),
            ("attributes", {"1": {"attributes": {"n": 1}}}))
    for word, value in said:
        gateway.say(f"sub_{word}", value, qos=0)
    for value in ({"n": 0}, {"method": "m"}, {"n": 1}):
        app.receive(value=value)
    gateway.usernames["1",] = gateway.came()
    gateway.presence("1", False)


@pytest.mark.fast_tsan
@pytest.mark.parametrize("version, qos", [(V4, 0), (V5, 0), (V4, 1)])  # V5 has a receive maximum
def test_burst(server, project, gateway, qos):
    """A gateway that comes with many new sub-devices at once: all are made, once each, and their
    reports come in order."""
    count = 200
    app = gateway.net.app()
    app.subscribe(gateway.net.project.open("+", "attributes"))
    payloads = []
    for n in range(count):
        payloads.append(("sub_connect", {"device": str(n), "product": gateway.product}))
        payloads.append(("sub_attributes", {str(n): {"attributes": {"n": n}}}))
    client = gateway.client
    client.send(*(packets.publish(client.version, gateway.own(topic), json.dumps(value).encode(),
                                  qos=qos, pid=1 + i if qos else None)
                  for i, (topic, value) in enumerate(payloads)))
    for n in range(count):
        app.receive(value={"n": n})
    if qos:
        for i in range(2 * count):
            client.expect(packets.Ack, pid=1 + i, code=0)
    assert len(listed(server, project, gateway)) == count


def test_twice_at_once(server, project, gateway):
    """The same sub-device asked for twice is one."""
    for _ in range(5):
        gateway.say("sub_connect", {"device": "1", "product": gateway.product}, qos=0)
    gateway.usernames["1",] = gateway.came()
    gateway.say("sub_disconnect", {"device": "1"})
    gateway.presence("1", False)
    gateway.expect_no_presence()
    assert len(listed(server, project, gateway)) == 1


def test_gateway_goes_meanwhile(server, project, gateway):
    """A gateway that is gone when its sub-device is there: it is made, and not online."""
    app = gateway.net.app()
    app.subscribe(gateway.login.open("online"))
    client = gateway.client
    client.send(packets.publish(client.version, gateway.own("sub_connect"),
                                json.dumps({"device": "1", "product": gateway.product}).encode(),
                                qos=0), packets.disconnect())
    app.receive_online(gateway.login.open("online"), False)
    back = gateway.net.device(gateway.login)
    back.publish(back.own("sub_connect"), b'{"device":"1"}')
    gateway.usernames["1",] = gateway.came()
    back.publish(back.own("sub_disconnect"), b'{"device":"1"}')
    gateway.presence("1", False)
    gateway.expect_no_presence()
    assert len(listed(server, project, gateway)) == 1
