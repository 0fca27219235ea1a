"""Device types: what devices report and applications send is checked against the definition; what
fails is left out and recorded, the rest goes on byte for byte."""
import json

import pytest

from lib.cases import V4, V5, table, versions
from lib.packets import Prop

DEFINITION = {
    "attributes": [
        {"id": "t", "direction": "report", "type": "number", "minimum": -40, "maximum": 125},
        {"id": "mode", "direction": "both", "type": "enum", "values": ["eco", "fast"]},
        {"id": "target", "direction": "push", "type": "number"},
        {"id": "on", "direction": "both", "type": "switch"},
        {"id": "price", "direction": "private", "type": "number"},
    ],
    "events": [{"id": "hot", "params": [{"id": "by", "type": "number"}]}],
    "commands": [{"id": "open", "params": [{"id": "angle", "type": "number", "maximum": 90}],
                  "reply": [{"id": "done", "type": "switch"}]}],
    "streams": [{"id": "bus", "format": "modbus_rtu"}, {"id": "note", "format": "text"},
                {"id": "list", "format": "json"}],
}
FRAME = bytes.fromhex("010300000001840a")


def reason_of(answer):
    return answer.props.get(Prop.REASON_STRING)


@pytest.fixture
def typed(net, make_type):
    """A device of a new type and an application that gets all of its project."""
    def make(version=V5, subscribe=(), **more):
        login = net.project.device()
        make_type(login, {**DEFINITION, **more})
        app = net.app()
        app.subscribe(login.open("#"))
        device = net.device(login, version, subscribe=subscribe)
        app.receive_online(login.open("online"), True)
        return device, app
    return make


ATTRIBUTES = {
    "all pass": (b'{"t" : 21.50,"mode":"eco", "on": "ON"}', b'{"t" : 21.50,"mode":"eco", "on": "ON"}'),
    "undefined pass": (b'{"x": [1], "t": 1}', b'{"x": [1], "t": 1}'),
    "out of range": (b'{"a":1.0,"t":126,"b":"\\u00e4"}', b'{"a": 1.0, "b": "\\u00e4"}'),
    "wrong type": (b'{"t": "21", "on": 1}', b'{"on": 1}'),
    "not of the enum": (b'{"mode": "slow", "on": false}', b'{"on": false}'),
    "not for devices to say": (b'{"target": 5, "price": 6, "on": 0}', b'{"on": 0}'),
}


@versions
@table("sent, handed_on", ATTRIBUTES)
def test_attributes(typed, version, sent, handed_on):
    """open-api 3.2 and 5: what fails is dropped, the rest keeps its bytes."""
    device, app = typed(version)
    assert device.publish(device.own("attributes"), sent).code == 0
    app.receive(device.open("attributes"), handed_on)


@table("version, code", {"v3.1.1": (V4, 0), "v5": (V5, 0x83)})
def test_nothing_remains(typed, version, code):
    """open-api 5: then nothing is handed on; v5 is told why."""
    device, app = typed(version)
    answer = device.publish(device.own("attributes"), b'{"t": 1000}')
    assert answer.code == code
    device.publish(device.own("attributes"), b'{"t": 10}')
    app.receive(device.open("attributes"), b'{"t": 10}')


def test_reason_names_the_attribute(typed):
    """open-api 3.3: a reason string that says what is wrong."""
    device, _ = typed()
    answer = device.publish(device.own("attributes"), b'{"t": 1000, "mode": 1}')
    assert reason_of(answer) == 'attribute "t": it is above the maximum (and 1 more)'


def test_strict(typed):
    """open-api 5: a strict type lets nothing through that is not defined."""
    device, app = typed(strict=True)
    assert device.publish(device.own("attributes"), b'{"x": 1}').code == 0x83
    assert device.publish(device.own("event_report"), b'{"method": "cold"}').code == 0x83
    assert device.publish(device.own("data", "other"), b"x").code == 0x83
    device.publish(device.own("event_report"), b'{"method": "hot", "params": {"by": 2, "in": 3}}')
    app.receive(device.open("event_report"), b'{"method": "hot", "params": {"by": 2}}')


EVENTS = {
    "pass": (b'{"method":"hot","params":{"by":1.5,"x":2}}', None),
    "dropped": (b'{"method":"hot", "params" : {"by":"1","x":2} ,"z":1}',
                b'{"method":"hot", "params" : {"x": 2} ,"z":1}'),
    "another event": (b'{"method":"cold","params":{"by":"1"}}', None),
    "no parameters": (b'{"method":"hot"}', None),
}


@table("sent, handed_on", EVENTS)
def test_events(typed, sent, handed_on):
    """open-api 5: parameters of events."""
    device, app = typed()
    assert device.publish(device.own("event_report"), sent).code == 0
    app.receive(device.open("event_report"), handed_on or sent)


def test_event_parameters_must_be_an_object(typed):
    """open-api 5: where parameters are defined."""
    device, _ = typed()
    answer = device.publish(device.own("event_report"), b'{"method":"hot","params":[1]}')
    assert (answer.code, reason_of(answer)) == (0x83, '"params" must be an object')


STREAMS = {
    "frame": ("bus", FRAME, True), "frame, one bit turned": ("bus", FRAME[:-1] + b"\x0b", False),
    "too short": ("bus", b"\1\3\0", False), "empty": ("bus", b"", False),
    "text": ("note", "温度".encode(), True), "no text": ("note", b"\xff", False),
    "json": ("list", b"[1]", True), "no json": ("list", b"[1", False),
    "not defined": ("raw", b"\xff\0", True),
}


@table("stream, payload, passes", STREAMS)
def test_streams(typed, stream, payload, passes):
    """open-api 5: formats of streams; the connection stays."""
    device, app = typed()
    assert device.publish(device.own("data", stream), payload).code == (0 if passes else 0x83)
    device.publish(device.own("data", "raw"), b"mark")
    if passes:
        app.receive(device.open(f"data/{stream}"), payload)
    app.receive(device.open("data/raw"), b"mark")


PUSHES = {
    "right": (b'{"mode": "eco", "target": 5, "x": 1}', None),
    "report-only": (b'{"t": 5}', 'attribute "t": an application may not set it'),
    "private": (b'{"price": 5}', 'attribute "price": an application may not set it'),
    "wrong type": (b'{"target": "5", "on": 1}', 'attribute "target": it must be a number'),
    "not of the enum": (b'{"on": 1, "mode": 5}',
                        'attribute "mode": it is none of the values of the enum'),
}


@table("payload, why", PUSHES)
def test_pushes(net, typed, payload, why):
    """open-api 3.3: a push that the type refuses: 0x83 with the reason, nothing of it happens."""
    device, app = typed(subscribe=["attributes_push"])
    answer = net.app().publish(device.open("attributes_push"), payload)
    if why:
        assert (answer.code, reason_of(answer)) == (0x83, why)
        device.expect_nothing()
        app.expect_nothing()
    else:
        assert answer.code == 0
        device.receive(device.own("attributes_push"), payload)
        app.receive(device.open("attributes_push"), payload)
        app.receive(device.open("attributes"), payload)


def test_a_refused_push_is_told_on_errors(net, typed):
    """open-api 3.2: `$open/<pk>/errors` has topic, code and message."""
    device, _ = typed()
    app = net.app(V4)
    app.subscribe(net.project.errors())
    app.publish(device.open("attributes_push"), b'{"t": 5}')
    told = json.loads(app.receive(net.project.errors()).payload)
    assert told["code"] == 0x83
    assert told["topic"] == device.open("attributes_push")
    assert told["message"] == 'attribute "t": an application may not set it'


COMMANDS = {
    "right": (b'{"method":"open","params":{"angle":90},"id":1}', False, None),
    "another one": (b'{"method":"close","params":[],"id":1}', False, None),
    "another one, strict": (b'{"method":"close","id":1}', True, "the command is not defined"),
    "out of range": (b'{"method":"open","params":{"angle":91},"id":1}', False,
                     'parameter "angle": it is above the maximum'),
    "undefined parameter, strict": (b'{"method":"open","params":{"x":1},"id":1}', True,
                                    'parameter "x": it is not defined'),
    "no object": (b'{"method":"open","params":5,"id":1}', False, '"params" must be an object'),
}


@table("payload, strict, why", COMMANDS)
def test_commands(net, typed, payload, strict, why):
    """open-api 3.3 and 5: a command that the type refuses is not sent."""
    device, _ = typed(subscribe=["command_send"], strict=strict)
    answer = net.app().publish(device.open("command_send"), payload)
    if why:
        assert (answer.code, reason_of(answer)) == (0x83, why)
        device.expect_nothing()
    else:
        assert answer.code == 0
        device.receive(device.own("command_send"), payload)


def test_a_command_without_an_id_gets_one(net, typed):
    """open-api 3.3: also when it has been checked against a type."""
    device, _ = typed(subscribe=["command_send"])
    net.app().publish(device.open("command_send"), b'{"method":"open","params":{"angle":1}}')
    sent = json.loads(device.receive(device.own("command_send")).payload)
    assert sent["method"] == "open" and isinstance(sent["id"], int)


def test_replies(net, typed):
    """open-api 5: parameters of replies."""
    device, app = typed(subscribe=["command_send"])
    net.app().publish(device.open("command_send"), b'{"method":"open","id":7}')
    app.receive(device.open("command_send"))
    device.publish(device.own("command_reply"),
                   b'{"method":"open","params":{"done":5,"x":1},"id":7}')
    app.receive(device.open("command_reply"), b'{"method":"open","params":{"x": 1},"id":7}')


def test_private_values_are_not_for_the_device(net, typed, make_type):
    """open-api 5: attributes_get leaves out what is private."""
    device, _ = typed(subscribe=["attributes_get_response"])
    plain = dict(DEFINITION, attributes=[])
    make_type(device.login, plain)
    device.publish(device.own("attributes"), b'{"price": 5, "t": 1}')
    make_type(device.login, DEFINITION)
    for request in (b'{}', b'{"keys": ["price", "t"]}'):
        device.publish(device.own("attributes_get"), request)
        answer = json.loads(device.receive(device.own("attributes_get_response")).payload)
        assert answer["attributes"] == {"t": 1}
