"""Stop and start again: what stays, and how clients learn of it."""
import json
import signal
import stat

import pytest

from lib.streams import DEADLINE_S
from lib.world import Net, Project


def test_demo_file(own):
    """demo.json: everything a program needs, mode 0600, removed at a clean stop, written anew."""
    path, demo = own.data / "demo.json", own.demo
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {"project_key", "project_secret", "project_token", "endpoints", "ca", "devices",
            "pid"} <= demo.keys()
    base = own.port_base
    assert demo["endpoints"] == {
        "device_mqtt": f"mqtt://localhost:{base}", "device_ws": f"ws://localhost:{base + 1}/mqtt",
        "device_mqtts": f"mqtts://localhost:{base + 2}",
        "app_wss": f"wss://localhost:{base + 3}/mqtt", "app_mqtts": f"mqtts://localhost:{base + 4}",
        "https": f"https://localhost:{base + 5}"}
    assert len(demo["devices"]) >= 5
    assert all({"username", "password", "name"} <= device.keys() for device in demo["devices"])
    own.stop()
    assert not path.exists()
    own.start()
    assert path.exists()


def test_same_after_a_restart(own):
    """A second start finds the same projects, devices, secrets, certificates, and cloud values."""
    before = {**own.demo, "pid": None}
    project = Project.add(own, "stays")
    login = project.device()
    net = Net(own, project)
    certificate = net.tls().socket.getpeercert(True)
    device = net.device(login)
    device.publish(device.own("attributes"), b'{"a":1,"b":{"c":[1.50]}}')
    net.app().publish(device.open("attributes_push"), b'{"d":"pushed"}')
    net.close()
    own.stop()
    own.start()
    assert {**own.demo, "pid": None} == before
    net = Net(own, project)
    assert net.tls().socket.getpeercert(True) == certificate
    net.app().ping()
    device = net.device(login, subscribe=["attributes_get_response"])
    device.publish(device.own("attributes_get"), b"{}")
    values = json.loads(device.receive().payload)["attributes"]
    assert values == {"a": 1, "b": {"c": [1.5]}, "d": "pushed"}
    net.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_with_clients(own, number):
    """A clean stop ends connections in an orderly way: v5 gets DISCONNECT, exit 0."""
    net = Net(own, Project.add(own))
    clients = [net.app(4), net.app(5), net.app(5, "wss"), net.device()]
    own.signal(number)
    assert own.process.wait(DEADLINE_S) == 0
    own.process = None
    for client in clients:
        last = None
        with pytest.raises(AssertionError, match="closed by the server"):
            while True:
                last = client.recv()
        assert client.version == 4 or last.code in (0x8B, 0x89)
    net.close()


def test_killed_and_started(own):
    """After a kill the same registry and certificates are there, and the server starts."""
    project = Project.add(own)
    login = project.device()
    key = own.demo["project_key"]
    own.kill9()
    own.start()
    assert own.demo["project_key"] == key
    net = Net(own, project)
    net.app().ping()
    net.device(login).ping()
    net.close()


def test_ports_are_free_after_a_stop(own):
    """A stop and a start at once find the same ports free, with connections left behind."""
    net = Net(own, Project.add(own))
    clients = [net.app() for _ in range(5)] + [net.device() for _ in range(5)]
    own.stop()
    own.start()
    assert clients
    net.close()
