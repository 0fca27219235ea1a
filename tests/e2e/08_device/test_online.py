"""`online` strictly alternates, in order with the device's data."""
import pytest

from lib import packets
from lib.cases import versions


@pytest.fixture
def watched(net):
    """A device that is offline, and an application that gets all of it."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("#"))
    return login, app


@pytest.mark.fast_tsan
@versions
def test_in_order_with_data(net, watched, version):
    """open-api 3.1 and 3.2: true, then the data, then false; again and again."""
    login, app = watched
    for number in range(3):
        device = net.device(login, version)
        app.receive_online(login.open("online"), True)
        for part in range(3):
            payload = b"%d.%d" % (number, part)
            device.publish(device.own("data", "s"), payload)
            app.receive(login.open("data/s"), payload)
        device.disconnect()
        app.receive_online(login.open("online"), False)


@versions
@pytest.mark.parametrize("end", [
    lambda device: device.disconnect(), lambda device: device.abort(),
    lambda device: device.close(), lambda device: device.stream.half_close(),
    lambda device: device.send(packets.packet(0xC1))],
    ids=["disconnect", "reset", "close", "half close", "error"])
def test_every_end_is_told(net, watched, version, end):
    """open-api 4: offline means that the connection ended, however."""
    login, app = watched
    end(net.device(login, version))
    app.receive_online(login.open("online"), True)
    app.receive_online(login.open("online"), False)


@pytest.mark.fast_tsan
@versions
def test_take_over_says_nothing(net, watched, version):
    """open-api 3.2 and 4: no pair in between, and the late end of the replaced connection says
    nothing either."""
    login, app = watched
    devices = [net.device(login, version, client_id=f"c{number}") for number in range(3)]
    app.receive_online(login.open("online"), True)
    for device in devices[:2]:
        device.expect_closed(0x8E)
    devices[2].publish(login.own("data", "s"), b"still there")
    app.receive(login.open("data/s"), b"still there")
    devices[2].disconnect()
    app.receive_online(login.open("online"), False)


@versions
def test_refused_connect_is_not_online(net, watched, version):
    """open-api 4: online means an accepted CONNECT."""
    login, app = watched
    client = net.raw("device", version)
    client.send(packets.connect(version, "x", login.username, "wrong"))
    client.recv()
    client.expect_closed()
    device = net.device(login)
    device.disconnect()
    app.receive_online(login.open("online"), True)
    app.receive_online(login.open("online"), False)


def test_data_behind_connect_comes_after_true(net, watched):
    """open-api 3.1: also when the data came in the same write as the CONNECT."""
    login, app = watched
    device = net.raw("device")
    device.send(packets.connect(5, "x", login.username, login.password),
                packets.publish(5, login.own("data", "s"), b"early"),
                packets.disconnect())
    app.receive_online(login.open("online"), True)
    app.receive(login.open("data/s"), b"early")
    app.receive_online(login.open("online"), False)
