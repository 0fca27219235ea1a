"""Payloads of devices that are no JSON object: acknowledged, then the device is disconnected."""
import pytest

from lib import packets
from lib.cases import table, versions
from lib.packets import Ack, Type

TOPICS = ["attributes", "event_report", "command_reply", "attributes_get"]
NO_OBJECT = {
    "empty": b"",
    "text": b"hello",
    "number": b"42",
    "string": b'"x"',
    "list": b"[1,2]",
    "null": b"null",
    "cut off": b'{"a":',
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "comment": b'{"a":1}//x',
    "two objects": b'{"a":1}{"b":2}',
    "trailing garbage": b'{"a":1} x',
    "bare word": b'{"a":yes}',
    "NaN": b'{"a":NaN}',
    "leading zero": b'{"a":01}',
    "plus sign": b'{"a":+1}',
    "point without digits": b'{"a":1.}',
    "control character": b'{"a":"\x01"}',
    "tab in a string": b'{"a":"\t"}',
    "lone surrogate": br'{"a":"\ud800"}',
    "bad escape": br'{"a":"\x41"}',
    "not utf-8": b'{"a":"\xff"}',
    "overlong utf-8": b'{"a":"\xc0\xaf"}',
    "zero byte": b'{"a":1}\0',
    "mark of utf-16": b'\xff\xfe{\0}\0',
    "too deep": b'{"a":' + b"[" * 32 + b"]" * 32 + b"}",
    "far too deep": b'{"a":' * 20000 + b"1" + b"}" * 20000,
    "name missing": b'{:1}',
    "name no string": b'{1:1}',
}


@versions
@table("payload", NO_OBJECT)
@pytest.mark.parametrize("qos", [1, 2])
def test_acknowledged_then_closed(net, version, payload, qos):
    """open-api 3.3 and 4: acknowledged first, so that it does not come back for ever; then v5
    0x99, 3.1.1 the end. Nothing is handed on."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("#"))
    device = net.device(login, version)
    app.receive_online(login.open("online"), True)
    device.send(packets.publish(version, device.own("attributes"), payload, qos=qos, pid=9))
    device.expect(Ack, kind=Type.PUBACK if qos == 1 else Type.PUBREC, pid=9)
    device.expect_closed(0x99, why="the payload is not a JSON object")
    app.receive_online(login.open("online"), False)


@versions
@pytest.mark.parametrize("name", TOPICS)
@pytest.mark.parametrize("qos", [0, 1])
def test_on_every_json_topic(net, version, name, qos):
    """open-api 4: every payload but custom data must be a JSON object."""
    device = net.device(version=version)
    device.send(packets.publish(version, device.own(name), b"[]", qos=qos, pid=9))
    if qos:
        device.expect(Ack, kind=Type.PUBACK, pid=9)
    device.expect_closed(0x99, why="the payload is not a JSON object")


@versions
def test_comes_back_and_works(net, version):
    """open-api 4: the next connection is as good as ever."""
    device, app = net.device(version=version), net.app()
    app.subscribe(device.open("attributes"))
    device.send(packets.publish(version, device.own("attributes"), b"no", qos=1, pid=1))
    device.expect(Ack, kind=Type.PUBACK)
    device.expect_closed(0x99, why="the payload is not a JSON object")
    again = net.device(device.login, version)
    again.publish(again.own("attributes"), b'{"a":1}')
    app.receive(payload=b'{"a":1}')


def test_what_came_before_counts(net):
    """open-api 3.1: messages before the bad one in the same write are handed on, in order."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("#"))
    topic = device.own("attributes")
    device.send(*(packets.publish(5, topic, payload) for payload in
                  (b'{"a":1}', b'{"a":2}', b"bad", b'{"a":3}')))
    device.expect_closed(0x99, why="the payload is not a JSON object")
    app.receive(payload=b'{"a":1}')
    app.receive(payload=b'{"a":2}')
    app.receive_online(device.open("online"), False)
