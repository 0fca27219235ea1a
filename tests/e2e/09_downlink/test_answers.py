"""What an application learns from a publish: every row of the contract's table 3.3."""
import json

import pytest

from lib import packets
from lib.cases import V4, V5, each_qos, table, versions
from lib.client import refusal
from lib.packets import Ack, Prop, Type
from lib.world import Project

COMMAND = b'{"method":"m","params":{},"id":1}'
ONE_AND_TWO = pytest.mark.parametrize("qos", [1, 2])
KINDS = pytest.mark.parametrize("kind", ["attributes_push", "command_send"])


@versions
@ONE_AND_TWO
@KINDS
def test_delivered(net, version, qos, kind):
    """open-api 3.3, row 1: delivered to the device's session: 0x00."""
    device = net.device(subscribe=[kind])
    assert net.app(version).publish(device.open(kind), COMMAND, qos).code == 0x00


@versions
@ONE_AND_TWO
@KINDS
@pytest.mark.parametrize("state", ["never seen", "offline", "not subscribed", "other topic"])
def test_not_delivered(net, version, qos, kind, state):
    """open-api 3.3, row 2: offline or not subscribed, and no session that keeps it: 0x10."""
    login, app = net.project.device(), net.app(version)
    if state == "offline":
        app.subscribe(login.open("online"))
        net.device(login, subscribe=[kind]).disconnect()
        app.receive_online(login.open("online"), True)
        app.receive_online(login.open("online"), False)
    elif state == "not subscribed":
        net.device(login)
    elif state == "other topic":
        net.device(login, subscribe=["attributes_get_response"])
    answer = app.publish(login.open(kind), COMMAND, qos)
    assert answer.code == refusal(version, 0x10, 0)


# Refused publishes: topic, payload, v5 code.
REFUSED = {
    **{f"{kind}: {name}": (topic.replace("{kind}", kind), payload, code)
       for kind in ("attributes_push", "command_send") for name, (topic, payload, code) in {
           "no such device": ("open/{pk}/DU_0000000000/{kind}", COMMAND, 0x90),
           "empty": ("open/{pk}/{du}/{kind}", b"", 0x99),
           "no json": ("open/{pk}/{du}/{kind}", b"on", 0x99),
           "no object": ("open/{pk}/{du}/{kind}", b"[1]", 0x99),
           "foreign project": ("open/{other}/{foreign}/{kind}", COMMAND, 0x87)}.items()},
    "device of another project": ("open/{pk}/{foreign}/command_send", COMMAND, 0x90),
    "other case": ("open/{pk}/{swapped}/command_send", COMMAND, 0x90),
    "cut off": ("open/{pk}/{du}/command_send", b'{"method":', 0x99),
    "not utf-8": ("open/{pk}/{du}/command_send", b'{"method":"\xff"}', 0x99),
    **{f"receive only: {kind}": (f"open/{{pk}}/{{du}}/{kind}", COMMAND, 0x87) for kind in
       ("attributes", "event_report", "command_reply", "data/s", "alarm", "online")},
    "unknown project": ("open/PR_0000000000/{du}/command_send", COMMAND, 0x87),
    "key and more": ("open/{pk}x/{du}/command_send", COMMAND, 0x87),
    "one level more": ("open/{pk}/{du}/command_send/x", COMMAND, 0x87),
    "unknown kind": ("open/{pk}/{du}/atributes_push", COMMAND, 0x87),
    "kind in capitals": ("open/{pk}/{du}/COMMAND_SEND", COMMAND, 0x87),
    "no kind": ("open/{pk}/{du}", COMMAND, 0x87),
    "device access": ("command_send/{du}", COMMAND, 0x87),
    "any topic": ("test", COMMAND, 0x87),
    "$SYS": ("$SYS/x", COMMAND, 0x87),
    "errors": ("$open/{pk}/errors", COMMAND, 0x87),
    "requests": ("$open/{pk}/ctl", COMMAND, 0x99),
    "leading slash": ("/open/{pk}/{du}/command_send", COMMAND, 0x87),
}


@pytest.fixture(scope="module")
def other(server):
    """Another project and a device of it."""
    project = Project.add(server, "other")
    return project, project.device()


@versions
@each_qos
@table("topic, payload, code", REFUSED)
def test_refused(net, other, version, qos, topic, payload, code):
    """open-api 3.3, rows 3, 4 and 6, X-ACL-publish, 3.1.1 [MQTT-3.3.5-2]: the code and a reason
    (3.1.1: PUBACK); told to this client on `$open/<pk>/errors`, at QoS 0 too; not routed; the
    connection stays."""
    device, app = net.device(subscribe=["attributes_push", "command_send"]), net.app(version)
    app.subscribe(net.project.errors())
    project, foreign = other
    topic = topic.format(pk=net.project.key, du=device.login.username,
                         other=project.key, foreign=foreign.username,
                         swapped="DU_" + device.login.username[3:].swapcase())
    answer = app.publish(topic, payload, qos)
    if qos:
        assert answer.code == refusal(version, code, 0)
        assert version == V4 or answer.props, "no reason string"
    told = json.loads(app.receive(net.project.errors()).payload)
    assert (told["topic"], told["code"]) == (topic, code)
    assert told["message"]
    net.expect_none_before_mark(device.open("command_send"), device,
                                on=device.own("command_send"))


@table("payload, line, column", {
    "first line": (b'{"method":x}', 1, 11), "third line": (b'{\n"method":\n  x}', 3, 3)})
def test_line_and_column(net, payload, line, column):
    """open-api 3.3: the reason names line and column, and so does the entry on errors."""
    device, app = net.project.device(), net.app()
    app.subscribe(net.project.errors())
    answer = app.publish(device.open("command_send"), payload)
    assert str(line) in answer.props.get(packets.Prop.REASON_STRING)
    told = json.loads(app.receive(net.project.errors()).payload)
    assert told["line"] == line
    assert abs(told["column"] - column) <= 1


@versions
def test_accepted_is_no_error(net, version):
    """open-api 3.2, [MQTT-3.3.4-3]: `errors` has refused publishes only, with the identifier of the
    subscription."""
    app, device = net.app(version), net.device(subscribe=["command_send"])
    app.subscribe(net.project.errors(), props=((Prop.SUBSCRIPTION_ID, 5),))
    app.publish(device.open("command_send"), COMMAND)
    app.publish(device.open("atributes"), b"{}")
    message = app.receive()
    assert json.loads(message.payload)["topic"] == device.open("atributes")
    assert message.props.all(Prop.SUBSCRIPTION_ID) == ([5] if version == V5 else [])


def test_errors_are_this_clients(net):
    """open-api 3.2: nobody else is told; `$share` and wildcards do not reach them."""
    app, other = net.app(), net.app()
    other.subscribe(net.project.errors(), "#")
    app.subscribe(net.project.errors())
    device = net.device()
    app.publish(device.open("nothing"), b"{}")
    app.receive(net.project.errors())
    device.publish(device.own("data", "marker"), b"marker")
    while (message := other.receive()).payload != b"marker":
        assert not message.topic.startswith("$")


@versions
@pytest.mark.parametrize("topic", ["open/{pk}/+/command_send", "open/{pk}/{du}/+", "open/{pk}/#",
                                   "#"])
def test_wildcard(net, version, topic):
    """open-api 3.3, row 8, [MQTT-3.3.2-2]: DISCONNECT, or the end; never routed."""
    device, app = net.device(subscribe=["command_send"]), net.app(version)
    topic = topic.format(pk=net.project.key, du=device.login.username)
    app.send(packets.publish(version, topic, COMMAND, qos=1, pid=1))
    app.expect_closed(0x90)
    net.expect_none_before_mark(device.open("command_send"), device,
                                on=device.own("command_send"))


MALFORMED = {
    "empty topic": (lambda v: packets.publish(v, "", b"{}", qos=1, pid=1), 0x82),
    "zero in the topic": (lambda v: packets.publish(v, "open/\0", b"{}"), 0x81),
    "topic not utf-8": (lambda v: packets.publish(v, b"open/\xff", b"{}"), 0x81),
}


@versions
@table("data, code", MALFORMED)
def test_malformed(net, version, data, code):
    """[MQTT-3.3.2-1], [MQTT-4.7.3-1], [MQTT-4.7.3-2], X-5-3.3.2.1-notopic."""
    app = net.app(version)
    app.send(data(version))
    app.expect_closed(code)


BAD_PROPERTIES = {
    "payload format 2": ([(packets.Prop.PAYLOAD_FORMAT, 2)], 0x82),
    "subscription identifier": ([(packets.Prop.SUBSCRIPTION_ID, 1)], 0x82),
    "wildcard response topic": ([(packets.Prop.RESPONSE_TOPIC, "a/+/b")], 0x90),
    "response topic not utf-8": ([(packets.Prop.RESPONSE_TOPIC, b"\xff")], 0x81),
    "content type not utf-8": ([(packets.Prop.CONTENT_TYPE, b"\xff")], 0x81),
    "user property not utf-8": ([(packets.Prop.USER_PROPERTY, (b"\xff", "x"))], 0x81),
    "receive maximum": ([(packets.Prop.RECEIVE_MAXIMUM, 5)], 0x82),
    "unknown": ([(0x7F, b"")], 0x81),
    "length past the end": (b"\x7f", 0x81),
    "content type twice": ([(packets.Prop.CONTENT_TYPE, "x")] * 2, 0x82),
    "correlation twice": ([(packets.Prop.CORRELATION_DATA, b"x")] * 2, 0x82),
}


@pytest.mark.parametrize("side", ["app", "device"])
@table("props, code", BAD_PROPERTIES)
def test_bad_properties(net, side, props, code):
    """[MQTT-3.3.2-13], -14, -19, [MQTT-3.3.4-6], X-5-3.3.2.3.2-value, X-5-2.2.2.1-length,
    X-5-2.2.2.2-unknown, -place, -repeat."""
    client = getattr(net, side)()
    topic = net.project.device().open("attributes_push") if side == "app" else client.own(
        "attributes")
    client.send(packets.publish(V5, topic, b"{}", props=props))
    client.expect_closed(code)


@versions
@pytest.mark.parametrize("topic, code, why", [
    ("open/{pk}/{du}/attributes", 0x87, "this kind of topic is only received"),
    ("elsewhere", 0x87, "not a topic that applications may publish"),
    ("open/{pk}/DU_0000000000/command_send", 0x90, "no such device in this project")])
def test_too_many_refusals(net, version, topic, code, why):
    """open-api 3.3, last row: more than 30 refusals in a minute: DISCONNECT 0x96 with what is wrong
    (3.1.1: the end); each of them is answered, the last one too."""
    app, device = net.app(version), net.project.device()
    topic = topic.format(pk=net.project.key, du=device.username)
    refused = (code, ((Prop.REASON_STRING, why),)) if version == V5 else ()
    for pid in range(101, 132):
        app.send(packets.publish(version, topic, COMMAND, qos=1, pid=pid))
        assert app.recv() == Ack(Type.PUBACK, pid, *refused)
    app.expect_closed(0x96, why="too many refused publishes in a minute")
    net.app(version).ping()
