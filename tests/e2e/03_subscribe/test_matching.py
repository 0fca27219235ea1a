"""A filter gets what it names, and nothing else."""
import pytest

from lib.cases import table, versions
from lib.packets import Prop
from lib.world import Project

SENT = ["attributes", "event_report", "data/a", "data/b"]  # by the device, in this order

# The filter, and which of SENT it matches.
MATCHES = {
    "attributes": ("open/{pk}/{du}/attributes", [0]),
    "event_report": ("open/{pk}/{du}/event_report", [1]),
    "one stream": ("open/{pk}/{du}/data/b", [3]),
    "any stream": ("open/{pk}/{du}/data/+", [2, 3]),
    "all streams": ("open/{pk}/{du}/data/#", [2, 3]),
    "any kind": ("open/{pk}/{du}/+", [0, 1]),
    "any kind, any stream": ("open/{pk}/{du}/+/+", [2, 3]),
    "all of the device": ("open/{pk}/{du}/#", [0, 1, 2, 3]),
    "attributes of all": ("open/{pk}/+/attributes", [0]),
    "stream of all": ("open/{pk}/+/data/a", [2]),
    "all of all": ("open/{pk}/+/#", [0, 1, 2, 3]),
    "the project": ("open/{pk}/#", [0, 1, 2, 3]),
    "everything": ("#", [0, 1, 2, 3]),
    "another device": ("open/{pk}/DU_0000000000/#", []),
    "other kind": ("open/{pk}/{du}/alarm", []),
}


def report(device):
    for kind in SENT:
        name, _, stream = kind.partition("/")
        device.publish(device.own(name, stream), b'{"method":"e","params":{}}')


@versions
@table("text, matched", MATCHES)
def test_matches(net, server, version, text, matched):
    """open-api 3.1, [MQTT-3.3.2-3]: topics as delivered match the filter; what else the device
    sent does not come."""
    alone = "{du}" not in text  # what names every device must not see those of other tests
    project = Project.add(server) if alone else net.project
    device, app = net.device(project.device()), net.app(version, project=project)
    app.subscribe(text.format(pk=project.key, du=device.login.username))
    report(device)
    app.subscribe(device.open("data/marker"))
    device.publish(device.own("data", "marker"), b"marker")
    got = []
    while (topic := app.receive().topic) != device.open("data/marker"):
        got.append(topic)
    assert got == [device.open(SENT[index]) for index in matched]


@versions
@pytest.mark.parametrize("text", ["open/{pk}/+/attributes", "open/{pk}/#", "#"])
def test_devices_that_come_later(net, server, version, text):
    """open-api 3.1: `+` means devices that are created later, too."""
    project = Project.add(server)
    app = net.app(version, project=project)
    app.subscribe(text.format(pk=project.key))
    device = net.device(project.device())
    device.publish(device.own("attributes"), b'{"a":1}')
    if "attributes" not in text:
        app.receive_online(device.open("online"), True)
    app.receive(device.open("attributes"), b'{"a":1}')


@versions
def test_a_device_that_does_not_exist_yet(net, server, route, version):
    """open-api 3.1: a filter for it is accepted, and counts once the device is there."""
    project, name = Project.add(server), f"DU_e2eLat{route}{version}"
    app = net.app(version, project=project)
    app.subscribe(project.open(name, "attributes"))
    made = server.cli("device", "add", "--project", project.key, "--username", name)
    device = net.raw("device").connect(None, name, made["password"])
    device.publish(f"attributes/{name}", b'{"a":1}')
    app.receive(project.open(name, "attributes"), b'{"a":1}')


@pytest.mark.fast_tsan
@versions
def test_bare_hash(net, version):
    """open-api 3.1, X-ACL-project, [MQTT-4.7.2-1]: `#` means the own project; no `$open` topic
    ever comes by it; UNSUBSCRIBE names it `#` too."""
    device, app = net.device(), net.app(version)
    app.subscribe("#")
    app.publish(device.open("attributes"), b"{}")  # refused, told on $open/<pk>/errors
    device.publish(device.own("data", "x"), b"1")
    while (message := app.receive()).payload != b"1":
        assert message.topic.startswith("open/")
    project = f"open/{net.project.key}/#"
    unsuback = app.unsubscribe(project, "#")
    if version == 5:
        assert unsuback.codes == (0x11, 0x00)
    app.subscribe(device.open("data/y"))
    device.publish(device.own("data", "x"), b"2")
    device.publish(device.own("data", "y"), b"3")
    while (message := app.receive()).payload != b"3":
        assert message.payload != b"2"


@pytest.mark.parametrize("near", ["A", "ab", "a-", "_a"])
@versions
def test_byte_by_byte(net, version, near):
    """[MQTT-4.7.3-4]: topics are compared byte by byte."""
    device, app = net.device(), net.app(version)
    app.subscribe(device.open("data/a"))
    for stream in (near, "a"):
        device.publish(device.own("data", stream), stream.encode())
    app.receive(device.open("data/a"), b"a")


@versions
def test_one_copy_for_overlapping_filters(net, version):
    """open-api 3.1, [MQTT-3.3.4-2], -3, -4, 3.1.1 [MQTT-3.3.5-1]: one copy with the highest QoS
    and, in v5, all subscription identifiers (so [MQTT-3.3.4-5] never applies)."""
    device, app = net.device(), net.app(version)
    for number, (text, qos) in enumerate([("data/s", 0), ("data/+", 2), ("#", 1)], 1):
        props = ((Prop.SUBSCRIPTION_ID, 268435456 - number),)
        app.subscribe(device.open(text), qos=qos, props=props)
    for payload in (b"1", b"2"):
        device.publish(device.own("data", "s"), payload)
        message = app.receive(device.open("data/s"), payload)
        assert message.qos == 2
        expected = [268435453, 268435454, 268435455] if version == 5 else []
        assert sorted(message.props.all(Prop.SUBSCRIPTION_ID)) == expected


@versions
def test_one_copy_of_what_applications_publish(net, version):
    """open-api 3.1: so too for `command_send`, at the lower of published and granted QoS."""
    device, app = net.project.device(), net.app(version)
    app.subscribe((device.open("command_send"), 0), (device.open("+"), 2))
    net.app().publish(device.open("command_send"), b'{"method":"m","id":1}', 1)
    assert app.receive(device.open("command_send"), b'{"method":"m","id":1}').qos == 1
    net.expect_none_before_mark(device.open("command_send"), app)
