"""`eztcloud type …`, and a running server that takes what changed."""
import json

import pytest

from lib.cases import table

DEFINITION = {"strict": True, "max_rate": 3, "attributes": [
    {"id": "t", "name": "温度", "direction": "report", "type": "number", "maximum": 12.5}]}


@pytest.fixture
def add_type(server, project, tmp_path):
    def add(definition=DEFINITION, **members):
        path = tmp_path / "type.json"
        path.write_text(json.dumps({"definition": definition, **members}, ensure_ascii=False))
        return server.cli("type", "add", "--project", project.key, "--file", path,
                          *([] if "name" in members else ["--name", "T"]))
    return add


def test_shown_as_it_was_added(server, project, add_type):
    """Import and export of a type as JSON."""
    made = add_type(name="Thermostat", code="thermo-1")
    shown = server.cli("type", "show", made["product_key"], "--project", project.key)
    assert shown["definition"] == DEFINITION
    assert (shown["name"], shown["code"]) == ("Thermostat", "thermo-1")
    assert shown["product_key"].startswith("PK_") and len(shown["product_key"]) == 8
    assert server.cli("type", "show", "thermo-1", "--project", project.key) == shown
    listed = server.cli("type", "list", "--project", project.key)["types"]
    assert made["product_key"] in [t["product_key"] for t in listed]


def test_exported_and_imported(server, project, add_type, tmp_path):
    """What `show` writes, `add` reads, in another project too."""
    made = add_type(code="copied")
    path = tmp_path / "exported.json"
    shown = server.cli("type", "show", made["product_key"], "--project", project.key)
    path.write_text(json.dumps(shown))
    other = server.cli("project", "add", "--name", "other")["project_key"]
    copy = server.cli("type", "add", "--project", other, "--file", path)
    again = server.cli("type", "show", copy["product_key"], "--project", other)
    assert again["definition"] == DEFINITION and again["code"] == "copied"


@table("definition, why", {
    "typing error": ({"strikt": True}, 'the definition: "strikt" is no member of a definition'),
    "wrong member": ({"attributes": [{"id": "a b"}]},
                     'attribute 1: "id" must be 1 to 64 of A-Z a-z 0-9 _ -'),
})
def test_a_wrong_definition_is_not_stored(server, project, tmp_path, definition, why):
    """A clear line that names the fault."""
    path = tmp_path / "type.json"
    path.write_text(json.dumps({"name": "T", "definition": definition}))
    done = server.cli_run("type", "add", "--project", project.key, "--file", path)
    assert done.returncode == 1
    assert done.stderr == f"eztcloud: {path}: {why}\n"


def test_faults_of_the_caller(server, project, add_type, tmp_path):
    """Each is told in one line."""
    made = add_type(code="taken")
    path = tmp_path / "no.json"
    path.write_text("{")
    cases = [
        (("add", "--project", project.key), "the name is missing"),
        (("add", "--project", project.key, "--name", "T", "--code", "taken"),
         "the project has such a type"),
        (("add", "--project", project.key, "--name", "T", "--code", "a b"), "--code a b: give"),
        (("add", "--project", project.key, "--file", path), "line 1, column 1"),
        (("add", "--project", project.key, "--file", tmp_path / "none"), "unable to open"),
        (("show", "PK_00000", "--project", project.key), "no such type"),
        (("set", made["product_key"], "--project", project.key), "nothing to change"),
        (("remove", "nothing", "--project", project.key), "no such type"),
    ]
    for args, text in cases:
        done = server.cli_run("type", *args)
        assert done.returncode == 1 and text in done.stderr, (args, done)
        assert done.stderr.count("\n") == 1, done


@pytest.mark.fast_tsan
def test_a_changed_definition_counts_at_once(net, server, project, add_type, tmp_path):
    """A device that is connected keeps to the new definition from the next message on."""
    made, device = add_type({}), net.device()
    app = net.app()
    app.subscribe(device.open("attributes"))
    server.cli("device", "set", device.login.username, "--project", project.key,
               "--type", made["product_key"])
    assert device.publish(device.own("attributes"), b'{"x": 1}').code == 0
    app.receive(device.open("attributes"), b'{"x": 1}')
    path = tmp_path / "changed.json"
    path.write_text(json.dumps({"definition": {"strict": True}}))
    server.cli("type", "set", made["product_key"], "--project", project.key, "--file", path)
    assert device.publish(device.own("attributes"), b'{"x": 1}').code == 0x83
    server.cli("device", "set", device.login.username, "--project", project.key, "--type", "none")
    assert device.publish(device.own("attributes"), b'{"x": 2}').code == 0
    app.receive(device.open("attributes"), b'{"x": 2}')


def test_a_removed_type(net, server, project, add_type):
    """Its devices have none then."""
    made, device = add_type({"strict": True}), net.device()
    shown = server.cli("device", "set", device.login.username, "--project", project.key,
                       "--type", made["product_key"])
    assert shown["type"] == made["product_key"]
    assert device.publish(device.own("attributes"), b'{"x": 1}').code == 0x83
    server.cli("type", "remove", made["product_key"], "--project", project.key)
    assert device.publish(device.own("attributes"), b'{"x": 1}').code == 0
    shown = server.cli("device", "show", device.login.username, "--project", project.key)
    assert shown["type"] is None


def test_a_device_is_added_with_a_type(net, server, project, add_type):
    """By its code."""
    made = add_type({"strict": True}, code="strict-one")
    added = server.cli("device", "add", "--project", project.key, "--type", "strict-one")
    assert added["type"] == made["product_key"]
    device = net.raw("device").connect(None, added["username"], added["password"])
    assert device.publish(f"attributes/{added['username']}", b'{"x": 1}').code == 0x83


def test_types_survive_a_restart(net, server, project, add_type):
    """What a device keeps to is known again after the start."""
    made, login = add_type({"strict": True}), project.device()
    server.cli("device", "set", login.username, "--project", project.key,
               "--type", made["product_key"])
    server.stop()
    server.start()
    device = net.device(login)
    assert device.publish(device.own("attributes"), b'{"x": 1}').code == 0x83
