"""Wills of applications obey the rules for publishing."""
import socket
import time

import pytest

from lib import packets, ws
from lib.cases import V4, V5, table, versions
from lib.client import refusal
from lib.packets import Prop, Will

COMMAND = b'{"method":"m","params":{},"id":1}'
USER = [("b", "1"), ("a", ""), ("b", "2")]


@pytest.fixture
def watched(net):
    """A topic that a will may go to, and an application that watches it."""
    device, watcher = net.device(subscribe=["command_send"]), net.app()
    watcher.subscribe((device.open("command_send"), 0x0A))
    return device.open("command_send"), watcher


def half_close(client):
    client.stream.socket.shutdown(socket.SHUT_WR)


ENDS = {
    "reset": lambda client: client.abort(),
    "close": lambda client: client.close(),
    "protocol error": lambda client: client.send(packets.packet(0xC1)),
    "garbage": lambda client: client.send(bytes(50)),
    "half a packet": lambda client: (client.send(b"\x30\x7f"), client.close()),
}


@versions
@table("end", ENDS)
def test_published(net, watched, version, end):
    """[MQTT-3.1.2-7], [MQTT-3.1.2-8], [MQTT-3.1.2-14], 3.1.1 [MQTT-3.1.2-8], -16: on any end
    without DISCONNECT, as an ordinary message."""
    topic, watcher = watched
    end(net.app(version, will=Will(topic, COMMAND, 1)))
    assert not watcher.receive(topic, COMMAND).retain
    net.expect_none_before_mark(topic, watcher)


@versions
def test_reaches_the_device(net, version):
    """X-ACL-will, open-api 3.4: a will is a publish, so the device gets it."""
    device = net.device(version=version, subscribe=["command_send"])
    net.app(version, will=Will(device.open("command_send"), COMMAND)).abort()
    device.receive(device.own("command_send"), COMMAND)


@versions
def test_on_take_over(net, watched, version):
    """3.1.1 [MQTT-3.1.2-8]: a take-over ends the old connection without DISCONNECT."""
    topic, watcher = watched
    name = f"taken{version}"
    net.app(version, client_id=name, will=Will(topic, COMMAND))
    net.app(version, client_id=name).ping()
    watcher.receive(topic, COMMAND)


PERSISTENT = {
    "3.1.1": (V4, ()),
    "no delay": (V5, ((Prop.WILL_DELAY, 0),)),
    "delay": (V5, ((Prop.WILL_DELAY, 3600),)),
    "delay beyond the session": (V5, ((Prop.WILL_DELAY, 7200),)),
}


@table("version, props", PERSISTENT)
def test_on_take_over_with_clean_start(net, watched, version, props):
    """[MQTT-3.1.4-3], [MQTT-3.1.2-8], MQTT 5.0 section 3.1.2.5, 3.1.1 [MQTT-3.1.2-8]: the connection
    is closed, and a new session ends the one that it had, so its will is due whatever its delay."""
    topic, watcher = watched
    keep = () if version == V4 else ((Prop.SESSION_EXPIRY, 3600),)
    name = f"clean{version}{props}"
    old = net.app(version, client_id=name, clean=False, will=Will(topic, COMMAND, 1, props=props),
                  props=keep)
    assert not net.app(version, client_id=name, clean=True, props=keep).connack.session_present
    watcher.receive(topic, COMMAND)
    old.expect_closed(0x8E)
    net.expect_none_before_mark(topic, watcher)


def test_on_take_over_that_goes_on(net, watched):
    """[MQTT-3.1.3-9]: the session goes on before the delay is over, so there is no will."""
    topic, watcher = watched
    keep = ((Prop.SESSION_EXPIRY, 3600),)
    old = net.app(client_id="on", clean=False, props=keep,
                  will=Will(topic, COMMAND, props=((Prop.WILL_DELAY, 1800),)))
    assert net.app(client_id="on", clean=False, props=keep).connack.session_present
    old.expect_closed(0x8E)
    net.expect_none_before_mark(topic, watcher)


def test_on_websocket_close(net, watched):
    """X-RFC6455-5.5.1-close: a close frame is no DISCONNECT."""
    topic, watcher = watched
    net.app(transport="wss", will=Will(topic, COMMAND)).stream.below.send(ws.frame(ws.CLOSE))
    watcher.receive(topic, COMMAND)


@versions
def test_dropped_by_disconnect(net, watched, version):
    """[MQTT-3.1.2-10], [MQTT-3.14.4-3], 3.1.1 [MQTT-3.1.2-10], -12: after DISCONNECT, and after a
    later connection without a will, there is none."""
    topic, watcher = watched
    name = f"drop{version}"
    net.app(version, client_id=name, will=Will(topic, COMMAND)).disconnect()
    net.app(version, client_id=name).abort()
    net.expect_none_before_mark(topic, watcher)


@pytest.mark.parametrize("code", [0x04, 0x80, 0x82, 0x93])
def test_disconnect_with_will(net, watched, code):
    """[MQTT-3.14.4-3]: DISCONNECT 0x04, and codes from 0x80, publish it."""
    topic, watcher = watched
    app = net.app(will=Will(topic, COMMAND))
    app.send(packets.disconnect(code))
    app.expect_closed()
    watcher.receive(topic, COMMAND)


def test_properties(net, watched):
    """[MQTT-3.1.3-10], [MQTT-3.3.2-15] to -18, open-api 3.2: a will carries its own properties, in
    order, and no others."""
    topic, watcher = watched
    props = ((Prop.PAYLOAD_FORMAT, 1), (Prop.MESSAGE_EXPIRY, 1000), (Prop.CONTENT_TYPE, "x/y"),
             (Prop.RESPONSE_TOPIC, "r"), (Prop.CORRELATION_DATA, b"\0\xff"),
             *((Prop.USER_PROPERTY, pair) for pair in USER))
    net.app(will=Will(topic, COMMAND, 2, props=((Prop.WILL_DELAY, 0), *props))).abort()
    message = watcher.receive(topic, COMMAND)
    assert sorted(message.props) == sorted(props)
    assert message.props.all(Prop.USER_PROPERTY) == USER
    assert message.qos == 2


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_qos(net, watched, qos):
    """MQTT 5.0 section 3.1.2.6: with the QoS of the will."""
    topic, watcher = watched
    net.app(will=Will(topic, COMMAND, qos)).abort()
    assert watcher.receive(topic, COMMAND).qos == qos


DAY = 86400
TICK_S = 0.05  # of the server's timers
DELAYS = {  # the delay, the session's expiry, and what of both is over first
    "at once": (DAY, 0, 0), "session": (DAY, 1, 1), "later": (2, DAY, 2)}


def die(net, topic, name, delay, expiry):
    """A client with a will dies; gives what its will says, and when it was alive yet."""
    payload = b'{"method":"%b","id":"%b"}' % ((name.encode(),) * 2)
    app = net.app(client_id=name, props=((Prop.SESSION_EXPIRY, expiry),),
                  will=Will(topic, payload, props=((Prop.WILL_DELAY, delay),)))
    alive = time.monotonic()
    app.abort()
    return payload, alive


@table("delay, expiry, first", DELAYS)
def test_delay(net, watched, delay, expiry, first):
    """[MQTT-3.1.2-8]: after its delay or at the end of the session, whichever is first."""
    topic, watcher = watched
    payload, alive = die(net, topic, f"delay{delay}{expiry}", delay, expiry)
    watcher.receive(topic, payload)
    assert time.monotonic() - alive >= first - TICK_S
    net.expect_none_before_mark(topic, watcher)


def test_back_within_the_delay(net, watched):
    """[MQTT-3.1.3-9]: not at all when the client is back in time. A slow machine may see the end of
    the delay before: then again, with a longer one."""
    (topic, watcher), late = watched, []
    for delay in (1, 2, 4, 8):
        payload, alive = die(net, topic, f"back{delay}", delay, DAY)
        back = net.app(client_id=f"back{delay}", clean=False, props=((Prop.SESSION_EXPIRY, DAY),))
        assert back.connack.session_present
        if time.monotonic() - alive < delay:
            break
        late.append(payload)
    else:
        raise AssertionError("it was never back in time")
    other, _ = die(net, topic, f"not back{delay}", delay, DAY)
    while (got := watcher.receive(topic).payload) != other:
        assert got in late, got
    net.expect_none_before_mark(topic, watcher)


def test_clean_start_ends_the_delay(net, watched):
    """[MQTT-3.1.2-8]: a clean start ends the session, so the delayed will is due."""
    topic, watcher = watched
    will = Will(topic, COMMAND, props=((Prop.WILL_DELAY, 3600),))
    net.app(client_id="cs", will=will, props=((Prop.SESSION_EXPIRY, 3600),)).abort()
    net.app(client_id="cs").ping()
    watcher.receive(topic, COMMAND)


REFUSED = {
    "attributes": ("open/{pk}/{du}/attributes", 0x87),
    "online": ("open/{pk}/{du}/online", 0x87),
    "foreign project": ("open/PR_0000000000/{du}/command_send", 0x87),
    "any topic": ("test", 0x87),
    "errors": ("$open/{pk}/errors", 0x87),
    "unknown kind": ("open/{pk}/{du}/comand_send", 0x87),
    "no such device": ("open/{pk}/DU_0000000000/command_send", 0x90),
}


@versions
@table("topic, code", REFUSED)
def test_refused(net, version, topic, code):
    """open-api 3.4, X-ACL-will: a will that may not be published is refused at CONNECT: 0x87 or
    0x90, 3.1.1 code 5."""
    device = net.project.device()
    topic = topic.format(pk=net.project.key, du=device.username)
    net.app(version, will=Will(topic, COMMAND), code=refusal(version, code, 5))


@versions
@pytest.mark.parametrize("topic", ["open/{pk}/+/command_send", "open/{pk}/#", ""])
def test_malformed_topic(net, version, topic):
    """[MQTT-3.3.2-2], [MQTT-4.7.3-1]: wildcards and nothing are no will topics."""
    client = net.raw("app", version)
    client.send(packets.connect(version, "w", net.project.key, net.project.secret,
                                will=Will(topic.format(pk=net.project.key), COMMAND)))
    client.expect_refused(0x90)
