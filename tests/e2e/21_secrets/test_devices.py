"""open-api 3 "a list of devices or device types": a secret for some devices is granted any filter,
and is given and may use these alone."""
import pytest

from lib.cases import V5, each_qos, table, versions
from lib.client import refusal
from lib.packets import Prop, Will

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}


@pytest.fixture
def kind(own):
    """A device type of the project."""
    return own.server.cli("type", "add", "--project", own.key, "--name", "Pump")["product_key"]


def give_type(own, login, kind):
    own.server.cli("device", "set", "--project", own.key, login.username, "--type", kind)


@pytest.fixture
def two(net, own):
    """Two connected devices: the one that is meant, and another."""
    return net.device(own.device()), net.device(own.device())


def names(*devices):
    return ",".join(device.login.username for device in devices)


@pytest.mark.fast_tsan
@versions
@each_qos
@table("text", {"any": "open/{key}/+/data/s", "all": "open/{key}/#", "bare": "#"})
def test_delivery(net, own, secret, two, version, qos, text):
    """`+` and `#` mean its devices; those of an unlimited secret get all."""
    mine, other = two
    app, free = (net.app(version, project=by) for by in (secret("--devices", names(mine)), own))
    for client in (app, free):
        assert client.subscribe(text.format(key=own.key), qos=qos).codes == (qos,)
    for i in range(3):
        other.publish(other.own("data", "s"), b"other %d" % i)
        mine.publish(mine.own("data", "s"), b"mine %d" % i)
    for i in range(3):
        app.receive(mine.open("data/s"), b"mine %d" % i)
    app.expect_nothing()
    assert sorted(free.receive().payload for _ in range(6)) == sorted(
        b"%b %d" % (who, i) for who in (b"mine", b"other") for i in range(3))


@versions
def test_filter_of_another_device(net, own, secret, two, version):
    """A filter for another device is granted, like one for a device that does not exist, and gives
    nothing: whether there is one is not told."""
    mine, other = two
    app = net.app(version, project=secret("--devices", names(mine)))
    assert app.subscribe(other.open("data/s"), f"open/{own.key}/DU_0000000000/online").codes == (1, 1)
    other.publish(other.own("data", "s"), b"1")
    app.expect_nothing()


@versions
def test_types(net, own, secret, two, kind, version):
    """Devices of a type are those that have it now, those made later included."""
    mine, other = two
    give_type(own, mine.login, kind)
    app = net.app(version, project=secret("--types", kind))
    app.subscribe(f"open/{own.key}/+/data/s")
    other.publish(other.own("data", "s"), b"no type")
    mine.publish(mine.own("data", "s"), b"type")
    app.receive(mine.open("data/s"), b"type")
    give_type(own, mine.login, "none")
    give_type(own, other.login, kind)
    mine.publish(mine.own("data", "s"), b"no type any more")
    other.publish(other.own("data", "s"), b"has it now")
    app.receive(other.open("data/s"), b"has it now")
    code = refusal(version, 0x87, 0)
    assert app.publish(mine.open("attributes_push"), b"{}").code == code
    assert app.publish(other.open("attributes_push"), b"{}").code != 0x87


@versions
@each_qos
@table("topic, payload", {"push": ("attributes_push", b'{"a":1}'),
                          "command": ("command_send", b'{"method":"m","id":1}')})
def test_publishing(net, own, secret, two, version, qos, topic, payload):
    """Other devices, and those that do not exist: 0x87, told on errors, reaching nobody."""
    mine, other = two
    for device in two:
        device.subscribe(device.own(topic))
    app, watcher = net.app(version, project=secret("--devices", names(mine))), net.app(project=own)
    app.subscribe(own.errors())
    watcher.subscribe(f"open/{own.key}/+/{topic}")
    for target in (other.open(topic), own.open("DU_0000000000", topic)):
        answer = app.publish(target, payload, qos=qos)
        assert not qos or answer.code == refusal(version, 0x87, 0)
        told = app.receive(own.errors()).payload
        assert target.encode() in told and b'"code": 135' in told
    app.publish(mine.open(topic), payload, qos=qos)
    mine.receive(mine.own(topic), payload)
    watcher.receive(mine.open(topic), payload)
    other.expect_nothing()


@versions
def test_wills(net, own, secret, two, version):
    """open-api 3.4: wills too, refused at CONNECT, whether the device exists or not."""
    mine, other = two
    mine.subscribe(mine.own("attributes_push"))
    who = secret("--devices", names(mine))
    for target in (other.login.username, "DU_0000000000", "DU_0000000001"):
        net.raw("app", version).connect(None, own.key, who.secret, code=refusal(version, 0x87, 5),
                                        will=Will(own.open(target, "attributes_push"), b"{}"))
    net.app(version, project=who, will=Will(mine.open("attributes_push"), b'{"will":1}')).abort()
    mine.receive(mine.own("attributes_push"), b'{"will":1}')


def test_pass_of_a_limited_secret(net, own, secret, two):
    """A pass is for the devices of its secret."""
    mine, other = two
    app = net.app(transport="wss", project=secret("--devices", names(mine)).pass_of("spc"))
    app.subscribe("#")
    other.publish(other.own("data", "s"), b"1")
    mine.publish(mine.own("data", "s"), b"1")
    app.receive(mine.open("data/s"))
    assert app.publish(other.open("attributes_push"), b"{}").code == 0x87


@versions
def test_retained(net, own, secret, two, version):
    """Retained messages of other devices are not given."""
    mine, other = two
    for device in two:
        net.app(project=own).publish(device.open("attributes_push"), b'{"a":1}', retain=True)
    app = net.app(version, project=secret("--devices", names(mine)))
    app.subscribe(f"open/{own.key}/+/attributes_push")
    assert app.receive(mine.open("attributes_push")).retain
    app.expect_nothing()


@versions
def test_what_is_owed(net, own, secret, two, kind, version):
    """What a persistent session is owed comes from the journal: of its devices alone."""
    mine, other = two
    give_type(own, mine.login, kind)
    who, name = secret("--types", kind), f"owed{version}"
    app = net.app(version, project=who, client_id=name, **KEEP)
    app.subscribe("#")
    app.disconnect()
    for i in range(20):
        other.publish(other.own("data", "s"), b"other")
        mine.publish(mine.own("data", "s"), b"%d" % i)
    app = net.app(version, project=who, client_id=name, **KEEP)
    assert app.connack.session_present
    for i in range(20):
        app.receive(mine.open("data/s"), b"%d" % i)
    app.expect_nothing()


@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_narrowed(net, own, secret, two, version, qos):
    """A session that is continued with a secret for fewer devices is not sent again what is of
    others; QoS 2: the identifier is released. Then it goes on."""
    mine, other = two
    name = f"narrowed{version}{qos}"
    app = net.app(version, project=own, client_id=name, **KEEP)
    app.subscribe("#", qos=qos)
    app.acknowledges = False
    for device in (other, mine):
        device.publish(device.own("data", "s"), b"unacknowledged")
    for _ in range(2):
        app.receive(payload=b"unacknowledged")
    app.abort()
    other.publish(other.own("data", "s"), b"owed")
    mine.publish(mine.own("data", "s"), b"owed")
    app = net.app(version, project=secret("--devices", names(mine)), client_id=name, **KEEP)
    app.receive(mine.open("data/s"), b"unacknowledged")
    app.receive(mine.open("data/s"), b"owed")
    app.expect_nothing()
    app = net.app(version, project=own, client_id=name, **KEEP)
    other.publish(other.own("data", "s"), b"allowed again")
    app.receive(other.open("data/s"), b"allowed again")


def test_changed_devices(net, own, secret, two):
    """Its connections are closed; then it is for the others."""
    mine, other = two
    who = secret("--devices", names(mine))
    app = net.app(project=who, client_id="changed", **KEEP)
    app.subscribe("#")
    who.cli("set", "--devices", names(other))
    app.expect_closed(0x87, why="the secret was changed")
    mine.publish(mine.own("data", "s"), b"1")
    other.publish(other.own("data", "s"), b"2")
    net.app(project=who, client_id="changed", **KEEP).receive(other.open("data/s"), b"2")


# ---- share groups


def shared(own):
    return f"$share/g/open/{own.key}/+/data/s"


@versions
def test_share_group(net, own, secret, two, version):
    """open-api 3.1 "Shared groups assign devices to members": to those that may have them."""
    mine, other = two
    third = net.device(own.device())
    members = {device: net.app(version, project=secret("--devices", names(device)))
               for device in two}
    for app in members.values():
        app.subscribe(shared(own))
    for i in range(10):
        for device in (third, *two):
            device.publish(device.own("data", "s"), b"%d" % i)
    for device, app in members.items():
        for i in range(10):
            app.receive(device.open("data/s"), b"%d" % i)
        app.expect_nothing()


@versions
def test_share_group_with_an_unlimited_member(net, own, secret, two, version):
    """What the limited one leaves goes to the other; what the other leaves and is not for the
    limited one goes to nobody."""
    mine, other = two
    limited = net.app(version, project=secret("--devices", names(mine)))
    limited.subscribe(shared(own))
    mine.publish(mine.own("data", "s"), b"1")
    limited.receive(mine.open("data/s"), b"1")
    free = net.app(version, project=own)
    free.subscribe(shared(own))
    other.publish(other.own("data", "s"), b"2")
    free.receive(other.open("data/s"), b"2")
    limited.disconnect()
    mine.publish(mine.own("data", "s"), b"3")
    free.receive(mine.open("data/s"), b"3")
    limited = net.app(version, project=secret("--devices", names(mine)))
    limited.subscribe(shared(own))
    free.disconnect()
    other.publish(other.own("data", "s"), b"4")
    mine.publish(mine.own("data", "s"), b"5")
    limited.receive(mine.open("data/s"), b"5")
    limited.expect_nothing()


@versions
def test_share_group_member_that_is_narrowed(net, own, secret, two, version):
    """A member that comes back with a secret for fewer devices gives back what it may not have, to
    those who may."""
    mine, other = two
    name = f"member{version}"
    app = net.app(version, project=own, client_id=name, **KEEP)
    app.subscribe(shared(own))
    app.acknowledges = False
    for device in two:
        device.publish(device.own("data", "s"), b"unacknowledged")
    for _ in range(2):
        app.receive(payload=b"unacknowledged")
    free = net.app(version, project=own)
    free.subscribe(shared(own))
    narrow = secret("--devices", names(mine))
    app.abort()
    app = net.app(version, project=narrow, client_id=name, **KEEP)  # before the 5 s are over
    free.receive(payload=b"unacknowledged")
    other.publish(other.own("data", "s"), b"next")
    free.receive(other.open("data/s"), b"next")


@versions
def test_share_group_while_members_are_away(net, own, secret, two, version):
    """A member that is away gives its devices to who may have them, and keeps the rest: nothing goes
    round in circles, nothing is lost."""
    mine, other = two
    name = f"away{version}"
    app = net.app(version, project=own, client_id=name, **KEEP)
    app.subscribe(shared(own))
    app.disconnect()
    for device in two:
        device.publish(device.own("data", "s"), b"while away")
    limited = net.app(version, project=secret("--devices", names(mine)))
    limited.subscribe(shared(own))
    limited.receive(mine.open("data/s"), b"while away")  # 5 s after it left
    mine.publish(mine.own("data", "s"), b"next")
    limited.receive(mine.open("data/s"), b"next")
    app = net.app(version, project=own, client_id=name, **KEEP)
    app.receive(other.open("data/s"), b"while away")
    app.expect_nothing()
