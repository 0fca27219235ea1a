"""What a device sends reaches applications byte for byte, as the contract's tables 3.1 and 3.2
say."""
import pytest

from lib.cases import V4, V5, each_qos, table, versions

JSON = {
    "plain": b'{"temperature":21.5}',
    "white space": b' {\t"a" :\r\n [ 1 , 2 ] }\n',
    "doubled keys": b'{"a":1,"a":2}',
    "escapes": br'{"a":"\u00e9\ud83d\ude00\n\/","\u0061b":"\\"}',
    "utf-8": '{"名称":"泵 №1","x":"\U0001f600"}'.encode(),
    "numbers": b'{"a":-0.0,"b":1.10,"c":1E+2,"d":0.1e-3,"e":18446744073709551615}',
    "numbers that no machine holds": b'{"a":1e400,"b":123456789012345678901234567890}',
    "all kinds": b'{"a":null,"b":true,"c":false,"d":{},"e":[],"f":""}',
    "any names": b'{"":1,"a b/#+":2,"' + b"k" * 300 + b'":3}',
    "deep": b'{"a":' + b"[" * 31 + b"]" * 31 + b"}",
}
BYTES = {
    "text": b"hello", "empty": b"", "zeros": bytes(16), "all": bytes(range(256)),
    "broken utf-8": b"\xff\xc0\xaf", "json cut off": b'{"a":',
}


@pytest.mark.fast_tsan
@pytest.mark.parametrize("reported", [V4, V5])
@pytest.mark.parametrize("received", [V4, V5])
@each_qos
def test_every_kind(net, reported, received, qos):
    """open-api 3.1 and 3.2: attributes, event_report, command_reply, data and online, over both
    versions on both sides."""
    login = net.project.device()
    app = net.app(received)
    app.subscribe(login.open("+"), login.open("data/+"), qos=qos)
    device = net.device(login, reported, subscribe=["command_send"])
    app.receive_online(login.open("online"), True)
    for topic, kind, payload in [
            (device.own("attributes"), "attributes", b'{ "t": 20 }'),
            (device.own("event_report"), "event_report", b'{"method":"e","params":{"a":[1]}}'),
            (device.own("data", "raw"), "data/raw", b"\0\xff")]:
        device.publish(topic, payload, qos)
        assert app.receive(login.open(kind), payload).qos == qos
    command = b'{"method":"c","params":{},"id":1}'
    app.publish(login.open("command_send"), command)
    app.receive(login.open("command_send"), command)
    device.receive(device.own("command_send"), command)
    device.publish(device.own("command_reply"), b'{"method":"c","params":{"ok":1},"id":1}', qos)
    app.receive(login.open("command_reply"), b'{"method":"c","params":{"ok":1},"id":1}')
    device.disconnect()
    app.receive_online(login.open("online"), False)


@versions
@table("payload", JSON)
def test_attributes_byte_for_byte(net, version, payload):
    """open-api 3.2: handed on as sent; nothing of the JSON is written anew."""
    device, app = net.device(version=version), net.app()
    app.subscribe(device.open("attributes"))
    device.publish(device.own("attributes"), payload)
    app.receive(device.open("attributes"), payload)


@table("payload", JSON)
def test_events_byte_for_byte(net, payload):
    """open-api 3.2: the parameters of an event likewise."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("event_report"))
    event = b'{"method":"e","params":' + payload + b"}"
    if payload == JSON["deep"]:
        event = b'{"method":"e","params":{"a":' + b"[" * 30 + b"]" * 30 + b"}}"
    device.publish(device.own("event_report"), event)
    app.receive(device.open("event_report"), event)


@table("payload", BYTES)
def test_data_byte_for_byte(net, payload):
    """open-api 3.1: any bytes, unchanged, an empty payload too."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/+"))
    device.publish(device.own("data", "s"), payload)
    app.receive(device.open("data/s"), payload)


@pytest.mark.parametrize("stream", ["a", "A-z_0-9", "x" * 64])
def test_stream_identifiers(net, stream):
    """open-api 1: a stream's identifier is `[A-Za-z0-9_-]{1,64}`."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("data/" + stream))
    device.publish(device.own("data", stream), b"x")
    app.receive(device.open("data/" + stream), b"x")


@each_qos
def test_largest_payload(net, qos):
    """open-api 8: a payload of 256 KiB is carried whole, both as data and as JSON."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("#"), qos=qos)
    data = bytes(range(256)) * 1024
    text = b'{"a":"' + b"x" * (262144 - 8) + b'"}'
    device.publish(device.own("data", "big"), data, qos)
    device.publish(device.own("attributes"), text, qos)
    app.receive(device.open("data/big"), data)
    app.receive(device.open("attributes"), text)


def test_byte_order_mark_is_skipped(net):
    """open-api 3.3: JSON from outside may begin with a byte order mark."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("attributes"))
    device.publish(device.own("attributes"), b'\xef\xbb\xbf{"a":1}')
    assert app.receive().payload.endswith(b'{"a":1}')


def test_equal_values_are_sent_too(net):
    """open-api 3.2: only the keys of this change, and equal values again."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("attributes"))
    for payload in (b'{"a":1}', b'{"b":2}', b'{"b":2}'):
        device.publish(device.own("attributes"), payload)
        app.receive(device.open("attributes"), payload)


@versions
@each_qos
def test_order_over_all_kinds(net, version, qos):
    """open-api 3.1, [MQTT-4.6.0-5], [MQTT-4.6.0-6], 3.1.1 [MQTT-4.6.0-5], [MQTT-4.6.0-6]: all
    messages of one device reach a session in the order of acceptance, over all kinds."""
    device, app = net.device(version=version), net.app(version)
    app.subscribe(device.open("#"), qos=qos)
    sent = []
    for number in range(10):
        sent += [("attributes", b'{"n":%d}' % number), ("data/s", b"%d" % number),
                 ("event_report", b'{"method":"e","params":{"n":%d}}' % number)]
    for kind, payload in sent:
        name, _, stream = kind.partition("/")
        device.publish(device.own(name, stream), payload, qos)
    got = [app.receive() for _ in sent]
    assert [(m.topic, m.payload) for m in got] == [(device.open(k), p) for k, p in sent]


def test_retain_of_a_device_is_not_kept(net):
    """open-api 3.1: the platform's own messages never have retain set, nor are they stored."""
    device, app = net.device(), net.app()
    app.subscribe((device.open("#"), 0x09))
    device.publish(device.own("attributes"), b'{"a":1}', retain=True)
    device.publish(device.own("data", "s"), b"x", retain=True)
    assert not app.receive(payload=b'{"a":1}').retain
    assert not app.receive(payload=b"x").retain
    late = net.app()
    late.subscribe((device.open("#"), 0x09))
    device.publish(device.own("data", "marker"), b"marker")
    late.receive(payload=b"marker")
