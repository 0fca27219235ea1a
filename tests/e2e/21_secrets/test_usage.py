"""open-api 3: a secret shows when and from where it was last used."""
import time

from lib.passes import Secret
from lib.server import Server
from lib.world import Net, Project

ELSEWHERE = "127.0.0.2"


def uses(project):
    """By name: when (Unix ms) and from where, None where it never was."""
    rows = project.server.cli("secret", "list", "--project", project.key)["secrets"]
    return {row["name"]: (row.get("used_ms"), row.get("used_from")) for row in rows}


def test_last_use(net, own, secret):
    """Shown at once: of each secret its own, by password or by pass; a refusal is no use."""
    one, other, unused = secret(), secret("--expires", "2020-01-01"), secret()
    assert set(uses(own).values()) == {(None, None)}
    before = int(time.time() * 1000)
    net.app(project=one).ping()
    net.raw("app").connect(None, own.key, other.secret, code=0x87)
    net.client(net.tls(source=ELSEWHERE)).connect(None, own.key,
                                                  Secret.main(own).pass_of().secret).ping()
    shown = uses(own)
    assert shown[other.name] == shown[unused.name] == (None, None)
    assert shown[one.name][1] == "127.0.0.1" and shown["main"][1] == ELSEWHERE
    for name in (one.name, "main"):
        assert before - 1000 <= shown[name][0] <= time.time() * 1000 + 1000
    assert one.cli("show")["used_from"] == "127.0.0.1"


def test_as_long_as_it_is_connected(net, own):
    """The end of a connection is a use, so that a secret does not seem idle that is not."""
    app = net.app(project=own)
    first = uses(own)["main"][0]
    app.ping()
    app.disconnect()
    net.app(project=Secret.add(own, "later")).ping()  # what was before it has been noted
    last = uses(own)["main"][0]
    assert last > first


def test_over_a_restart():
    """It is kept at a stop, also what was not written down yet."""
    server = Server()
    try:
        own = Project.add(server, "usage")
        net = Net(server.start(), own)
        net.app(project=own).ping()
        net.close()
        server.stop()
        assert uses(own)["main"][1] == "127.0.0.1"
        server.start()
        server.stop()
        assert uses(own)["main"][1] == "127.0.0.1"
    finally:
        server.remove()


def test_is_no_change(net, own, secret):
    """Writing a use down closes no connection."""
    who = secret()
    app = net.app(project=who)
    assert uses(own)[who.name][0]
    assert uses(own)[who.name][0]
    app.ping()
