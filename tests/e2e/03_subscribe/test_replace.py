"""Subscribing again, subscription identifiers, No Local, and the ends of subscriptions."""
import pytest

from lib import packets
from lib.cases import BAD_UTF8, V4, V5, table, versions
from lib.client import refusal, says_only
from lib.packets import Prop, packet, utf8

NO_LOCAL = 0x04


@versions
def test_same_filter_replaces(net, version):
    """[MQTT-3.8.4-3]: one copy, with the new QoS."""
    device, app = net.device(), net.app(version)
    app.subscribe(device.open("data/s"), qos=2)
    app.subscribe(device.open("data/s"), qos=0)
    for payload in (b"1", b"2"):
        device.publish(device.own("data", "s"), payload)
        assert app.receive(payload=payload).qos == 0


def test_identifier_and_options_are_replaced(net):
    """[MQTT-3.8.4-3]: the subscription identifier and No Local too."""
    topic, app = net.project.device().open("attributes_push"), net.app()
    app.subscribe((topic, NO_LOCAL), props=((Prop.SUBSCRIPTION_ID, 1),))
    app.publish(topic, b'{"a":1}')
    app.subscribe((topic, 0), props=((Prop.SUBSCRIPTION_ID, 2),))
    app.publish(topic, b'{"a":2}')
    assert app.receive(topic, b'{"a":2}').props.all(Prop.SUBSCRIPTION_ID) == [2]
    app.subscribe((topic, 0))
    app.publish(topic, b'{"a":3}')
    assert app.receive(topic, b'{"a":3}').props.all(Prop.SUBSCRIPTION_ID) == []


@versions
def test_replacing_loses_nothing(net, version):
    """[MQTT-3.8.4-4]: no gap while a filter is subscribed to again and again."""
    device, app = net.device(), net.app(version)
    app.subscribe(device.open("data/s"))
    for number in range(20):
        device.send(packets.publish(V5, device.own("data", "s"), b"%d" % number))
        app.subscribe(device.open("data/s"), qos=number % 3)
    assert [app.receive().payload for _ in range(20)] == [b"%d" % n for n in range(20)]


def test_subscription_identifier(net):
    """[MQTT-3.3.4-3]: the smallest and the largest come back; none where there was none."""
    device, app = net.device(), net.app()
    for stream, number in (("a", 1), ("b", 268435455)):
        app.subscribe(device.open("data/" + stream), props=((Prop.SUBSCRIPTION_ID, number),))
        device.publish(device.own("data", stream), b"x")
        assert app.receive().props.all(Prop.SUBSCRIPTION_ID) == [number]
    app.subscribe(device.open("data/c"))
    device.publish(device.own("data", "c"), b"x")
    assert app.receive().props.all(Prop.SUBSCRIPTION_ID) == []


@pytest.mark.parametrize("kind", ["attributes_push", "command_send"])
def test_no_local(net, kind):
    """[MQTT-3.8.3-3]: the own publications stay away, those of others come."""
    topic, app = net.project.device().open(kind), net.app()
    app.subscribe((topic, NO_LOCAL))
    app.publish(topic, b'{"method":"own","id":1}')
    net.app().publish(topic, b'{"method":"other","id":2}')
    app.receive(topic, b'{"method":"other","id":2}')


def test_no_local_knows_clients_by_session(net):
    """[MQTT-3.8.3-3]: the `attributes` that follow a push are the platform's, so they come."""
    device, app = net.project.device(), net.app()
    app.subscribe((device.open("#"), NO_LOCAL))
    app.publish(device.open("attributes_push"), b'{"a":1}')
    app.receive(device.open("attributes"), b'{"a":1}')


@versions
def test_unsubscribe(net, version):
    """[MQTT-3.10.4-1], -2, -4, -5, -6, [MQTT-3.11.3-1], -2, [MQTT-4.7.3-4], 3.1.1 [MQTT-3.10.4-4]:
    byte-identical filters only, one answer with one v5 code for each."""
    device, app = net.device(), net.app(version)
    one, every = device.open("data/s"), f"open/{net.project.key}/+/data/s"
    app.subscribe(one, f"$share/g/{one}")
    others = (every, f"$share/h/{one}", one.upper(), "", "#", f"open/{net.project.key}/#",
              device.open("#"), device.open("data/+"), device.open("data/#"), f"{one}/#",
              f"{one}/", one[:-1], f"{one}x", f"/{one}", "$share/g/#")
    unsuback = app.unsubscribe(*others)
    assert unsuback.codes == ((0x11,) * len(others) if version == V5 else ())
    device.publish(device.own("data", "s"), b"to both")
    for _ in range(2):
        app.receive(one, b"to both")
    unsuback = app.unsubscribe(one, one)
    assert (unsuback.codes, unsuback.props) == ((0x00, 0x11) if version == V5 else (), ())
    device.publish(device.own("data", "s"), b"shared is left")
    app.receive(one, b"shared is left")
    app.unsubscribe(f"$share/g/{one}")
    app.subscribe(device.open("data/t"))
    device.publish(device.own("data", "s"), b"nobody")
    device.publish(device.own("data", "t"), b"marker")
    app.receive(payload=b"marker")


@versions
def test_unsubscribe_lets_started_deliveries_end(net, version):
    """[MQTT-3.10.4-3]: a QoS 2 delivery that has started is completed."""
    device, app = net.device(), net.app(version)
    app.acknowledges = False
    app.subscribe(device.open("data/s"), qos=2)
    device.publish(device.own("data", "s"), b"x")
    pid = app.receive(payload=b"x").pid
    app.unsubscribe(device.open("data/s"))
    app.send(packets.ack(packets.Type.PUBREC, pid))
    app.expect(packets.Ack, kind=packets.Type.PUBREL, pid=pid)
    app.send(packets.ack(packets.Type.PUBCOMP, pid))
    app.ping()


# Malformed SUBSCRIBE and UNSUBSCRIBE: body behind the identifier, and the code of v5.
OPTION = [("t", 1)]
BAD = {
    "no filter": (lambda v: packets.subscribe(v, 1, []), 0x82),
    "no filter to end": (lambda v: packets.unsubscribe(v, 1, []), 0x82),
    "identifier 0": (lambda v: packets.subscribe(v, 0, OPTION), 0x82),
    "identifier 0 to end": (lambda v: packets.unsubscribe(v, 0, ["t"]), 0x82),
    "qos 3": (lambda v: packets.subscribe(v, 1, [("#", 3)]), 0x82),
    "option bit 6": (lambda v: packets.subscribe(v, 1, [("#", 0x40)]), 0x81),
    "option bit 7": (lambda v: packets.subscribe(v, 1, [("#", 0x80)]), 0x81),
    "retain handling 3": (lambda v: packets.subscribe(v, 1, [("#", 0x30)]), 0x82),
    "flags 0": (lambda v: packet(0x80, packets.subscribe(v, 1, OPTION)[2:]), 0x81),
    "flags 3": (lambda v: packet(0x83, packets.subscribe(v, 1, OPTION)[2:]), 0x81),
    "flags 0 to end": (lambda v: packet(0xA0, packets.unsubscribe(v, 1, "t")[2:]), 0x81),
    "flags A to end": (lambda v: packet(0xAA, packets.unsubscribe(v, 1, "t")[2:]), 0x81),
    "option missing": (lambda v: packet(0x82, packets.subscribe(v, 1, OPTION)[2:-1]), 0x81),
    "filter past the end": (lambda v: packet(
        0x82, b"\0\1" + packets.properties(v, ()) + b"\xff\xfft\0"), 0x81),
    "empty": (lambda v: packet(0x82), 0x81),
    **{f"not utf-8: {name}": (lambda v, t=text: packets.subscribe(v, 1, [(t, 0)]),
                              0x81) for name, text in BAD_UTF8.items()},
    **{f"not utf-8 to end: {name}": (lambda v, t=text: packets.unsubscribe(v, 1, [t]),
                                     0x81) for name, text in BAD_UTF8.items()},
}


@versions
@table("data, code", BAD)
def test_malformed(net, version, data, code):
    """[MQTT-3.8.1-1], [MQTT-3.8.3-1], -2, -5, [MQTT-3.10.1-1], [MQTT-3.10.3-1], -2,
    [MQTT-2.2.1-3], X-5-3.8.3.1-rh3, 3.1.1 [MQTT-2.3.1-1], [MQTT-3.8.3-3], -4: the connection
    ends, v5 with a DISCONNECT."""
    app = net.app(version)
    app.send(data(version))
    app.expect_closed(code)


@pytest.mark.parametrize("options", [0x04, 0x08, 0x10])
def test_v5_options_in_3_1_1(net, options):
    """3.1.1 [MQTT-3.8.3-4]: reserved bits there."""
    app = net.app(V4)
    app.send(packets.subscribe(V4, 1, [("#", options)]))
    app.expect_closed()


@versions
def test_empty_filter(net, version):
    """[MQTT-4.7.3-1]: refused."""
    suback = net.app(version).subscribe("")
    assert suback.codes == (refusal(version, 0x8F, 0x80),)
    assert says_only(suback, "the filter is malformed" if version == V5 else None)


def test_no_local_on_a_shared_filter(net):
    """[MQTT-3.8.3-4]: DISCONNECT 0x82."""
    app = net.app()
    app.send(packets.subscribe(V5, 1, [(f"$share/g/open/{net.project.key}/#", NO_LOCAL)]))
    app.expect_closed(0x82)


@table("props, code", {
    "identifier 0": ([(Prop.SUBSCRIPTION_ID, 0)], 0x82),
    "two identifiers": ([(Prop.SUBSCRIPTION_ID, 1)] * 2, 0x82),
    "session expiry": ([(Prop.SESSION_EXPIRY, 1)], 0x82),
    "unknown": ([(0x7F, b"")], 0x81),
    "length past the end": (b"\x7f", 0x81),
    "bad user property": ([(Prop.USER_PROPERTY, ("a", b"\xff"))], 0x81),
})
def test_bad_properties(net, props, code):
    """X-5-3.8.2.1.2-subid, X-5-2.2.2.1-length, X-5-2.2.2.2-unknown, -place, [MQTT-1.5.7-1]."""
    app = net.app()
    app.send(packets.subscribe(V5, 1, [("#", 0)], props))
    app.expect_closed(code)


def test_fields_are_read_to_the_end(net):
    """[MQTT-3.1.4-1]-like for SUBSCRIBE: a byte left over is malformed."""
    app = net.app()
    app.send(packet(0x82, b"\0\1\0" + utf8("#") + b"\0" + b"\0"))
    app.expect_closed(0x81)
