"""Members that leave a share group: what waited for them goes to the others, whole and in order."""
import random
import time

import pytest

from lib import packets
from lib.packets import Prop, Type
from lib.streams import deadline
from lib.world import Project

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}


def narrow(window):
    return {"props": ((Prop.RECEIVE_MAXIMUM, window),)}


@pytest.fixture
def alone(net, server):
    """A project of the test's own: groups spread all devices of their filter."""
    return Project.add(server, "leave")


def shared(project, group="g"):
    return f"$share/{group}/open/{project.key}/+/data/+"


def member(net, project, *groups, acknowledges=True, **fields):
    app = net.app(project=project, **fields)
    app.acknowledges = acknowledges
    app.subscribe(*(shared(project, group) for group in groups or "g"))
    return app


def report(device, *numbers):
    for number in numbers:
        device.publish(device.own("data", "s"), b"%d" % number)


def numbers(app, count):
    return [int(app.receive().payload) for _ in range(count)]


def test_unsubscribe_gives_what_waits(net, alone):
    """[MQTT-3.10.4-3]: what was sent is finished with the client that leaves; the rest goes."""
    device = net.device(alone.device())
    first = member(net, alone, acknowledges=False, **narrow(1))
    report(device, 1, 2, 3, 4)
    sent = first.receive(payload=b"1")
    second = member(net, alone)
    first.unsubscribe(shared(alone))
    report(device, 5)
    assert numbers(second, 4) == [2, 3, 4, 5]
    first.send(packets.ack(Type.PUBACK, sent.pid))
    first.expect_nothing()


def test_window_before_queue(net, alone):
    """open-api 3.1: the unacknowledged first, then what was not sent, then what is new."""
    device = net.device(alone.device())
    first = member(net, alone, acknowledges=False, **narrow(2))
    report(device, 1, 2, 3, 4, 5)
    assert numbers(first, 2) == [1, 2]
    second = member(net, alone)
    first.abort()
    report(device, 6)
    assert numbers(second, 6) == [1, 2, 3, 4, 5, 6]


def test_leave_and_join_in_one_breath(net, alone):
    """A subscription that is made again at once is a new member; nothing falls between the two."""
    device = net.device(alone.device())
    app = member(net, alone, acknowledges=False, **narrow(1))
    report(device, 1, 2, 3, 4)
    sent = app.receive(payload=b"1")
    app.send(packets.unsubscribe(app.version, 100, [shared(alone)]),
             packets.subscribe(app.version, 101, [(shared(alone), 1)]))
    app.expect(packets.Unsuback, pid=100)
    app.expect(packets.Suback, pid=101)
    app.acknowledges = True
    app.send(packets.ack(Type.PUBACK, sent.pid))
    report(device, 5)
    assert numbers(app, 4) == [2, 3, 4, 5]


def offline_in_two_groups(net, alone, device):
    """A session that has been offline for more than 5 s: alone in `g`, and with another member,
    who hears of it, in `c`."""
    gone = member(net, alone, "g", "c", client_id="two", **KEEP)
    report(device, 1)
    assert numbers(gone, 2) == [1, 1]
    other = member(net, alone, "c")
    gone.abort()
    report(device, 2)
    assert numbers(other, 1) == [2]
    report(device, 3)
    assert numbers(other, 1) == [3]


def test_the_only_member_keeps_its_messages(net, alone):
    """There is nobody to whom the devices of the only member could go while it is offline."""
    device = net.device(alone.device())
    offline_in_two_groups(net, alone, device)
    again = net.app(project=alone, client_id="two", **KEEP)
    assert numbers(again, 2) == [2, 3]
    report(device, 4)
    assert numbers(again, 1) == [4]
    again.expect_nothing()


def test_who_comes_takes_over_from_who_is_away(net, alone):
    """When somebody joins, what a member that is away had kept goes there, in order."""
    device = net.device(alone.device())
    offline_in_two_groups(net, alone, device)
    new = member(net, alone, "g")
    report(device, 4)
    assert numbers(new, 3) == [2, 3, 4]
    again = net.app(project=alone, client_id="two", **KEEP)
    again.expect_nothing()
    new.unsubscribe(shared(alone))
    report(device, 5)
    assert numbers(again, 1) == [5]


def drain(app):
    """The messages that have come, in order: (device, number)."""
    got = []
    app.send(packets.PINGREQ)
    while not isinstance(found := app.recv(), packets.Pingresp):
        if isinstance(found, packets.Publish):
            got.append((found.topic, int(found.payload)))
    return got


def in_order(got):
    by_device = {}
    for topic, number in got:
        by_device.setdefault(topic, []).append(number)
    return all(a < b for run in by_device.values() for a, b in zip(run, run[1:]))


def leave(app, how, project):
    """Ends a member in one of the ways; gives what it still received."""
    if how == "unread":
        app.abort()
        return []
    got = drain(app)
    if how == "unsubscribe":
        app.send(packets.unsubscribe(app.version, 100, [shared(project)]))
        got += drain(app) + drain(app)
    app.abort()
    return got


@pytest.mark.fast_tsan
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_while_members_come_and_go(net, alone, seed):
    """Members leave in all ways under load: every message arrives, and each member gets those of a
    device in order."""
    chance = random.Random(seed)
    devices = [net.device(alone.device()) for _ in range(4)]
    members = [member(net, alone, **narrow(chance.choice((1, 5, 1000)))) for _ in range(3)]
    received = {app: [] for app in members}
    total = 0
    for _ in range(40):
        burst = range(total, total := total + chance.randrange(1, 30))
        for device in devices:
            device.send(*(packets.publish(device.version, device.own("data", "s"), b"%d" % number,
                                          qos=1, pid=number + 1) for number in burst))
        for app in members:
            if chance.random() < 0.5:
                received[app] += drain(app)
        gone = members.pop(chance.randrange(len(members)))
        received[gone] += leave(gone, chance.choice(("unread", "read", "unsubscribe")), alone)
        members.append(member_now := net.app(project=alone,
                                             **narrow(chance.choice((1, 5, 1000)))))
        member_now.send(packets.subscribe(member_now.version, 1, [(shared(alone), 1)]))
        received[member_now] = []
    for device in devices:
        drain(device)
    missing = {(device.open("data/s"), number) for device in devices for number in range(total)}
    missing.difference_update(*received.values())
    until = deadline()
    while missing and time.monotonic() < until:
        for app in members:
            received[app] += (got := drain(app))
            missing.difference_update(got)
    assert not missing
    assert all(in_order(got) for got in received.values())
