"""Applications that stop reading: what they cost, what they lose, and what they hear of it."""
import re

import pytest

from lib.cases import V4, V5, versions
from lib.packets import Prop

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
PAYLOAD, MESSAGES, FLOOD = 60000, 500, 1700

transports = pytest.mark.parametrize("transport", ["tls", "wss"])


def numbered(number):
    return b"%06d" % number + bytes(PAYLOAD - 6)


def flood(device, first=0, count=MESSAGES):
    """Returns when the server has accepted all of it."""
    for number in range(first, first + count):
        device.publish(device.own("data", "s"), numbered(number))


def take(app, count):
    """The numbers of the next messages."""
    return [int(app.receive().payload[:6]) for _ in range(count)]


@transports
@versions
def test_qos0_is_dropped_and_counted(net, watch, transport, version):
    """X-slow-qos0: memory stays bounded, the connection too, and what is missing is what was
    counted, to the message."""
    device, app = net.device(), net.app(version, transport)
    app.subscribe(device.open("data/s"), qos=0)
    flood(device, 0, FLOOD)
    watch.expect_memory_after(FLOOD * PAYLOAD)
    # Its own publish goes by the device's home and comes back behind all that the device sent.
    app.publish(device.open("attributes_push"), b"{}")
    dropped = watch.grown("deliveries_dropped_slow")
    got = take(app, FLOOD - dropped)
    assert dropped > FLOOD // 2 and got == sorted(set(got)), dropped
    flood(device, FLOOD, 1)
    assert take(app, 1) == [FLOOD]


@transports
@pytest.mark.parametrize("qos", [1, 2])
def test_clean_session_ends_with_the_count(net, watch, overflow, server, transport, qos):
    """X-slow-clean, open-api 3.4: DISCONNECT 0x97; what had been sent came in order, and with what
    the reason string counts it is everything. The log says the same."""
    device, app = net.device(), net.app(V5, transport)
    app.acknowledges = False
    app.subscribe(device.open("data/s"), qos=qos)
    sent = 0
    while not watch.grown("sessions_overflowed"):
        assert sent < MESSAGES
        flood(device, sent, 10)
        sent += 10
        watch.settle(net.project)
    watch.expect_memory()
    unsent, dropped = overflow(app.expect_closed(0x97, why="the queue is full: "))
    got = take(app, len(app._inbox))
    assert got == list(range(len(got))) and dropped == 0
    # what came behind the end concerned nobody any more
    assert sent - 10 <= len(got) + unsent <= sent
    line = re.findall(r".*mqtt_overflowed.*", server.log())[-1]
    assert f"unsent={unsent}" in line and f"unacknowledged={len(got)}" in line, line


@transports
def test_clean_session_of_3_1_1(net, watch, server, transport):
    """X-slow-clean: the connection is closed without a word; the log has the count."""
    device, app = net.device(), net.app(V4, transport)
    app.acknowledges = False
    app.subscribe(device.open("data/s"))
    flood(device)
    watch.wait_for("sessions_overflowed")
    app.expect_closed()
    line = re.findall(r".*mqtt_overflowed.*", server.log())[-1]
    unsent = int(re.search(r"unsent=(\d+)", line)[1])
    assert 0 < len(app._inbox) + unsent <= MESSAGES


def test_reason_string_only_where_it_fits(net, watch):
    """[MQTT-3.14.2-3]: a client that accepts only small packets gets the code alone."""
    topic = net.project.device().open("attributes_push")
    app, pusher = net.app(props=((Prop.MAXIMUM_PACKET_SIZE, 65), (Prop.RECEIVE_MAXIMUM, 1))), net.app()
    app.acknowledges = False
    app.subscribe(topic)
    for _ in range(1002):
        pusher.publish(topic, b"{}")
    watch.wait_for("sessions_overflowed")
    end = app.expect_closed(0x97)
    assert not end.props and len(app._inbox) == 1


@transports
@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_persistent_session_falls_behind_and_loses_nothing(net, watch, transport, version, qos):
    """X-slow-persistent, open-api 3.4: it is not cut off, what it is owed waits in the journal, and
    it gets everything once and in order, and what comes live behind it."""
    device = net.device()
    app = net.app(version, transport, client_id=f"behind{transport}{version}{qos}", **KEEP)
    app.subscribe(device.open("data/s"), qos=qos)
    flood(device)
    assert take(app, MESSAGES) == list(range(MESSAGES))
    assert watch.grown("feed_catch_ups") >= 1
    flood(device, MESSAGES, 3)
    assert take(app, 3) == [MESSAGES, MESSAGES + 1, MESSAGES + 2]
    assert watch.grown("sessions_overflowed") == watch.grown("deliveries_dropped_full") == 0


@pytest.mark.fast_tsan
def test_others_are_not_held_up(net):
    """X-slow-others: while one subscriber does not read, another one of the same messages gets them
    all."""
    device, slow, quick = net.device(), net.app(), net.app()
    for app, qos in ((slow, 0), (quick, 1)):
        app.subscribe(device.open("data/s"), qos=qos)
    for first in range(0, MESSAGES, 20):
        flood(device, first, 20)
        assert take(quick, 20) == list(range(first, first + 20))
