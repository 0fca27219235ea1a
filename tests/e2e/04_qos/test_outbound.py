"""QoS 1 and 2 towards a client: identifiers, window, resending."""
import pytest

from lib import packets
from lib.cases import V4, V5, versions
from lib.packets import Ack, Prop, Type

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}


def listener(net, device, qos=1, version=V5, **fields):
    """An application that gets the device's data and acknowledges nothing by itself."""
    app = net.app(version, **fields)
    app.acknowledges = False
    app.subscribe(device.open("data/s"), qos=qos)
    return app


def report(device, *payloads):
    for payload in payloads:
        device.publish(device.own("data", "s"), payload)


@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_identifiers_are_distinct(net, version, qos):
    """[MQTT-2.2.1-4], [MQTT-4.3.2-1], -2, [MQTT-4.3.3-1], -2, 3.1.1 [MQTT-2.3.1-4],
    [MQTT-4.3.2-1]: fifteen open deliveries, no identifier twice, DUP 0."""
    device = net.device()
    app = listener(net, device, qos, version)
    report(device, *(b"%d" % number for number in range(15)))
    got = [app.receive() for _ in range(15)]
    assert len({message.pid for message in got}) == 15
    assert not any(message.dup for message in got)


def test_qos0_has_neither_identifier_nor_dup(net):
    """[MQTT-2.2.1-2], [MQTT-4.3.1-1], [MQTT-3.3.1-2], 3.1.1 [MQTT-2.3.1-5]: the parser refuses
    both; nothing waits for an answer."""
    device = net.device()
    apps = [listener(net, device, 0, version) for version in (V4, V5)]
    report(device, b"1", b"2")
    for app in apps:
        assert [app.receive().payload for _ in range(2)] == [b"1", b"2"]
        app.expect_nothing()


@versions
def test_qos2_handshake(net, version):
    """[MQTT-4.3.3-4], 3.1.1 [MQTT-4.3.3-1]: PUBREC is answered by PUBREL, again if repeated."""
    device = net.device()
    app = listener(net, device, 2, version)
    report(device, b"x")
    pid = app.receive(payload=b"x").pid
    for _ in range(2):
        app.send(packets.ack(Type.PUBREC, pid))
        app.expect(Ack, kind=Type.PUBREL, pid=pid, code=0)
    app.send(packets.ack(Type.PUBCOMP, pid))
    app.expect_nothing()


def test_refused_by_the_client(net):
    """[MQTT-4.3.3-4], [MQTT-4.4.0-2]: PUBACK or PUBREC with an error acknowledges: no PUBREL,
    the window is free, nothing is resent."""
    device = net.device()
    app = net.app(client_id="refuses", clean=False,
                  props=((Prop.SESSION_EXPIRY, 60), (Prop.RECEIVE_MAXIMUM, 1)))
    app.acknowledges = False
    app.subscribe(device.open("data/s"), qos=2)
    report(device, b"1", b"2")
    app.send(packets.ack(Type.PUBREC, app.receive(payload=b"1").pid, 0x80))
    app.send(packets.ack(Type.PUBREC, app.receive(payload=b"2").pid, 0x83))
    app.subscribe(device.open("data/s"), qos=1)
    report(device, b"3")
    app.send(packets.ack(Type.PUBACK, app.receive(payload=b"3").pid, 0x97))
    app.ping()
    app.abort()
    again = net.app(client_id="refuses", **KEEP)
    assert again.connack.session_present
    report(device, b"4")
    again.receive(payload=b"4")


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_receive_maximum_of_the_client(net, window, qos):
    """[MQTT-3.3.4-9], -10, [MQTT-4.9.0-1], -2, -3, [MQTT-3.12.4-1]: never more open deliveries
    than the client's Receive Maximum; one more for each PUBACK or PUBCOMP, not for a PUBREC; other
    packets pass."""
    device = net.device()
    app = listener(net, device, qos, props=((Prop.RECEIVE_MAXIMUM, window),))
    total = window + 4
    report(device, *(b"%d" % number for number in range(total)))
    open_ones = [app.receive(payload=b"%d" % number) for number in range(window)]
    for number in range(window, total):
        app.expect_nothing()
        pid = open_ones.pop(0).pid
        if qos == 1:
            app.send(packets.ack(Type.PUBACK, pid))
        else:
            app.send(packets.ack(Type.PUBREC, pid))
            app.expect(Ack, kind=Type.PUBREL, pid=pid)
            app.expect_nothing()
            app.send(packets.ack(Type.PUBCOMP, pid))
        open_ones.append(app.receive(payload=b"%d" % number))


def test_full_window_holds_back_nothing_else(net):
    """[MQTT-3.3.4-10]: requests and publishes of the client are answered with a full window."""
    device = net.device()
    app = listener(net, device, 1, props=((Prop.RECEIVE_MAXIMUM, 1),))
    report(device, b"1", b"2")
    app.receive(payload=b"1")
    app.subscribe(device.open("event_report"), qos=0)
    for qos in (1, 2):
        app.publish(device.open("attributes_push"), b"{}", qos)
    app.unsubscribe(device.open("event_report"))
    app.ping()


def test_full_window_holds_back_no_qos0(net):
    """[MQTT-3.3.4-10], open-api 3.1: QoS 0 passes what waits for the window, but never what waits
    of its own device."""
    first, *others = (net.device() for _ in range(8))
    app = listener(net, first, 1, props=((Prop.RECEIVE_MAXIMUM, 1),))
    app.subscribe(first.open("event_report"), *(other.open("data/s") for other in others), qos=0)
    report(first, b"1", b"2")
    pid = app.receive(payload=b"1").pid
    first.publish(first.own("event_report"), b'{"method":"e"}')
    for other in others:
        report(other, b"passes")
    # Not each of them: devices share a few places in the queue, by chance. Not all share one.
    before = [app.receive(payload=b"passes").topic]
    app.send(packets.ack(Type.PUBACK, pid))
    behind = [app.receive().topic for _ in range(len(others) + 1)]
    waited = [topic for topic in behind if topic.startswith(first.open(""))]
    assert waited == [first.open("data/s"), first.open("event_report")]
    assert sorted(before + behind) == sorted(waited + [other.open("data/s") for other in others])


@versions
def test_pubrels_in_order(net, version):
    """[MQTT-4.6.0-4]: PUBRELs follow the order of the PUBRECs, whatever their identifiers."""
    device = net.device()
    app = listener(net, device, 2, version)
    report(device, b"1", b"2", b"3", b"4")
    pids = [app.receive().pid for _ in range(4)]
    order = [pids[index] for index in (2, 0, 3, 1)]
    app.send(*(packets.ack(Type.PUBREC, pid) for pid in order))
    assert [app.expect(Ack, kind=Type.PUBREL).pid for _ in order] == order


@pytest.mark.fast_tsan
@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_resent_on_resume_alone(net, version, qos):
    """[MQTT-3.3.1-1], [MQTT-4.4.0-1], [MQTT-4.6.0-1], [MQTT-4.3.2-3], [MQTT-4.3.3-3], 3.1.1
    [MQTT-2.3.1-4]: after a reconnect, with the same identifiers, DUP 1, in the original order."""
    device, name = net.device(), f"resend{version}{qos}"
    app = listener(net, device, qos, version, client_id=name, **KEEP)
    report(device, b"a", b"b", b"c", b"d")
    first = {message.payload: message.pid for message in (app.receive() for _ in range(4))}
    app.send(packets.ack(Type.PUBACK if qos == 1 else Type.PUBREC, first[b"b"]))
    if qos == 2:
        app.expect(Ack, kind=Type.PUBREL)
        app.send(packets.ack(Type.PUBCOMP, first[b"b"]))
    app.expect_nothing()
    app.abort()
    again = net.app(version, client_id=name, **KEEP)
    assert again.connack.session_present
    got = [again.receive() for _ in range(3)]
    assert [(m.payload, m.pid) for m in got] == [(p, first[p]) for p in (b"a", b"c", b"d")]
    assert all(message.dup for message in got)
    report(device, b"e")
    assert not again.receive(payload=b"e").dup


@versions
def test_pubrel_is_resent(net, version):
    """[MQTT-4.3.3-5], -6, [MQTT-4.4.0-1], 3.1.1 [MQTT-4.3.3-1]: after PUBREC only the PUBREL
    comes again."""
    device, name = net.device(), f"pubrel{version}"
    app = listener(net, device, 2, version, client_id=name, **KEEP)
    report(device, b"x")
    pid = app.receive(payload=b"x").pid
    app.send(packets.ack(Type.PUBREC, pid))
    app.expect(Ack, kind=Type.PUBREL, pid=pid)
    app.abort()
    again = net.app(version, client_id=name, **KEEP)
    again.acknowledges = False
    assert (again.recv(), pid) == (Ack(Type.PUBREL, pid), pid)
    again.send(packets.ack(Type.PUBCOMP, pid))
    report(device, b"y")
    again.receive(payload=b"y")


def test_window_of_the_new_connection(net):
    """[MQTT-4.9.0-2]: after a resume the smaller Receive Maximum counts for what is resent."""
    device = net.device()
    app = listener(net, device, 1, client_id="shrinks", **KEEP)
    report(device, b"1", b"2", b"3")
    for payload in (b"1", b"2", b"3"):
        app.receive(payload=payload)
    app.abort()
    again = net.app(client_id="shrinks", clean=False,
                    props=((Prop.SESSION_EXPIRY, 60), (Prop.RECEIVE_MAXIMUM, 1)))
    again.acknowledges = False
    for payload in (b"1", b"2", b"3"):
        message = again.receive(payload=payload)
        again.expect_nothing()
        again.send(packets.ack(Type.PUBACK, message.pid))


def test_redelivery_repeats_the_topic(net):
    """[MQTT-3.3.2-7]: with aliases on, what is resent names its topic in full."""
    device = net.device()
    props = ((Prop.SESSION_EXPIRY, 60), (Prop.TOPIC_ALIAS_MAXIMUM, 5))
    app = net.app(client_id="alias out", clean=False, props=props)
    app.acknowledges = False
    app.subscribe(device.open("data/s"))
    report(device, b"1", b"2")
    for payload in (b"1", b"2"):
        app.receive(payload=payload)
    app.abort()
    again = net.app(client_id="alias out", clean=False, props=props)
    again.receive(device.open("data/s"), b"1")


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_maximum_packet_size(net, qos):
    """[MQTT-3.1.2-24], [MQTT-3.1.2-25]: a packet of exactly the size comes, a larger one does not
    and counts as delivered: with a window of 2, four large ones hold nothing back."""
    device, meter = net.device(), net.app()
    topic = device.open("data/s")
    meter.subscribe(topic, qos=qos)
    report(device, b"x" * 100)
    message = meter.receive(payload=b"x" * 100)
    size = len(packets.publish(V5, topic, message.payload, qos=qos, pid=message.pid,
                               props=message.props))
    app = net.app(props=((Prop.MAXIMUM_PACKET_SIZE, size), (Prop.RECEIVE_MAXIMUM, 2)))
    app.subscribe(topic, qos=qos)
    report(device, *[b"x" * 101] * 4, b"x" * 100, b"y")
    app.receive(topic, b"x" * 100)
    app.receive(topic, b"y")


@pytest.mark.parametrize("answer", ["suback", "puback", "pubrec", "unsuback", "disconnect"])
def test_reason_strings_fit(net, answer):
    """[MQTT-3.4.2-2], -3, [MQTT-3.5.2-2], -3, [MQTT-3.6.2-2], -3, [MQTT-3.7.2-2], -3,
    [MQTT-3.9.2-1], -2, [MQTT-3.11.2-1], -2, [MQTT-3.14.2-3], -4: a reason that does not fit is
    left out, the answer is not."""
    app = net.app(props=((Prop.MAXIMUM_PACKET_SIZE, 20),))
    foreign = f"open/{net.project.key}/DU_0000000000/attributes"
    if answer == "suback":
        assert app.subscribe("$SYS/#").codes == (0x87,)
    elif answer == "unsuback":
        assert app.unsubscribe("nothing").codes == (0x11,)
    elif answer == "disconnect":
        app.send(packets.packet(0xC1))
        app.expect_closed(0x81)
    else:
        assert app.publish(foreign, b"{}", 1 if answer == "puback" else 2).code == 0x87


def test_identifiers_wrap_around(net):
    """[MQTT-2.2.1-4]: past 65,535 deliveries, one that stays open keeps its identifier for
    itself."""
    device = net.device()
    app = listener(net, device, 1)
    report(device, b"held")
    held = app.receive(payload=b"held").pid
    left = 65600
    while left:
        batch = min(left, 60)
        device.send(*(packets.publish(V5, device.own("data", "s"), b"") for _ in range(batch)))
        pids = [app.receive(payload=b"").pid for _ in range(batch)]
        assert held not in pids
        app.send(*(packets.ack(Type.PUBACK, pid) for pid in pids))
        left -= batch
    app.ping()
