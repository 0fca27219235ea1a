"""What retention takes before a session has it is told, at its place. open-api.md 3.2 "notice" """
import json

import pytest

from lib.client import V4, V5, Prop
from lib.server import Server, wait_until
from lib.world import Net, Project

SIZE = 4096  # of a payload; a retention of 1 MiB keeps some 250


@pytest.fixture
def small():
    """A server that keeps 1 MiB of a project's messages."""
    made = Server("--journal-retention-size", 1)
    try:
        yield made.start()
        made.stop()
    finally:
        made.remove()


def number_of(message):
    return int(message.payload[:8])


def flood(server, device):
    """Reports until retention has taken a part of it; gives how many."""
    count = 0
    while count < 600 or server.counters()["journal_trimmed"] < 300:
        device.publish(device.own("data", "s"), b"%08d" % count + bytes(SIZE - 8))
        count += 1
        assert count < 5000
    return count


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("version", [V4, V5])
def test_lost_messages_are_told_at_their_place(small, version, crash):
    """A session that was away for longer than messages are kept gets a notice of what is gone, and
    then the rest, in order; one that was there has lost nothing."""
    project = Project.add(small)
    net, login = Net(small, project), project.device()
    fields = {"props": [(Prop.SESSION_EXPIRY, 3600)]} if version == V5 else {}
    topics = [login.open("data/s"), f"$open/{project.key}/notice"]
    away = net.app(version, client_id="away", clean=False, **fields)
    away.subscribe(*topics)
    away.disconnect()
    count = flood(small, net.device(login))
    if crash:
        net.close()
        small.kill9()
        small.start()
        net = Net(small, project)
    away = net.app(version, client_id="away", clean=False, **fields)
    assert away.connack.session_present
    first = away.receive()
    notice = json.loads(first.payload)
    assert first.topic == topics[1] and notice["type"] == "lost", first
    assert notice["from_seq"] == 1
    assert notice["count"] == notice["to_seq"]
    expected = notice["to_seq"]  # messages are counted from 0, numbers from 1
    while expected < count:
        message = away.receive()
        if message.topic == topics[1]:  # trimmed on while it was read
            hole = json.loads(message.payload)
            assert hole["from_seq"] == expected + 1
            expected = hole["to_seq"]
            continue
        assert number_of(message) == expected
        if version == V5:
            assert int(message.props.user["seq"]) == expected + 1
        expected += 1
    away.expect_nothing()
    wait_until(lambda: small.counters()["feed_lost"] > 0 or crash, "the counter")


@pytest.mark.parametrize("qos", [1, 2])
def test_a_notice_that_was_not_acknowledged_comes_again(small, qos):
    """A notice of what is lost is owed as the messages around it are: without its acknowledgement it
    comes again after a stop, at its place."""
    project = Project.add(small)
    net, login = Net(small, project), project.device()
    fields = {"client_id": "away", "clean": False, "props": [(Prop.SESSION_EXPIRY, 3600)]}
    topics = [login.open("data/s"), f"$open/{project.key}/notice"]
    away = net.app(V5, **fields)
    away.subscribe(*topics, qos=qos)
    away.disconnect()
    flood(small, net.device(login))
    away = net.app(V5, **fields)
    away.acknowledges = False
    before = away.receive(topics[1])
    net.close()
    small.stop()
    small.start()
    net = Net(small, project)
    again = net.app(V5, **fields).receive(topics[1])
    assert (again.pid, again.dup) == (before.pid, True)
    assert json.loads(again.payload)["type"] == "lost"
    assert json.loads(again.payload)["from_seq"] == json.loads(before.payload)["from_seq"] == 1
    net.close()


def test_a_share_group_is_told(small):
    """What retention takes before a share group has it is told to its members, before the rest."""
    project = Project.add(small)
    net, login = Net(small, project), project.device()
    fields = {"client_id": "away", "clean": False, "props": [(Prop.SESSION_EXPIRY, 3600)]}
    notices = f"$open/{project.key}/notice"
    away = net.app(V5, **fields)
    away.subscribe(f"$share/g/{login.open('data/s')}", notices)
    away.disconnect()
    count = flood(small, net.device(login))
    net.close()
    small.kill9()
    small.start()
    net = Net(small, project)
    away = net.app(V5, **fields)
    expected = None
    while expected != count:
        message = away.receive()
        if message.topic == notices:
            hole = json.loads(message.payload)
            assert hole["type"] == "lost"
            assert hole["from_seq"] <= (expected or 0) + 1
            expected = hole["to_seq"]
            continue
        assert number_of(message) == expected
        expected += 1
    net.close()
