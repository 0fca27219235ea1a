"""`sub_attributes` and `gateway_attributes`: reports of many sub-devices in one message."""
import json

import pytest

from lib.cases import V4, V5, each_qos, table
from lib.packets import Prop

TWO = ({"1": {"attributes": {"a": 1}}, "2": {"attributes": {"b": 2}}},
       [{"device": ["1"], "attributes": {"a": 1}}, {"device": ["2"], "attributes": {"b": 2}}],
       [{"device": "1", "attributes": {"a": 1}}, {"device": "2", "attributes": {"b": 2}}])


@pytest.fixture
def two(gateway):
    """A gateway with two sub-devices, "1" and "2"."""
    for address in "12":
        gateway.connect(address)
    return gateway


def expect(app, gateway, *reports):
    """The application's next messages are these, each of an address and its payload."""
    for address, payload in reports:
        path = tuple([address] if isinstance(address, str) else address)
        app.receive(gateway.open(gateway.usernames[path], "attributes"), payload)


@pytest.mark.fast_tsan
@pytest.mark.parametrize("version", [V4, V5])
@each_qos
@pytest.mark.parametrize("value", TWO, ids=["tree", "flat", "texts"])
def test_tree_and_flat(two, value, qos):
    """device-protocol sub_attributes: the forms mean the same; each sub-device yields one message
    of its own, in payload order."""
    app = two.watch("attributes")
    two.say("sub_attributes", value, qos)
    expect(app, two, ("1", b'{"a": 1}'), ("2", b'{"b": 2}'))


def test_gateway_form(two):
    """device-protocol gateway_attributes: an object from address straight to attributes."""
    app = two.watch("attributes")
    assert two.say("gateway_attributes", {"2": {"battery": 100}, "1": {}}).code == 0
    expect(app, two, ("2", b'{"battery": 100}'), ("1", b"{}"))


def test_byte_for_byte(two):
    """open-api 3.2: what is inside is handed on as it was sent."""
    inner = br'{ "x" : 1.50, "\u00e9":[1E+2, {"y":null}],"big":123456789012345678901234567890 }'
    app = two.watch("attributes")
    two.say("sub_attributes", b' {"1" :{ "attributes" : ' + inner + b' } } ')
    expect(app, two, ("1", inner))
    two.say("sub_attributes", b'[{"attributes":' + inner + b',"device":["2"]}]')
    expect(app, two, ("2", inner))
    two.say("gateway_attributes", b'{"1":' + inner + b"}")
    expect(app, two, ("1", inner))


def test_source_and_ts(two):
    """open-api 3.2: a report of a sub-device has source `report`."""
    app = two.watch("attributes")
    two.say("sub_attributes", TWO[0])
    assert app.receive().props.user["source"] == "report"


def test_levels(gateway):
    """device-protocol: paths of several steps; a tree goes down through `sub`; members in any
    order."""
    for path in (["1"], ["1", "2"], ["1", "2", "3"], ["4"]):
        gateway.connect(path)
    app = gateway.watch("attributes")
    gateway.say("sub_attributes", {
        "1": {"sub": {"2": {"sub": {"3": {"attributes": {"n": 3}}}, "attributes": {"n": 2}}},
              "attributes": {"n": 1}},
        "4": {"attributes": {"n": 4}, "ts": 1}})
    expect(app, gateway, (["1", "2", "3"], b'{"n": 3}'), (["1", "2"], b'{"n": 2}'),
           ("1", b'{"n": 1}'), ("4", b'{"n": 4}'))
    gateway.say("sub_attributes", [{"device": ["1", "2", "3"], "attributes": {"n": 5}}])
    expect(app, gateway, (["1", "2", "3"], b'{"n": 5}'))


def test_deepest_level(gateway):
    """device-protocol: to a depth of 16, whatever the values are."""
    path = [str(n) for n in range(16)]
    gateway.connect(path)
    app = gateway.watch("attributes")
    deep = 1
    for _ in range(31):
        deep = [deep]
    tree = {"attributes": {"v": deep}}
    for step in reversed(path):
        tree = {step: tree if step == path[-1] else {"sub": tree}}
    assert gateway.say("sub_attributes", tree).code == 0
    app.receive(value={"v": deep})
    tree = {"attributes": {}}
    for step in reversed(path + ["16"]):
        tree = {step: tree if step == "16" else {"sub": tree}}
    assert gateway.say("sub_attributes", tree).code == 0x83
    app.expect_nothing()


@table("value", {
    "tree": {"9": {"attributes": {"a": 1}}, "1": {"attributes": {"a": 1}, "sub": {"1": {}}}},
    "flat": [{"device": ["9"], "attributes": {"a": 1}},
             {"device": ["1", "1"], "attributes": {"a": 1}},
             {"device": ["1"], "attributes": {"a": 1}}],
    "faults": [{"device": ["1"], "attributes": 7}, {"device": [], "attributes": {}}, 7, {},
               {"device": [1], "attributes": {}}, {"attributes": {}}, {"device": ["1"]},
               {"device": ["1"], "attributes": {"a": 1}}],
    "nodes": {"2": 7, "1": {"attributes": {"a": 1}, "sub": 7}},
})
def test_unknown_is_skipped(two, value):
    """device-protocol: an unknown address is recorded on the parent and skipped; the rest of the
    payload counts."""
    app = two.watch("attributes")
    assert two.say("sub_attributes", value).code == 0
    expect(app, two, ("1", b'{"a": 1}'))
    app.expect_nothing()
    assert "direction=up" in two.net.server.log()


@table("topic, value", {
    "tree": ("sub_attributes", {"9": {"attributes": {"a": 1}}}),
    "flat": ("sub_attributes", [{"device": ["9"], "attributes": {"a": 1}}]),
    "gateway": ("gateway_attributes", {"9": {"a": 1}}),
    "no object": ("gateway_attributes", {"1": 7}),
})
def test_nothing_counts(two, topic, value):
    """When nothing of it counts the gateway is told why, and stays connected."""
    answer = two.say(topic, value)
    assert answer.code == 0x83 and answer.props.get(Prop.REASON_STRING)
    two.client.ping()


def test_of_nobody(two):
    """All members of a node are optional."""
    app = two.watch("attributes")
    for value in ({}, [], {"1": {}}, {"1": {"sub": {}, "ts": 5}}):
        assert two.say("sub_attributes", value).code == 0
    app.expect_nothing()


def test_doubled_address(two):
    """open-api 3.3: of doubled keys the last wins."""
    app = two.watch("attributes")
    two.say("sub_attributes", b'{"1":{"attributes":{"a":1}},"2":{"attributes":{"a":0},'
                              b'"attributes":{"a":2}},"1":{"attributes":{"a":3}}}')
    expect(app, two, ("2", b'{"a":2}'), ("1", b'{"a":3}'))
    two.say("gateway_attributes", b'{"1":{"a":4},"1":{"a":5}}')
    expect(app, two, ("1", b'{"a":5}'))
    two.say("sub_attributes", [{"device": "1", "attributes": {"a": n}} for n in (6, 7)])
    expect(app, two, ("1", b'{"a": 6}'), ("1", b'{"a": 7}'))  # a list has no keys


def test_escaped_addresses(gateway):
    """RFC 8259 section 8.3: addresses are compared by what they mean."""
    gateway.connect('a"\\é😀')
    app = gateway.watch("attributes")
    gateway.say("sub_attributes", br'{"\u0061\"\\\u00e9\ud83d\ude00":{"\u0061ttributes":{"n":1}}}')
    gateway.say("gateway_attributes", '{"a\\"\\\\é😀":{"n":2}}'.encode())
    for n in (1, 2):
        app.receive(value={"n": n})


def test_many(gateway):
    """device-protocol: one payload may report many sub-devices."""
    for n in range(50):
        gateway.say("sub_connect", {"device": str(n), "product": gateway.product}, qos=0)
    for n in range(50):
        gateway.usernames[n] = gateway.came()
    app = gateway.watch("attributes")
    gateway.say("sub_attributes", {str(n): {"attributes": {"n": n}} for n in range(50)})
    for n in range(50):
        app.receive(value={"n": n})


# ---- answers


@pytest.fixture
def answering(server, project, two, make_product):
    """The same with a gateway whose type has *cloud response* on."""
    server.cli("device", "set", two.login.username, "--project", project.key, "--type",
               make_product({"cloud_response": True}))
    return two


def test_response(answering, dialect):
    """device-protocol: `sub_attributes_response`, one for a message, if *cloud response* is on."""
    for value, code in (({"1": {}, "2": {}, "9": {}}, 0), ({"9": {}}, -1)):
        nodes = value if dialect == "gateway" else {a: {"attributes": {}} for a in value}
        answering.say(f"{dialect}_attributes", nodes)
        answer = json.loads(answering.client.receive(
            answering.own(f"{dialect}_attributes_response")).payload)
        assert list(answer) == ["error_code", "error_msg", "ts"]
        assert answer["error_code"] == code
        assert (answer["error_msg"] == "OK") == (code == 0)


def test_no_response(two):
    """device-protocol: none when it is off, which it is by default."""
    two.say("sub_attributes", TWO[0])
    two.client.expect_nothing()


def test_max_rate(server, project, two, make_product):
    """open-api 4 `max_rate` counts the messages of the gateway, and the reports of each
    sub-device."""
    server.cli("device", "set", two.usernames[("1",)], "--project", project.key, "--type",
               make_product({"max_rate": 1}))
    app = two.watch("attributes")
    two.say("sub_attributes", [{"device": a, "attributes": {"n": n}} for n in range(10)
                               for a in "12"])
    got = [app.receive().topic for _ in range(11)]
    assert got.count(two.open(two.usernames[("2",)], "attributes")) == 10


def test_type_of_the_sub_device(server, project, two, make_product):
    """open-api 5: what a sub-device reports is checked against its own type."""
    server.cli("device", "set", two.usernames[("1",)], "--project", project.key, "--type",
               make_product({"attributes": [
                   {"id": "t", "direction": "report", "type": "number", "maximum": 10}]}))
    app = two.watch("attributes")
    two.say("sub_attributes", {"1": {"attributes": {"t": 11, "u": 1}},
                               "2": {"attributes": {"t": 11}}})
    app.receive(two.open(two.usernames[("1",)], "attributes"), value={"u": 1})
    app.receive(two.open(two.usernames[("2",)], "attributes"), value={"t": 11})
