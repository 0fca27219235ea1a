"""Topics that a device's type maps to its streams."""
import json

import pytest

from lib import packets
from lib.cases import V4, each_qos, table, versions
from lib.client import refusal

METER = {"id": "raw", "format": "binary", "publish_topic": "meters/{sn}/up",
         "subscribe_topic": "meters/{sn}/down"}


@pytest.mark.fast_tsan
@versions
@each_qos
def test_publish(net, typed, version, qos):
    """device-protocol "Topic mapping": what the device publishes on the mapped topic is data of the
    stream, bytes unchanged."""
    login, sn = typed([METER])
    device, app = net.device(login, version), net.app()
    app.subscribe(login.open("data/raw"))
    answer = device.publish(f"meters/{sn}/up", b"\0\xff", qos)
    assert answer is None or answer.code == 0
    app.receive(login.open("data/raw"), b"\0\xff")
    device.publish(login.own("data", "raw"), b"x", qos)  # its own topic works as ever
    app.receive(login.open("data/raw"), b"x")


FOREIGN = {"another number": "meters/{sn}0/up", "no number": "meters//up", "braces": "meters/{{sn}}/up",
           "the other direction": "meters/{sn}/down", "a level more": "meters/{sn}/up/x"}


@versions
@table("topic", FOREIGN)
def test_publish_elsewhere(net, typed, version, topic):
    """device-protocol, open-api 4: nothing else is mapped: 0x87, recorded, the connection stays."""
    login, sn = typed([METER])
    device = net.device(login, version)
    answer = device.publish(topic.format(sn=sn), b"x")
    assert answer.code == refusal(version, 0x87, 0)
    device.ping()


@versions
def test_subscribe(net, typed, version):
    """device-protocol "Topic mapping": a topic that the device subscribes to; that of another
    number, or a wildcard around it, is refused."""
    login, sn = typed([METER])
    device = net.device(login, version)
    assert device.subscribe(f"meters/{sn}/down", qos=2).codes == (2,)
    refused = refusal(version, 0x87, 0x80)
    assert device.subscribe(f"meters/{sn}/up", f"meters/{sn}x/down", "meters/+/down",
                            "meters/#").codes == (refused,) * 4
    assert device.unsubscribe(f"meters/{sn}/down").codes == (() if version == V4 else (0,))
    assert device.unsubscribe(f"meters/{sn}/down").codes == (() if version == V4 else (0x11,))


def test_the_streams_format_holds(net, typed):
    """open-api 5: what the stream does not take is refused, on whichever topic it comes."""
    login, sn = typed([{**METER, "format": "json"}])
    device, app = net.device(login), net.app()
    app.subscribe(login.open("data/raw"))
    assert device.publish(f"meters/{sn}/up", b"{").code == 0x83
    assert device.publish(f"meters/{sn}/up", b"{}").code == 0
    app.receive(login.open("data/raw"), b"{}")


def test_several_streams(net, typed):
    """device-protocol "Topic mapping": each stream has its own topics; one may have none."""
    login, sn = typed([{"id": "a", "format": "text", "publish_topic": "{sn}/a"},
                       {"id": "b", "format": "text", "publish_topic": "x{sn}y"},
                       {"id": "c", "format": "text"}], strict=True)
    device, app = net.device(login), net.app()
    app.subscribe(login.open("data/+"))
    for topic, stream in ((f"{sn}/a", "a"), (f"x{sn}y", "b"), (login.own("data", "c"), "c")):
        device.publish(topic, b"x")
        app.receive(login.open(f"data/{stream}"), b"x")
    assert device.publish(f"{sn}/c", b"x").code == 0x87


def test_without_a_number(net, server, typed):
    """device-protocol "Topic mapping": a device without a serial number has no mapped topics; one
    whose number changes has those of the new one."""
    login, sn = typed([METER])
    device = net.device(login)
    server.cli("device", "set", login.username, "--project", login.project_key, "--sn", "none")
    assert device.publish(f"meters/{sn}/up", b"x").code == 0x87
    server.cli("device", "set", login.username, "--project", login.project_key, "--sn", "new 号")
    assert device.publish(f"meters/{sn}/up", b"x").code == 0x87
    assert device.publish("meters/new 号/up", b"x").code == 0


def test_will(net, typed):
    """device-protocol "Topic mapping", open-api 3.4: a will goes where the device may publish."""
    login, sn = typed([METER])
    app = net.app()
    app.subscribe(login.open("data/raw"))
    net.device(login, will=packets.Will(f"meters/{sn}/up", b"gone")).abort()
    app.receive(login.open("data/raw"), b"gone")
    net.raw("tcp").connect(None, login.username, login.password, code=0x87,
                           will=packets.Will(f"meters/{sn}/down", b"gone"))


def test_applications_know_no_mapped_topics(net, typed):
    """device-protocol "Topic mapping": they work on device access only."""
    login, sn = typed([METER])
    app = net.app()
    assert app.publish(f"meters/{sn}/down", b"x").code == 0x87
    assert app.subscribe(f"meters/{sn}/up").codes == (0x87,)


def test_log(net, server, typed):
    """Issue "debugging": the log has the topic that the device used."""
    login, sn = typed([METER])
    server.cli("device", "set", login.username, "--project", login.project_key, "--log", "on")
    device, app = net.device(login), net.app()
    app.subscribe("$" + login.open("log"))
    device.publish(f"meters/{sn}/up", b"x")
    assert json.loads(app.receive().payload)["topic"] == f"meters/{sn}/up"
