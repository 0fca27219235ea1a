"""Sub-devices from the command line: their place below a parent, serial numbers."""
import pytest

from lib.world import Project


@pytest.fixture
def gateway(project):
    return project.device().username


def add(server, project, *flags):
    return server.cli("device", "add", "--project", project.key, *flags)


def test_add_and_show(server, project, gateway):
    """device-protocol "Sub-devices": a sub-device has a parent, an address below it, and its own
    deviceUsername."""
    made = add(server, project, "--parent", gateway, "--address", "1", "--sn", "SN 7")
    assert made["username"] != gateway
    shown = server.cli("device", "show", "--project", project.key, made["username"])
    assert (shown["parent"], shown["address"], shown["sn"]) == (gateway, "1", "SN 7")
    shown = server.cli("device", "show", "--project", project.key, gateway)
    assert (shown["parent"], shown["address"], shown["sn"]) == (None, None, None)
    text = server.cli_run("device", "list", "--project", project.key).stdout
    assert gateway in text.partition(made["username"])[2].splitlines()[0]


def test_place_is_of_one_device(server, project, gateway):
    """device-protocol: (project, parent, address) names exactly one device."""
    first = add(server, project, "--parent", gateway, "--address", "1")["username"]
    for command in (("device", "add", "--parent", gateway, "--address", "1"),
                    ("device", "set", add(server, project)["username"], "--parent", gateway,
                     "--address", "1")):
        done = server.cli_run(*command, "--project", project.key)
        assert done.returncode == 1
        assert "has this address" in done.stderr and done.stderr.count("\n") == 1
    add(server, project, "--parent", first, "--address", "1")


def test_move_and_free(server, project, gateway):
    """A sub-device is moved below another parent, keeps its address unless it gets another one,
    and may connect itself again."""
    other = project.device().username
    sub = add(server, project, "--parent", gateway, "--address", "1")["username"]

    def change(*flags):
        server.cli("device", "set", sub, "--project", project.key, *flags)
        shown = server.cli("device", "show", sub, "--project", project.key)
        return shown["parent"], shown["address"]

    assert change("--parent", other) == (other, "1")
    assert change("--address", "7") == (other, "7")
    assert change("--parent", "none") == (None, None)


@pytest.mark.parametrize("flags, word", [
    (("--address", "1"), "--parent"),
    (("--parent", "DU_nothere000", "--address", "1"), "no such device in this project"),
    (("--parent", "gateway", "--address", "1"), "--parent gateway"),
    (("--parent", "DU_nothere000"), "--address"),
    (("--sn", "a/b"), "--sn"),
    (("--count", "2", "--sn", "a"), "--count"),
])
def test_wrong_places(server, project, flags, word):
    """What is wrong is told in one line, and nothing is added."""
    before = server.cli("device", "list", "--project", project.key)
    done = server.cli_run("device", "add", "--project", project.key, *flags)
    assert done.returncode == 1
    assert word in done.stderr and done.stderr.count("\n") == 1
    assert server.cli("device", "list", "--project", project.key) == before


def test_no_circle(server, project, gateway):
    """A device cannot stand below itself, nor below another project's device."""
    sub = add(server, project, "--parent", gateway, "--address", "1")["username"]
    for parent, word in ((sub, "below itself"), (gateway, "below itself"),
                         (Project.add(server).device().username, "no such device")):
        done = server.cli_run("device", "set", gateway, "--project", project.key, "--parent",
                              parent, "--address", "1")
        assert done.returncode == 1 and word in done.stderr


def test_remove_a_parent(server, project, gateway):
    """What is below a device goes with it."""
    sub = add(server, project, "--parent", gateway, "--address", "1")["username"]
    below = add(server, project, "--parent", sub, "--address", "1")["username"]
    server.cli("device", "remove", gateway, "--project", project.key)
    left = server.cli("device", "list", "--project", project.key)["devices"]
    assert not {gateway, sub, below} & {row["username"] for row in left}


def test_serial_numbers(server, project):
    """A serial number names one device of its type."""
    kind = server.cli("type", "add", "--project", project.key, "--name", "pump")["product_key"]
    add(server, project, "--type", kind, "--sn", "0001")
    done = server.cli_run("device", "add", "--project", project.key, "--type", kind, "--sn", "0001")
    assert done.returncode == 1 and "serial number" in done.stderr
    other = add(server, project, "--sn", "0001")["username"]
    server.cli("device", "set", other, "--project", project.key, "--sn", "")
    assert server.cli("device", "show", other, "--project", project.key)["sn"] is None
