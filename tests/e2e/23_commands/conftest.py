"""What applications are told of their commands."""
import json

import pytest

COMMAND = b'{"method":"open","params":{"door":1},"id":%s}'


class Watch:
    """A session that watches the status of a device's commands, beside other kinds."""

    def __init__(self, client, login, *more):
        self.client, self.login = client, login
        self.topic = "$" + login.open("command_status")
        client.subscribe(self.topic, *map(login.open, more))

    def status(self):
        """The next message is a status; gives which."""
        return json.loads(self.client.receive(self.topic).payload)["status"]

    def next(self, status, id=1, method="open"):
        """The next message is this status of this command; gives its reason, or None."""
        message = self.client.receive(self.topic)
        told = json.loads(message.payload)
        assert (told["status"], told["id"], told["method"]) == (status, id, method), told
        assert type(told["id"]) is type(id) and type(told["ts"]) is int, told
        assert told.keys() <= {"id", "method", "status", "reason", "ts"}, told
        assert not message.retain, message
        return told.get("reason")

    def chain(self, *statuses, **more):
        for status in statuses:
            reason = self.next(status, **more)
        return reason


@pytest.fixture
def watch():
    return Watch
