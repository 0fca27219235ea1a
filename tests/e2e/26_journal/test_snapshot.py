"""Snapshot: the present state of devices, in the order of their messages. open-api.md 3.4"""
import json

import pytest

from lib.client import V4, V5, Prop
from lib.world import Net, Project

SESSIONS = pytest.mark.parametrize("version, kept", [(V4, False), (V4, True), (V5, False),
                                                     (V5, True)])


class Stage:
    def __init__(self, server):
        self.project = Project.add(server)
        self.net = Net(server, self.project)
        self.notice = f"$open/{self.project.key}/notice"

    def app(self, version, kept):
        fields = {"props": [(Prop.SESSION_EXPIRY, 3600)]} if kept and version == V5 else {}
        return self.net.app(version, client_id="a", clean=not kept, **fields)

    def ask(self, app, filter):
        assert app.publish(f"$open/{self.project.key}/ctl", json.dumps(
            {"op": "snapshot", "filter": filter}).encode()).code == 0

    def take(self, app, filter):
        """The messages of a snapshot, by topic, up to its notice."""
        found = {}
        while (message := app.receive()).topic != self.notice:
            assert message.retain and message.topic not in found, message
            found[message.topic] = json.loads(message.payload)
        notice = json.loads(message.payload)
        assert notice.pop("seq") >= 0
        assert notice == {"type": "snapshot_end", "filter": filter}
        return found


@pytest.fixture
def stage(server):
    return Stage(server)


@SESSIONS
def test_state_of_devices(stage, version, kept):
    """Attributes, alarm and online of each device come on their ordinary topics, retained."""
    first, second, never = (stage.project.device() for _ in range(3))
    device = stage.net.device(first)
    device.publish(device.own("attributes"), b'{"a":1,"b":"x"}')
    device.publish(device.own("attributes"), b'{"a":2}')
    other = stage.net.device(second)
    other.publish(other.own("attributes"), b'{"c":true}')
    other.disconnect()
    app = stage.app(version, kept)
    watcher = stage.net.app()
    watcher.subscribe(second.open("online"))
    everything = f"open/{stage.project.key}/#"
    app.subscribe(everything, stage.notice, qos=2)
    stage.ask(app, everything)
    found = stage.take(app, everything)
    found.pop(second.open("online"), None) if watcher.has_messages() else None
    assert found[first.open("attributes")] == {"a": 2, "b": "x"}
    assert found[first.open("online")] == {"online": True}
    assert found[first.open("alarm")] == {"alerting": False}
    assert found[second.open("attributes")] == {"c": True}
    assert found[never.open("online")] == {"online": False}
    assert never.open("attributes") not in found
    device.publish(device.own("attributes"), b'{"a":3}')
    live = app.receive(first.open("attributes"), b'{"a":3}')
    assert not live.retain


@SESSIONS
def test_one_kind_of_one_device(stage, version, kept):
    """The filter says of which devices and kinds."""
    first, second = stage.project.device(), stage.project.device()
    for login in (first, second):
        device = stage.net.device(login)
        device.publish(device.own("attributes"), b'{"a":1}')
    app = stage.app(version, kept)
    app.subscribe(stage.project.open("+", "attributes"), stage.notice)
    stage.ask(app, second.open("attributes"))
    assert stage.take(app, second.open("attributes")) == {second.open("attributes"): {"a": 1}}
    app.expect_nothing()


def test_by_subscription(stage):
    """The user property `snapshot` of a SUBSCRIBE asks for it, behind the SUBACK."""
    login = stage.project.device()
    stage.net.device(login)
    app = stage.app(V5, False)
    app.subscribe(stage.notice)
    filter = stage.project.open("+", "online")
    app.subscribe(filter, props=[(Prop.USER_PROPERTY, ("snapshot", "1"))])
    found = stage.take(app, filter)
    assert found.pop(login.open("online")) == {"online": True}
    assert all(value == {"online": False} for value in found.values())
    app.subscribe(filter)
    app.expect_nothing()


@pytest.mark.parametrize("kept", [False, True])
def test_many_devices_under_load(stage, kept):
    """While devices report on, the state of each comes where its next message would: values never
    go back. A client with a small window is waited for."""
    devices = [stage.net.device(stage.project.device()) for _ in range(60)]
    for device in devices:
        device.publish(device.own("attributes"), b'{"n":0}')
    app = stage.net.app(V5, client_id="a", clean=not kept, props=[
        (Prop.RECEIVE_MAXIMUM, 5)] + ([(Prop.SESSION_EXPIRY, 3600)] if kept else []))
    filter = stage.project.open("+", "attributes")
    app.subscribe(filter, stage.notice)
    stage.ask(app, filter)
    for n in range(1, 6):
        for device in devices:
            device.publish(device.own("attributes"), b'{"n":%d}' % n)
    newest, retained, ended = {}, set(), False
    while not ended or len(newest) < len(devices) or set(newest.values()) != {5}:
        message = app.receive()
        if message.topic == stage.notice:
            assert json.loads(message.payload)["type"] == "snapshot_end"
            ended = True
            continue
        value = json.loads(message.payload)["n"]
        if message.retain:
            assert message.topic not in retained
            retained.add(message.topic)
            assert value >= newest.get(message.topic, 0), message
        else:
            assert value > newest.get(message.topic, 0), message
        newest[message.topic] = value
    assert len(retained) == len(devices)
    app.expect_nothing()


def test_limited_secret(stage, server):
    """A secret that is for some devices shows these alone."""
    seen, unseen = stage.project.device(), stage.project.device()
    for login in (seen, unseen):
        stage.net.device(login)
    secret = server.cli("secret", "add", "some", "--project", stage.project.key,
                        "--devices", seen.username)["secret"]
    app = stage.net.raw("app", V5).connect(None, stage.project.key, secret)
    filter = stage.project.open("+", "online")
    app.subscribe(filter, stage.notice)
    stage.ask(app, filter)
    assert stage.take(app, filter) == {seen.open("online"): {"online": True}}
