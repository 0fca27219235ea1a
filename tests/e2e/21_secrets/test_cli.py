"""`eztcloud secret`: what it shows, what it refuses."""
import re
import time

from lib.cases import table
from lib.passes import Secret

TEXT = re.compile(r"[A-Za-z0-9]{40}")


def test_add_show_list_remove(own):
    """A secret has a name, scopes, address ranges, an expiry; lists are without texts."""
    cli = own.server.cli
    made = cli("secret", "add", "line-2", "--project", own.key, "--scopes", "push,subscribe",
               "--addresses", "192.0.2.0/24,::1", "--expires", "2030-01-01")
    assert TEXT.fullmatch(made["secret"])
    assert abs(made["created_ms"] / 1000 - time.time()) < 60
    assert made == {"name": "line-2", "secret": made["secret"], "project_key": own.key,
                    "scopes": ["push", "subscribe"], "addresses": ["192.0.2.0/24", "::1"],
                    "expires_ms": 1893456000000, "created_ms": made["created_ms"]}
    assert cli("secret", "show", "line-2", "--project", own.key) == made
    rows = cli("secret", "list", "--project", own.key)["secrets"]
    assert [row["name"] for row in rows] == ["main", "line-2"]
    assert rows[0]["scopes"] == ["subscribe", "push", "command"]
    assert made["secret"] not in str(rows) and own.secret not in str(rows)
    assert cli("secret", "show", "main", "--project", own.key)["secret"] == own.secret
    assert cli("secret", "remove", "line-2", "--project", own.key) == {"removed": "line-2"}
    assert [row["name"] for row in cli("secret", "list", "--project", own.key)["secrets"]] == ["main"]


def test_set(own):
    """What is given is changed, what is not stays; the words for "no limit" take one away."""
    who = Secret.add(own, "a", "--scopes", "push", "--addresses", "192.0.2.0/24")
    assert who.cli("set", "--expires", "2030-01-01")["scopes"] == ["push"]
    shown = who.cli("set", "--scopes", "all", "--addresses", "any")
    assert shown["scopes"] == ["subscribe", "push", "command"] and "addresses" not in shown
    assert shown["expires_ms"] == 1893456000000 and "secret" not in shown
    assert "expires_ms" not in who.cli("set", "--expires", "never")
    assert who.cli("show")["secret"] == who.secret


def test_devices_and_types(own):
    """Devices by user name, types by product key or code."""
    cli, login = own.server.cli, own.device()
    kind = cli("type", "add", "--project", own.key, "--name", "Pump", "--code", "pump")["product_key"]
    who = Secret.add(own, "a", "--devices", f"{login.username},DU_0000000000", "--types", "pump")
    shown = who.cli("show")
    assert shown["devices"] == [login.username, "DU_0000000000"] and shown["types"] == [kind]
    shown = who.cli("set", "--devices", "any")
    assert "devices" not in shown and shown["types"] == [kind]
    assert "types" not in who.cli("set", "--types", "any")


def test_for_people(own):
    """Lists with commas, dates, a dash where there is nothing."""
    Secret.add(own, "a", "--scopes", "push,command", "--addresses", "::1", "--expires", "2030-01-01")
    shown = own.server.cli_run("secret", "show", "a", "--project", own.key).stdout
    assert re.search(r"^scopes +push,command$", shown, re.M)
    assert re.search(r"^expires +2030-01-01T00:00:00Z$", shown, re.M)
    listed = own.server.cli_run("secret", "list", "--project", own.key).stdout.splitlines()
    assert re.fullmatch(r"main +\S+Z +- +- +- +subscribe,push,command", listed[1])


def test_main_may_be_removed(own):
    """The main one is a secret like others: gone and made anew."""
    Secret.main(own).cli("remove")
    assert own.server.cli("project", "show", own.key)["project_secret"] == ""
    made = Secret.add(own, "main")
    assert own.server.cli("project", "show", own.key)["project_secret"] == made.secret


@table("args, named", {
    "no name": (("add", "a.b"), "a.b"), "taken": (("add", "main"), "already"),
    "unknown": (("show", "nobody"), "nobody"), "unknown too": (("remove", "nobody"), "nobody"),
    "nothing": (("set", "main"), "--scopes"), "scope": (("set", "main", "--scopes", "publish"), "subscribe"),
    "empty": (("set", "main", "--scopes", ""), "scopes"),
    "address": (("set", "main", "--addresses", "192.0.2.1/24"), "192.0.2.1/24"),
    "expiry": (("set", "main", "--expires", "soon"), "soon"),
    "device": (("set", "main", "--devices", "DU_1"), "DU_"),
    "type": (("set", "main", "--types", "pump,PK_00000"), "pump"),
    "day": (("set", "main", "--expires", "2030-02-30"), "2030-02-30"),
})
def test_mistakes(net, own, args, named):
    """One line that names the mistake, exit 1, and nothing has changed."""
    app = net.app(project=own)
    done = own.server.cli_run("secret", *args, "--project", own.key)
    assert done.returncode == 1
    assert named in done.stderr and done.stderr.count("\n") == 1
    app.ping()


def test_another_projects_secret(own, project):
    """A secret is found in its own project only."""
    Secret.add(own, "mine")
    done = own.server.cli_run("secret", "show", "mine", "--project", project.key)
    assert done.returncode == 1 and "mine" in done.stderr
