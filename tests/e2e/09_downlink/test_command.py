"""`command_send`: to the device once, with an identifier."""
import json

import pytest

from lib.cases import V4, V5, each_qos, table, versions
from lib.client import refusal

GOOD = {
    "integer id": b'{"method":"m","params":{"a":1},"id":1}',
    "zero": b'{"method":"m","id":0}',
    "negative": b'{"method":"m","id":-5}',
    "large": b'{"method":"m","id":9007199254740993}',
    "string id": b'{"method":"m","params":{},"id":"a-1"}',
    "longest string": b'{"method":"m","id":"' + b"x" * 64 + b'"}',
    "id first": b' {"id" : 7 , "method" : "m" }\n',
    "further members": b'{"method":"m","extra":[1],"id":3}',
    "utf-8": '{"method":"开门","params":{"门":"北"},"id":"号"}'.encode(),
}
BAD = {
    "empty": b"", "text": b"open", "list": b"[]", "number": b"5", "cut off": b'{"method":"m"',
    "no method": b'{"params":{}}', "method no string": b'{"method":5}',
    "method null": b'{"method":null,"id":1}', "method list": b'{"method":["m"],"id":1}',
    "id fraction": b'{"method":"m","id":1.5}', "id true": b'{"method":"m","id":true}',
    "id list": b'{"method":"m","id":[1]}', "id object": b'{"method":"m","id":{}}',
    "id too long": b'{"method":"m","id":"' + b"x" * 65 + b'"}',
    "not utf-8": b'{"method":"\xff","id":1}',
    "too deep": b'{"method":"m","params":' + b'{"a":' * 32 + b"1" + b"}" * 33,
}


@pytest.mark.fast_tsan
@pytest.mark.parametrize("sent", [V4, V5])
@pytest.mark.parametrize("received", [V4, V5])
@each_qos
def test_whole_way(net, sent, received, qos):
    """open-api 3.3: on `command_send/<du>`, byte for byte; the reply comes back on
    `command_reply`."""
    device, app = net.device(version=received, subscribe=["command_send"]), net.app(sent)
    app.subscribe(device.open("command_reply"))
    command = b'{ "method": "open", "params": {"door": 1}, "id": 17 }'
    answer = app.publish(device.open("command_send"), command, qos)
    assert answer is None or answer.code == 0x00
    device.receive(device.own("command_send"), command)
    reply = b'{"method":"open","params":{"done":true},"id":17}'
    device.publish(device.own("command_reply"), reply, qos)
    app.receive(device.open("command_reply"), reply)


@versions
@table("payload", GOOD)
def test_good(net, version, payload):
    """open-api 3.3: `params` may be left out; an id is an integer or a string of at most 64
    bytes."""
    device, app = net.device(subscribe=["command_send"]), net.app(version)
    assert app.publish(device.open("command_send"), payload).code == 0x00
    device.receive(device.own("command_send"), payload)


@versions
@table("payload", BAD)
def test_bad(net, version, payload):
    """open-api 3.3: 0x99 (3.1.1: PUBACK), nothing is sent, the connection stays."""
    device, app = net.device(subscribe=["command_send"]), net.app(version)
    watcher = net.app()
    watcher.subscribe(device.open("command_send"))
    assert app.publish(device.open("command_send"), payload).code == refusal(version, 0x99, 0)
    marker = net.mark(device.open("command_send"))
    device.receive(payload=marker)
    watcher.receive(payload=marker)
    app.ping()


@versions
@pytest.mark.parametrize("payload", [b'{"method":"m","params":{"a":1}}', b'{"method":"m"}',
                                     b' {"method" : "m" } '])
def test_identifier_is_given(net, version, payload):
    """open-api 3.3: a command without one is given one by the platform, an integer, as the last
    member; watchers see it too; the rest stays byte for byte."""
    device, app = net.device(subscribe=["command_send"]), net.app(version)
    app.subscribe(device.open("command_send"), device.open("command_reply"))
    app.publish(device.open("command_send"), payload)
    sent = device.receive(device.own("command_send")).payload
    app.receive(device.open("command_send"), sent)
    value = json.loads(sent)
    assert list(value)[-1] == "id" and type(value["id"]) is int
    assert value == {**json.loads(payload), "id": value["id"]}
    assert sent.startswith(payload[:payload.rindex(b"}")].rstrip())
    reply = b'{"method":"m","params":{},"id":%d}' % value["id"]
    device.publish(device.own("command_reply"), reply)
    app.receive(device.open("command_reply"), reply)


def test_given_identifiers_are_unique(net):
    """open-api 3.3: unique on that device, and never one that is outstanding."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    app.publish(device.open("command_send"), b'{"method":"m"}')
    first = json.loads(device.receive().payload)["id"]
    app.publish(device.open("command_send"), b'{"method":"m","id":%d}' % (first + 1))
    device.receive()
    for _ in range(5):
        app.publish(device.open("command_send"), b'{"method":"m"}')
    given = [json.loads(device.receive().payload)["id"] for _ in range(5)]
    assert len({first, first + 1, *given}) == 7


@versions
def test_same_identifier_is_not_sent_twice(net, version):
    """open-api 3.3: again on the same device while outstanding it is not sent; 1 and "1" differ;
    after the reply it is free."""
    device, app = net.device(subscribe=["command_send"]), net.app(version)
    topic = device.open("command_send")
    one, text = b'{"method":"m","id":1}', b'{"method":"m","id":"1"}'
    for payload in (one, one, text, text, one):
        app.publish(topic, payload)
    device.receive(payload=one)
    device.receive(payload=text)
    device.publish(device.own("command_reply"), b'{"method":"m","params":{},"id":1}')
    app.publish(topic, one)
    device.receive(payload=one)


def test_same_identifier_on_two_devices(net):
    """open-api 3.3: an identifier belongs to its device."""
    app, command = net.app(), b'{"method":"m","id":1}'
    for device in [net.device(subscribe=["command_send"]) for _ in range(2)]:
        app.publish(device.open("command_send"), command)
        device.receive(payload=command)


@versions
def test_retained_goes_out_as_ordinary(net, version):
    """open-api 3.1: the device never sees a retained command."""
    device = net.device(version=version, subscribe=["command_send"])
    net.app(version).publish(device.open("command_send"), GOOD["integer id"], retain=True)
    assert not device.receive(payload=GOOD["integer id"]).retain
