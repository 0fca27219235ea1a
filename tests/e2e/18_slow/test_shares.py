"""Members of a share group that stop reading: their devices go to the others, with all that waits."""
import pytest

from lib.cases import versions
from lib.packets import Prop
from lib.world import Project

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
PAYLOAD, MESSAGES = 60000, 500


@pytest.fixture
def alone(server):
    """A project of the test's own: groups spread all devices of their filter."""
    return Project.add(server, "shared")


def join(app, project):
    app.subscribe(f"$share/g/open/{project.key}/+/data/+")
    return app


def flood(device, first, count):
    for number in range(first, first + count):
        device.publish(device.own("data", "s"), b"%06d" % number + bytes(PAYLOAD - 6))


def take(app, count):
    return [int(app.receive().payload[:6]) for _ in range(count)]


@pytest.mark.fast_tsan
@versions
@pytest.mark.parametrize("kept", [False, True], ids=["clean", "persistent"])
def test_a_member_that_stops_reading(net, alone, watch, version, kept):
    """X-slow-share, open-api 3.1: its connection ends, with 0x97 in 5.0, and another member gets
    all that it has not acknowledged, from the first on, in order, without a gap."""
    device = net.device(alone.device())
    slow = net.app(version, project=alone, client_id="slow", **(KEEP if kept else {}))
    slow.acknowledges = False
    join(slow, alone)
    flood(device, 0, 1)
    slow.receive()
    quick = join(net.app(version, project=alone), alone)
    sent = 1
    while not watch.grown("sessions_overflowed"):
        assert sent < MESSAGES
        flood(device, sent, 10)
        sent += 10
    watch.expect_memory(clients=2)  # the other one has not read yet
    flood(device, sent, 5)
    assert take(quick, sent + 5) == list(range(sent + 5))
    slow.expect_closed(0x97, why="the queue is full: ")
    assert watch.grown("share_deliveries_lost") == 0


def test_the_only_member(net, alone, watch):
    """X-slow-share, open-api 3.4: with no other member there, what a persistent one is owed waits in
    the journal, more than its queue can take. When it is back the group goes on."""
    device = net.device(alone.device())
    first = join(net.app(project=alone, client_id="only", **KEEP), alone)
    flood(device, 0, 1)
    assert take(first, 1) == [0]
    first.ping()
    first.abort()
    flood(device, 1, 100)
    again = net.app(project=alone, client_id="only", **KEEP)
    assert take(again, 100) == list(range(1, 101))
    flood(device, 101, 2)
    assert take(again, 2) == [101, 102]
    assert watch.grown("share_deliveries_lost") == 0
