"""Shared subscriptions: groups get devices, each message goes to one member."""
import time

import pytest

from lib import packets
from lib.cases import VERSIONS, versions
from lib.packets import V5, Prop, Type
from lib.world import Project

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
AWAY_S = 5  # after which a member without a connection has left


@pytest.fixture
def alone(net, server):
    """A project of the test's own: groups spread all devices of their filter."""
    return Project.add(server, "shared")


def shared(project, group="g", rest="+/data/+"):
    return f"$share/{group}/open/{project.key}/{rest}"


def members(net, project, count, version=V5, group="g", qos=1, **fields):
    made = [net.app(version, project=project, **fields) for _ in range(count)]
    for app in made:
        assert app.subscribe(shared(project, group), qos=qos).codes == (qos,)
    return made


def report(device, *payloads):
    for payload in payloads:
        device.publish(device.own("data", "s"), payload)


@pytest.mark.fast_tsan
@pytest.mark.parametrize("version", VERSIONS)
def test_each_message_to_one_member_whole_devices(net, alone, version):
    """X-4.8.2-balance, open-api 3.1: two members, two devices: each member gets one device whole
    and in order; a plain subscriber gets all. Works in 3.1.1, too."""
    apps = members(net, alone, 2, version)
    plain = net.app(version, project=alone)
    plain.subscribe(f"open/{alone.key}/+/data/+")
    devices = [net.device(alone.device()) for _ in range(2)]
    for number in range(10):
        for device in devices:
            report(device, b"%d" % number)
    owners = {}
    for app in apps:
        got = [app.receive() for _ in range(10)]
        assert [int(message.payload) for message in got] == list(range(10))
        assert len({message.topic for message in got}) == 1
        owners[got[0].topic] = app
    assert owners.keys() == {device.open("data/s") for device in devices}
    everything = [plain.receive() for _ in range(20)]
    for device in devices:
        assert [int(m.payload) for m in everything if m.topic == device.open("data/s")] == list(
            range(10))


def test_new_devices_go_to_the_member_with_fewest(net, alone):
    """open-api 3.1: a device that is new to the group goes to the member that holds fewest."""
    apps = members(net, alone, 3)
    devices = [net.device(alone.device()) for _ in range(6)]
    for device in devices:
        report(device, b"x")
    for app in apps:
        assert len({app.receive(payload=b"x").topic for _ in range(2)}) == 2


@versions
def test_groups_are_independent(net, alone, version):
    """X-4.8.2-order: one client in two groups and with a plain filter gets three copies."""
    app, device = net.app(version, project=alone), net.device(alone.device())
    for text in (shared(alone, "a"), shared(alone, "b"), f"open/{alone.key}/+/data/+"):
        app.subscribe(text)
    report(device, b"1", b"2")
    got = [app.receive(device.open("data/s")).payload for _ in range(6)]
    assert sorted(got) == [b"1"] * 3 + [b"2"] * 3


@versions
@pytest.mark.parametrize("leave", ["unsubscribe", "end of session"])
def test_member_that_left_gets_nothing(net, alone, version, leave):
    """X-4.8.2-leave, open-api 3.1: its devices go to the others."""
    apps = members(net, alone, 2, version)
    devices = [net.device(alone.device()) for _ in range(4)]
    for device in devices:
        report(device, b"before")
    for app in apps:
        for _ in range(2):
            app.receive(payload=b"before")
    if leave == "unsubscribe":
        apps[0].unsubscribe(shared(alone))
    else:
        apps[0].disconnect()
    for device in devices:
        report(device, b"after")
    assert {apps[1].receive(payload=b"after").topic for _ in range(4)} == {
        device.open("data/s") for device in devices}


def test_unacknowledged_messages_come_first(net, alone):
    """open-api 3.1: the devices of a member that leaves go to the others, its unacknowledged QoS 1
    messages first, then what is new."""
    device = net.device(alone.device())
    first, = members(net, alone, 1)
    first.acknowledges = False
    report(device, b"1", b"2")
    for payload in (b"1", b"2"):
        first.receive(payload=payload)
    second, = members(net, alone, 1)
    first.abort()
    report(device, b"3")
    assert [second.receive().payload for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("granted", [0, 1, 2])
def test_qos_of_the_member(net, alone, granted):
    """[MQTT-4.8.2-3]: the granted QoS of the chosen member counts."""
    app, = members(net, alone, 1, qos=granted)
    device = net.device(alone.device())
    device.publish(device.own("data", "s"), b"x", 2)
    assert app.receive(payload=b"x").qos == granted


def test_started_qos2_stays_with_its_session(net, alone):
    """[MQTT-4.8.2-4], open-api 3.1: a QoS 2 delivery that has started is finished with the same
    client, after a reconnect."""
    device = net.device(alone.device())
    first, = members(net, alone, 1, qos=2, client_id="q2", **KEEP)
    first.acknowledges = False
    report(device, b"x")
    pid = first.receive(payload=b"x").pid
    first.send(packets.ack(Type.PUBREC, pid))
    first.expect(packets.Ack, kind=Type.PUBREL, pid=pid)
    first.abort()
    again = net.app(project=alone, client_id="q2", **KEEP)
    assert again.recv() == packets.Ack(Type.PUBREL, pid)


def test_started_qos2_goes_to_nobody_else(net, alone):
    """[MQTT-4.8.2-5]: if that session ends, the message goes to nobody else."""
    device = net.device(alone.device())
    first, = members(net, alone, 1, qos=2, client_id="gone", **KEEP)
    first.acknowledges = False
    report(device, b"x")
    pid = first.receive(payload=b"x").pid
    first.send(packets.ack(Type.PUBREC, pid))
    first.expect(packets.Ack, kind=Type.PUBREL, pid=pid)
    second, = members(net, alone, 1, qos=2)
    first.abort()
    net.app(project=alone, client_id="gone").ping()
    report(device, b"next")
    second.receive(payload=b"next")


def test_error_acknowledgement_discards(net, alone):
    """[MQTT-4.8.2-6]: PUBACK 0x80 from one member: the other does not get the message."""
    device = net.device(alone.device())
    first, = members(net, alone, 1)
    first.acknowledges = False
    report(device, b"refused")
    pid = first.receive(payload=b"refused").pid
    second, = members(net, alone, 1)
    first.send(packets.ack(Type.PUBACK, pid, 0x80))
    first.ping()
    first.unsubscribe(shared(alone))
    report(device, b"next")
    second.receive(payload=b"next")


def test_offline_member_loses_its_devices(net, alone):
    """open-api 3.1: a member that has been offline for 5 s has left; what waited for it goes to
    the others. Nothing is lost and nothing comes twice."""
    device = net.device(alone.device())
    first, = members(net, alone, 1, client_id="away", **KEEP)
    report(device, b"1")
    first.receive(payload=b"1")
    second, = members(net, alone, 1)
    first.abort()
    report(device, b"2", b"3")
    assert [second.receive().payload for _ in range(2)] == [b"2", b"3"]
    again = net.app(project=alone, client_id="away", **KEEP)
    report(device, b"4")
    second.receive(payload=b"4")
    again.expect_nothing()


def test_offline_member_that_comes_back_in_time(net, server):
    """open-api 3.1: before the 5 s are over it keeps its devices."""
    def is_in_time():
        project = Project.add(server, "blink")
        device = net.device(project.device())
        first, = members(net, project, 1, client_id="blink", **KEEP)
        report(device, b"1")
        first.receive(payload=b"1")
        second, = members(net, project, 1)
        began = time.monotonic()
        first.abort()
        report(device, b"2")
        again = net.app(project=project, client_id="blink", **KEEP)
        if time.monotonic() - began >= AWAY_S:
            return False
        report(device, b"3")
        assert [again.receive().payload for _ in range(2)] == [b"2", b"3"]
        second.expect_nothing()
        return True

    assert any(is_in_time() for _ in range(5))


def test_what_applications_publish(net, alone):
    """open-api 3.1: groups work on `command_send` too."""
    app, device = net.app(project=alone), alone.device()
    app.subscribe(shared(alone, rest="+/command_send"))
    for number in range(4):
        payload = b'{"method":"m","id":%d}' % number
        net.app(project=alone).publish(device.open("command_send"), payload)
        app.receive(device.open("command_send"), payload)
