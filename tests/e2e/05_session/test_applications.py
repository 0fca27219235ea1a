"""Sessions of applications: clean, kept, resumed, ended."""
import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.packets import Prop, Will

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}


def expiring(seconds):
    return {"clean": False, "props": ((Prop.SESSION_EXPIRY, seconds),)}


@versions
def test_clean_is_never_present(net, version):
    """[MQTT-3.2.2-2], [MQTT-3.1.2-4], 3.1.1 [MQTT-3.2.2-1], [MQTT-3.1.2-6]: clean start throws the
    old session away, its subscriptions and queue too, and 3.1.1 leaves none behind."""
    device, name = net.device(), f"clean{version}"
    net.app(version, client_id=name, **KEEP).subscribe(device.open("data/s"))
    device.publish(device.own("data", "s"), b"lost")
    clean = net.app(version, client_id=name, props=KEEP["props"])
    assert not clean.connack.session_present
    clean.subscribe(device.open("data/t"))
    device.publish(device.own("data", "s"), b"nobody asked")
    device.publish(device.own("data", "t"), b"marker")
    clean.receive(payload=b"marker")
    clean.disconnect()
    again = net.app(version, client_id=name, **KEEP)
    assert again.connack.session_present == (version == V5)


@versions
def test_new_where_none_is_stored(net, version):
    """[MQTT-3.1.2-6], [MQTT-3.2.2-3], 3.1.1 [MQTT-3.2.2-3]."""
    assert not net.app(version, client_id=f"new{version}", **KEEP).connack.session_present


@versions
@pytest.mark.parametrize("end", ["disconnect", "abort"])
def test_resumed(net, version, end):
    """[MQTT-3.1.2-5], [MQTT-3.1.2-23], [MQTT-3.2.0-1], [MQTT-4.5.0-1], 3.1.1 [MQTT-3.1.2-4], -5,
    [MQTT-3.2.2-2]: subscriptions are there, and what came meanwhile at QoS 1 and 2 follows the
    CONNACK, in order, once."""
    device, name = net.device(), f"resume{version}{end}"
    app = net.app(version, client_id=name, **KEEP)
    app.subscribe((device.open("data/s"), 1), (device.open("attributes"), 2))
    getattr(app, end)()
    for number in range(6):
        device.publish(device.own("data", "s"), b"%d" % number)
        device.publish(device.own("attributes"), b'{"n":%d}' % number, qos=number % 3)
    again = net.app(version, client_id=name, **KEEP)
    assert again.connack.session_present
    expected = [p for n in range(6) for p in (b"%d" % n, b'{"n":%d}' % n)]
    got = [again.receive() for _ in expected]
    assert [message.payload for message in got] == expected
    assert [message.qos for message in got] == [1, 2] * 6
    if end == "disconnect":  # what was sent into a broken connection comes again, as such
        assert not any(message.dup for message in got)
    device.publish(device.own("data", "s"), b"live")
    again.receive(payload=b"live")


@pytest.mark.fast_tsan
@versions
def test_many_queued(net, version):
    """open-api 3.4, 3.1.1 [MQTT-3.1.2-5]: far more than a window waits for an offline session, and
    joins what is live without a gap or a duplicate."""
    device, name = net.device(), f"many{version}"
    app = net.app(version, client_id=name, **KEEP)
    app.subscribe(device.open("data/s"))
    app.disconnect()
    for number in range(300):
        device.publish(device.own("data", "s"), b"%d" % number)
    again = net.app(version, client_id=name, **KEEP)
    for number in range(300, 320):
        device.publish(device.own("data", "s"), b"%d" % number)
    assert [int(again.receive().payload) for _ in range(320)] == list(range(320))


@versions
def test_slow_reader_loses_nothing(net, version):
    """open-api 3.4: a persistent session that does not read for a while is neither cut off nor
    does it miss anything; the device is not held up by it."""
    device, app = net.device(), net.app(version, client_id=f"slow{version}", **KEEP)
    app.subscribe(device.open("data/s"))
    for number in range(200):
        device.publish(device.own("data", "s"), b"%06d" % number + bytes(60000))
    assert [int(app.receive().payload[:6]) for _ in range(200)] == list(range(200))


def test_command_send_is_queued_too(net):
    """open-api 3.1, [MQTT-4.5.0-1]: what applications publish waits as well, with its
    properties."""
    topic = net.project.device().open("command_send")
    app = net.app(client_id="watch", **KEEP)
    app.subscribe(topic)
    app.disconnect()
    pair = (Prop.USER_PROPERTY, ("a", "1"))
    net.app().publish(topic, b'{"method":"m","id":1}', props=(pair,))
    again = net.app(client_id="watch", **KEEP)
    assert pair in again.receive(topic, b'{"method":"m","id":1}').props


def test_properties_are_kept(net):
    """[MQTT-3.3.2-17], -18, open-api 3.2: what waits in the journal comes with its publisher's
    properties, equal ones and their order included, and with no others."""
    topic = net.project.device().open("attributes_push")
    app = net.app(client_id="properties", **KEEP)
    app.subscribe(topic)
    app.disconnect()
    pairs = [(Prop.USER_PROPERTY, pair) for pair in [("b", "1"), ("a", ""), ("b", "1"), ("b", "0")]]
    more = [(Prop.PAYLOAD_FORMAT, 1), (Prop.CONTENT_TYPE, "a/b"), (Prop.RESPONSE_TOPIC, "x/y"),
            (Prop.CORRELATION_DATA, b"\0\xff")]
    net.app().publish(topic, b"{}", props=(*pairs[:2], *more, *pairs[2:]))
    message = net.app(client_id="properties", **KEEP).receive(topic, b"{}")
    assert [item for item in message.props if item[0] == Prop.USER_PROPERTY] == pairs
    assert sorted(item for item in message.props if item[0] != Prop.USER_PROPERTY) == sorted(more)


@versions
def test_all_sessions_get_it(net, version):
    """[MQTT-4.5.0-1]: online, offline, wildcard and shared subscribers all get an accepted
    message."""
    device = net.device()
    kept = net.app(version, client_id=f"kept{version}", **KEEP)
    kept.subscribe(device.open("data/+"))
    kept.disconnect()
    plain, shared = net.app(version), net.app(version)
    plain.subscribe(device.open("data/s"))
    shared.subscribe("$share/all/" + device.open("#"))
    device.publish(device.own("data", "s"), b"to all")
    for app in (plain, shared, net.app(version, client_id=f"kept{version}", **KEEP)):
        app.receive(device.open("data/s"), b"to all")


@table("expiry", {"absent": (), "zero": ((Prop.SESSION_EXPIRY, 0),)})
def test_no_expiry_ends_with_the_connection(net, expiry):
    """[MQTT-3.1.2-23], [MQTT-4.1.0-2]: a session without expiry is gone with its connection."""
    net.app(client_id="short", clean=False, props=expiry).disconnect()
    assert not net.app(client_id="short", clean=False, props=expiry).connack.session_present


def end_of_session(net, topic, client, **fields):
    """Connects `client` with a will that is due only at the end of its session."""
    will = Will(topic, b'{"ended":1}', 1, props=((Prop.WILL_DELAY, 3600),))
    return net.app(client_id=client, will=will, **fields)


def wait_for_end_of_session(net, name, seconds):
    """Lets time pass: until the server has ended a session `seconds` after its connection."""
    watcher, topic = net.app(), net.project.device().open("attributes_push")
    watcher.subscribe(topic)
    end_of_session(net, topic, name, **expiring(seconds)).abort()
    watcher.receive(topic, b'{"ended":1}')


@pytest.mark.parametrize("end", ["abort", "disconnect"])
def test_expired_session_is_removed(net, end):
    """[MQTT-4.1.0-2]: after its expiry a session and its queue are gone. The will tells when
    [MQTT-3.1.2-8]."""
    device, watcher = net.device(), net.app()
    topic = device.open("attributes_push")
    watcher.subscribe(topic)
    app = end_of_session(net, topic, f"expire{end}", **expiring(1))
    app.subscribe(device.open("data/s"))
    if end == "abort":
        app.abort()
    else:
        app.disconnect(0x04)
    device.publish(device.own("data", "s"), b"queued")
    watcher.receive(topic, b'{"ended":1}')
    again = net.app(client_id=f"expire{end}", **KEEP)
    assert not again.connack.session_present


def test_disconnect_may_end_it(net):
    """X-5-3.14.2.2.2-change: expiry 60 in CONNECT, 0 in DISCONNECT."""
    app = net.app(client_id="to zero", **KEEP)
    app.disconnect(0, ((Prop.SESSION_EXPIRY, 0),))
    assert not net.app(client_id="to zero", **KEEP).connack.session_present


def test_disconnect_may_prolong_it(net):
    """X-5-3.14.2.2.2-change: expiry 1 in CONNECT, 60 in DISCONNECT; another session with expiry 1
    tells when the first second is over."""
    app = net.app(client_id="longer", **expiring(1))
    app.disconnect(0, ((Prop.SESSION_EXPIRY, 60),))
    wait_for_end_of_session(net, "clock of longer", 1)
    assert net.app(client_id="longer", **KEEP).connack.session_present


def test_disconnect_may_not_raise_it_from_zero(net):
    """X-5-3.14.2.2.2-raise: DISCONNECT 0x82 for it, and the session is gone."""
    app = net.app(client_id="raise", clean=False)
    app.send(packets.disconnect(0, ((Prop.SESSION_EXPIRY, 30),)))
    app.expect_closed(0x82)
    assert not net.app(client_id="raise", **KEEP).connack.session_present


@versions
def test_two_identifiers_two_sessions(net, version):
    """[MQTT-3.1.3-2]: queues do not mix."""
    device = net.device()
    for name in "ab":
        app = net.app(version, client_id=f"{name}{version}", **KEEP)
        app.subscribe(device.open(f"data/{name}"))
        app.disconnect()
    for name in "ab":
        device.publish(device.own("data", name), name.encode())
    for name in "ab":
        again = net.app(version, client_id=f"{name}{version}", **KEEP)
        again.receive(device.open(f"data/{name}"), name.encode())
        again.expect_nothing()


@pytest.mark.parametrize("first, second", [(V4, V5), (V5, V4)])
def test_versions_share_sessions(net, first, second):
    """open-api 3.4: a session belongs to project and client identifier, not to a version."""
    device, name = net.device(), f"mixed{first}"
    app = net.app(first, client_id=name, **KEEP)
    app.subscribe(device.open("data/s"))
    app.disconnect()
    device.publish(device.own("data", "s"), b"kept")
    again = net.app(second, client_id=name, **KEEP)
    assert again.connack.session_present
    again.receive(device.open("data/s"), b"kept")


@versions
def test_subscriptions_stay_while_idle(net, version):
    """[MQTT-4.1.0-1], 3.1.1 [MQTT-4.1.0-1], -2: a session without expiry lives as long as its
    connection, whatever others do."""
    device, app = net.device(), net.app(version)
    app.subscribe(device.open("data/s"))
    for _ in range(3):
        net.app(version).disconnect()
    device.publish(device.own("data", "s"), b"x")
    app.receive(payload=b"x")


@versions
def test_qos0_does_not_wait(net, version):
    """open-api 3.4: a persistent session is owed what it subscribed to at QoS 1 or 2; the
    order of what it is owed is kept."""
    device, name = net.device(), f"zero{version}"
    app = net.app(version, client_id=name, **KEEP)
    app.subscribe((device.open("data/zero"), 0), (device.open("data/one"), 1))
    app.disconnect()
    for stream in ("zero", "one", "zero", "one"):
        device.publish(device.own("data", stream), stream.encode())
    again = net.app(version, client_id=name, **KEEP)
    for _ in range(2):
        while (message := again.receive()).qos == 0:
            assert message.payload == b"zero"
        assert message.payload == b"one"


@pytest.mark.parametrize("qos", [1, 2])
def test_no_expiry_once_it_was_sent(net, qos):
    """[MQTT-4.3.3-7]: a message whose lifetime ends after its PUBLISH is still resent."""
    topic, name = net.project.device().open("attributes_push"), f"sent{qos}"
    app = net.app(client_id=name, **KEEP)
    app.acknowledges = False
    app.subscribe(topic, qos=2)
    net.app().publish(topic, b'{"a":1}', qos, props=((Prop.MESSAGE_EXPIRY, 3),))
    app.receive(topic, b'{"a":1}')
    app.abort()
    wait_for_end_of_session(net, f"clock of sent{qos}", 3)
    again = net.app(client_id=name, **KEEP)
    assert again.receive(topic, b'{"a":1}').dup


def test_handshake_goes_on_when_expired(net):
    """[MQTT-4.3.3-13]: PUBREL is answered although the message's lifetime is over."""
    topic, app = net.project.device().open("attributes_push"), net.app()
    app.send(packets.publish(V5, topic, b"{}", qos=2, pid=3, props=((Prop.MESSAGE_EXPIRY, 1),)))
    app.expect(packets.Ack, kind=packets.Type.PUBREC, pid=3)
    wait_for_end_of_session(net, "clock of pubrel", 2)
    app.send(packets.ack(packets.Type.PUBREL, 3))
    app.expect(packets.Ack, kind=packets.Type.PUBCOMP, pid=3, code=0)


def test_queued_message_expires(net):
    """[MQTT-3.3.2-5], [MQTT-3.3.2-6]: a message whose lifetime ended while the session was away is
    dropped; one that lives is delivered with what is left. A session's end tells the time."""
    topic, name = net.project.device().open("attributes_push"), "stale"
    app, publisher = net.app(client_id=name, **KEEP), net.app()
    app.subscribe(topic)
    app.disconnect()
    for lifetime in (1, 1000):
        answer = publisher.publish(topic, b'{"for":%d}' % lifetime,
                                   props=((Prop.MESSAGE_EXPIRY, lifetime),))
        assert answer.code == 0x10  # carried out: the journal has it
    wait_for_end_of_session(net, "clock of expiry", 2)
    again = net.app(client_id=name, **KEEP)
    message = again.receive(topic, b'{"for":1000}')
    assert 900 < message.props.get(Prop.MESSAGE_EXPIRY) < 1000
