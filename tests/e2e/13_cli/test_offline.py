"""The command line without a running server, and what lies on the disk."""
import stat

import pytest

from lib.server import Server
from lib.world import Net, Project


@pytest.fixture(scope="module")
def stopped():
    """A data directory with a project and a device, made before any server ran on it."""
    made = Server()
    try:
        project = Project.add(made, "made offline")
        yield made, project, project.device()
        made.stop()
    finally:
        made.remove()


def test_registry_is_there_at_the_start(stopped):
    """What was made while nothing ran works in the server that starts later, and is still listed
    when it has stopped."""
    server, project, login = stopped
    server.start()
    net = Net(server, project)
    net.app().ping()
    net.device(login).ping()
    net.close()
    server.stop()
    keys = [row["project_key"] for row in server.cli("project", "list")["projects"]]
    assert {project.key, server.demo["project_key"]} <= set(keys)


def test_secrets_are_encrypted_at_rest(stopped):
    """No secret of a project or device stands in any file; the key file is the owner's alone."""
    server, project, login = stopped
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        for secret in (project.secret, project.token, login.password):
            assert secret.encode() not in content, path
    keys = [path for path in files if "key" in path.name and path.suffix != ".pem"]
    assert keys and {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_removed_offline(stopped):
    """`remove` without a server."""
    server = stopped[0]
    gone = Project.add(server, "gone")
    name = gone.device().username
    server.cli("device", "remove", "--project", gone.key, name)
    assert server.cli_run("device", "show", "--project", gone.key, name).returncode == 1
    server.cli("project", "remove", gone.key)
    assert server.cli_run("project", "show", gone.key).returncode == 1
