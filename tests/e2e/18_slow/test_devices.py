"""Devices that stop reading, or are away, while applications push to them: the application hears of
each push whether the device's session has taken it (open-api 3.3)."""
import json

import pytest

from lib.cases import V5, versions
from lib.packets import Prop

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
PAYLOAD, MESSAGES, FLOOD = 60000, 500, 1700
TAKEN, NOT_TAKEN = 0x00, 0x10


def numbered(number, size=PAYLOAD):
    return b'{"n":%d,"x":"%s"}' % (number, b"x" * size)


def push(app, device, number, size=PAYLOAD):
    return app.publish(device.open("attributes_push"), numbered(number, size)).code


def take(device, count):
    """The numbers of the next pushes that it gets."""
    return [json.loads(device.receive(device.own("attributes_push")).payload)["n"]
            for _ in range(count)]


@pytest.mark.fast_tsan
@versions
def test_qos0_is_dropped_and_told(net, watch, version):
    """X-slow-qos0: what the device does not get is what the application was told, and counted."""
    device, app = net.device(version=version), net.app()
    device.subscribe(device.own("attributes_push"), qos=0)
    codes = [push(app, device, number) for number in range(FLOOD)]
    watch.expect_memory_after(FLOOD * PAYLOAD)
    assert set(codes) == {TAKEN, NOT_TAKEN}
    assert watch.grown("deliveries_dropped_slow") == codes.count(NOT_TAKEN)
    expected = [number for number, code in enumerate(codes) if code == TAKEN]
    assert take(device, len(expected)) == expected
    device.expect_nothing()


@pytest.mark.parametrize("qos", [1, 2])
def test_clean_session_ends_with_the_count(net, watch, overflow, qos):
    """X-slow-clean: 0x10 for the push that finds no room, then the device's session ends with
    0x97 and the count, and the device is offline."""
    device, app = net.device(), net.app()
    device.acknowledges = False
    device.subscribe(device.own("attributes_push"), qos=qos)
    app.subscribe(device.open("online"))
    taken = 0
    while push(app, device, taken) == TAKEN:
        taken += 1
        assert taken < MESSAGES
    app.receive_online(device.open("online"), False)
    unsent, dropped = overflow(device.expect_closed(0x97, why="the queue is full: "))
    got = take(device, len(device._inbox))
    assert got == list(range(len(got))) and dropped == 0
    assert len(got) + unsent == taken + 1
    assert watch.grown("deliveries_dropped_full") == 1
    assert push(app, device, taken) == NOT_TAKEN


@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_persistent_session_stays(net, watch, version, qos):
    """X-slow-persistent: what its session cannot keep is told as not taken; what it has taken
    arrives, in order, when the device reads again."""
    device, app = net.device(version=version, client_id="kept", **KEEP), net.app()
    device.subscribe(device.own("attributes_push"), qos=qos)
    codes = [push(app, device, number) for number in range(MESSAGES)]
    watch.expect_memory()
    taken = codes.index(NOT_TAKEN)
    assert codes == [TAKEN] * taken + [NOT_TAKEN] * (MESSAGES - taken)
    assert watch.grown("deliveries_dropped_full") == MESSAGES - taken
    assert watch.grown("sessions_overflowed") == 0
    assert take(device, taken) == list(range(taken))
    assert push(app, device, taken) == TAKEN
    assert take(device, 1) == [taken]


@versions
@pytest.mark.parametrize("size", [10, 20000])
def test_offline_with_a_persistent_session(net, watch, version, size):
    """X-slow-persistent: an offline device's queue is bounded in messages and in bytes; the
    application is told which pushes it holds, and these arrive."""
    device = net.device(version=version, client_id="away", **KEEP, subscribe=["attributes_push"])
    app = net.app()
    app.subscribe(device.open("online"))
    device.abort()
    app.receive_online(device.open("online"), False)
    total = 1050 if size == 10 else 80
    codes = [push(app, device, number, size) for number in range(total)]
    taken = codes.index(NOT_TAKEN)
    assert taken == 1000 if size == 10 else 40 < taken < 60
    assert codes == [TAKEN] * taken + [NOT_TAKEN] * (total - taken)
    again = net.device(device.login, version, client_id="away", **KEEP)
    assert again.connack.session_present
    assert take(again, taken) == list(range(taken))
    assert push(app, device, total, size) == TAKEN
    assert take(again, 1) == [total]


def test_expired_pushes_make_room(net, watch):
    """[MQTT-3.3.2-5]: an offline device's full queue takes a push again when others in it have
    expired."""
    device = net.device(client_id="expiring", **KEEP, subscribe=["attributes_push"])
    app = net.app()
    app.subscribe(device.open("online"))
    device.abort()
    app.receive_online(device.open("online"), False)
    for number in range(1000):
        assert app.publish(device.open("attributes_push"), numbered(number, 10),
                           props=((Prop.MESSAGE_EXPIRY, 1),) if number else ()).code == TAKEN
    while push(app, device, 1000, 10) == NOT_TAKEN:  # until the second is over
        pass
    again = net.device(device.login, client_id="expiring", **KEEP)
    taken = take(again, 1)
    while taken[-1] != 1000:  # the last ones may be alive yet, if all took long
        taken += take(again, 1)
    assert taken[0] == 0 and taken == sorted(taken)
    assert watch.grown("deliveries_dropped_expired") == 1001 - len(taken)


def test_too_large_or_too_late_is_not_taken(net):
    """[MQTT-3.1.2-24], [MQTT-3.3.2-5]: a push that the device cannot accept, or that is over
    before it begins, is told as not taken."""
    device = net.device(props=((Prop.MAXIMUM_PACKET_SIZE, 500),), subscribe=["attributes_push"])
    app = net.app()
    assert push(app, device, 1, 500) == NOT_TAKEN
    late = app.publish(device.open("attributes_push"), numbered(2, 10),
                       props=((Prop.MESSAGE_EXPIRY, 0),))
    assert late.code == NOT_TAKEN
    assert push(app, device, 3, 10) == TAKEN
    assert take(device, 1) == [3]
    device.expect_nothing()
