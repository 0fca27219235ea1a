"""open-api 3 "Several secrets": who may log in with which."""
import sqlite3

import pytest

from lib.cases import table, versions
from lib.client import refusal
from lib.passes import Secret
from lib.server import Server
from lib.world import Net, Project

ELSEWHERE = "127.0.0.2"


def refused(net, version, who, v5, v4, stream=None):
    """The answer to a CONNECT that is refused."""
    client = net.client(stream, version) if stream else net.raw("app", version)
    return client.connect(None, who.key, who.secret, code=refusal(version, v5, v4)).connack


@versions
def test_any_live_secret(net, own, secret, version):
    """The password may be any live secret of the project, over wss and mqtts; the main one goes
    on."""
    for who in (secret(), secret(), own):
        net.app(version, "tls", project=who).ping()
        net.app(version, "wss", project=who).ping()


@versions
def test_not_of_another_project(net, server, own, secret, version):
    """A secret is one of its project only; the same name elsewhere has another text."""
    other = Project.add(server, "other")
    mine, theirs = secret(name="same"), Secret.add(other, "same")
    assert mine.secret != theirs.secret
    refused(net, version, Secret(own, "same", theirs.secret), 0x86, 4)
    refused(net, version, Secret(other, "same", mine.secret), 0x86, 4)


@versions
def test_wrong_ones(net, own, secret, version):
    """An unknown key and a wrong secret get the same answer, however many secrets there are."""
    known = secret()
    ghost = Project(own.server, "PR_0000000000", known.secret, "")
    empty = Project.add(own.server, "empty")
    Secret.main(empty).cli("remove")
    answers = {str(refused(net, version, who, 0x86, 4)) for who in (
        ghost, Secret(own, "", known.secret[::-1]), Secret(own, "", ""), Secret(own, "", "a" * 60000),
        Secret(own, "", known.name), empty, Secret(empty, "", ""))}
    assert len(answers) == 1, answers


@versions
def test_expiry(net, own, secret, version):
    """An expired secret is refused as not authorized, which only its holder learns."""
    who = secret("--expires", "2020-01-01")
    answer = refused(net, version, who, 0x87, 5)
    assert version == 4 or "expired" in str(answer)
    refused(net, version, Secret(own, "", who.secret[::-1]), 0x86, 4)
    who.cli("set", "--expires", "+1h")
    net.app(version, project=who).ping()


@versions
@table("addresses, here, elsewhere", {
    "one": ("127.0.0.1", True, False), "both": ("127.0.0.0/30", True, True),
    "another": ("192.0.2.0/24,2001:db8::/32", False, False), "two": ("127.0.0.2,127.0.0.1", True, True),
    "IPv6": ("::/0", True, True), "mapped": ("::ffff:127.0.0.2", False, True)})
def test_addresses(net, secret, version, addresses, here, elsewhere):
    """A secret may be limited to ranges of addresses; from elsewhere: not authorized."""
    who = secret("--addresses", addresses)
    for source, allowed in ((None, here), (ELSEWHERE, elsewhere)):
        stream = net.tls(source=source)
        if allowed:
            net.client(stream, version).connect(None, who.key, who.secret).ping()
        else:
            assert version == 4 or "address" in str(refused(net, version, who, 0x87, 5, stream))


@versions
def test_devices_do_not_log_in_with_them(net, own, secret, version):
    """open-api 2: neither service takes the other's credentials."""
    who, login = secret(), own.device()
    net.raw("device", version).connect(None, own.key, who.secret, code=refusal(version, 0x86, 4))
    net.raw("device", version).connect(None, login.username, who.secret,
                                       code=refusal(version, 0x86, 4))


def test_over_a_restart():
    """Secrets are kept; those that were added or removed while no server ran count too."""
    server = Server()
    try:
        own = Project.add(server, "offline")
        kept, gone = Secret.add(own, "kept", "--scopes", "subscribe"), Secret.add(own, "gone")
        net = Net(server.start(), own)
        net.app(project=kept).ping()
        net.app(project=gone).ping()
        net.close()
        server.stop()
        gone.cli("remove")
        late = Secret.add(own, "late")
        net = Net(server.start(), own)
        for who in (own, kept, late):
            net.app(project=who).ping()
        refused(net, 5, gone, 0x86, 4)
        assert net.app(project=kept).publish(
            own.device().open("attributes_push"), b"{}").code == 0x87
        net.close()
        server.stop()
    finally:
        server.remove()


def test_damaged_secret():
    """One that does not unseal, or whose definition cannot be read, is left out: its project, the
    other secrets and the devices are served."""
    server = Server()
    try:
        own = Project.add(server, "damaged")
        broken, odd, kept = (Secret.add(own, name) for name in ("broken", "odd", "kept"))
        login = own.device()
        with sqlite3.connect(server.data / "registry.db") as registry:
            registry.execute("UPDATE secret SET secret = x'00' WHERE name IN ('broken', 'main')")
            registry.execute("UPDATE secret SET definition = '{\"scopes\": 7}' WHERE name = 'odd'")
        net = Net(server.start(), own)
        for who in (broken, odd, own):
            refused(net, 5, who, 0x86, 4)
        net.app(project=kept).ping()
        net.device(login).ping()
        assert server.cli("project", "show", own.key)["project_secret"] == ""
        net.close()
        server.stop()
    finally:
        server.remove()


@pytest.fixture(scope="module")
def full(server):
    """A project that has as many secrets as it may."""
    project = Project.add(server, "full")
    for i in range(31):
        Secret.add(project, f"s{i}")
    return project


def test_thirty_two(net, full):
    """A project has at most 32, and each is good."""
    done = full.server.cli_run("secret", "add", "one-more", "--project", full.key)
    assert done.returncode == 1 and "32" in done.stderr and done.stderr.count("\n") == 1
    for name in ("main", "s0", "s30"):
        shown = full.server.cli("secret", "show", name, "--project", full.key)
        net.app(project=Secret(full, name, shown["secret"])).ping()
