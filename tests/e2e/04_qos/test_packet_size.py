"""Messages too large for one client: skipped for that one, whatever its session is, and never stuck.

Sizes are counted on the wire: one that takes anything measures them.
"""
import pytest

from lib import packets
from lib.packets import V5, Prop
from lib.world import Project

EXPIRY = (Prop.SESSION_EXPIRY, 60)
SMALL, LARGE = b"s" * 10, b"l" * 400


def limited(size, *more):
    return (Prop.MAXIMUM_PACKET_SIZE, size), *more


def report(device, *payloads):
    for payload in payloads:
        device.publish(device.own("data", "s"), payload)


def size_of(message):
    return len(packets.publish(V5, message.topic, message.payload, qos=message.qos,
                               pid=message.pid, props=message.props))


@pytest.mark.parametrize("qos", [1, 2])
def test_skipped_counts_as_delivered(net, qos):
    """[MQTT-3.1.2-24], [MQTT-3.1.2-25]: a persistent session that comes back with less room skips
    what is too large; with more room again it does not get it after all."""
    device, name = net.device(), f"less{qos}"
    app = net.app(client_id=name, clean=False, props=(EXPIRY,))
    app.subscribe(device.open("data/s"), qos=qos)
    app.disconnect()
    report(device, b"1", LARGE, b"2", LARGE, b"3")
    window = (Prop.RECEIVE_MAXIMUM, 1)
    app = net.app(client_id=name, clean=False, props=limited(300, EXPIRY, window))
    for payload in (b"1", b"2", b"3"):
        app.receive(payload=payload)
    app.ping()
    app.disconnect()
    report(device, b"4")
    app = net.app(client_id=name, clean=False, props=(EXPIRY,))
    app.receive(payload=b"4")
    app.expect_nothing()


def test_more_room_in_time(net):
    """[MQTT-3.1.2-24]: what has not been tried while the limit was low comes when it is higher."""
    device = net.device()
    app = net.app(client_id="more", clean=False, props=limited(300, EXPIRY))
    app.subscribe(device.open("data/s"))
    report(device, LARGE, b"1")
    app.receive(payload=b"1")
    app.disconnect()
    report(device, LARGE, b"2")
    app = net.app(client_id="more", clean=False, props=limited(600, EXPIRY))
    app.receive(payload=LARGE)
    app.receive(payload=b"2")


@pytest.mark.parametrize("persistent", [False, True], ids=["live", "journal"])
@pytest.mark.parametrize("less", [0, 1])
def test_what_is_added_counts(net, persistent, less):
    """[MQTT-3.1.2-24]: subscription identifiers, and the number of what comes through the journal,
    are part of the packet, to the byte."""
    device, props = net.device(), (EXPIRY,) if persistent else ()
    kinds = (device.open("data/s"), 1), (device.open("data/+"), 2)

    def subscribed(name, more):
        app = net.app(client_id=f"{name}{persistent}{less}", clean=False, props=(*props, *more))
        for number, pair in enumerate(kinds):
            app.subscribe(pair, props=((Prop.SUBSCRIPTION_ID, 127 + number),))
        return app

    meter = subscribed("meter", ())
    report(device, SMALL)
    message = meter.receive(payload=SMALL)
    assert sorted(message.props.all(Prop.SUBSCRIPTION_ID)) == [127, 128]
    assert ("seq" in message.props.user) == persistent
    app = subscribed("app", limited(size_of(message) - less))
    report(device, SMALL, b"next")
    if not less:
        app.receive(payload=SMALL)
    app.receive(payload=b"next")


@pytest.mark.parametrize("less", [0, 1])
def test_remaining_lifetime_counts(net, less):
    """[MQTT-3.1.2-24], [MQTT-3.3.2-6]: so does what is left of a message's lifetime."""
    topic, publisher, meter = net.project.device().open("attributes_push"), net.app(), net.app()
    meter.subscribe(topic)
    lifetime = (Prop.MESSAGE_EXPIRY, 1000)
    publisher.publish(topic, b'{"a":1}', props=(lifetime,))
    app = net.app(props=limited(size_of(meter.receive(topic)) - less))
    app.subscribe(topic)
    publisher.publish(topic, b'{"a":1}', props=(lifetime,))
    publisher.publish(topic, b'{}')
    if not less:
        app.receive(topic, b'{"a":1}')
    app.receive(topic, b"{}")


def test_regress_an_alias_is_not_what_makes_it_too_large(net):
    """[MQTT-3.1.2-24], [MQTT-3.3.2-11]: a packet that fits without an alias comes without."""
    device, meter = net.device(), net.app()
    meter.subscribe(device.open("data/s"))
    report(device, LARGE)
    size = size_of(meter.receive(payload=LARGE))
    app = net.app(props=limited(size, (Prop.TOPIC_ALIAS_MAXIMUM, 10)))
    app.subscribe(device.open("data/s"))
    report(device, LARGE, SMALL, LARGE)
    for payload, has_alias in ((LARGE, False), (SMALL, True), (LARGE, True)):
        message = app.receive(device.open("data/s") if payload == LARGE and not has_alias else None,
                              payload)
        assert (message.props.get(Prop.TOPIC_ALIAS) is not None) == has_alias


def test_in_a_share_group(net, server):
    """[MQTT-3.1.2-25], open-api 3.1: it is skipped for the member that has the device, not given to
    another one, so that the device's order holds; the next message goes on there."""
    alone = Project.add(server, "size")
    text, first, second = f"$share/g/open/{alone.key}/+/data/+", net.device(alone.device()), None
    small = net.app(project=alone, props=limited(300, (Prop.RECEIVE_MAXIMUM, 1)))
    small.subscribe(text)
    report(first, b"1")
    small.receive(payload=b"1")
    other, second = net.app(project=alone), net.device(alone.device())
    other.subscribe(text)
    report(first, LARGE, LARGE, b"2")
    small.receive(first.open("data/s"), b"2")
    report(second, LARGE)
    other.receive(second.open("data/s"), LARGE)
    other.expect_nothing()
