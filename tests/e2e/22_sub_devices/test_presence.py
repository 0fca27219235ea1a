"""Presence of sub-devices: by what the gateway says of them, and never without it."""
import json

import pytest

from lib.cases import V4, V5
from lib.packets import Will


@pytest.fixture
def two(gateway):
    for address in ("1", "2"):
        gateway.connect(address)
    return gateway


@pytest.mark.parametrize("version", [V4, V5])
def test_connect_and_disconnect(two, dialect):
    """open-api 4: online is the `sub_connect` of a sub-device; sub_disconnect ends it."""
    for _ in range(2):
        two.say(f"{dialect}_disconnect", {"device": "1"})
        assert two.presence("1", False).props.user["reason"] == "disconnected"
        two.say(f"{dialect}_connect", {"device": "1"})
        assert two.presence("1", True).props.user["reason"] == "connected"


def test_strictly_alternating(two):
    """open-api 3.2: what is said twice is told once."""
    for word in ("connect", "connect", "disconnect", "disconnect", "connect"):
        two.say(f"sub_{word}", {"device": "1"})
    two.presence("1", False)
    two.presence("1", True)
    two.expect_no_presence()


def test_data_does_not_connect(two):
    """open-api 4: a report of a sub-device that is not connected counts, and does not bring it
    online."""
    app = two.watch("attributes", "online")
    two.say("sub_disconnect", {"device": "1"})
    app.receive(value={"online": False})
    two.say("sub_attributes", {"1": {"attributes": {"a": 1}}})
    app.receive(value={"a": 1})
    app.expect_nothing()


def test_in_order_with_data(two):
    """open-api 3.2: online is in order with that device's data."""
    app = two.watch("attributes", "online", "event_report")
    for n in range(3):
        two.say("sub_disconnect", {"device": "1"}, qos=0)
        two.say("sub_connect", {"device": "1"}, qos=0)
        two.say("sub_attributes", {"1": {"attributes": {"n": n}}}, qos=0)
        two.say("sub_event_report", {"device": "1", "event": {"method": f"m{n}"}}, qos=0)
    for n in range(3):
        for value in ({"online": False}, {"online": True}, {"n": n}, {"method": f"m{n}"}):
            app.receive(value=value)


@pytest.mark.parametrize("version", [V4, V5])
@pytest.mark.parametrize("how", ["disconnect", "abort"])
def test_gateway_takes_them_with_it(two, how):
    """open-api 4: a parent going offline takes its sub-devices with it."""
    two.connect(["2", "1"])
    app = two.watch("online")
    app.subscribe(two.login.open("online"))
    getattr(two.client, how)()
    got = [app.receive(value={"online": False}) for _ in range(4)]
    names = [message.topic.split("/")[2] for message in got]
    assert set(names) == {two.login.username, *two.usernames.values()}
    assert names[-1] == two.login.username
    assert names.index(two.usernames[("2", "1")]) < names.index(two.usernames[("2",)])
    assert got[0].props.user["reason"] == "parent offline"
    app.expect_nothing()


def test_sub_device_takes_those_below(two):
    """The same at every level."""
    two.connect(["1", "1"])
    two.say("sub_disconnect", {"device": ["1"]})
    two.presence(["1", "1"], False)
    two.presence("1", False)
    two.expect_no_presence()


def test_gateway_is_taken_over(net, two):
    """open-api 4: a take-over by the gateway itself is no absence of its sub-devices."""
    back = net.device(two.login)
    back.publish(two.own("sub_connect"), b'{"device":"1"}')
    two.expect_no_presence()


def test_gateway_comes_back(net, two):
    """They are online again when it says so of each."""
    two.client.disconnect()
    for address in "12":
        two.presence(address, False)
    back = net.device(two.login)
    two.expect_no_presence()
    back.publish(two.own("sub_connect"), b'{"device":["2"]}')
    two.presence("2", True)
    two.expect_no_presence()


def test_will_of_the_gateway(net, make_product):
    """open-api 3.4: a will may go where the device may publish; it is its last data before it is
    offline."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("online"))
    will = Will(login.own("sub_event_report"), b'{"device":"1","event":{"method":"w"}}', 1)
    device, watcher = net.device(login, will=will), net.app()
    app.receive_online(login.open("online"), True)
    watcher.subscribe(net.project.open("+", "event_report"), net.project.open("+", "online"))
    device.publish(login.own("sub_connect"),
                   b'{"device":"1","product":"%s"}' % make_product().encode())
    while b"true" not in (message := watcher.receive()).payload:
        pass
    sub = message.topic.split("/")[2]
    device.abort()
    got = []
    while len(got) < 3:
        message = watcher.receive()
        name = message.topic.split("/")[2]
        if name in (sub, login.username):  # those of other tests go when they end
            got.append((name, json.loads(message.payload)))
    assert got == [(sub, {"method": "w"}), (sub, {"online": False}),
                   (login.username, {"online": False})]
    assert sub != login.username


def test_disabled(server, project, two):
    """A sub-device that is disabled is offline, is not heard, and is not connected."""
    device = two.usernames[("1",)]
    server.cli("device", "set", device, "--project", project.key, "--enabled", "off")
    two.presence("1", False)
    app = two.watch("attributes")
    assert two.say("sub_connect", {"device": "1"}).code == 0x87
    two.say("sub_attributes", {"1": {"attributes": {}}, "2": {"attributes": {"a": 1}}})
    app.receive(value={"a": 1})
    two.expect_no_presence()


def test_moved(server, project, two):
    """A sub-device that moves to another gateway is offline until that one connects it; its values
    come with it (device-protocol "a hand-over")."""
    two.say("sub_attributes", {"1": {"attributes": {"a": 1}}})
    for _ in range(4):
        other = two.net.device(
            subscribe=["sub_attributes_get_response", "sub_command_send"])
        server.cli("device", "set", two.usernames[("1",)], "--project", project.key, "--parent",
                   other.login.username, "--address", "x")
        two.presence("1", False)
        other.publish(other.own("sub_connect"), b'{"device":"x"}')
        two.presence("1", True)
        other.publish(other.own("sub_attributes_get"), b'{"device":"x","get":{}}')
        assert b'"attributes": {"a":1}' in other.receive().payload
    assert two.say("sub_connect", {"device": "1"}).code == 0x83


def test_removed(server, project, two):
    """A removed sub-device is unknown at once; its gateway stays connected."""
    server.cli("device", "remove", two.usernames[("1",)], "--project", project.key)
    assert two.presence("1", False).props.user["reason"] == "removed"
    assert two.say("sub_connect", {"device": "1"}).code == 0x83
    two.say("sub_disconnect", {"device": "2"})
    two.presence("2", False)
