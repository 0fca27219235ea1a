"""A short absence is none, when the operator says so; a will waits as long as it asked for."""
import pytest

from lib.packets import Prop, Will

SERVER_OPTIONS = ["--offline-delay", 2000]


@pytest.fixture
def watched(net):
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("#"))
    return login, app


def connect(net, login, delay=None, **fields):
    """A device with a persistent session, and a will that is delayed by so many seconds."""
    will = delay and Will(login.own("data", "will"), b"will", props=((Prop.WILL_DELAY, delay),))
    return net.device(login, client_id="device", clean=False, will=will,
                      props=((Prop.SESSION_EXPIRY, 60),), **fields)


def test_back_in_time_was_never_away(net, watched):
    """open-api 4: offline means that `offline_delay` passed without a new connection."""
    login, app = watched
    net.device(login).disconnect()
    app.receive_online(login.open("online"), True)
    device = net.device(login)
    device.publish(device.own("data", "s"), b"back")
    app.receive(login.open("data/s"), b"back")


def test_told_after_it(net, watched):
    """open-api 4: a device that does not come back goes offline, and comes online again."""
    login, app = watched
    net.device(login).abort()
    app.receive_online(login.open("online"), True)
    app.receive_online(login.open("online"), False)
    net.device(login)
    app.receive_online(login.open("online"), True)


def test_regress_reason_after_the_delay(net, watched):
    """open-api 3.2: `reason` is why the connection ended, not that it has."""
    login, app = watched
    net.device(login, keep_alive=1).expect_closed(0x8D)
    app.receive_online(login.open("online"), True)
    gone = app.receive_online(login.open("online"), False)
    assert gone.props.user["reason"] == "keep alive"


@pytest.mark.parametrize("delay", [1, 3600])
def test_will_is_last_before_offline(net, watched, delay):
    """open-api 3.4, [MQTT-3.1.2-8]: published after its delay, but when the device is offline at the
    latest."""
    login, app = watched
    connect(net, login, delay).abort()
    app.receive_online(login.open("online"), True)
    app.receive(login.open("data/will"), b"will")
    app.receive_online(login.open("online"), False)


def test_back_before_the_will_is_due(net, watched):
    """[MQTT-3.1.3-9]: a device that is back within the delay, and was never offline, has no will
    published, neither then nor later."""
    login, app = watched
    connect(net, login, 1).abort()
    app.receive_online(login.open("online"), True)
    again = connect(net, login)
    assert again.connack.session_present
    again.publish(again.own("data", "s"), b"back")
    app.receive(login.open("data/s"), b"back")
    again.disconnect()
    app.receive_online(login.open("online"), False)
