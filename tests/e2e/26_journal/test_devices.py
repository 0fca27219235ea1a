"""What the platform knows of devices is there after `kill -9`."""
import json

import pytest

from lib.client import V5, Prop
from lib.server import wait_until
from lib.world import Net, Project


class Watched:
    """A project with a device, and an application that is owed all that the device does."""

    def __init__(self, server, *kinds):
        self.server, self.project = server, Project.add(server)
        self.login, self.kinds = self.project.device(), kinds
        self.connect(False)

    def connect(self, present):
        self.net = Net(self.server, self.project)
        self.app = self.net.app(V5, client_id="owed", clean=False,
                                props=[(Prop.SESSION_EXPIRY, 3600)])
        assert self.app.connack.session_present == present
        if self.kinds and not present:
            self.app.subscribe(*(self.login.open(kind) for kind in self.kinds))

    def crash(self):
        self.net.close()
        self.server.kill9()
        self.server.start()
        self.connect(True)

    def values(self):
        """What the device gets of its cloud values."""
        device = self.net.device(self.login, subscribe=["attributes_get_response"])
        device.publish(device.own("attributes_get"), b"{}")
        answer = json.loads(device.receive(device.own("attributes_get_response")).payload)
        device.disconnect()
        return answer["attributes"]


@pytest.mark.parametrize("qos", [1, 2])
def test_values_owed(own, qos):
    """The cloud values of a report that somebody is owed are there once it is acknowledged.
    architecture.md "The journal" """
    w = Watched(own, "attributes")
    device = w.net.device(w.login)
    for n in range(5):
        device.publish(device.own("attributes"), b'{"a":%d,"b":"x"}' % n, qos=qos)
    w.crash()
    assert w.values() == {"a": 4, "b": "x"}


def test_values_written_behind(own):
    """Values that nobody is owed are written behind, within a second."""
    w = Watched(own)

    def stored():
        """How many values there are on disk."""
        return sum(p["rows"]["value"] for p in own.cli("journal", "stat")["projects"]
                   if p["project"] == w.project.key)
    device = w.net.device(w.login)
    device.publish(device.own("attributes"), b'{"a":1}')
    wait_until(lambda: stored() == 1, "the value")
    device.publish(device.own("attributes"), b'{"a":2,"b":3}')  # what changed is written at once
    wait_until(lambda: stored() == 2, "the new values")
    w.crash()
    assert w.values() == {"a": 2, "b": 3}


def test_removed_device_leaves_nothing(own):
    """A device that was removed and is there again begins without values, also after a crash."""
    w = Watched(own, "attributes")
    device = w.net.device(w.login)
    device.publish(device.own("attributes"), b'{"a":1}')
    own.cli("device", "remove", w.login.username, "--project", w.project.key)
    w.crash()
    w.login = w.project.device()
    assert w.values() == {}


def test_presence(own):
    """A device that was online when the server was killed and does not come back is told offline
    once; one that does is told nothing. open-api.md 3.2 "online" """
    own.options += ["--restart-grace", "2"]
    own.stop()
    own.start()
    w = Watched(own, "online")
    w.app.acknowledges = False
    w.net.device(w.login)
    assert json.loads(w.app.receive(w.login.open("online")).payload) == {"online": True}
    w.crash()
    message = w.app.receive(w.login.open("online"))
    assert message.dup and json.loads(message.payload) == {"online": True}
    message = w.app.receive(w.login.open("online"))
    assert json.loads(message.payload) == {"online": False}


def test_command_outlives_a_crash(own):
    """The reply to a command that was sent before a crash finds it. open-api.md 3.3"""
    w = Watched(own, "command_reply")
    device = w.net.device(w.login, client_id="d", clean=False,
                          props=[(Prop.SESSION_EXPIRY, 3600)], subscribe=["command_send"])
    assert w.app.publish(w.login.open("command_send"), b'{"method":"m","params":{},"id":7}').code == 0
    device.receive(device.own("command_send"))
    w.app.ping()
    w.crash()
    device = w.net.device(w.login)
    device.publish(device.own("command_reply"), b'{"method":"m","params":{"ok":1},"id":7}')
    reply = w.app.receive(w.login.open("command_reply"))
    assert json.loads(reply.payload)["params"] == {"ok": 1}
