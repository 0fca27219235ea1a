"""open-api 3 "Browser pass": made from the formula, checked to the byte, closed at its expiry."""
import time

import pytest

from lib.cases import V5, table, versions
from lib.client import refusal
from lib.packets import Prop, Will
from lib.passes import Secret, make_pass

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
CLAIMS = "main.s.1893456000"


def in_time(connect):
    """What `connect` gives when it is told when a pass ends, and that. On a slow machine the end
    may come first: then again, with more time."""
    for seconds in (3, 6, 12, 24):
        expires = int(time.time()) + seconds
        try:
            return connect(expires), expires
        except AssertionError:
            assert time.time() >= expires
    raise AssertionError("a pass was over before it was used")


def refused(net, version, own, password, v5=0x86, v4=4):
    return net.raw("app", version).connect(None, own.key, password,
                                           code=refusal(version, v5, v4)).connack


@versions
@pytest.mark.parametrize("transport", ["tls", "wss"])
def test_pass(net, own, secret, version, transport):
    """The password may be a pass of any live secret, also of the main one."""
    for who in (secret(), Secret.main(own)):
        app = net.app(version, transport, project=who.pass_of("spc"))
        device = net.device(own.device(), version, subscribe=["attributes_push", "command_send"])
        assert app.subscribe(device.open("+")).codes == (1,)
        app.publish(device.open("attributes_push"), b'{"a":1}')
        device.receive(device.own("attributes_push"), b'{"a":1}')
        app.publish(device.open("command_send"), b'{"method":"m","id":1}')
        device.receive(device.own("command_send"), b'{"method":"m","id":1}')


@versions
@table("scopes", {s: s for s in ("s", "p", "c", "sp", "cs", "pcs")})
def test_scopes(net, own, secret, version, scopes):
    """Its letters, in any order, are what its holder may."""
    device, app = net.device(own.device()), net.app(version, project=secret().pass_of(scopes))
    assert app.subscribe(device.open("online")).codes == (
        1 if "s" in scopes else refusal(version, 0x87, 0x80),)
    for letter, kind, payload in (("p", "attributes_push", b"{}"),
                                  ("c", "command_send", b'{"method":"m"}')):
        code = app.publish(device.open(kind), payload).code
        assert (code == 0x87) == (version == V5 and letter not in scopes), code


def test_no_more_than_its_secret(net, own, secret):
    """A pass never has more scopes than its secret."""
    device, who = net.device(own.device()), secret("--scopes", "push")
    app = net.app(project=who.pass_of("spc"))
    assert app.subscribe(device.open("online")).codes == (0x87,)
    assert app.publish(device.open("command_send"), b'{"method":"m"}').code == 0x87
    assert app.publish(device.open("attributes_push"), b"{}").code == 0x10


@versions
def test_no_scope_is_left(net, own, secret, version):
    """A pass that asks only for what its secret does not allow is good for nothing: refused."""
    refused(net, version, own, secret("--scopes", "push").pass_of("s").secret, 0x87, 5)


FORGED = {
    "no mac": lambda p, s: f"p1.{CLAIMS}.",
    "another's mac": lambda p, s: make_pass(p.key, "main", s.secret, "s"),
    "another's name": lambda p, s: make_pass(p.key, s.name, p.secret, "s"),
    "unknown name": lambda p, s: make_pass(p.key, "unknown", p.secret, "s"),
    "another project": lambda p, s: make_pass("PR_0000000000", "main", p.secret, "s"),
    "more scopes": lambda p, s: make_pass(p.key, "main", p.secret, "s").replace(".s.", ".sp."),
    "later": lambda p, s: make_pass(p.key, "main", p.secret, "s", 1893456000).replace(
        "1893456000", "1893456001"),
    "padding": lambda p, s: make_pass(p.key, "main", p.secret, "s") + "=",
    "twice the letter": lambda p, s: make_pass(p.key, "main", p.secret, "ss"),
    "no letter": lambda p, s: make_pass(p.key, "main", p.secret, ""),
    "unknown letter": lambda p, s: make_pass(p.key, "main", p.secret, "x"),
    "milliseconds": lambda p, s: make_pass(p.key, "main", p.secret, "s", 1893456000000),
    "zeros": lambda p, s: make_pass(p.key, "main", p.secret, "s", "01893456000"),
    "sign": lambda p, s: make_pass(p.key, "main", p.secret, "s", "+1893456000"),
    "fraction": lambda p, s: make_pass(p.key, "main", p.secret, "s", "1893456000.5"),
    "cut off": lambda p, s: make_pass(p.key, "main", p.secret, "s")[:-1],
    "version 2": lambda p, s: make_pass(p.key, "main", p.secret, "s").replace("p1", "p2"),
    "blank": lambda p, s: make_pass(p.key, "main", p.secret, "s") + " ",
}


@versions
@table("forge", FORGED)
def test_forged(net, own, secret, version, forge):
    """Anything else is a wrong password, with the same answer."""
    refused(net, version, own, forge(own, secret()))


@versions
def test_other_spelling_of_the_mac(net, own, version):
    """base64url has one spelling: other last bits, `+/` instead of `-_` are wrong passwords."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    expires = 1893456000
    while "-" not in (right := make_pass(own.key, "main", own.secret, "s", expires)).split(".")[4]:
        expires += 1
    net.app(version, project=Secret(own, "main", right)).ping()
    last = alphabet[alphabet.index(right[-1]) ^ 1]
    refused(net, version, own, right[:-1] + last)
    head, mac = right.rsplit(".", 1)
    refused(net, version, own, head + "." + mac.replace("-", "+"))


@versions
def test_over(net, own, version):
    """A pass that is over: not authorized."""
    answer = refused(net, version, own,
                     make_pass(own.key, "main", own.secret, "s", int(time.time()) - 1), 0x87, 5)
    assert version != V5 or "expired" in str(answer)


@versions
@pytest.mark.parametrize("transport", ["tls", "wss"])
def test_closed_at_its_expiry(net, own, version, transport):
    """The connection is closed at the pass's expiry (v5 0xA0), not before; others go on, and the
    session with what it is owed is there for the next pass."""
    who, device = Secret.main(own), net.device(own.device(), version)
    name, others = f"page{version}{transport}", (net.app(version, project=own),
                                                 net.app(version, project=who.pass_of()))

    def connect(expires):
        app = net.app(version, transport, project=who.pass_of("s", expires), client_id=name, **KEEP)
        app.subscribe(device.open("data/s"))
        return app

    app, expires = in_time(connect)
    app.expect_closed(0xA0, why="the pass has expired")
    assert expires <= time.time() < expires + 10
    for other in others:
        other.ping()
    device.publish(device.own("data", "s"), b"owed")
    refused(net, version, own, who.pass_of("s", expires).secret, 0x87, 5)
    app = net.app(version, transport, project=who.pass_of(), client_id=name, **KEEP)
    assert app.connack.session_present
    app.receive(device.open("data/s"), b"owed")


@versions
def test_will_at_its_expiry(net, own, version):
    """The end of a pass is an end of the connection like another: the will is published."""
    device = net.device(own.device(), version, subscribe=["attributes_push"])
    who, will = Secret.main(own), Will(device.open("attributes_push"), b'{"page":0}')
    in_time(lambda expires: net.app(version, project=who.pass_of("p", expires), will=will))
    device.receive(device.own("attributes_push"), b'{"page":0}')


def test_secret_over_before_its_pass(net, own, secret):
    """A pass does not outlive its secret (v5 0x87)."""
    who = secret("--expires", "+10s")
    with_secret, with_pass = net.app(project=who), net.app(project=who.pass_of())
    with_secret.expect_closed(0x87, why="the secret has expired")
    with_pass.expect_closed(0x87, why="the secret has expired")
    refused(net, 5, own, who.pass_of().secret, 0x87, 5)


@versions
def test_address_of_its_secret(net, own, secret, version):
    """A pass is bound to the addresses of its secret."""
    refused(net, version, own, secret("--addresses", "192.0.2.0/24").pass_of().secret, 0x87, 5)


@versions
def test_cli(net, own, secret, version):
    """`eztcloud secret pass` makes the same pass as the formula."""
    who = secret("--scopes", "subscribe,push")
    made = who.cli("pass", "--expires", "2030-01-01T00:00:00Z")
    assert made == {"username": own.key, "expires_ms": 1893456000000,
                    "password": make_pass(own.key, who.name, who.secret, "sp", 1893456000)}
    made = who.cli("pass", "--scopes", "push")
    assert abs(made["expires_ms"] / 1000 - time.time() - 3600) < 60
    net.app(version, project=Secret(own, "", made["password"])).ping()
    for flags, named in ((("--scopes", "command"), "command"), (("--expires", "2020-01-01"), "over")):
        done = own.server.cli_run("secret", "pass", who.name, "--project", own.key, *flags)
        assert done.returncode == 1 and named in done.stderr and done.stderr.count("\n") == 1
