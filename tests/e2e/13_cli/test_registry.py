"""`eztcloud project` and `eztcloud device` while the server runs: what they say is live at once."""
import re

import pytest

from lib.client import refusal
from lib.packets import V4, V5
from lib.world import BATCH, Project

KEY, DEVICE = re.compile(r"PR_[A-Za-z0-9]{10}"), re.compile(r"DU_[A-Za-z0-9]{10}")
SECRET, PASSWORD = re.compile(r"[A-Za-z0-9]{40}"), re.compile(r"[A-Za-z0-9]{16}")


def test_project_add(net, server):
    """open-api 1: the forms of key, secret and token; the project works when the command
    returns."""
    made = server.cli("project", "add", "--name", "Fabrik Nord 北")
    assert KEY.fullmatch(made["project_key"])
    assert SECRET.fullmatch(made["project_secret"])
    assert SECRET.fullmatch(made["project_token"])
    assert made["name"] == "Fabrik Nord 北"
    net.raw("tls").connect(None, made["project_key"], made["project_secret"]).ping()


def test_identifiers_are_random(server):
    """open-api 1: two projects share nothing."""
    first, second = (server.cli("project", "add", "--name", "same") for _ in range(2))
    for field in ("project_key", "project_secret", "project_token"):
        assert first[field] != second[field]


def test_project_list_and_show(server, project):
    """Every project is listed, the demo project too; `show` gives one."""
    keys = [row["project_key"] for row in server.cli("project", "list")["projects"]]
    assert {project.key, server.demo["project_key"]} <= set(keys)
    assert project.secret not in str(server.cli("project", "list"))
    shown = server.cli("project", "show", project.key)
    assert (shown["project_key"], shown["project_secret"], shown["project_token"]) == (
        project.key, project.secret, project.token)


@pytest.mark.parametrize("version", [V4, V5])
def test_project_remove(net, server, version):
    """A removed project is unknown at once, its devices too; live connections end."""
    gone = Project.add(server, "gone")
    login = gone.device()
    app, device = net.app(version, project=gone), net.device(login, version)
    server.cli("project", "remove", gone.key)
    code = refusal(version, 0x86, 4)
    net.raw("tls", version).connect(None, gone.key, gone.secret, code=code)
    net.raw("tcp", version).connect(None, login.username, login.password, code=code)
    keys = [row["project_key"] for row in server.cli("project", "list")["projects"]]
    assert gone.key not in keys
    for client in (app, device):
        with pytest.raises(AssertionError, match="closed by the server"):
            while True:
                client.recv()


def test_device_add(net, server, project):
    """open-api 1: the forms of deviceUsername and password; it can connect at once."""
    made = server.cli("device", "add", "--project", project.key, "--name", "pump 1")
    assert DEVICE.fullmatch(made["username"])
    assert PASSWORD.fullmatch(made["password"])
    assert made["name"] == "pump 1"
    net.raw("tcp").connect(None, made["username"], made["password"]).ping()


def test_device_add_with_own_credentials(net, server, project):
    """open-api 1: the password may be set by the operator."""
    made = server.cli("device", "add", "--project", project.key, "--username", "DU_e2eOwn0001",
                      "--password", "pässword with spaces")
    assert made["username"] == "DU_e2eOwn0001"
    net.raw("tcp").connect(None, "DU_e2eOwn0001", "pässword with spaces").ping()


def test_device_add_many(net, server, project):
    """`--count`: each of them is another one and works."""
    made = server.cli("device", "add", "--project", project.key, "--count", 5)["devices"]
    assert len({row["username"] for row in made}) == 5
    for row in made:
        net.raw("tcp").connect(None, row["username"], row["password"]).ping()


def test_device_list_and_show(server):
    """`list` has all devices of the project and no others."""
    own, other = Project.add(server, "own"), Project.add(server, "other")
    logins = [own.device() for _ in range(3)]
    names = {login.username for login in logins}
    other.device()
    listed = {row["username"] for row in server.cli("device", "list", "--project", own.key)[
        "devices"]}
    assert names <= listed and len(listed) == BATCH
    for login in logins:
        shown = server.cli("device", "show", "--project", own.key, login.username)
        assert (shown["username"], shown["password"]) == (login.username, login.password)
        done = server.cli_run("device", "show", "--project", other.key, login.username)
        assert done.returncode == 1


@pytest.mark.parametrize("version", [V4, V5])
def test_device_remove(net, server, project, version):
    """A removed device is unknown at once, its connection ends, applications learn 0x90."""
    device, app = net.device(version=version), net.app()
    server.cli("device", "remove", "--project", project.key, device.login.username)
    net.raw("tcp", version).connect(None, device.login.username, device.login.password,
                                    code=refusal(version, 0x86, 4))
    assert app.publish(device.open("command_send"), b'{"method":"m"}').code == 0x90
    with pytest.raises(AssertionError, match="closed by the server"):
        while True:
            device.recv()


def test_same_username_twice(server, project):
    """deviceUsernames are unique in the whole server: a device logs in with nothing else."""
    server.cli("device", "add", "--project", project.key, "--username", "DU_e2eTwice00")
    for key in (project.key, Project.add(server).key):
        done = server.cli_run("device", "add", "--project", key, "--username", "DU_e2eTwice00")
        assert done.returncode == 1
        assert "DU_e2eTwice00" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("count", ["0", "-1", "many", "1000000"])
def test_wrong_count(server, project, count):
    """A number that is none, or out of range: one line that names it, exit 1, nothing added."""
    before = server.cli("device", "list", "--project", project.key)
    done = server.cli_run("device", "add", "--project", project.key, "--count", count)
    assert done.returncode == 1
    assert "count" in done.stderr and done.stderr.count("\n") == 1
    assert server.cli("device", "list", "--project", project.key) == before


def test_without_json(server, project):
    """Without --json the answer is for a person, and names the same things."""
    done = server.cli_run("project", "list")
    assert done.returncode == 0 and project.key in done.stdout
    done = server.cli_run("device", "add", "--project", project.key, "--name", "for a person")
    assert done.returncode == 0 and DEVICE.search(done.stdout)
