"""QoS 1 and 2 from a client: each message is taken once, each packet has its answer."""
import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.packets import Ack, Prop, Type


def publish(client, pid, payload, qos, **fields):
    client.send(packets.publish(client.version, client.own("data", "s"), payload, qos=qos, pid=pid,
                                **fields))


@pytest.fixture
def pair(net):
    """A device and an application that gets its data."""
    def make(version):
        device, app = net.device(version=version), net.app()
        app.subscribe(device.open("data/s"))
        return device, app
    return make


@versions
@pytest.mark.parametrize("pid", [1, 256, 65535])
def test_identifiers_are_repeated(pair, version, pid):
    """[MQTT-2.2.1-5], [MQTT-4.3.3-11], [MQTT-3.3.4-1], 3.1.1 [MQTT-2.3.1-6], [MQTT-3.3.4-1]."""
    device, app = pair(version)
    publish(device, pid, b"1", 1)
    device.expect(Ack, kind=Type.PUBACK, pid=pid, code=0)
    publish(device, pid, b"2", 2)
    device.expect(Ack, kind=Type.PUBREC, pid=pid, code=0)
    device.send(packets.ack(Type.PUBREL, pid))
    device.expect(Ack, kind=Type.PUBCOMP, pid=pid, code=0)
    publish(device, None, b"0", 0)
    device.expect_nothing()
    assert [app.receive().payload for _ in range(3)] == [b"1", b"2", b"0"]


@versions
def test_qos1_identifier_is_free_after_puback(pair, version):
    """[MQTT-4.3.2-5], 3.1.1 [MQTT-4.3.2-2]: three times the same identifier, the last with DUP,
    are three messages; the DUP of the sender is not handed on [MQTT-3.3.1-3]."""
    device, app = pair(version)
    for payload, dup in ((b"1", False), (b"2", False), (b"3", True)):
        publish(device, 7, payload, 1, dup=dup)
        device.expect(Ack, kind=Type.PUBACK, pid=7)
        assert not app.receive(payload=payload).dup


@pytest.mark.fast_tsan
@versions
def test_qos2_repeated_before_pubrel(pair, version):
    """[MQTT-4.3.3-10], -11, -12, 3.1.1 [MQTT-4.3.3-2]: three PUBREC and one message, a PUBCOMP
    for each PUBREL, and then the identifier is new."""
    device, app = pair(version)
    for dup in (False, True, True):
        publish(device, 11, b"once", 2, dup=dup)
        device.expect(Ack, kind=Type.PUBREC, pid=11)
    for _ in range(2):
        device.send(packets.ack(Type.PUBREL, 11))
        device.expect(Ack, kind=Type.PUBCOMP, pid=11)
    publish(device, 11, b"again", 2)
    device.expect(Ack, kind=Type.PUBREC, pid=11)
    app.receive(payload=b"once")
    app.receive(payload=b"again")


@versions
def test_qos2_repeated_after_a_reconnect(net, version):
    """[MQTT-4.3.3-8], -10: the session knows the identifier over a lost connection."""
    keep = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
    device, app = net.device(version=version, client_id="q2", **keep), net.app()
    app.subscribe(device.open("data/s"))
    publish(device, 5, b"once", 2)
    device.expect(Ack, kind=Type.PUBREC, pid=5)
    device.abort()
    again = net.device(device.login, version, client_id="q2", **keep)
    assert again.connack.session_present
    publish(again, 5, b"once", 2, dup=True)
    again.expect(Ack, kind=Type.PUBREC, pid=5)
    again.send(packets.ack(Type.PUBREL, 5))
    again.expect(Ack, kind=Type.PUBCOMP, pid=5, code=0)
    again.publish(again.own("data", "s"), b"next")
    app.receive(payload=b"once")
    app.receive(payload=b"next")


def test_qos2_identifier_is_free_after_a_refusal(net):
    """[MQTT-4.3.3-9], [MQTT-3.5.2-1]: PUBREC 0x87, and the same identifier is a new message."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/s"))
    device.send(packets.publish(V5, "elsewhere", b"no", qos=2, pid=5))
    device.expect(Ack, kind=Type.PUBREC, pid=5, code=0x87)
    publish(device, 5, b"yes", 2)
    device.expect(Ack, kind=Type.PUBREC, pid=5, code=0)
    app.receive(payload=b"yes")


@table("version, code", {"3.1.1": (V4, 0), "v5": (V5, 0x92)})
def test_pubrel_of_nothing(net, version, code):
    """[MQTT-3.7.2-1]: PUBCOMP 0x92 (3.1.1: PUBCOMP), the connection stays."""
    device = net.device(version=version)
    device.send(packets.ack(Type.PUBREL, 99))
    device.expect(Ack, kind=Type.PUBCOMP, pid=99, code=code)
    device.ping()


@versions
def test_answers_in_order(pair, version):
    """[MQTT-4.6.0-2], [MQTT-4.6.0-3]: answers follow the order of the messages, not of the
    identifiers."""
    device, app = pair(version)
    pids = [5, 3, 9, 1, 65535, 2]
    for qos, kind in ((1, Type.PUBACK), (2, Type.PUBREC)):
        for pid in pids:
            publish(device, pid, b"%d" % pid, qos)
        assert [device.expect(Ack, kind=kind).pid for _ in pids] == pids
        assert [int(app.receive().payload) for _ in pids] == pids


@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_answers_in_order_however_they_are_decided(net, version, qos):
    """[MQTT-4.6.0-2], [MQTT-4.6.0-3]: what is refused at once is answered behind what another
    worker has to decide."""
    app, expected = net.app(version), []
    kind = Type.PUBACK if qos == 1 else Type.PUBREC
    refused = (0x87, ((Prop.REASON_STRING, "not a topic that applications may publish"),))
    taken, data = (0x10,), b""
    for pid in range(30, 6, -2):
        topic = net.project.device().open("attributes_push")
        for to, answer, number in ((topic, taken, pid), ("no", refused, pid - 1)):
            data += packets.publish(version, to, b"{}", qos=qos, pid=number)
            expected.append(Ack(kind, number, *answer if version == V5 else ()))
    app.send(data)
    assert [app.recv() for _ in expected] == expected


@versions
@table("first", {"puback": Type.PUBACK, "pubrec": Type.PUBREC, "pubcomp": Type.PUBCOMP})
def test_acknowledgement_of_nothing(net, version, first):
    """MQTT 5.0 section 4.3: an acknowledgement that matches nothing hurts nobody; an unknown PUBREC
    is answered by PUBREL, in v5 with 0x92 [MQTT-3.6.2-1]."""
    device = net.device(version=version)
    device.acknowledges = False
    device.send(packets.ack(first, 77), packets.PINGREQ)
    if first == Type.PUBREC:
        assert device.recv() == Ack(Type.PUBREL, 77, 0x92 if version == V5 else 0)
    assert device.recv() == packets.Pingresp()


@pytest.mark.parametrize("code, props", [(None, None), (0, None), (0, ()),
                                         (0, ((Prop.REASON_STRING, "x"),
                                              (Prop.USER_PROPERTY, ("a", "b"))))])
def test_forms_of_acknowledgements(net, code, props):
    """X-5-3.4.2-short: two, three, and more bytes are the same."""
    device, app = net.device(), net.app()
    app.acknowledges = False
    app.subscribe(device.open("data/s"), qos=2)
    app.subscribe(device.open("data/t"), qos=1)
    device.publish(device.own("data", "s"), b"2")
    device.publish(device.own("data", "t"), b"1")
    pid = app.receive(payload=b"2").pid
    app.send(packets.ack(Type.PUBREC, pid, code, props))
    app.send(packets.ack(Type.PUBACK, app.receive(payload=b"1").pid, code, props))
    app.expect(Ack, kind=Type.PUBREL, pid=pid, code=0)
    app.send(packets.ack(Type.PUBCOMP, pid, code, props))
    publish(device, 3, b"x", 2)
    device.expect(Ack, kind=Type.PUBREC, pid=3)
    device.send(packets.ack(Type.PUBREL, 3, code, props))
    device.expect(Ack, kind=Type.PUBCOMP, pid=3, code=0)
    app.ping()


def test_receive_maximum(net):
    """open-api 8, [MQTT-3.3.4-7]: 64 QoS 2 messages may be open, and each is answered; the one above
    ends the connection with 0x93."""
    device = net.device()
    for pid in range(1, 66):
        publish(device, pid, b"x", 2)
    for pid in range(1, 65):
        assert device.recv() == Ack(Type.PUBREC, pid)
    assert device.recv() == packets.Disconnect(0x93)
    device.expect_closed()


def test_regress_receive_maximum_of_a_new_connection(net):
    """[MQTT-3.3.4-7], section 4.9: the quota belongs to the connection. What a former one left
    without PUBREL does not count, until its PUBLISH comes again."""
    login, props = net.project.device(), ((Prop.SESSION_EXPIRY, 60),)
    first = net.device(login, client_id="quota", clean=False, props=props)
    for pid in range(1, 65):
        publish(first, pid, b"x", 2)
        first.expect(Ack, kind=Type.PUBREC, pid=pid, code=0)
    first.abort()
    again = net.device(login, client_id="quota", clean=False, props=props)
    assert again.connack.session_present
    assert again.publish(again.own("data", "s"), b"y", 1).code == 0
    for pid in range(1, 65):
        again.send(packets.publish(V5, again.own("data", "s"), b"x", qos=2, pid=pid, dup=True))
        assert again.recv() == Ack(Type.PUBREC, pid)
    publish(again, 65, b"z", 2)
    assert again.recv() == packets.Disconnect(0x93)
    again.expect_closed()


def test_qos2_open_messages_are_counted_down(net):
    """[MQTT-4.9.0-3]: with PUBREL in between, any number passes."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/s"), qos=0)
    for number in range(130):
        device.publish(device.own("data", "s"), b"%d" % number, 2)
    assert [int(app.receive().payload) for _ in range(130)] == list(range(130))


@versions
def test_message_survives_its_connection(net, version):
    """[MQTT-4.3.2-4], [MQTT-4.3.3-8]: what was acknowledged is delivered although the sender is
    gone at once."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("data/s"))
    for qos, kind in ((1, Type.PUBACK), (2, Type.PUBREC)):
        device = net.device(login, version)
        publish(device, 1, b"%d" % qos, qos)
        device.expect(Ack, kind=kind, pid=1)
        device.abort()
        app.receive(payload=b"%d" % qos)


# PUBLISH and acknowledgements that are malformed in both versions, and what v5 calls them.
BAD = {
    "identifier 0, qos 1": (lambda v: packets.publish(v, "t", b"", qos=1, pid=0), 0x82),
    "identifier 0, qos 2": (lambda v: packets.publish(v, "t", b"", qos=2, pid=0), 0x82),
    "qos 3": (lambda v: packets.packet(0x36, b"\0\1t\0\1\0"), 0x81),
    "no identifier": (lambda v: packets.packet(0x32, b"\0\1t"), 0x81),
    "topic past the end": (lambda v: packets.packet(0x30, b"\xff\xfft"), 0x81),
    "no topic": (lambda v: packets.packet(0x30), 0x81),
    "half an identifier": (lambda v: packets.packet(0x40, b"\0"), 0x81),
    "empty puback": (lambda v: packets.packet(0x40), 0x81),
    "puback flags": (lambda v: packets.packet(0x42, b"\0\1"), 0x81),
    "pubrel flags 0": (lambda v: packets.packet(0x60, b"\0\1"), 0x81),
    "pubrel flags 6": (lambda v: packets.packet(0x66, b"\0\1"), 0x81),
    "pubcomp flags": (lambda v: packets.packet(0x71, b"\0\1"), 0x81),
    "pingreq flags": (lambda v: packets.packet(0xC1), 0x81),
    "pingreq with a body": (lambda v: packets.packet(0xC0, b"x"), 0x81),
}


@versions
@table("data, code", BAD)
@pytest.mark.parametrize("side", ["app", "device"])
def test_malformed(net, version, data, code, side):
    """[MQTT-2.1.3-1], [MQTT-2.2.1-3], [MQTT-3.3.1-4], [MQTT-3.3.2-1], [MQTT-3.6.1-1], 3.1.1
    [MQTT-2.2.2-2], [MQTT-2.3.1-1]: the connection ends; v5 says why."""
    client = getattr(net, side)(version=version)
    client.send(data(version))
    client.expect_closed(code)


def test_unknown_code_in_an_acknowledgement(net):
    """MQTT 5.0 section 2.4: a code that PUBACK does not have."""
    device = net.device()
    device.send(packets.ack(Type.PUBACK, 1, 0x05))
    device.expect_closed(0x82)
