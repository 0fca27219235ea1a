"""Replay: what has been, to one client alone, then what comes. open-api.md 3.4"""
import json
import time

import pytest

from lib.client import V4, V5, Prop, packets
from lib.world import Net, Project

VERSIONS = pytest.mark.parametrize("version", [V4, V5])
KEPT = {"props": [(Prop.SESSION_EXPIRY, 3600)]}


@pytest.fixture
def stage(server):
    return Stage(server)


class Stage:
    """A project with a device whose reports somebody is owed, so that the journal has them."""

    def __init__(self, server):
        self.project = Project.add(server)
        self.net = Net(server, self.project)
        self.login = self.project.device()
        self.keeper = self.app(V5, "keeper")
        self.keeper.subscribe(self.project.open("+", "attributes"))
        self.keeper.disconnect()
        self.device = self.net.device(self.login)
        self.topic = self.login.open("attributes")

    def app(self, version, client_id, kept=True, **more):
        fields = {**(KEPT if version == V5 and kept else {}), **more}
        return self.net.app(version, client_id=client_id, clean=not kept, **fields)

    def report(self, *values, device=None):
        device = device or self.device
        for n in values:
            assert device.publish(device.own("attributes"), b'{"n":%d}' % n).code == 0

    def ask(self, app, **request):
        return app.publish(f"$open/{self.project.key}/ctl", json.dumps(request).encode())

    def notice_topic(self):
        return f"$open/{self.project.key}/notice"

    def expect(self, app, *values):
        return [app.receive(self.topic, b'{"n":%d}' % n) for n in values]

    def expect_end(self, app, filter, op="replay"):
        notice = json.loads(app.receive(self.notice_topic()).payload)
        assert notice.pop("seq") > 0
        assert notice == {"type": f"{op}_end", "filter": filter}


@pytest.mark.parametrize("kept", [False, True])
@VERSIONS
def test_replay_from_the_beginning(stage, version, kept):
    """All that the journal has comes in order, then the notice, then what is new."""
    stage.report(1, 2, 3)
    app = stage.app(version, "a", kept)
    app.subscribe(stage.topic, stage.notice_topic())
    app.expect_nothing()
    stage.report(4)
    stage.expect(app, 4)
    assert stage.ask(app, op="replay", filter=stage.topic, **{"from": 0}).code == 0
    stage.report(5)
    messages = []
    while (message := app.receive()).topic != stage.notice_topic():
        messages.append(message)
    assert json.loads(message.payload)["type"] == "replay_end"
    values = [json.loads(m.payload)["n"] for m in messages]
    if not kept and values[0] == 5:  # it came live, before the session had changed over
        del values[0], messages[0]
    if 5 not in values:
        messages += stage.expect(app, 5)
        values.append(5)
    assert values == [1, 2, 3, 4, 5]
    assert [m.retain for m in messages] == [False] * 5
    if version == V5:
        numbers = [int(m.props.user["seq"]) for m in messages]
        assert numbers == list(range(numbers[0], numbers[0] + 5))
    stage.report(6)
    stage.expect(app, 6)
    app.expect_nothing()


@pytest.mark.parametrize("version, by", [(V4, "ctl"), (V5, "ctl"), (V5, "subscribe")])
def test_regress_what_came_between_connect_and_subscribe(stage, version, by):
    """A persistent session that has subscribed to nothing stands where it connected; its first
    subscription counts from the SUBSCRIBE on, and a replay has all that is before that."""
    stage.report(1)
    app = stage.app(version, "a")
    stage.report(2, 3)
    props = [(Prop.USER_PROPERTY, ("from", "0"))] if by == "subscribe" else ()
    app.subscribe(stage.notice_topic())
    app.subscribe(stage.topic, props=props)
    if by == "ctl":
        stage.ask(app, op="replay", filter=stage.topic, **{"from": 0})
    stage.expect(app, 1, 2, 3)
    stage.expect_end(app, stage.topic)
    stage.report(4)
    stage.expect(app, 4)
    app.expect_nothing()


def test_replay_from_a_seq(stage):
    """A number of the journal is where it begins, that one included."""
    app = stage.app(V5, "a")
    app.subscribe(stage.topic, stage.notice_topic())
    stage.report(1, 2, 3, 4)
    seq = int(stage.expect(app, 1, 2, 3, 4)[2].props.user["seq"])
    stage.ask(app, op="replay", filter=stage.topic, **{"from": seq})
    stage.expect(app, 3, 4)
    stage.expect_end(app, stage.topic)
    stage.ask(app, op="replay", filter=stage.topic, **{"from": str(seq + 1)})
    stage.expect(app, 4)
    stage.expect_end(app, stage.topic)
    stage.ask(app, op="replay", filter=stage.topic, **{"from": seq + 100})
    stage.expect_end(app, stage.topic)


def test_replay_from_a_time(stage):
    """A time, or a time ago, is where it begins."""
    app = stage.app(V5, "a")
    app.subscribe(stage.topic, stage.notice_topic())
    stage.report(1)  # now it is stored
    stage.expect(app, 1)
    between = int(time.time()) + 1
    while time.time() < between:  # the next one is of a later second
        app.ping()
    stage.report(2)
    stage.expect(app, 2)
    stage.ask(app, op="replay", filter=stage.topic,
              **{"from": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(between))})
    stage.expect(app, 2)
    stage.expect_end(app, stage.topic)
    stage.ask(app, op="replay", filter=stage.topic, **{"from": "-1h"})
    stage.expect(app, 1, 2)
    stage.expect_end(app, stage.topic)


def test_replay_by_subscription(stage):
    """The user property `from` of a SUBSCRIBE replays its filters behind the SUBACK."""
    stage.report(1, 2)
    app = stage.app(V5, "a")
    app.subscribe(stage.notice_topic())
    app.subscribe(stage.topic, props=[(Prop.USER_PROPERTY, ("from", "-1h"))])
    stage.expect(app, 1, 2)
    stage.expect_end(app, stage.topic)
    stage.report(3)
    stage.expect(app, 3)
    app.subscribe(stage.topic)  # without it, nothing is replayed
    app.expect_nothing()


def test_replay_within_a_subscription(stage):
    """What is asked for may be less than the subscription, whose QoS applies; others see
    nothing of it."""
    other = stage.project.device()
    second = stage.net.device(other)
    stage.report(1)
    stage.report(2, device=second)
    app, witness = stage.app(V5, "a"), stage.app(V5, "w")
    for client in (app, witness):
        client.subscribe(stage.project.open("+", "attributes"), stage.notice_topic(), qos=2)
    stage.ask(app, op="replay", filter=other.open("attributes"), **{"from": 0})
    message = app.receive(other.open("attributes"), b'{"n":2}')
    assert message.qos == 2
    stage.expect_end(app, other.open("attributes"))
    witness.expect_nothing()


@pytest.mark.parametrize("filter, why", [
    ("open/{key}/+/online", "the filter does not lie within a subscription of this session"),
    ("open/{key}/+/#", "the filter does not lie within a subscription of this session"),
    ("open/PR_0000000000/+/attributes", None),
    ("open/{key}/+/attributes/x", None),
    ("$share/g/open/{key}/+/attributes", None),
    ("", None),
])
def test_what_cannot_be_replayed_is_told(stage, filter, why):
    """A filter that lies in no subscription is refused by a notice; the connection stays."""
    app = stage.app(V5, "a")
    app.subscribe(stage.project.open("+", "attributes"), stage.notice_topic())
    filter = filter.format(key=stage.project.key)
    assert stage.ask(app, op="replay", filter=filter, **{"from": 0}).code == 0
    notice = json.loads(app.receive(stage.notice_topic()).payload)
    assert (notice["type"], notice["op"], notice["filter"]) == ("refused", "replay", filter)
    assert why is None or notice["message"] == why
    app.expect_nothing()


@pytest.mark.parametrize("payload", [
    b"", b"[]", b"{", b'{"op":"replay"}', b'{"op":"replay","filter":"open/x"}',
    b'{"op":"replay","filter":1,"from":0}', b'{"op":"replay","filter":"x","from":"yesterday"}',
    b'{"op":"replay","filter":"x","from":-1}', b'{"op":"replay","filter":"x","from":1.5}',
    b'{"op":"delete","filter":"x"}', b'{"op":7,"filter":"x"}', b'{"filter":"x"}'])
def test_malformed_requests(stage, payload):
    """A request that is none is refused as a malformed payload, and told on `errors`."""
    app = stage.app(V5, "a")
    app.subscribe(f"$open/{stage.project.key}/errors", stage.notice_topic())
    topic = f"$open/{stage.project.key}/ctl"
    assert app.publish(topic, payload).code == 0x99
    error = json.loads(app.receive().payload)
    assert (error["topic"], error["code"]) == (topic, 0x99)
    app.expect_nothing()


def test_too_many_replays(stage):
    """A bounded number waits for a client that does not read; each more is refused by a notice, and
    those that wait are served."""
    stage.report(*range(300))
    app = stage.app(V5, "a", props=[(Prop.SESSION_EXPIRY, 3600), (Prop.RECEIVE_MAXIMUM, 5)])
    app.subscribe(stage.topic, stage.notice_topic())
    app.acknowledges = False
    asked = 40
    for _ in range(asked):
        assert stage.ask(app, op="replay", filter=stage.topic, **{"from": 0}).code == 0
    app.acknowledges = True
    app.disconnect()
    app = stage.app(V5, "a")
    types, values = [], 0
    # a lost connection ends what waits: only what was in the queue comes
    app.ping()
    while app.has_messages():
        message = app.receive()
        if message.topic == stage.notice_topic():
            types.append(json.loads(message.payload)["type"])
        else:
            values += 1
        if not app.has_messages():
            app.ping()
    assert 0 < types.count("refused") < asked
    assert values >= 300 * types.count("replay_end") > 0


def test_replay_ends_with_its_connection(stage):
    """What was asked on a connection is over with it; nothing is lost of what comes after."""
    stage.report(*range(100))
    app = stage.app(V5, "a")
    app.subscribe(stage.topic, stage.notice_topic())
    stage.ask(app, op="replay", filter=stage.topic, **{"from": 0})
    app.stream.close()
    stage.report(100)
    app = stage.app(V5, "a")
    while app.receive().payload != b'{"n":100}':
        pass
    app.expect_nothing()


def test_always(stage, server):
    """A project may have all its messages recorded: then there is a replay of what nobody was
    owed."""
    server.cli("project", "set", stage.project.key, "--journal", "always")
    event = b'{"method":"m","params":{}}'
    assert stage.device.publish(stage.device.own("event_report"), event).code == 0
    app = stage.app(V5, "a")
    app.subscribe(stage.login.open("event_report"), stage.notice_topic())
    stage.ask(app, op="replay", filter=stage.login.open("event_report"), **{"from": "-1m"})
    app.receive(stage.login.open("event_report"), event)
    stage.expect_end(app, stage.login.open("event_report"))


def test_never(stage, server):
    """A project may have its devices answered at once; who is owed a message gets it all the
    same."""
    server.cli("project", "set", stage.project.key, "--journal", "never")
    app = stage.app(V5, "a")
    app.subscribe(stage.topic)
    stage.report(1, 2)
    stage.expect(app, 1, 2)
    app.disconnect()
    stage.report(3)
    stage.expect(stage.app(V5, "a"), 3)


def test_a_word_that_is_none(stage, server):
    """The command line names the words."""
    done = server.cli_run("project", "set", stage.project.key, "--journal", "sometimes")
    assert done.returncode != 0 and "when_owed, always or never" in done.stderr


@pytest.mark.parametrize("by", ["ctl", "subscribe"])
def test_a_live_session_changes_over_under_load(stage, by):
    """A session that ends with its connection asks for a replay while devices report: of each
    device, what it gets from the notice on follows on what it had got, without a gap, a duplicate
    or disorder."""
    logins = [stage.project.device() for _ in range(8)]
    devices = [stage.net.device(login) for login in logins]
    filter = stage.project.open("+", "attributes")
    app = stage.app(V5, "a", kept=False)
    app.subscribe(stage.notice_topic())
    app.subscribe(filter)

    def burst(first):
        for n in range(first, first + 40):
            for device in devices:
                device.send(packets.publish(V5, device.own("attributes"), b'{"n":%d}' % n, qos=0))

    burst(0)
    if by == "ctl":
        app.send(packets.publish(V5, f"$open/{stage.project.key}/ctl", json.dumps(
            {"op": "replay", "filter": filter, "from": "-1h"}).encode(), qos=0))
    else:
        app.send(packets.subscribe(V5, 77, [(filter, 1)], props=[
            (Prop.USER_PROPERTY, ("from", "-1h"))]))
    burst(40)
    for device in devices:
        device.publish(device.own("attributes"), b'{"n":80}')
    if by == "subscribe":
        app.expect(packets.Suback, pid=77)
    before, after, ended = {}, {}, False
    while len(after) < len(devices) or {values[-1] for values in after.values()} != {81}:
        message = app.receive()
        if message.topic == stage.notice_topic():
            assert json.loads(message.payload)["type"] == "replay_end"
            ended = True
            for device in devices:
                device.publish(device.own("attributes"), b'{"n":81}')
            continue
        values = (after if ended else before).setdefault(message.topic, [])
        values.append(json.loads(message.payload)["n"])
    for login in logins:
        old, new = before.get(login.open("attributes"), []), after[login.open("attributes")]
        replay = old.index(0, 1) if 0 in old[1:] else 0  # where it begins anew
        assert old[:replay] == list(range(replay)), old
        # the keeper is owed all of them, so the journal has them
        assert old[replay:] + new == list(range(82)), (old, new)
    app.expect_nothing()
