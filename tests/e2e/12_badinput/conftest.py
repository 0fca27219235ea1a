"""After each test of bad input, clients that were connected all along must not have noticed."""
import itertools

import pytest

from lib.world import Net, Project


@pytest.fixture(scope="module")
def bystanders(server):
    """An application on each transport and a device, connected before all tests of the module."""
    net = Net(server, Project.add(server))
    device = net.device(subscribe=["command_send"])
    apps = [net.app(version, transport) for version in (4, 5) for transport in ("tls", "wss")]
    for app in apps:
        app.subscribe(device.open("data/s"))
    yield device, apps, itertools.count(1)
    net.close()


@pytest.fixture(autouse=True)
def nobody_else_notices(bystanders):
    """Both directions still work on the same connections, and nothing else has come."""
    yield
    device, apps, numbers = bystanders
    payload = b"%d" % next(numbers)
    device.publish(device.own("data", "s"), payload)
    for app in apps:
        app.receive(device.open("data/s"), payload)
    command = b'{"method":"still there","id":%b}' % payload
    apps[0].publish(device.open("command_send"), command)
    device.receive(device.own("command_send"), command)
