"""Clients that are connected all along while others misbehave, and must not notice; and such that
come meanwhile."""
import itertools

from lib.client import Closed
from lib.server import wait_until
from lib.world import Net


def let_in(connect):
    """Connects, again and again if it is turned away, or was too slow for the server's patience;
    gives what `connect` gives."""
    def tried():
        try:
            return connect()
        except (Closed, OSError):
            return None
    return wait_until(tried, "a client's turn")


class Bystanders:
    """An application on each transport and version, and a device."""

    def __init__(self, server, project):
        self.net = Net(server, project)
        self.device = self.net.device(subscribe=["command_send"])
        self.apps = [self.net.app(version, transport)
                     for version in (4, 5) for transport in ("tls", "wss")]
        for app in self.apps:
            app.subscribe(self.device.open("data/s"))
        self._numbers = itertools.count(1)

    def exchange(self):
        """Both directions still work on the same connections, and nothing else has come."""
        payload = b"%d" % next(self._numbers)
        self.device.publish(self.device.own("data", "s"), payload)
        for app in self.apps:
            app.receive(self.device.open("data/s"), payload)
        command = b'{"method":"still there","id":%b}' % payload
        self.apps[0].publish(self.device.open("command_send"), command)
        self.device.receive(self.device.own("command_send"), command)

    def close(self):
        self.net.close()
