"""Topic aliases in both directions."""
import pytest

from lib import packets
from lib.cases import table
from lib.packets import V5, Prop


def announced(client):
    maximum = client.connack.props.get(Prop.TOPIC_ALIAS_MAXIMUM) or 0
    if not maximum:
        pytest.skip("the server takes no aliases")
    return maximum


def test_lowest_and_highest(net):
    """[MQTT-3.3.2-12]: every alias from 1 to the announced maximum works, and can be bound
    again."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/+"))
    for alias in (1, announced(device)):
        bind = ((Prop.TOPIC_ALIAS, alias),)
        for stream in ("a", "b"):
            device.publish(device.own("data", stream), b"named", props=bind)
            app.receive(device.open("data/" + stream), b"named")
            device.publish("", b"by alias", props=bind)
            app.receive(device.open("data/" + stream), b"by alias")


@table("make", {"zero": lambda maximum: 0, "above": lambda maximum: maximum + 1,
                "far above": lambda maximum: 65535})
@pytest.mark.parametrize("side", ["app", "device"])
def test_out_of_range(net, make, side):
    """[MQTT-3.3.2-8], -9, [MQTT-3.2.2-17], -18: DISCONNECT 0x94."""
    client, device = getattr(net, side)(), net.project.device()
    alias = make(client.connack.props.get(Prop.TOPIC_ALIAS_MAXIMUM) or 0)
    if alias == (client.connack.props.get(Prop.TOPIC_ALIAS_MAXIMUM) or 0) == 65535:
        pytest.skip("the maximum is the largest that there is")
    topic = device.open("attributes_push") if side == "app" else client.own("attributes")
    client.send(packets.publish(V5, topic, b"{}", props=((Prop.TOPIC_ALIAS, alias),)))
    client.expect_closed(0x94)


def test_unknown(net):
    """X-5-3.3.2.3.4-unset: an empty topic with an alias that was never bound."""
    device = net.device()
    announced(device)
    device.send(packets.publish(V5, "", b"{}", props=((Prop.TOPIC_ALIAS, 1),)))
    device.expect_closed(0x82)


def test_ends_with_the_connection(net):
    """[MQTT-3.3.2-7]: a resumed session knows no alias of before."""
    keep = ((Prop.SESSION_EXPIRY, 60),)
    device = net.device(client_id="alias", props=keep)
    announced(device)
    device.publish(device.own("attributes"), b"{}", props=((Prop.TOPIC_ALIAS, 1),))
    again = net.device(device.login, client_id="alias", clean=False, props=keep)
    assert again.connack.session_present
    again.send(packets.publish(V5, "", b"{}", props=((Prop.TOPIC_ALIAS, 1),)))
    again.expect_closed(0x82)


def test_none_unasked(net):
    """[MQTT-3.1.2-27]: without the client's maximum the server uses none, nor hands on the
    publisher's."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/+"))
    props = ((Prop.TOPIC_ALIAS, 1),) if announced(device) else ()
    for _ in range(5):
        device.publish(device.own("data", "s"), b"x", props=props)
        assert app.receive(device.open("data/s")).props.get(Prop.TOPIC_ALIAS) is None


def test_within_the_clients_maximum(net):
    """[MQTT-3.1.2-26], [MQTT-3.3.2-11]: with a maximum of 2, four topics arrive under their own
    names, by aliases 1 and 2 at most."""
    device, app = net.device(), net.app(props=((Prop.TOPIC_ALIAS_MAXIMUM, 2),))
    app.subscribe(device.open("data/+"))
    aliases = {}
    for stream in "abcdabcdaabbccdd":
        device.publish(device.own("data", stream), stream.encode())
        message = app.receive(payload=stream.encode())
        alias, topic = message.props.get(Prop.TOPIC_ALIAS), message.topic
        assert alias in (None, 1, 2)
        if alias and topic:
            aliases[alias] = topic
        assert (topic or aliases[alias]) == device.open("data/" + stream)
