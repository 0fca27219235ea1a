"""The message logs of a gateway and of its sub-devices."""
import json

import pytest


@pytest.fixture(autouse=True)
def transport():
    """These look behind the transports: once is enough."""


@pytest.fixture
def logged(server, project, gateway):
    """The gateway, and what an application is told of the logs of it and its sub-devices."""
    server.cli("project", "set", project.key, "--log", "on")
    for address in ("1", "2"):
        gateway.connect(address)
    app = gateway.net.app()
    devices = [gateway.login.username, *gateway.usernames.values()]
    app.subscribe(*(f"$open/{project.key}/{device}/log" for device in devices))
    names = dict(zip(devices, ("gateway", "1", "2")))

    def read(count):
        entries = []
        for _ in range(count):
            message = app.receive()
            entry = json.loads(message.payload)
            entries.append((names[message.topic.split("/")[2]], entry["direction"],
                            entry["topic"].split("/")[0], entry["verdict"], entry["payload"]))
        app.expect_nothing()
        return entries
    return gateway, read


def test_report(logged):
    """docs/message-log.md: a message of a gateway is in its log; each sub-device has what it was
    about, byte for byte, behind it."""
    gateway, read = logged
    payload = b'{"1":{"attributes":{"a":1}},"2":{"attributes":{"b":[2]}}}'
    gateway.say("sub_attributes", payload)
    assert read(3) == [("gateway", "up", "sub_attributes", "accepted", payload.decode()),
                       ("1", "up", "sub_attributes", "accepted", '{"a":1}'),
                       ("2", "up", "sub_attributes", "accepted", '{"b":[2]}')]


def test_refused(server, project, logged, make_product):
    """open-api 3.3 "recorded": what does not count is seen where it belongs."""
    gateway, read = logged
    server.cli("device", "set", gateway.usernames[("1",)], "--project", project.key, "--type",
               make_product({"strict": True}))
    gateway.say("sub_attributes", b'{"1":{"attributes":{"a":1}},"2":{"attributes":{"b":2}}}')
    assert [entry[:4:3] for entry in read(3)] == [
        ("gateway", "accepted"), ("1", "refused"), ("2", "accepted")]
    gateway.say("sub_event_report", {"device": "1", "event": {"method": "m"}})
    assert [entry[:4:3] for entry in read(2)] == [("gateway", "refused"), ("1", "refused")]
    gateway.say("sub_event_report", {"device": "9", "event": {"method": "m"}})
    assert [entry[:4:3] for entry in read(1)] == [("gateway", "refused")]
    gateway.say("sub_disconnect", {"device": ["1", "9"]})
    assert [entry[:4:3] for entry in read(2)] == [("gateway", "refused"), ("1", "refused")]


def test_downlink(logged):
    """A push is in the sub-device's log as it was sent, and in the gateway's as it gets it."""
    gateway, read = logged
    device = gateway.usernames[("1",)]
    gateway.net.app().publish(gateway.open(device, "attributes_push"), b'{"a":1}')
    entries = read(2)
    assert ("1", "down", "attributes_push", "accepted", '{"a":1}') in entries
    assert ("gateway", "down", "sub_attributes_push", "accepted",
            '{"device": ["1"], "attributes": {"a":1}}') in entries


def test_held(logged):
    """A message that waits is logged once, when it is handled."""
    gateway, read = logged
    gateway.say("sub_connect", {"device": "3", "product": gateway.product}, qos=0)
    gateway.say("sub_event_report", {"device": "3", "event": {}}, qos=0)
    assert [entry[:4:2] for entry in read(2)] == [
        ("gateway", "sub_connect"), ("gateway", "sub_event_report")]
