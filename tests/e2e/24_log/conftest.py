"""The message logs of devices."""
import json

import pytest


class Log:
    """A session that follows a device's log live."""

    def __init__(self, client, login):
        self.client, self.login = client, login
        self.topic = "$" + login.open("log")
        client.subscribe(self.topic)
        self.number = None

    def entry(self):
        """The next one; its number follows that of the one before."""
        told = json.loads(self.client.receive(self.topic).payload)
        assert set(told) == {"number", "ts", "direction", "topic", "qos", "verdict", "reason",
                             "format", "payload", "length"}, told
        assert self.number in (None, told["number"] - 1), told
        self.number = told["number"]
        return told

    def next(self, direction, topic, verdict="accepted", reason=None, payload=None, **more):
        told = self.entry()
        assert (told["direction"], told["topic"], told["verdict"]) == (direction, topic, verdict), \
            told
        assert told["reason"] == reason or reason is any and told["reason"], told
        assert payload is None or told["payload"] == payload, told
        assert more.items() <= told.items(), told
        return told


@pytest.fixture
def switch(server):
    """Switches the log of a device, or of a project, on or off."""
    def to(what, value):
        if hasattr(what, "username"):
            return server.cli("device", "set", what.username, "--project", what.project_key,
                              "--log", value)
        return server.cli("project", "set", what.key, "--log", value)
    return to


@pytest.fixture
def follow(net, switch):
    """Follows the log of a device; `on`: which is switched on."""
    def start(login, on=True):
        if on:
            switch(login, "on")
        return Log(net.app(), login)
    return start
