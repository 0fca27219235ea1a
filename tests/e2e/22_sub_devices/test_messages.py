"""Events, replies and requests of sub-devices, and what the gateway is answered."""
import json

import pytest

from lib.cases import V4, V5, table
from lib.packets import Prop

DEPTHS = pytest.mark.parametrize("address", [["1"], ["1", "2"]], ids=["step", "path"])


def said(dialect, address):
    """`device` as this dialect has it; None: it cannot say so."""
    if dialect == "gateway":
        return address[0] if len(address) == 1 else None
    return address


@pytest.fixture
def tree(gateway):
    """A gateway with ["1"] and, below it, ["1", "2"]."""
    for address in (["1"], ["1", "2"]):
        gateway.connect(address)
    return gateway


@DEPTHS
@pytest.mark.parametrize("version", [V4, V5])
def test_event(tree, dialect, address):
    """device-protocol sub_event_report: an event of the sub-device, byte for byte."""
    if said(dialect, address) is None:
        return
    app = tree.watch("event_report")
    event = b'{ "method":"opened", "params" : {"by":1.50} }'
    tree.say(f"{dialect}_event_report",
             b'{"device":%s,"event":%s}' % (json.dumps(said(dialect, address)).encode(), event))
    app.receive(tree.open(tree.usernames[tuple(address)], "event_report"), event)
    tree.client.expect_nothing()


@DEPTHS
def test_event_response(server, project, tree, make_product, dialect, address):
    """device-protocol sub_event_response: as the attributes response, with `device`: a path of one
    step as a text, a longer one as a list."""
    if said(dialect, address) is None:
        return
    server.cli("device", "set", tree.login.username, "--project", project.key, "--type",
               make_product({"cloud_response": True}))
    for known, code in ((True, 0), (False, -1)):
        path = address if known else address[:-1] + ["9"]
        tree.say(f"{dialect}_event_report",
                 {"device": said(dialect, path), "event": {"method": "m"}})
        answer = json.loads(tree.client.receive(tree.own(f"{dialect}_event_response")).payload)
        assert list(answer) == ["device", "error_code", "error_msg", "ts"]
        assert answer["device"] == (path[0] if len(path) == 1 else path)
        assert answer["error_code"] == code


@DEPTHS
@table("get, keys", {"all": ({}, "ab"), "empty": ({"keys": []}, "ab"), "one": ({"keys": ["b"]}, "b")})
def test_get(tree, dialect, address, get, keys):
    """device-protocol sub_attributes_get: the sub-device's values; `device` is a list there
    (`gateway_`: a text)."""
    if said(dialect, address) is None:
        return
    tree.say("sub_attributes", [{"device": address, "attributes": {"a": 1, "b": [2]}}])
    tree.say(f"{dialect}_attributes_get", {"device": said(dialect, address), "get": get})
    answer = json.loads(
        tree.client.receive(tree.own(f"{dialect}_attributes_get_response")).payload)
    assert list(answer) == ["device", "error_code", "error_msg", "ts", "attributes"]
    assert answer["device"] == said(dialect, address)
    assert (answer["error_code"], answer["error_msg"]) == (0, "")
    assert answer["attributes"] == {key: {"a": 1, "b": [2]}[key] for key in keys}


@table("get, address", {"unknown": ({}, "9"), "keys": ({"keys": 7}, "1")})
def test_get_in_vain(tree, dialect, get, address):
    """device-protocol: the answer says what is wrong."""
    tree.say(f"{dialect}_attributes_get", {"device": address, "get": get})
    answer = json.loads(
        tree.client.receive(tree.own(f"{dialect}_attributes_get_response")).payload)
    assert answer["error_code"] == -1 and answer["error_msg"]
    assert answer["attributes"] == {}
    assert answer["device"] == (address if dialect == "gateway" else [address])


@table("topic, value", {
    "connect": ("connect", {"device": ["9"]}),
    "disconnect": ("disconnect", {"device": ["9"]}),
    "event": ("event_report", {"device": ["9"], "event": {"method": "m"}}),
    "reply": ("command_reply", {"device": ["1", "9"], "command": {"method": "m"}}),
    "get": ("attributes_get", {"device": ["9"], "get": {}}),
})
def test_unknown_address(tree, topic, value):
    """device-protocol: an unknown address is recorded on its parent, and told."""
    app = tree.watch("event_report", "command_reply")
    answer = tree.say(f"sub_{topic}", value)
    assert answer.code == 0x83 and "9" in answer.props.get(Prop.REASON_STRING)
    if topic == "attributes_get":
        tree.client.receive()
    tree.client.ping()
    app.expect_nothing()


# ---- forms


TOPICS = ("connect", "disconnect", "attributes", "event_report", "command_reply", "attributes_get")


@table("payload", {"nothing": b"", "text": b"abc", "cut off": b'{"device":["1"]', "number": b"7",
                   "utf-8": b'{"device":"\xff"}', "deep": b"[" * 80 + b"]" * 80})
@pytest.mark.parametrize("version", [V4, V5])
@pytest.mark.parametrize("topic", TOPICS)
def test_no_json_closes(tree, dialect, topic, payload):
    """device-protocol: non-JSON on any of these topics closes the connection, after it was
    acknowledged."""
    if topic != "attributes" or dialect == "gateway":
        payload = payload if payload != b"7" else b"[]"  # a list is no object either
    answer = tree.say(f"{dialect}_{topic}", payload)
    assert tree.client.version == V4 or answer.code == 0x99
    tree.client.expect_closed(0x99, why="the payload is not a JSON object")


@table("topic, value", {
    "no device": ("connect", {}),
    "empty path": ("connect", {"device": []}),
    "number": ("connect", {"device": 1}),
    "numbers": ("connect", {"device": [1]}),
    "empty step": ("connect", {"device": ["1", ""]}),
    "long step": ("connect", {"device": ["x" * 129]}),
    "too many steps": ("connect", {"device": ["x"] * 17}),
    "no event": ("event_report", {"device": ["1"]}),
    "event is text": ("event_report", {"device": ["1"], "event": "opened"}),
    "event without method": ("event_report", {"device": ["1"], "event": {}}),
    "no command": ("command_reply", {"device": ["1"]}),
    "no get": ("attributes_get", {"device": ["1"]}),
})
def test_wrong_form(tree, topic, value):
    """JSON that has not the form of its topic is recorded and told; the gateway stays."""
    answer = tree.say(f"sub_{topic}", value)
    assert answer.code == 0x99 and answer.props.get(Prop.REASON_STRING)
    tree.client.ping()


def test_gateway_has_no_paths(tree):
    """device-protocol: `device` of `gateway_…` is one string."""
    answer = tree.say("gateway_connect", {"device": ["1"]})
    assert answer.code == 0x99


@pytest.mark.parametrize("topic", TOPICS)
def test_own_topics_only(tree, dialect, topic):
    """open-api 4: a gateway may use its own topics only."""
    other = tree.net.project.device()
    answer = tree.client.publish(other.own(f"{dialect}_{topic}"), b"{}")
    assert answer.code == 0x87
    suback = tree.client.subscribe(other.own(f"{dialect}_command_send"),
                                   tree.own(f"{dialect}_connect"))
    assert list(suback.codes) == [0x87, 0x87]


def test_topic_of_a_sub_device(tree):
    """A sub-device has no topics of its own: it does not connect."""
    answer = tree.client.publish(f"attributes/{tree.usernames[('1',)]}", b"{}")
    assert answer.code == 0x87


def test_reply_matches_the_sub_devices_commands(tree, dialect):
    """open-api 3.3: a reply belongs to the outstanding command of that device."""
    device, app = tree.usernames[("1",)], tree.watch("command_reply")
    pusher = tree.net.app()
    assert pusher.publish(tree.open(device, "command_send"), b'{"method":"m","id":7}').code == 0
    tree.client.receive()
    wrong = {"device": ["1", "2"], "command": {"method": "m", "id": 7}}
    assert tree.say("sub_command_reply", wrong).code == 0  # recorded, and nobody's
    app.expect_nothing()
    reply = b'{"method":"m", "params":{"done" : true},"id":7}'
    tree.say(f"{dialect}_command_reply", b'{"device":"1","command":%s}' % reply)
    app.receive(tree.open(device, "command_reply"), reply)
    tree.say(f"{dialect}_command_reply", b'{"device":"1","command":%s}' % reply)
    app.expect_nothing()
