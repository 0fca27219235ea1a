"""A sub-device is at its root's home; moving it below another parent loses and reorders nothing."""
import threading

import pytest

from lib.cases import versions
from lib.client import refusal

SERVER_OPTIONS = ["--workers", "4"]


@pytest.fixture(autouse=True)
def transport():
    """These look behind the transports: once is enough."""


def add_below(server, project, parent, address):
    """A sub-device; gives its deviceUsername."""
    return server.cli("device", "add", "--project", project.key, "--parent", parent, "--address",
                      address)["username"]


def move(server, project, device, parent):
    place = ["--parent", parent] + (["--address", "x"] if parent != "none" else [])
    server.cli("device", "set", device, "--project", project.key, *place)


@versions
def test_sub_device_does_not_connect(net, server, project, version):
    """open-api 4: a device with a parent speaks through it, and may not connect itself until it is
    one without a parent again."""
    login, gateway = project.device(), project.device()
    move(server, project, login.username, gateway.username)
    net.raw("tcp", version).connect(None, login.username, login.password,
                                    code=refusal(version, 0x87, 5))
    net.raw("tcp", version).connect(None, login.username, "wrong",
                                    code=refusal(version, 0x86, 4))
    move(server, project, login.username, "none")
    net.raw("tcp", version).connect(None, login.username, login.password).ping()


@versions
def test_parent_for_a_connected_device(net, server, project, version):
    """A device that gets a parent loses its own connection, and is offline."""
    gateway = project.device()
    device, app = net.device(version=version), net.app()
    app.subscribe(device.open("online"))
    move(server, project, device.login.username, gateway.username)
    app.receive_online(device.open("online"), False)
    device.expect_closed(0x87, why="the device was removed, or has a parent now")


def test_known_to_applications(net, server, project):
    """device-protocol: a sub-device has its own deviceUsername, and applications see it like any
    other: it exists (0x10), also directly after it was added, and not any more with its parent."""
    gateway, app = project.device(), net.app()
    for i in range(8):
        sub = add_below(server, project, gateway.username, str(i))
        topic = project.open(sub, "attributes_push")
        assert app.publish(topic, b'{"a":1}').code == 0x10
    server.cli("device", "remove", gateway.username, "--project", project.key)
    assert app.publish(topic, b'{"a":1}').code == 0x90


@pytest.mark.parametrize("what", ["sub-device", "tree"])
@pytest.mark.fast_tsan
def test_moves_under_load(net, server, project, what):
    """device-protocol "a hand-over": pushes to a device that is moved from gateway to gateway are
    all accepted, and seen by everyone in order."""
    gateways = [project.device().username for _ in range(7)]
    top = add_below(server, project, gateways[0], "x")
    device = top if what == "sub-device" else add_below(server, project, top, "y")
    watcher, pusher = net.app(), net.app()
    watcher.subscribe(project.open(device, "attributes"))
    push, over, codes = project.open(device, "attributes_push"), threading.Event(), []

    def push_all():
        while not over.is_set():
            codes.append(pusher.publish(push, b'{"n":%d}' % len(codes)).code)

    thread = threading.Thread(target=push_all)
    thread.start()
    try:
        for gateway in gateways[1:]:
            move(server, project, top, gateway)
        move(server, project, top, "none")
    finally:
        over.set()
        thread.join()
    assert set(codes) == {0x10}
    for n in range(len(codes)):
        watcher.receive(project.open(device, "attributes"), b'{"n":%d}' % n)
