"""open-api 3 "Rotation": add one, watch the old one fall idle, revoke it; nothing queued is lost."""
import time

import pytest

from lib.cases import table, versions
from lib.client import refusal
from lib.packets import Prop, Will
from lib.passes import Secret

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
CHANGED = "the secret was changed"
ENDS = {"revoked": (("remove",), "the secret was revoked"),
        "renewed": (("renew",), CHANGED),
        "limited": (("set", "--scopes", "subscribe"), CHANGED),
        "moved": (("set", "--addresses", "192.0.2.0/24"), CHANGED),
        "expired": (("set", "--expires", "2020-01-01"), CHANGED)}


@pytest.mark.fast_tsan
@versions
@table("end, why", ENDS)
def test_connections_are_closed(net, own, secret, version, end, why):
    """Live connections of the secret and of its passes are closed at once (v5 0x87), over both
    transports; those of other secrets and the devices go on."""
    who, other = secret(), secret()
    gone = [net.app(version, transport, project=by) for by in (who, who.pass_of())
            for transport in ("tls", "wss")]
    stay = [net.app(version, project=by) for by in (own, other, other.pass_of())]
    stay.append(net.device(own.device(), version))
    start = time.monotonic()
    who.cli(*end)
    for client in gone:
        client.expect_closed(0x87, why=why)
    assert time.monotonic() - start < 10
    for client in stay:
        client.ping()


@versions
def test_revoked_is_unknown(net, own, secret, version):
    """From then on it is a wrong password, and so are its passes."""
    who = secret()
    page = who.pass_of()
    who.cli("remove")
    for gone in (who, page):
        net.raw("app", version).connect(None, own.key, gone.secret, code=refusal(version, 0x86, 4))


@versions
def test_renewed(net, own, version):
    """A new text: the old one is wrong, the new one right; the main one is the project's."""
    main = Secret.main(own)
    renewed = main.cli("renew")["secret"]
    assert renewed != own.secret
    assert own.server.cli("project", "show", own.key)["project_secret"] == renewed
    net.raw("app", version).connect(None, own.key, own.secret, code=refusal(version, 0x86, 4))
    net.app(version, project=Secret(own, "main", renewed)).ping()


@versions
def test_rotation(net, own, secret, version):
    """A session belongs to project and client identifier: what it is owed comes under the new
    secret, what was sent and not acknowledged too."""
    old, new, name = secret(), secret(), f"rotated{version}"
    device = net.device(own.device(), version)
    app = net.app(version, project=old, client_id=name, **KEEP)
    app.subscribe(device.open("data/s"))
    app.acknowledges = False
    device.publish(device.own("data", "s"), b"unacknowledged")
    app.receive(device.open("data/s"), b"unacknowledged")
    old.cli("remove")
    app.expect_closed(0x87, why="the secret was revoked")
    device.publish(device.own("data", "s"), b"owed")
    app = net.app(version, project=new, client_id=name, **KEEP)
    assert app.connack.session_present
    app.receive(device.open("data/s"), b"unacknowledged")
    app.receive(device.open("data/s"), b"owed")


@versions
def test_will_of_a_revoked_one(net, own, secret, version):
    """Who may not connect any more may not publish: the will is dropped, also one that waits."""
    device = net.device(own.device(), version, subscribe=["attributes_push"])
    who = secret()
    topic = device.open("attributes_push")
    app = net.app(version, project=who, will=Will(topic, b'{"will":1}'))
    delayed = net.app(5, project=who, client_id="delayed", **KEEP,
                      will=Will(topic, b'{"will":2}', props=((Prop.WILL_DELAY, 50),)))
    delayed.disconnect(code=4)
    who.cli("remove")
    app.expect_closed(0x87, why="the secret was revoked")
    net.app(5, project=own, client_id="delayed", props=KEEP["props"]).ping()  # ends the old session
    net.app(version, project=own).publish(topic, b'{"marker":1}')
    device.receive(device.own("attributes_push"), b'{"marker":1}')


@versions
def test_expiry_closes(net, own, secret, version):
    """A secret that expires closes its connections within seconds (v5 0x87)."""
    expires = int(time.time()) + 10
    who = secret("--expires", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires)))
    app = net.app(version, project=who)
    app.expect_closed(0x87, why="the secret has expired")
    assert time.time() >= expires


def test_another_change_does_not_close(net, own, secret):
    """Adding, changing and removing other secrets, and renewing the token, closes nothing."""
    who = secret()
    app, page = net.app(project=who), net.app(project=who.pass_of())
    other = secret()
    other.cli("set", "--scopes", "push")
    other.cli("renew")
    other.cli("remove")
    before = own.server.cli("project", "show", own.key)
    after = own.server.cli("project", "renew", own.key)
    assert after["project_token"] not in (own.token, "")
    assert after == before | {"project_token": after["project_token"]}
    app.ping()
    page.ping()


def test_project_removed(net, own, secret):
    """The secrets go with their project."""
    who = secret()
    app = net.app(project=who)
    own.server.cli("project", "remove", own.key)
    app.expect_closed(0x87, why="the project was removed")
    net.raw("app").connect(None, own.key, who.secret, code=0x86)
