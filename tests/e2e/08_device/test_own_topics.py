"""A device may use its own topics only."""
import pytest

from lib import packets
from lib.cases import V5, table, versions
from lib.client import refusal
from lib.packets import Ack, Type

TO_DEVICE = ["attributes_response", "attributes_get_response", "attributes_push", "event_response",
             "command_send"]

FOREIGN = {
    "other device": "attributes_push/DU_0000000000",
    "any device": "attributes_push/+",
    "all": "#",
    "all below": "command_send/#",
    "all of its own": "+/{du}",
    "two levels": "+/+",
    "shared": "$share/g/command_send/{du}",
    "application's": "open/{pk}/{du}/command_send",
    "all of applications": "open/#",
    "errors": "$open/{pk}/errors",
    "$SYS": "$SYS/#",
    "unknown topic": "firmware/{du}",
    "no device": "command_send",
    "name and more": "command_send/{du}x",
    "one level more": "command_send/{du}/x",
    "other case": "command_send/{lower}",
}


@versions
def test_own_subscriptions(net, version):
    """open-api 4: every topic towards the device is granted, at the QoS that was asked for."""
    device = net.device(version=version)
    own = [device.own(name) for name in TO_DEVICE] + [device.own("data_set", "s")]
    for qos in (0, 1, 2):
        assert device.subscribe(*own, qos=qos).codes == (qos,) * len(own)


@versions
@table("text", FOREIGN)
def test_foreign_subscriptions(net, version, text):
    """open-api 4, X-ACL-device, 3.1.1 [MQTT-3.8.3-2]: refused in the SUBACK, the connection is
    kept and the own ones in the same packet are granted."""
    device = net.device(version=version)
    name = device.login.username
    foreign = text.format(du=name, pk=net.project.key, lower=name.lower())
    codes = device.subscribe(device.own("command_send"), foreign).codes
    assert codes[0] == 1
    assert codes[1] in ((0x87, 0x8F) if version == V5 else (0x80,))
    device.ping()


PUBLISHED = {
    "other device": "attributes/{other}",
    "other device's data": "data/{other}/s",
    "other device's event": "event_report/{other}",
    "unknown device": "attributes/DU_0000000000",
    "application's": "open/{pk}/{du}/attributes",
    "application's command": "open/{pk}/{other}/command_send",
    "errors": "$open/{pk}/errors",
    "$SYS": "$SYS/x",
    "unknown topic": "firmware/{du}",
    "no device": "attributes",
    "one level more": "attributes/{du}/x",
    "stream missing": "data/{du}",
    "stream empty": "data/{du}/",
    "stream too long": "data/{du}/" + "x" * 65,
    "stream with a sign": "data/{du}/a.b",
    "two streams": "data/{du}/a/b",
    "other case": "Attributes/{du}",
    "leading slash": "/attributes/{du}",
}


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
@table("text", PUBLISHED)
def test_foreign_publish(net, version, qos, text):
    """open-api 4, X-ACL-device, [MQTT-3.4.2-1], [MQTT-3.5.2-1]: v5 0x87, 3.1.1 acknowledged;
    dropped; the connection is kept, also at QoS 0."""
    device, other, app = net.device(version=version), net.project.device(), net.app()
    app.subscribe(device.open("#"), other.open("#"))
    topic = text.format(du=device.login.username, other=other.username, pk=net.project.key)
    answer = device.publish(topic, b'{"foreign":1}', qos)
    if qos:
        assert answer.code == refusal(version, 0x87, 0)
    device.publish(device.own("data", "marker"), b"marker")
    app.receive(device.open("data/marker"), b"marker")


@versions
def test_not_seen_by_the_other_device(net, version):
    """X-ACL-device: nothing that a device publishes reaches another one."""
    attacker, victim = net.device(version=version), net.device(
        subscribe=["command_send", "attributes_push"])
    for topic in (victim.own("command_send"), victim.own("attributes_push"),
                  victim.open("command_send"), victim.open("attributes_push")):
        attacker.publish(topic, b'{"method":"open","id":1}')
    net.expect_none_before_mark(victim.open("command_send"), victim,
                                on=victim.own("command_send"))


@versions
@pytest.mark.parametrize("topic", ["attributes/+", "attributes/#", "#", "+"])
def test_wildcard_in_a_topic(net, version, topic):
    """open-api 3.3, [MQTT-3.3.2-2], [MQTT-4.7.0-1], 3.1.1 [MQTT-4.7.1-1]: malformed, the end."""
    device = net.device(version=version)
    device.send(packets.publish(version, topic, b"{}", qos=1, pid=1))
    device.expect_closed(0x90)


def test_refusals_keep_the_connection(net):
    """open-api 4: a foreign publish never disconnects a device that keeps to its window."""
    device = net.device()
    for _ in range(3):
        device.send(*(packets.publish(V5, "elsewhere", b"x", qos=1, pid=pid)
                      for pid in range(1, 6)))
        for pid in range(1, 6):
            device.expect(Ack, kind=Type.PUBACK, pid=pid, code=0x87)
    device.ping()
