"""open-api 3 "scopes", 3.3 "scope of the secret forbids it": what a secret allows is all that its
holder does."""
import pytest

from lib.cases import V5, each_qos, table, versions
from lib.client import refusal
from lib.packets import Prop, Will

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
PUBLISHES = {"push": ("attributes_push", b'{"a":1}'), "command": ("command_send", b'{"method":"m"}')}


def filters_of(device):
    return {"plain": device.open("attributes"), "any": f"open/{device.login.project_key}/+/online",
            "bare": "#", "shared": "$share/g/" + device.open("attributes"),
            "watch": device.open("attributes_push")}


@versions
@table("scopes", {"push": "push", "command": "command", "both": "push,command"})
def test_no_subscribe(net, secret, own, version, scopes):
    """Without `subscribe`: SUBACK 0x87 / 0x80 for each filter, and nothing is delivered; the
    client's own refusals need no right."""
    device, app = net.device(own.device(), version), net.app(version, project=secret("--scopes", scopes))
    suback = app.subscribe(*filters_of(device).values())
    assert set(suback.codes) == {refusal(version, 0x87, 0x80)}
    assert app.subscribe(own.errors()).codes == (1,)
    device.publish(device.own("attributes"), b'{"a":1}')
    app.expect_nothing()


@versions
@each_qos
@table("scope", {"push": "push", "command": "command"})
def test_one_of_two(net, secret, own, version, qos, scope):
    """`push` alone allows attributes_push, `command` alone command_send: the other is refused with
    0x87 (3.1.1: acknowledged), told on errors, and reaches neither device nor watchers."""
    device = net.device(own.device(), version, subscribe=["attributes_push", "command_send"])
    watcher = net.app(version, project=own)
    watcher.subscribe(device.open("attributes_push"), device.open("command_send"))
    app = net.app(version, project=secret("--scopes", scope))
    app.subscribe(own.errors())
    other = "command" if scope == "push" else "push"
    kind, payload = PUBLISHES[other]
    answer = app.publish(device.open(kind), payload, qos=qos)
    if qos and version == V5:
        assert answer.code == 0x87 and "does not allow" in str(answer)
    told = app.receive(own.errors())
    assert device.open(kind).encode() in told.payload and b'"code": 135' in told.payload
    kind, payload = PUBLISHES[scope]
    answer = app.publish(device.open(kind), payload, qos=qos)
    assert not qos or answer.code < 0x80
    device.receive(f"{kind}/{device.login.username}")
    watcher.receive(device.open(kind))


@versions
def test_subscribe_only(net, secret, own, version):
    """`subscribe` alone receives and sends nothing."""
    device = net.device(own.device(), version, subscribe=["attributes_push", "command_send"])
    app = net.app(version, project=secret("--scopes", "subscribe"))
    assert set(app.subscribe(*filters_of(device).values()).codes) == {1}
    for kind, payload in PUBLISHES.values():
        assert app.publish(device.open(kind), payload).code == refusal(version, 0x87, 0)
    device.expect_nothing()
    device.publish(device.own("data", "s"), b"1")
    app.receive(device.open("data/s"), b"1")


@versions
@table("scopes, allowed", {"subscribe": ("subscribe", False), "command": ("command", False),
                           "push": ("push", True), "all": ("all", True)})
def test_wills(net, secret, own, version, scopes, allowed):
    """open-api 3.4: wills obey the rules for publishing: refused at CONNECT with 0x87 / 5."""
    device = net.device(own.device(), version, subscribe=["attributes_push"])
    who, will = secret("--scopes", scopes), Will(device.open("attributes_push"), b'{"will":1}')
    if not allowed:
        net.raw("app", version).connect(None, who.key, who.secret, will=will,
                                        code=refusal(version, 0x87, 5))
        return
    net.app(version, project=who, will=will).abort()
    device.receive(device.own("attributes_push"), b'{"will":1}')


@versions
def test_refusals_are_counted(net, secret, own, version):
    """open-api 3.3: what a scope forbids counts among the refusals of a minute."""
    device, app = net.device(own.device()), net.app(version, project=secret("--scopes", "subscribe"))
    for _ in range(30):
        assert app.publish(device.open("attributes_push"), b"{}").code == refusal(version, 0x87, 0)
    app.publish(device.open("attributes_push"), b"{}", qos=0)
    app.expect_closed(0x96, why="too many refused publishes in a minute")


@versions
def test_session_with_subscriptions(net, secret, own, version):
    """A session belongs to project and client identifier. Who may not subscribe does not continue
    one that has subscriptions, and does not get what it is owed; it waits for who may."""
    device, sender = net.device(own.device(), version), secret("--scopes", "push")
    name = f"mixed{version}"
    app = net.app(version, project=own, client_id=name, **KEEP)
    app.subscribe(device.open("data/s"))
    app.disconnect()
    device.publish(device.own("data", "s"), b"owed")
    net.raw("app", version).connect(name, sender.key, sender.secret, code=refusal(version, 0x87, 5),
                                    **KEEP)
    app = net.app(version, project=own, client_id=name, **KEEP)
    assert app.connack.session_present
    app.receive(device.open("data/s"), b"owed")
    app.disconnect()
    net.app(version, project=sender, client_id=name).expect_nothing()


@versions
def test_session_without_subscriptions(net, secret, own, version):
    """A session of a sender is continued."""
    sender, name = secret("--scopes", "push"), f"sender{version}"
    net.app(version, project=sender, client_id=name, **KEEP).subscribe(own.errors())
    app = net.app(version, project=sender, client_id=name, **KEEP)
    assert app.connack.session_present
    app.publish(own.device().open("command_send"), b"{}")
    app.receive(own.errors())


@pytest.mark.parametrize("qos", [1, 2])
def test_changed_scopes(net, secret, own, qos):
    """What a secret may is changed: its connections are closed, and the new scopes count."""
    device, who = net.device(own.device()), secret("--scopes", "subscribe,push")
    app = net.app(project=who)
    assert app.publish(device.open("attributes_push"), b"{}", qos=qos).code == 0x10
    who.cli("set", "--scopes", "command")
    app.expect_closed(0x87, why="the secret was changed")
    app = net.app(project=who)
    assert app.publish(device.open("attributes_push"), b"{}", qos=qos).code == 0x87
    assert app.publish(device.open("command_send"), b'{"method":"m"}', qos=qos).code == 0x10
