"""`eztcloud session`: the sessions of applications in the running server."""
import pytest

from lib.packets import Prop

KEPT = [(Prop.SESSION_EXPIRY, 100)]


def sessions(server, project):
    return {s["client_id"]: s for s in
            server.cli("session", "list", "--project", project.key)["sessions"]}


def test_list(net, server, project):
    """open-api 3, 3.4: connected or not, with the secret that it was last logged in with."""
    assert sessions(server, project) == {}
    app = net.app(client_id="a/b \"ä\"", props=KEPT)
    app.subscribe((f"open/{project.key}/#", 1))
    found = sessions(server, project)["a/b \"ä\""]
    assert found["connected"] and found["persistent"] and found["secret"] == "main"
    assert found["subscriptions"] == [{"filter": f"open/{project.key}/#", "qos": 1}]
    done = server.cli_run("session", "list", "--project", project.key)
    header, row = done.stdout.splitlines()
    assert header.split()[0] == "connected" and row.endswith("a/b \"ä\"") and "main" in row


@pytest.mark.fast_tsan
def test_end(net, server, project):
    """open-api 3.4: the connection hears 0x98, the session is gone."""
    app = net.app(client_id="end \"me\" ä", props=KEPT)
    assert server.cli("session", "end", "end \"me\" ä", "--project", project.key) == {
        "ended": "end \"me\" ä"}
    app.expect_closed(0x98, why="an operator has ended this session")
    assert "end \"me\" ä" not in sessions(server, project)


def test_ends_that_are_none(server, project):
    """What is not there is told."""
    for name in ("nobody", "x" * 256, "x" * 3000):
        done = server.cli_run("session", "end", name, "--project", project.key)
        assert done.returncode == 1 and "session" in done.stderr
    done = server.cli_run("session", "list", "--project", "PR_0000000000")
    assert done.returncode == 1 and "no such project" in done.stderr
