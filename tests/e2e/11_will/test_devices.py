"""A device's will is its last data before `online` false."""
import pytest

from lib import packets
from lib.cases import table, versions
from lib.client import refusal
from lib.packets import Prop, Will


@pytest.fixture
def watched(net):
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("#"))
    return login, app


@pytest.mark.fast_tsan
@versions
@table("name, kind, payload", {
    "attributes": ("attributes", "attributes", b'{"state": "lost"}'),
    "event": ("event_report", "event_report", b'{"method":"lost","params":{}}'),
    "data": ("data", "data/s", b"\0\xff"),
})
def test_last_before_offline(net, watched, version, name, kind, payload):
    """open-api 3.4: published as the device's own data, and then `online` false."""
    login, app = watched
    topic = login.own(name, kind.partition("/")[2])
    net.device(login, version, will=Will(topic, payload, 1)).abort()
    app.receive_online(login.open("online"), True)
    app.receive(login.open(kind), payload)
    app.receive_online(login.open("online"), False)


@table("keep_alive, reason", {"lost": (0, "disconnected"), "silent": (1, "keep alive")})
def test_regress_delay_put_offline_off(net, watched, keep_alive, reason):
    """open-api 3.4, 4: a device is offline when its connection has ended and `offline_delay` (here 0)
    has passed, whatever delay its will asked for; and the will is its last data even so. `reason`
    is why the connection ended."""
    login, app = watched
    will = Will(login.own("data", "will"), b"last", props=((Prop.WILL_DELAY, 3600),))
    device = net.device(login, client_id="will", will=will, clean=False, keep_alive=keep_alive,
                        props=((Prop.SESSION_EXPIRY, 60),))
    if keep_alive:
        device.expect_closed(0x8D)
    else:
        device.abort()
    assert app.receive_online(login.open("online"), True).props.user["reason"] == "connected"
    app.receive(login.open("data/will"), b"last")
    assert app.receive_online(login.open("online"), False).props.user["reason"] == reason
    again = net.device(login, client_id="will", clean=False, props=((Prop.SESSION_EXPIRY, 60),))
    assert again.connack.session_present
    app.receive_online(login.open("online"), True)
    again.disconnect()
    app.receive_online(login.open("online"), False)  # and the will has not come again


@versions
def test_on_take_over(net, watched, version):
    """open-api 3.4: on a take-over it is published although `online` stays silent."""
    login, app = watched
    old = net.device(login, version, will=Will(login.own("data", "will"), b"old"))
    app.receive_online(login.open("online"), True)
    new = net.device(login, version)
    old.expect_closed(0x8E)
    app.receive(login.open("data/will"), b"old")
    new.publish(new.own("data", "s"), b"new")
    app.receive(login.open("data/s"), b"new")


@table("client_id, clean", {"clean start": ("one", True), "another identifier": ("other", False)})
@pytest.mark.parametrize("delay", [0, 3600])
def test_on_take_over_by_a_new_session(net, watched, client_id, clean, delay):
    """[MQTT-3.1.4-3], [MQTT-3.1.2-8], open-api 3.4: the session that the new one takes the place of
    has ended, so the will of its connection is due whatever its delay."""
    login, app = watched
    keep = ((Prop.SESSION_EXPIRY, 3600),)
    will = Will(login.own("data", "will"), b"old", props=((Prop.WILL_DELAY, delay),))
    old = net.device(login, client_id="one", clean=False, will=will, props=keep)
    app.receive_online(login.open("online"), True)
    new = net.device(login, client_id=client_id, clean=clean, props=keep)
    assert not new.connack.session_present
    app.receive(login.open("data/will"), b"old")
    old.expect_closed(0x8E)
    new.publish(new.own("data", "s"), b"new")
    app.receive(login.open("data/s"), b"new")


@versions
def test_dropped_by_disconnect(net, watched, version):
    """[MQTT-3.14.4-3]."""
    login, app = watched
    net.device(login, version, will=Will(login.own("data", "will"), b"x")).disconnect()
    app.receive_online(login.open("online"), True)
    app.receive_online(login.open("online"), False)


def test_properties_are_not_handed_on(net, watched):
    """open-api 3.2: on the platform's kinds a device's properties end at the platform."""
    login, app = watched
    will = Will(login.own("attributes"), b'{"a":1}', 1, props=(
        (Prop.CONTENT_TYPE, "x/y"), (Prop.USER_PROPERTY, ("mine", "1"))))
    net.device(login, will=will).abort()
    app.receive_online(login.open("online"), True)
    props = app.receive(login.open("attributes"), b'{"a":1}').props
    assert props.get(Prop.CONTENT_TYPE) == "application/json"
    assert "mine" not in props.user and "ts" in props.user


@versions
@pytest.mark.parametrize("topic", ["attributes/DU_0000000000", "open/{pk}/{du}/attributes",
                                   "elsewhere", "attributes/{du}/x"])
def test_refused(net, version, topic):
    """open-api 3.4: a will on a topic that is not the device's own is refused at CONNECT."""
    login = net.project.device()
    topic = topic.format(pk=login.project_key, du=login.username)
    client = net.raw("device", version)
    client.send(packets.connect(version, "w", login.username, login.password,
                                will=Will(topic, b"{}")))
    answer = client.recv()
    assert answer.code == refusal(version, 0x87, 5)
    client.expect_closed()
