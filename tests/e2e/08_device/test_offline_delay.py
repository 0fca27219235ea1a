"""A short absence is none, when the operator says so; a will waits as long as it asked for."""
import time

import pytest

from lib.client import Client
from lib.packets import Prop, Will
from lib.server import wait_until

DELAY_S = 2
SERVER_OPTIONS = ["--offline-delay", DELAY_S * 1000]


def watch(net):
    """A device, and an application that gets all of it."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("#"))
    return login, app


@pytest.fixture
def watched(net):
    return watch(net)


def absence(net, seconds, come, leave, come_back):
    """A device that was away for less than so many seconds, however busy the machine is: one device
    after the other tries it. Gives its login, who watches it, and its connection."""
    def tried():
        login, app = watch(net)
        device = come(login)
        begin = time.monotonic()
        leave(device)
        again = come_back(login)
        return time.monotonic() - begin < seconds and (login, app, again)
    return wait_until(tried, "a short absence")


def connect(net, login, delay=None, **fields):
    """A device with a persistent session, and a will that is delayed by so many seconds."""
    will = delay and Will(login.own("data", "will"), b"will", props=((Prop.WILL_DELAY, delay),))
    return net.device(login, client_id="device", clean=False, will=will,
                      props=((Prop.SESSION_EXPIRY, 60),), **fields)


def test_back_in_time_was_never_away(net):
    """open-api 4: offline means that `offline_delay` passed without a new connection."""
    login, app, device = absence(net, DELAY_S, net.device, Client.disconnect, net.device)
    app.receive_online(login.open("online"), True)
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


def test_back_before_the_will_is_due(net):
    """[MQTT-3.1.3-9]: a device that is back within the delay, and was never offline, has no will
    published, neither then nor later."""
    login, app, again = absence(net, 1, lambda login: connect(net, login, 1), Client.abort,
                                lambda login: connect(net, login))
    app.receive_online(login.open("online"), True)
    assert again.connack.session_present
    again.publish(again.own("data", "s"), b"back")
    app.receive(login.open("data/s"), b"back")
    again.disconnect()
    app.receive_online(login.open("online"), False)
