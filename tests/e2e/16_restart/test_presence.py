"""A restart of the server is no absence of the devices."""
import pytest

from lib.packets import Prop
from lib.server import Server
from lib.world import Net, Project

KEEP = {"client_id": "watcher", "clean": False, "props": ((Prop.SESSION_EXPIRY, 600),)}


@pytest.fixture
def restarted(request):
    """A server that was stopped while two devices were online, and runs again; an application that
    is owed all that happened meanwhile."""
    own = Server("--restart-grace", getattr(request, "param", 60))
    try:
        net = Net(own.start(), Project.add(own))
        logins = [net.device().login for _ in range(2)]
        net.app(**KEEP).subscribe("#")
        own.stop()
        net.close()
        net = Net(own.start(), net.project)
        app = net.app(**KEEP)
        assert app.connack.session_present
        yield net, app, logins
        net.close()
        own.stop()
    finally:
        own.remove()


def test_back_in_time_was_never_offline(restarted):
    """open-api 4: devices that come back within `restart_grace` were never offline."""
    net, app, logins = restarted
    for login in logins:
        device = net.device(login)
        device.publish(device.own("data", "s"), b"back")
        app.receive(login.open("data/s"), b"back")
        device.disconnect()
        app.receive_online(login.open("online"), False)


@pytest.mark.parametrize("restarted", [2], indirect=True)
def test_not_back_in_time_is_offline(restarted):
    """open-api 4: the others go offline when it is over."""
    _, app, logins = restarted
    got = [app.receive() for _ in logins]
    assert {message.topic for message in got} == {login.open("online") for login in logins}
    assert all(b"false" in message.payload for message in got)
