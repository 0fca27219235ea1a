"""Nothing crosses a project."""
import pytest

from lib.cases import VERSIONS, versions
from lib.packets import Prop, Will
from lib.world import Project

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}


@pytest.fixture
def two(net, server):
    """Two projects, each with a connected device."""
    first, second = (Project.add(server, name) for name in ("first", "second"))
    return (first, net.device(first.device())), (second, net.device(second.device()))


def everything(project):
    return f"open/{project.key}/#"


@pytest.mark.fast_tsan
@versions
def test_open_messages(net, two, version):
    """open-api 3.1: `#`, `open/<pk>/#` and shared groups of the same name give each project its
    own messages only."""
    apps = []
    for project, _ in two:
        for text in ("#", everything(project), "$share/group/" + everything(project)):
            apps.append((project, net.app(version, project=project)))
            apps[-1][1].subscribe(text)
    for _, device in two:
        device.publish(device.own("attributes"), b'{"of":"%b"}' % device.login.username.encode())
    for project, app in apps:
        message = app.receive()
        device = next(device for owner, device in two if owner is project)
        assert message.topic == device.open("attributes")
    for _, device in two:
        device.publish(device.own("data", "marker"), b"marker")
    for _, app in apps:
        app.receive(payload=b"marker")


@versions
def test_downlinks(net, two, version):
    """open-api 3.3, X-ACL-publish: neither under the other project's key nor with the other's
    device under the own key."""
    (own, _), (_, victim) = two
    victim.subscribe(victim.own("command_send"), victim.own("attributes_push"))
    attacker = net.app(version, project=own)
    for kind in ("command_send", "attributes_push"):
        for retain in (False, True):
            attacker.publish(victim.open(kind), b'{"method":"open","id":1}', retain=retain)
            attacker.publish(own.open(victim.login.username, kind), b'{"method":"open","id":1}',
                             retain=retain)
    keeper = net.app(project=two[1][0])
    keeper.subscribe(everything(two[1][0]))
    keeper.publish(victim.open("command_send"), b'{"method":"marker","id":1}')
    victim.receive(payload=b'{"method":"marker","id":1}')
    keeper.receive(payload=b'{"method":"marker","id":1}')


@versions
def test_wills(net, two, version):
    """X-ACL-will: a will on another project's topic is refused at CONNECT."""
    (own, _), (_, victim) = two
    client = net.raw("tls", version)
    client.connect("will", own.key, own.secret, will=Will(victim.open("command_send"), b"{}"),
                   code=0x87 if version == 5 else 5)


@pytest.mark.parametrize("first", VERSIONS)
@pytest.mark.parametrize("second", VERSIONS)
def test_sessions_of_the_same_name(net, two, first, second):
    """open-api 3, [MQTT-3.1.3-2]: the same identifier in two projects is two sessions, each with
    its own queue."""
    name = f"twin{first}{second}"
    for version, (project, device) in zip((first, second), two):
        app = net.app(version, project=project, client_id=name, **KEEP)
        assert not app.connack.session_present
        app.subscribe("#")
        app.disconnect()
    for _, device in two:
        device.publish(device.own("attributes"), b'{"a":1}')
    for version, (project, device) in zip((first, second), two):
        app = net.app(version, project=project, client_id=name, **KEEP)
        assert app.connack.session_present
        app.receive(device.open("attributes"), b'{"a":1}')


@versions
def test_crossed_credentials(net, two, version):
    """open-api 3: one project's key with the other's secret is wrong."""
    (first, _), (second, _) = two
    code = 0x86 if version == 5 else 4
    net.raw("tls", version).connect(None, first.key, second.secret, code=code)


@versions
def test_retained(net, two, version):
    """open-api 3.1: retained messages stay in their project."""
    (own, _), (other, victim) = two
    net.app(project=other).publish(victim.open("attributes_push"), b'{"a":1}', retain=True)
    app = net.app(version, project=own)
    app.subscribe("#")
    device = two[0][1]
    device.publish(device.own("data", "marker"), b"marker")
    app.receive(device.open("data/marker"), b"marker")


@versions
def test_devices_of_two_projects(net, two, version):
    """X-ACL-device: a device cannot reach another project's device, whatever topic it names."""
    (_, attacker), (project, victim) = two
    watcher = net.app(version, project=project)
    watcher.subscribe(everything(project))
    for topic in (victim.own("attributes"), victim.open("attributes"), victim.own("command_reply"),
                  victim.own("data", "s")):
        attacker.publish(topic, b'{"a":1}')
    victim.publish(victim.own("data", "marker"), b"marker")
    watcher.receive(victim.open("data/marker"), b"marker")
