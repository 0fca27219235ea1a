"""The message log of a device, followed on `$open/<pk>/<du>/log`."""
import json

import pytest

from lib import packets
from lib.cases import each_qos, table, versions
from lib.packets import Prop
from lib.world import Project

GET = '{"keys": ["a"]}'


@pytest.mark.fast_tsan
@each_qos
def test_reports(net, follow, qos):
    """Issue "debugging": what a device publishes: direction, topic, payload, QoS, verdict."""
    device = net.device()
    log = follow(device.login)
    for topic, payload in ((device.own("attributes"), '{"a": 1}'),
                           (device.own("event_report"), '{"method":"m"}'),
                           (device.own("data", "s"), "")):
        device.publish(topic, payload.encode(), qos)
        told = log.next("up", topic, payload=payload, qos=qos, length=len(payload))
        assert told["format"] == ("json" if payload else "text")


PAYLOADS = {
    "object": (b'{"a":"\xc3\xa9"}', "json", '{"a":"é"}'),
    "list": (b"[1,2]", "json", "[1,2]"),
    "text": ("号\n".encode(), "text", "号\n"),
    "number": (b"5", "text", "5"),
    "bytes": (b"\x01\xff", "hex", "01ff"),
    "zero": (b"a\0", "hex", "6100"),
}


@table("payload, form, shown", PAYLOADS)
def test_payload_forms(net, follow, payload, form, shown):
    """Issue "debugging": a payload is shown as JSON, text or hex."""
    device = net.device()
    log = follow(device.login)
    device.publish(device.own("data", "s"), payload)
    log.next("up", device.own("data", "s"), payload=shown, format=form, length=len(payload))


def test_answers_stand_behind_their_causes(net, follow):
    """Issue "debugging": both directions, in order."""
    device = net.device(subscribe=["attributes_get_response"])
    log = follow(device.login)
    device.publish(device.own("attributes_get"), GET.encode())
    answer = device.receive(device.own("attributes_get_response")).payload.decode()
    log.next("up", device.own("attributes_get"), payload=GET)
    log.next("down", device.own("attributes_get_response"), payload=answer, qos=1)


def test_answer_that_nobody_wants(net, follow):
    """Issue "debugging": why a device gets no answer can be seen."""
    device = net.device()
    log = follow(device.login)
    device.publish(device.own("attributes_get"), GET.encode())
    log.next("up", device.own("attributes_get"))
    log.next("down", device.own("attributes_get_response"), "dropped",
             "the device has not subscribed to this topic")


@each_qos
def test_downlinks(net, follow, qos):
    """Issue "debugging": pushes and commands, as the device gets them."""
    device = net.device(subscribe=["attributes_push", "command_send"])
    log = follow(device.login)
    app = net.app()
    app.publish(device.open("attributes_push"), b'{"a":1}', qos)
    log.next("down", device.own("attributes_push"), payload='{"a":1}', qos=1)
    app.publish(device.open("command_send"), b'{"method":"m","id":1}', qos)
    log.next("down", device.own("command_send"), payload='{"method":"m","id":1}', qos=1)


RECORDED = {  # what a device publishes -> verdict, the code of a v5 answer
    "foreign topic": ("attributes/DU_0000000000", b"{}", "refused", 0x87),
    "a downlink": ("attributes_push/{du}", b"{}", "refused", 0x87),
    "no object": ("event_report/{du}", b'{"params":{}}', "refused", 0x99),
    "bad keys": ("attributes_get/{du}", b'{"keys":5}', "refused", 0),
    "reply to nothing": ("command_reply/{du}", b'{"method":"m","id":1}', "recorded", 0),
}


@table("topic, payload, verdict, code", RECORDED)
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_recorded(net, follow, on, topic, payload, verdict, code):
    """open-api 3.3: "recorded" means visible in the device's message log, whether it is switched
    on or not."""
    device = net.device()
    log = follow(device.login, on)
    topic = topic.replace("{du}", device.login.username)
    answer = device.publish(topic, payload)
    assert answer.code == code
    log.next("up", topic, verdict, any, payload=payload.decode())


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_not_json(net, follow, on):
    """open-api 4, 3.3: it is recorded, with line and column, and the device disconnected."""
    device = net.device()
    log = follow(device.login, on)
    device.publish(device.own("attributes"), b'{"a": oops}')
    device.expect_closed(0x99, why="the payload is not a JSON object")
    told = log.next("up", device.own("attributes"), "refused", any, payload='{"a": oops}')
    assert told["reason"].startswith("line 1, column ")


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_refused_subscription(net, follow, on):
    """open-api 4: a foreign subscription is refused; why can be seen in the log."""
    device = net.device()
    log = follow(device.login, on)
    assert device.subscribe("#").codes == (0x87,)
    log.next("up", "#", "refused", "a device subscribes to its own downlink topics only")


DOWN = {  # what an application publishes -> verdict, code, the topic in the log
    "offline push": ("attributes_push", b'{"a":1}', "dropped", 0x10, "attributes_push/{du}"),
    "offline command": ("command_send", b'{"method":"m","id":1}', "dropped", 0x10,
                        "command_send/{du}"),
    "no json": ("attributes_push", b"on", "refused", 0x99, "attributes_push/{du}"),
    "no method": ("command_send", b"{}", "refused", 0x99, "command_send/{du}"),
    "receive only": ("attributes", b"{}", "refused", 0x87, "open/{pk}/{du}/attributes"),
    "receive only data": ("data/s", b"x", "refused", 0x87, "open/{pk}/{du}/data/s"),
}


@versions
@table("kind, payload, verdict, code, topic", DOWN)
def test_recorded_downlinks(net, follow, version, kind, payload, verdict, code, topic):
    """open-api 3.3: each row whose publish is recorded can be seen in the device's log, switched
    on or not."""
    login = net.project.device()
    log = follow(login, on=False)
    answer = net.app(version).publish(login.open(kind), payload)
    assert answer.code == (code if version == packets.V5 else 0)
    topic = topic.format(pk=login.project_key, du=login.username)
    log.next("down", topic, verdict, any, payload=payload.decode())


def test_command_that_is_outstanding(net, follow):
    """open-api 3.3: the same id again is not sent twice: recorded."""
    device = net.device(subscribe=["command_send"])
    log, app = follow(device.login, on=False), net.app()
    for _ in range(2):
        app.publish(device.open("command_send"), b'{"method":"m","id":1}')
    log.next("down", device.own("command_send"), "recorded",
             "a command with this id is outstanding")


def test_refusals_stay_in_their_project(net, server, follow):
    """open-api 1: another project's devices hear nothing of what is refused here."""
    login = net.project.device()
    log = follow(login)
    other = net.app(project=Project.add(server, "other"))
    assert other.publish(login.open("attributes_push"), b"{}").code == 0x87
    net.app().publish(login.open("attributes_push"), b'{"mark":1}')
    log.next("down", login.own("attributes_push"), "dropped", any, payload='{"mark":1}')


def test_off_logs_what_is_recorded_alone(net, follow):
    """Issue "debugging": off, what is carried out is not logged; a part that was left out is."""
    device = net.device(subscribe=["attributes_push"])
    log = follow(device.login, on=False)
    device.publish(device.own("attributes"), b'{"a":1}')
    net.app().publish(device.open("attributes_push"), b'{"a":1}')
    device.publish(device.own("no_topic"), b"")
    log.next("up", device.own("no_topic"), "refused", any)
    assert log.number == 1


def test_switches(net, server, follow, switch):
    """Issue "debugging": switched on per device or per project, while the server runs."""
    project = Project.add(server, "logged")
    first, second = (net.device(project.device()) for _ in range(2))
    everything = net.app(project=project)
    everything.subscribe(f"$open/{project.key}/+/log")

    def report(*devices):
        for device in devices:
            device.publish(device.own("data", "s"), b"x")

    def expect(*devices):  # nothing is promised about the order of several
        assert {everything.receive().topic for _ in devices} == {
            "$" + device.open("log") for device in devices}

    report(first, second)
    assert switch(first.login, "on")["log"] is True
    report(first, second)
    expect(first)
    switch(project, "on")
    report(first, second)
    expect(first, second)
    switch(first.login, "off")
    report(second, first)
    expect(second, first)
    assert switch(project, "off")["log"] is False
    report(first, second)
    everything.expect_nothing()
    assert server.cli("device", "show", first.login.username, "--project", project.key)["log"] \
        is False


def test_will(net, follow):
    """open-api 3.4: a device's will is its last data: it is logged as such."""
    login = net.project.device()
    log = follow(login)
    device = net.device(login, will=packets.Will(login.own("data", "s"), b"gone", qos=1))
    device.abort()
    log.next("up", login.own("data", "s"), payload="gone", qos=1)


def test_not_of_itself(net, follow):
    """Issue "debugging": what the log tells is not logged again; it is not in `open/…/#`."""
    device = net.device()
    everything = net.app()
    everything.subscribe("#")
    log = follow(device.login)
    device.publish(device.own("data", "s"), b"x")
    log.next("up", device.own("data", "s"))
    device.publish(device.own("data", "s"), b"y")
    log.next("up", device.own("data", "s"))
    for payload in (b"x", b"y"):
        everything.receive(device.open("data/s"), payload)


def test_properties(net, follow):
    """open-api 3.2: it is made by the platform: Content Type and `ts`; $open may not be
    published."""
    device = net.device()
    log = follow(device.login)
    device.publish(device.own("data", "s"), b"x")
    message = log.client.receive(log.topic)
    assert message.props.get(Prop.CONTENT_TYPE) == "application/json"
    assert message.props.user == {"ts": str(json.loads(message.payload)["ts"])}
    assert net.app().publish(log.topic, b"{}").code == 0x87
