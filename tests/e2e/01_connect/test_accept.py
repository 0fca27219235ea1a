"""A good CONNECT is accepted on every transport of both services, and CONNACK says our limits."""
import pytest

from lib.cases import V4, V5, table, versions
from lib.packets import Prop



@pytest.mark.fast_tsan
@versions
@pytest.mark.parametrize("transport", ["tls", "wss"])
def test_application(net, version, transport):
    """open-api 2 and 3, [MQTT-3.1.4-5], [MQTT-3.2.2-1], 3.1.1 [MQTT-3.1.4-4], [MQTT-3.2.0-1]: username is the
    projectKey, password the projectSecret; CONNACK is the first packet and has code 0; TLS over
    TCP and WebSocket over TLS are served, 3.1.1 [MQTT-7.1.1-1]."""
    app = net.app(version, transport)
    assert not app.connack.session_present
    app.ping()
    app.disconnect()


@pytest.mark.fast_tsan
@versions
@pytest.mark.parametrize("transport", ["tcp", "mqtts", "ws"])
def test_device(net, version, transport):
    """open-api 2 and 4, [MQTT-6.0.0-4]: device access over TCP, TLS and WebSocket."""
    device = net.device(version=version, transport=transport)
    assert not device.connack.session_present
    device.ping()
    device.disconnect()


def test_demo_credentials(net, server):
    """The demo project and each demo device of demo.json can log in, but those that a gateway
    speaks for."""
    demo = server.demo
    net.raw("app").connect(None, demo["project_key"], demo["project_secret"])
    for device in demo["devices"]:
        net.raw("device").connect(None, device["username"], device["password"],
                                  code=0x87 if "parent" in device else 0)


@pytest.mark.parametrize("side", ["app", "device"])
def test_everything_is_offered(net, side):
    """[MQTT-3.2.2-9], MQTT-4.12.0-6, MQTT-3.1.2-28: all QoS levels and retain are there, so that
    [MQTT-3.2.2-10] to -14 never apply; no authentication method and no response information
    unasked."""
    props = getattr(net, side)().connack.props
    assert {name for name, _ in props} == {Prop.RECEIVE_MAXIMUM, Prop.MAXIMUM_PACKET_SIZE,
                                           Prop.TOPIC_ALIAS_MAXIMUM, Prop.SERVER_KEEP_ALIVE}


def test_application_features(net):
    """open-api 3.1: wildcards, shared subscriptions and subscription identifiers are there."""
    props = net.app().connack.props
    for feature in (Prop.WILDCARD_AVAILABLE, Prop.SHARED_AVAILABLE,
                    Prop.SUBSCRIPTION_ID_AVAILABLE):
        assert props.get(feature) in (None, 1), feature.name


@pytest.mark.parametrize("side", ["app", "device"])
def test_limits_are_announced(net, side):
    """open-api 8: receive maximum 64; Maximum Packet Size has room for a payload of 256 KiB."""
    props = getattr(net, side)().connack.props
    assert props.get(Prop.RECEIVE_MAXIMUM) == 64
    assert props.get(Prop.MAXIMUM_PACKET_SIZE) >= 262144


@table("asked, told", {"above": (7200, 3600), "none": (0, 3600), "at": (3600, None),
                       "below": (60, None)})
def test_server_keep_alive(net, asked, told):
    """open-api 8, MQTT-3.2.2-21: v5 keep alive is capped at 3,600 s by Server Keep Alive."""
    said = net.app(keep_alive=asked).connack.props.get(Prop.SERVER_KEEP_ALIVE)
    assert said in ({told} if told else {None, asked})


@table("asked, told", {"for ever": (0xFFFFFFFF, 604800), "a month": (2592000, 604800),
                       "an hour": (3600, None), "none": (None, None)})
def test_session_expiry_cap(net, asked, told):
    """open-api 3.4, X-5-3.1.2.11.2-cap: the session expiry is capped at 7 days, and CONNACK says
    so when it differs from what was asked."""
    props = [] if asked is None else [(Prop.SESSION_EXPIRY, asked)]
    said = net.app(props=props).connack.props.get(Prop.SESSION_EXPIRY)
    assert said in ({told} if told else {None, asked or 0})


@table("version, keep_alive", {"3.1.1 as asked": (V4, 65535), "v5 longest": (V5, 65535)})
def test_long_keep_alive_is_no_error(net, version, keep_alive):
    """open-api 8: a long keep alive is capped or taken, never refused."""
    net.app(version, keep_alive=keep_alive).ping()
